"""The alias that calls a function, compared: what it points at, and whether that is what is declared.

A published version is known by code and configuration together. What a function's tags remember says which
qualifiers (aliases, or the function itself) have something of ours on them, so that a function that moves
from one to another is found again by the next run, wherever the first one was killed.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lockstep.model import Alias, Change, Function, Health, Target
from lockstep.model.alias import (
    described,
    is_ours,
    pointed_at,
    release_of,
    undated,
    unversioned,
    versioned,
)
from lockstep.model.function import timeout_of
from lockstep.model.rolling import TAKEN_BACK, RolloutRecord, RolloutState, record_of, taken_over
from lockstep.model.rollout import Progress, Rollout, RolloutWish, share_words
from lockstep.planning.beside import has_others
from lockstep.planning.charting import charts_of
from lockstep.planning.compared import narrowed
from lockstep.planning.diff import (
    diff_code,
    diff_settings,
    row_of,
    with_ignored,
    without_unknown,
)
from lockstep.planning.policy import VERSION_TAG, remembered_qualifiers
from lockstep.planning.rollouts import (
    NO_ROLLOUT,
    Abort,
    Course,
    Decision,
    Finish,
    Forget,
    Mark,
    Pause,
    TakeStep,
    Wait,
    advance,
    progress_of,
    wished,
)
from lockstep.values import dataclass

__all__ = ["CallShare", "Shift", "course_of", "differing", "of_version", "settled", "shift_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CallShare:
    """What a version is to get of the calls, with what is written down of it. Times are ISO 8601."""

    weight: float
    state: RolloutState
    step: int  # from 0
    begun: str | None = None  # None: it begins now
    digest: str = ""  # of the version's code
    mark: str = ""  # of the release that stays the alias's
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """What has to happen to the aliases of one function. Nothing, for one that has none and had none."""

    alias: str | None = None  # the declared one
    description: str = ""  # that it is to have
    live: Alias | None = None  # as it is
    version: str | None = None  # that it is to point at; None: one that is published for it
    publishes: bool = False  # no version that was read is as declared
    puts: bool = False  # it has to be written
    share: CallShare | None = None  # of the calls, that the version is to get; None: all
    is_tried: bool = False  # a call of the version comes first
    progress: Progress | None = None  # of its rollout
    course: Course | None = None  # how the alias stands in it
    decision: Decision | None = None  # what would be done about it, were the target no member of a group
    leaving: tuple[Alias, ...] = ()  # aliases of ours that nothing is to call any more
    problem: str | None = None
    seen: Function | None = None  # the version that was compared: that it points at, or that is declared
    off: tuple[Change, ...] = ()  # what that version has otherwise
    changes: tuple[Change, ...] = ()

    @property
    def is_weighted(self) -> bool:
        """Whether the alias has weights, be they AWS's own, and keeps some."""
        is_left = not self.puts or (self.share is not None and self.share.weight > 0)
        return self.live is not None and bool(self.live.weights or self.live.held) and is_left


