"""``plan`` and ``sync``: from a workspace to a plan, and from a plan to a report."""

import datetime
import threading
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.clock import Clock, WallClock
from lockstep.delivery.sync.options import Options, Purpose
from lockstep.delivery.sync.session import Session, patterns_of
from lockstep.errors import BadInput, LockstepError, NotAllowed
from lockstep.model import ApplyResource, Fleet, Health, Outcome, Plan, Report, ShiftAlias, TargetPlan, Verb
from lockstep.model.engines import AWS
from lockstep.model.rolling import TAKEN_BACK
from lockstep.model.watching import SILENT, Prefixed, Watcher
from lockstep.planning.resources import GOING
from lockstep.values import dataclass

if TYPE_CHECKING:
    from lockstep.engines.aws.connection import Connections

__all__ = ["Begun", "Declined", "Synced", "begin", "make_plan", "run_sync", "sync", "tell"]

_ROUNDS = 3  # plans made for targets that change while they are synced


class Declined(Exception):
    """Whoever was asked did not want the plan to be applied. Nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A sync that is planned, and of which nothing is done."""

    session: Session
    plan: Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Synced:
    """What a sync came to."""

    plan: Plan
    report: Report
    rolled: tuple[TargetPlan, ...] = ()  # targets with a rollout, as they were seen last
    aborted: Mapping[str, str] = field(default_factory=dict)  # targets that this run took back, and why
    late: Mapping[str, str] = field(default_factory=dict)  # what was waited for in vain, and what it is

    @property
    def is_success(self) -> bool:
        """Whether everything that is selected is as Git says, or on its way, as far as anybody can tell."""
        is_done = self.report.is_success and not self.plan.problems and not self.plan.blocked
        return is_done and not self.taken_back and not self.late

    @property
    def taken_back(self) -> tuple[TargetPlan, ...]:
        """Targets whose release was taken back, or stands still although nobody wants it to."""
        return tuple(
            one
            for one in self.rolled
            if one.problem is not None
            or (
                one.progress is not None
                and one.progress.health is not Health.PROGRESSING
                and not one.progress.is_asked
            )
        )


def sync(
    workspace: Workspace,
    options: Options,
    credentials: Credentials,
    *,
    begun: Begun | None = None,
    saved: Plan | None = None,
    watcher: Watcher = SILENT,
    agree: Callable[[Plan], bool] | None = None,
    follows: bool = False,
    waits: float | None = None,
    clock: Clock | None = None,
    stop: threading.Event,
) -> Synced:
    """Plan and do it as ``run_sync`` does, then leave records of it and tell the source of it.

    One that ``follows`` takes the steps of rollouts until none goes on by itself; ``clock`` is the time that
    they take. With ``waits`` it goes on for so many seconds until AWS is what was handed to a cluster. A
    record or a message that could not be left is a note. Raises what ``run_sync`` raises.
    """
    from lockstep.delivery.sync.rolling import follow_rollouts

    clock = clock or WallClock(stop=stop)
    watcher.progress("planning")
    plan, report = run_sync(
        workspace,
        options,
        begun=begun,
        saved=saved,
        watcher=watcher,
        agree=agree,
        clock=clock,
        stop=stop,
        credentials=credentials,
    )
    watcher.reported(report)
    tell(workspace, plan, report, credentials, watcher)
    aborted = _aborted(plan, report)
    rolled: dict[str, TargetPlan] = {one.target: one for one in plan.targets if one.progress is not None}
    if follows and report.is_success and rolled:
        steps = follow_rollouts(workspace, options, plan, watcher=watcher, clock=clock, stop=stop)
        for later, done in steps:
            rolled |= {one.target: one for one in later.targets}
            if later.steps:
                aborted |= _aborted(later, done)
                report = _joined(report, done, frozenset())
                tell(workspace, later, done, credentials, watcher)
        if stop.is_set():
            watcher.note("left: the next sync goes on with what is under way")
            report = replace(report, interrupted=True)
    if waits is not None and report.is_success:
        from lockstep.delivery.sync.awaiting import await_cluster

        late = await_cluster(workspace, options, plan, waits, watcher=watcher, clock=clock)
        if stop.is_set():
            report = replace(report, interrupted=True)
        return Synced(plan=plan, report=report, rolled=tuple(rolled.values()), aborted=aborted, late=late)
    return Synced(plan=plan, report=report, rolled=tuple(rolled.values()), aborted=aborted)


