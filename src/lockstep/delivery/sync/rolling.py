"""Following rollouts: plan, do what is due, wait, and plan again, until none goes on by itself.

Nothing is kept in between but which targets are followed: a run that ends here is gone on with by the next.
"""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.clock import Clock
from lockstep.delivery.sync.options import Options, Purpose
from lockstep.delivery.sync.session import Session
from lockstep.errors import BadInput, LockstepError
from lockstep.model import Health, Plan, Report, TargetPlan
from lockstep.model.rollout import Ruling
from lockstep.model.watching import SILENT, Watcher

__all__ = ["follow_rollouts"]

_POLL = 20.0  # seconds between two looks at gates
_LEAST = 0.2
_TRIES = 5  # looks in a row that may fail


def follow_rollouts(
    workspace: Workspace,
    options: Options,
    plan: Plan,
    *,
    watcher: Watcher = SILENT,
    clock: Clock,
    stop: threading.Event,
) -> Iterator[tuple[Plan, Report]]:
    """Each later plan of the targets whose rollouts a plan began or goes on with, and what came of it.

    Ends when each has all calls, was taken back, or waits for somebody; or when ``stop`` is set. Raises
    LockstepError when AWS cannot be read any more; the rollouts stay as they are then.
    """
    keys = [one.target for one in plan.targets if one.progress is not None and one.problem is None]
    if not keys:
        return
    options = replace(options, rollouts=True)
    session = Session(workspace, options, purpose=Purpose.SYNC, clock=clock, stop=stop, watcher=watcher)
    told: dict[str, str] = {}
    blind: dict[str, int] = {}  # looks in a row at which gates could not be judged
    failures = 0
    while keys and not stop.is_set():
        try:
            plan = session.plan(tuple(keys))
        except BadInput:
            raise
        except LockstepError as error:
            failures += 1
            if failures >= _TRIES:
                raise
            watcher.note(f"the rollout was not looked at: {error.problem}")
            if clock.wait(_POLL):
                return
            continue
        failures = 0
        _show(plan, told, watcher)
        watcher.rolled(plan)
        report = session.apply(plan, watcher.stepped) if plan.steps and not plan.problems else Report()
        yield plan, report
        if not report.is_success and not session.stale:
            return
        for one in plan.targets:
            blind[one.target] = blind.get(one.target, 0) + 1 if _is_blind(one) else 0
        keys = [
            one.target
            for one in plan.targets
            if _goes_on(one) or (_is_blind(one) and blind[one.target] < _TRIES)
        ]
        if keys and not plan.steps and clock.wait(_pause(plan, clock.now())):
            return


def _goes_on(one: TargetPlan) -> bool:
    return one.progress is not None and one.problem is None and one.progress.health is Health.PROGRESSING


def _is_blind(one: TargetPlan) -> bool:
    """Whether it stands still because a gate could not be looked at, which may pass."""
    progress = one.progress
    is_still = progress is not None and progress.health is Health.SUSPENDED and not progress.is_asked
    return is_still and progress is not None and any(x.ruling is Ruling.BROKEN for x in progress.findings)


def _pause(plan: Plan, now: datetime) -> float:
    """Seconds until the next step is due, and no longer than gates may go unseen."""
    dues = [
        datetime.fromisoformat(one.progress.due)
        for one in plan.targets
        if one.progress is not None and one.progress.due is not None
    ]
    left = min(((due - now).total_seconds() for due in dues), default=_POLL)
    return min(max(left, _LEAST), _POLL)


def _show(plan: Plan, told: dict[str, str], watcher: Watcher) -> None:
    """What has changed on a line that stays; the time that is left on the one that changes."""
    for one in plan.targets:
        if one.progress is None:
            if told.pop(one.target, None) is not None:
                watcher.note(f"{one.target}: {one.version} has all calls")
            continue
        lasting = one.progress.words.rpartition(", ")[0] if one.progress.due else one.progress.words
        if told.get(one.target) != lasting:
            watcher.note(f"{one.target}: {one.progress.words}")
            told[one.target] = lasting
        else:
            watcher.progress(f"{one.target}: {one.progress.words}")