def shift_of(
    project: str,
    target: Target,
    live: Target | None,
    wanted: Function,
    *,
    adopts: bool,
    now: datetime | None = None,
    wish: RolloutWish | None = None,
    ruled: Decision | str | None = None,
) -> Shift:
    """Compare the declared alias with those that are live; ``wanted`` is the function as it is to be.

    ``ruled`` is what its group does about its rollout, or why nothing can be done that was wished for.
    """
    aliases = live.aliases if live is not None else ()
    remembered = _remembered(live)
    leaving = tuple(
        one
        for one in aliases
        if one.name != target.alias
        and one.name in remembered
        and is_ours(one.description, project)
        and not _serves_others(one, live, target)
    )
    gone = tuple(Change(path="alias", old=f"{one.name}: {one.words}") for one in leaving)
    if target.alias is None:
        return Shift(leaving=leaving, changes=gone)
    release = target.version or ""
    description = described(project, target.key, release)
    have = next((one for one in aliases if one.name == target.alias), None)
    version, problem = target.number, None
    if version is not None:
        seen = _published(version, have, live)
        off = _unlike(target, seen) if seen is not None else ()
        problem = _unusable(target, version, seen, off, live)
        is_right = have is not None and have.version == version
    else:
        seen = have.function if have is not None else None
        off = differing(wanted, seen, target.ignore) if seen is not None else ()
        is_right = seen is not None and not off
        version = have.version if have is not None and is_right else _alike(wanted, live, target.ignore)
    publishes = version is None
    puts = not is_right or bool(have and (have.weights or undated(have.description) != description))
    if have is not None and not is_ours(have.description, project) and have.name not in remembered:
        problem = None if adopts else _foreign(have, wanted)
    smoke = target.rollout.smoke if target.rollout is not None else None
    shift = Shift(
        alias=target.alias,
        description=description,
        live=have,
        version=version,
        publishes=publishes,
        puts=puts,
        leaving=leaving,
        problem=problem,
        seen=seen,
        off=off,
        is_tried=smoke is not None and not is_right and not _comes_back(target, have),
        changes=(
            *_renamed(target, live, have),
            *(_changes(target.alias, have, release, version) if puts else ()),
            *gone,
        ),
    )
    if have is None or have.function is None or problem is not None:
        is_free = wish is None and not isinstance(ruled, str)
        return shift if is_free else replace(shift, puts=False, problem=problem or NO_ROLLOUT)
    now = now or datetime.min.replace(tzinfo=UTC)
    return _rolled(project, target, live, wanted, have, shift, now, wish, ruled, is_right=is_right)