def _aborted(plan: Plan, report: Report) -> dict[str, str]:
    done = {result.step for result in report.results if result.outcome is Outcome.DONE}
    return {
        step.target: step.reason
        for step in plan.steps
        if isinstance(step, ShiftAlias) and step.state in TAKEN_BACK and step.id in done
    }


def tell(
    workspace: Workspace, plan: Plan, report: Report, credentials: Credentials, watcher: Watcher
) -> None:
    """Leave records of what was done, and tell the source of it, if that is wanted."""
    from lockstep.delivery.sync.records import leave_records
    from lockstep.delivery.sync.reporting import report_deployments

    now = datetime.datetime.now(datetime.UTC)
    leave_records(workspace, plan, report, credentials, now=now, watcher=Prefixed(watcher, "note: "))
    if workspace.project.sources.origin.report:
        watcher.progress("reporting to the source")
        report_deployments(workspace, plan, report, credentials, watcher=Prefixed(watcher, "warning: "))


def make_plan(
    workspace: Workspace,
    options: Options,
    *,
    watcher: Watcher = SILENT,
) -> Plan:
    """Say what ``sync`` would do. Changes nothing. Raises LockstepError."""
    patterns = patterns_of(workspace, options)
    if patterns is None:
        return _nothing(workspace, options)
    return Session(workspace, options, watcher=watcher).plan(patterns)


def begin(
    workspace: Workspace,
    options: Options,
    patterns: tuple[str, ...],
    *,
    watcher: Watcher = SILENT,
    clock: Clock | None = None,
    stop: threading.Event,
    credentials: Credentials | None = None,
    connections: "Connections | None" = None,
) -> Begun:
    """Plan a sync, which ``run_sync`` then does. Changes nothing. Raises LockstepError."""
    session = Session(
        workspace,
        options,
        purpose=Purpose.SYNC,
        clock=clock,
        stop=stop,
        watcher=watcher,
        credentials=credentials,
        connections=connections,
    )
    return Begun(session=session, plan=session.plan(patterns))


def run_sync(
    workspace: Workspace,
    options: Options,
    *,
    begun: Begun | None = None,
    saved: Plan | None = None,
    watcher: Watcher = SILENT,
    agree: Callable[[Plan], bool] | None = None,
    clock: Clock | None = None,
    stop: threading.Event,
    credentials: Credentials | None = None,
) -> tuple[Plan, Report]:
    """Plan and do it. A target that changed meanwhile is read and planned again.

    ``begun`` is the sync where it was planned before, of the same files under the same options.
    With ``saved``, only that plan is applied: what would be done now must be just what it says. ``agree``
    is asked about every plan before it is applied, also about one for targets that changed meanwhile.
    What a cluster applies is written into Git with ``credentials``.
    Raises Declined when the first one is not wanted, NotAllowed when a guard refuses or a saved plan is
    stale, LockstepError when planning fails.
    """
    if saved is not None:
        options = _options_of(saved, options)
    patterns = saved.selection if saved else patterns_of(workspace, options)
    if patterns is None:
        plan = _nothing(workspace, options)
        watcher.planned(plan)
        return plan, Report()
    begun = begun or begin(
        workspace,
        options,
        patterns,
        clock=clock,
        stop=stop,
        watcher=watcher,
        credentials=credentials,
    )
    session, plan = begun.session, begun.plan
    if saved is not None:
        _check_fresh(saved, plan)
    watcher.planned(plan)
    if agree is not None and not agree(plan):
        raise Declined
    report = session.apply(plan, watcher.stepped)
    for _ in range(_ROUNDS - 1):
        stale = session.stale
        if not stale or saved is not None or stop.is_set():
            break
        try:
            again = session.plan(tuple(sorted(_targets_of(workspace.fleet, stale))))
            stuck = _stuck(again)
            if agree is not None and not agree(again):
                break
            second = Report() if again.problems else session.apply(again, watcher.stepped)
        except LockstepError as error:  # what was done before is still to be told
            return plan, replace(report, mismatches=(*report.mismatches, str(error)))
        report = _joined(report, second, frozenset() if again.problems else stale - stuck.keys())
        report = replace(report, mismatches=(*report.mismatches, *again.problems, *stuck.values()))
        if again.problems:
            break
    return plan, report


def _stuck(plan: Plan) -> dict[str, str]:
    """Targets that turned out to be blocked when they were planned again, and why."""
    return {one.target: f"{one.target}: {one.problem}" for one in plan.blocked}


def _options_of(saved: Plan, options: Options) -> Options:
    """The options that a saved plan was made with; it was reviewed, adoptions and deletes included."""
    given = {
        "--since": options.since is not None,
        "--adopt": options.adopt,
        "--allow-deletes": options.allow_deletes is not None,
    }
    for name, is_given in given.items():
        if is_given:
            raise BadInput("a saved plan says itself what is done", where=name, fix=f"plan again with {name}")
    verbs = [target.verb for target in saved.targets]
    going = sum(isinstance(step, ApplyResource) and step.action in GOING for step in saved.steps)
    deletes = None if saved.problems else verbs.count(Verb.DELETE) + going or None
    return replace(options, adopt=Verb.ADOPT in verbs, allow_deletes=deletes)


def _nothing(workspace: Workspace, options: Options) -> Plan:
    return Plan(
        engine=AWS.name,
        project=workspace.project.name,
        commit=workspace.fleet.commit,
        previews=workspace.fleet.previews,
        notes=(f"no target changed since {options.since}",),
    )


def _check_fresh(saved: Plan, now: Plan) -> None:
    """Refuse a saved plan unless planning again gives the same one.

    Notes may differ: they tell how it was read, and what is remembered is not the same on each machine.
    """
    from lockstep.render.codec import encode_plan

    if saved.project != now.project:
        raise NotAllowed(
            f"the plan is for the project {saved.project}, and this is {now.project}", fix="plan again"
        )
    if saved.commit != now.commit:
        raise NotAllowed(
            f"the plan was made from commit {(saved.commit or '(none)')[:12]}, and the repository is at "
            f"{(now.commit or '(none)')[:12]}",
            fix="plan again, or check out the plan's commit (or name it with --rev)",
        )
    if saved.previews != now.previews:
        raise NotAllowed("previews were changed since the plan was made", fix="plan again")
    if encode_plan(_lasting(saved)) != encode_plan(_lasting(now)):
        before = {target.target: target for target in saved.targets}
        after = {target.target: target for target in now.targets}
        differing = sorted(
            key
            for key in {*before, *after}
            if key not in before or key not in after or before[key].verb != after[key].verb
        )
        what = f" ({', '.join(differing[:5])})" if differing else ""
        raise NotAllowed(f"the plan is stale: what is live has changed since{what}", fix="plan again")


def _lasting(plan: Plan) -> Plan:
    """The plan without what is another thing at each look: notes, and how far rollouts are."""
    targets = tuple(replace(one, progress=None) for one in plan.targets)
    return replace(plan, notes=(), targets=targets)


def _targets_of(fleet: Fleet, stale: frozenset[str]) -> set[str]:
    """Targets to plan again; a bucket stands for every target that it triggers."""
    return {
        key
        for key, target in fleet.targets.items()
        if key in stale or any(trigger.bucket in stale for trigger in target.every_trigger)
    } | {key for key in stale if "/" in key}


def _joined(first: Report, second: Report, stale: frozenset[str]) -> Report:
    """One report of two rounds: what the second round did again replaces the first's failures."""
    again = {result.step for result in second.results}
    kept = [
        result
        for result in first.results
        if result.outcome is Outcome.DONE or (result.target not in stale and result.step not in again)
    ]
    return replace(
        second,
        results=(*kept, *second.results),
        seconds=first.seconds + second.seconds,
        calls=first.calls + second.calls,
        mismatches=(*first.mismatches, *second.mismatches),
        pending=(*first.pending, *second.pending),
    )