def _rolled(
    project: str,
    target: Target,
    live: Target | None,
    wanted: Function,
    have: Alias,
    shift: Shift,
    now: datetime,
    wish: RolloutWish | None,
    ruled: Decision | str | None,
    *,
    is_right: bool,
) -> Shift:
    """The shift of an alias that points at a version already, by the declared rollout."""
    policy = target.rollout
    course = course_of(project, target, wanted, have)
    record = course.record
    shift = replace(shift, course=course)
    if is_right:
        # Git declares what is stable. What is under way comes back; somebody else's weights stay.
        said = wished(wish, policy or Rollout(), course, None) if wish is not None else ruled
        if said is not None:
            return replace(shift, problem=said) if isinstance(said, str) else replace(shift, puts=True)
        if course.is_foreign and policy is not None and policy.stages:
            return _stopped(shift, target, have)
        return replace(shift, puts=shift.puts or course.is_running)
    if isinstance(ruled, str) or (wish is not None and (policy is None or not policy.stages)):
        why = ruled if isinstance(ruled, str) else NO_ROLLOUT
        return replace(shift, puts=False, publishes=False, problem=why)
    is_back = (wish is None and _comes_back(target, have)) or _was_moved(have, wanted, target)
    if policy is None or not policy.stages or (is_back and not course.is_foreign):
        if wish is None and _was_moved(have, wanted, target):
            return replace(shift, version=pointed_at(have.description), publishes=False, is_tried=False)
        return shift
    decision = advance(policy, course, live.measured if live is not None else None, now)
    shift = replace(shift, decision=decision)
    if ruled is not None:
        decision = ruled
    elif wish is not None:
        said = wished(wish, policy, course, decision)
        if isinstance(said, str):
            return replace(shift, problem=said, puts=False, publishes=False)
        decision = said
    release = target.version or ""
    progress = progress_of(decision, policy, course, release, now)
    charts = charts_of(policy, live.measured if live is not None else None)
    shift = replace(shift, progress=replace(progress, charts=charts))
    is_coming = record is not None and course.is_wanted and record.state is not RolloutState.CLEARED
    number = record.candidate if record is not None and is_coming else shift.version
    begun = record.begun.isoformat() if record is not None else None
    coming = shift.seen if target.number is not None and shift.seen is not None else wanted
    digest = record.digest if record is not None and is_coming else coming.code.sha256 or ""
    match decision:
        case TakeStep(is_new=True) if have.held:
            # AWS lets nobody else give an alias weights until the calls are where it points.
            return _held(shift, have, number, problem=_holding(target, have, live))
        case TakeStep(is_new=True):
            if problem := _unshareable(shift, target, have) or _unknown_alarms(live, target):
                return replace(shift, problem=problem)
            share = CallShare(weight=policy.stages[0].weight, state=RolloutState.RUNNING, step=0)
        case TakeStep(step=step):
            weight = policy.stages[step].weight if step < len(policy.stages) else 1.0
            share = CallShare(weight=weight, state=RolloutState.RUNNING, step=step, begun=begun)
        case Abort(reason=reason, with_group=with_group):
            assert record is not None  # noqa: S101 - it is under way
            number = record.candidate
            share = CallShare(
                weight=0.0,
                state=RolloutState.CLEARED if with_group else RolloutState.ABORTED,
                step=record.step,
                begun=begun,
                digest=record.digest,
                reason=reason,
            )
        case Mark(state=state, reason=reason):
            assert record is not None  # noqa: S101 - it is marked
            share = CallShare(weight=record.weight, state=state, step=record.step, begun=begun, reason=reason)
        case Forget():
            return replace(
                shift,
                version=have.version,
                publishes=False,
                puts=True,
                is_tried=False,
                description=undated(have.description),
                changes=_with_alias_change(shift, have, f"version {have.version}, all calls"),
            )
        case Pause(is_foreign=True):
            return _stopped(shift, target, have)
        case Pause(is_bad=True, reason=reason):
            return _held(shift, have, number, problem=_bad(target, have, release, reason))
        case Pause() | Wait():
            return _held(shift, have, number)
        case Finish():
            return replace(
                shift,
                version=number,
                publishes=False,
                puts=True,
                is_tried=False,
                changes=_with_alias_change(shift, have, f"version {number}"),
            )
    is_new = isinstance(decision, TakeStep) and decision.is_new
    what = f"version {number}" if number is not None else f"version of {release}"
    words = f"{share_words(share.weight)} of the calls"
    if share.state in TAKEN_BACK:
        what, words = f"version {have.version}", f"all calls back: {share.reason}"
    elif isinstance(decision, Mark):
        words = f"paused {share.reason}" if share.state is RolloutState.PAUSED else "goes on"
    return replace(
        shift,
        version=number,
        publishes=number is None,
        puts=True,
        share=replace(share, digest=share.digest or digest[:12], mark=undated(have.description)),
        is_tried=shift.is_tried and is_new,
        changes=_with_alias_change(shift, have, f"{what}: {words}"),
    )


def course_of(project: str, target: Target, wanted: Function, have: Alias) -> Course:
    """How an alias stands in its rollout; ``wanted`` is the function as it is declared."""
    record = record_of(have, project, target.key)
    return Course(
        record=record,
        is_wanted=record is not None and _is_wanted(record, have, wanted, target),
        is_foreign=taken_over(have, record),
        timeout=timeout_of(wanted),
    )


def _is_wanted(record: RolloutRecord, have: Alias, wanted: Function, target: Target) -> bool:
    """Whether the version of a record is what is declared: by what it holds, or else by its code."""
    if target.number is not None:
        return record.candidate == target.number
    if have.candidate is not None:
        return not differing(wanted, have.candidate, target.ignore)
    return bool(record.digest) and (wanted.code.sha256 or "").startswith(record.digest)


def _comes_back(target: Target, have: Alias | None) -> bool:
    """Whether the release that was taken back has calls, or was on its way to them."""
    hold = target.hold.version if target.hold is not None else None
    if hold in (None, target.version) or have is None:
        return False
    coming = have.candidate.settings.get("description") if have.candidate is not None else None
    return hold in (release_of(have.description), release_of(str(coming or "")))


def _was_moved(have: Alias, wanted: Function, target: Target) -> bool:
    """Whether what is declared had all calls before somebody else moved the alias."""
    number = pointed_at(have.description)
    if number is None or number == have.version:
        return False
    if target.number is not None:
        return number == target.number
    return have.candidate is not None and not differing(wanted, have.candidate, target.ignore)


def _unshareable(shift: Shift, target: Target, have: Alias) -> str | None:
    """What two versions of one alias have to have alike. Source: Lambda developer guide, "Implement Lambda
    canary deployments using a weighted alias".
    """
    off = shift.off
    if target.number is not None and shift.seen is not None and have.function is not None:
        off = differing(shift.seen, have.function, ())
    paths = [change.path for change in off if change.path in ("role", "deadLetterTarget")]
    if not paths:
        return None
    place = f"{target.rollout.place}: " if target.rollout is not None and target.rollout.place else ""
    return (
        f"{place}{' and '.join(paths)} changes, and AWS lets two versions share an alias's calls only with "
        "the same role and dead-letter target; let this release go at once with rollout: allAtOnce, or "
        "declare that change first, at once and alone"
    )


def _unknown_alarms(live: Target | None, target: Target) -> str | None:
    """Alarms that do not exist, before the first call is sent to a version that they are to watch."""
    measured = live.measured if live is not None else None
    if target.rollout is None or measured is None or "alarms" in measured.problems:
        return None
    unknown = [name for name in target.rollout.alarms if name not in measured.alarms]
    if not unknown:
        return None
    place = f"{target.rollout.place}: " if target.rollout.place else ""
    return (
        f"{place}there is no alarm {', '.join(unknown)} in the Region of {target.key}; create it, or mend "
        "rollout.alarms"
    )


def _holding(target: Target, have: Alias, live: Target | None) -> str:
    """What a rollout waits for while AWS itself keeps an alias's calls on the version before."""
    held = " and ".join(sorted(have.held))
    reason = live.function.reason if live is not None and live.function is not None else None
    return (
        f"AWS keeps the calls of {have.name} on version {held} ({reason or 'it tells no reason'}), and "
        f"takes no other weights meanwhile; run again once version {have.version} has them, or let this "
        f"release of {target.key} go at once with rollout: allAtOnce"
    )


def _bad(target: Target, have: Alias, release: str, reason: str) -> str:
    return (
        f"{release} was taken back ({reason}), and version {have.version} has all calls; declare another "
        f"release, or try it again: lockstep rollout retry {target.key}"
    )


def _stopped(shift: Shift, target: Target, have: Alias) -> Shift:
    """Somebody else routes the calls: what they want is not known, so nothing is done."""
    problem = (
        f"{have.name} has weights that are not Lockstep's ({have.words}), and a rollout is declared; to give "
        f"all calls back to version {have.version}: lockstep rollout abort {target.key}"
    )
    return _held(shift, have, shift.version, problem=problem)


def _held(shift: Shift, have: Alias, number: str | None, *, problem: str | None = None) -> Shift:
    """Nothing is written, and what differs is told all the same."""
    new = f"version {number}" if number is not None else "version of what is declared"
    return replace(
        shift,
        version=number,
        puts=False,
        publishes=False,
        is_tried=False,
        problem=problem,
        changes=_with_alias_change(shift, have, new),
    )


def _with_alias_change(shift: Shift, have: Alias, new: str) -> tuple[Change, ...]:
    others = tuple(one for one in shift.changes if one.path != "alias" or one.new is None)
    change = Change(path="alias", old=f"{have.name}: {have.words}", new=f"{have.name}: {new}")
    return (*others, *((change,) if change.old != change.new else ()))


def settled(wanted: Function, now: Function) -> Function:
    """The function with all that a version keeps as it is now: a version that is there needs none of it."""
    return replace(
        wanted, code=now.code, settings={**versioned(now.settings), **unversioned(wanted.settings)}
    )


def of_version(change: Change) -> bool:
    """Whether what changes is kept by each version, and not the function's as a whole."""
    name = change.path.partition(".")[0]
    return bool(versioned({name: None})) and (change.path == "code" or row_of(change.path) is not None)


def differing(wanted: Function, version: Function, ignore: Sequence[str]) -> tuple[Change, ...]:
    """What a published version has otherwise than it is wanted, in code and in configuration.

    What others manage has whatever value it had when the version was published.
    """
    wanted = with_ignored(wanted, version, ignore)
    one, other = (replace(each, settings=versioned(each.settings)) for each in (wanted, version))
    return (*diff_code(one, other), *diff_settings(one, other))


def _alike(wanted: Function, live: Target | None, ignore: Sequence[str]) -> str | None:
    """The newest published version, of those that were read, that is what is wanted."""
    found = [one for one in (live.versions if live else ()) if not differing(wanted, one.function, ignore)]
    return max(found, key=lambda one: int(one.number)).number if found else None


def _published(number: str, have: Alias | None, live: Target | None) -> Function | None:
    """The version of a number, where it was read."""
    if have is not None and have.version == number:
        return have.function
    return next((one.function for one in (live.versions if live else ()) if one.number == number), None)


def _unlike(target: Target, version: Function) -> tuple[Change, ...]:
    """What is declared and a version that is declared by its number has otherwise; the rest is its own."""
    assert target.function is not None  # noqa: S101 - only functions have versions
    wanted = without_unknown(target.function, version)
    names = wanted.settings.keys() | wanted.defaults
    return differing(wanted, narrowed(version, names, wanted.settings.get("environment")), target.ignore)


def _unusable(
    target: Target, number: str, version: Function | None, off: Sequence[Change], live: Target | None
) -> str | None:
    """Why the alias cannot point at the version that is declared by its number."""
    name = target.function.name if target.function else ""
    if live is None or live.function is None:
        why = f"the function {name} does not exist, so it has no version {number}"
        fix = "declare a release, which creates it; one whose name is digits alone needs another name"
    elif version is None:
        why = f"version {number} of {name} does not exist: it was never published, or it was removed"
        fix = "declare another number, or the release: a sync publishes it again"
    elif version.health is Health.DEGRADED:
        why = f"version {number} of {name} cannot run: {version.reason}"
        fix = "declare another number, or a release"
    elif off:
        paths = ", ".join(sorted({change.path for change in off}))
        why = f"version {number} of {name} has other {paths} than is declared, and no version ever changes"
        fix = "declare the release, which is published as declared, or what the version has"
    else:
        return None
    return f"{target.place}: {why}; {fix}" if target.place else f"{why}; {fix}"


def _renamed(target: Target, live: Target | None, have: Alias | None) -> tuple[Change, ...]:
    """The release, or the number, that takes the place of another one."""
    function = live.function if live is not None else None
    old = function.tags.get(VERSION_TAG) if function is not None else None
    if have is not None:
        old = have.version if target.number is not None else release_of(have.description)
    return (Change(path="version", old=old, new=target.version),) if old not in (None, target.version) else ()


def _changes(name: str, have: Alias | None, release: str, version: str | None) -> tuple[Change, ...]:
    old = f"{name}: {have.words}" if have is not None else None
    new = f"{name}: version {version}" if version is not None else f"{name}: version of {release}"
    if old == new:  # the release has another name, and runs the same
        new = f"{new}, as {release}"
    return (Change(path="alias", old=old, new=new),)


def _foreign(have: Alias, wanted: Function) -> str:
    return (
        f"the alias {have.name} of {wanted.name} is there and Lockstep did not make it ({have.words}); take "
        "it over with --adopt or `adopt: true`, or declare another lambda.alias"
    )


def _serves_others(alias: Alias, live: Target | None, target: Target) -> bool:
    """Whether somebody else lets something call the alias, or manages what is on it: it stays, then."""
    statements = live.statements if live is not None else ()
    return any(
        one.qualifier == alias.name and not one.sid.startswith("lockstep-") for one in statements
    ) or has_others(target, live, alias.name)


def _remembered(live: Target | None) -> set[str]:
    function = live.function if live is not None else None
    return remembered_qualifiers(function.tags) if function is not None else set()
