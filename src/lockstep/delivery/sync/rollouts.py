"""What people say of rollouts: how far one is, and that it goes on, stops, or comes back."""

import threading
from dataclasses import replace

from lockstep.delivery.places.actor import find_actor
from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.selection import check_patterns
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.options import Options, Purpose
from lockstep.delivery.sync.run import tell
from lockstep.delivery.sync.session import Session
from lockstep.errors import BadInput, CloudError, NotAllowed
from lockstep.model import Outcome, Plan, TargetPlan
from lockstep.model.rollout import RolloutWish, Word
from lockstep.model.watching import SILENT, Watcher

__all__ = ["say", "see"]

_FIXES = {
    Word.APPROVE: "lockstep rollout status {key} tells what it waits for",
    Word.PAUSE: "lockstep status {key} shows what is live",
    Word.RESUME: "lockstep rollout status {key} tells what it waits for",
    Word.ABORT: "lockstep status {key} shows what is live",
    Word.RETRY: "lockstep sync {key} brings what Git declares",
}


def see(workspace: Workspace, key: str, options: Options, *, watcher: Watcher = SILENT) -> TargetPlan:
    """A target with how far its rollout is. Changes nothing. Raises LockstepError."""
    _check(workspace, key)
    session = Session(workspace, replace(options, rollouts=True), watcher=watcher)
    return _of(session.plan((key,)).targets, key)


def say(
    workspace: Workspace,
    key: str,
    word: Word,
    options: Options,
    credentials: Credentials,
    *,
    reason: str | None = None,
    watcher: Watcher = SILENT,
    stop: threading.Event,
) -> TargetPlan:
    """Do what somebody wants of a rollout: one write of the alias, to the revision that was read.

    What came of it is recorded and told as after a sync. Returns the target as it was planned. Raises
    NotAllowed when nothing is to be done about it.
    """
    _check(workspace, key)
    by = find_actor(workspace.repository).name if workspace.repository is not None else "somebody"
    said = f"by {by}" + (f": {reason}" if reason else "")
    options = replace(options, rollouts=True, wish=RolloutWish(target=key, word=word, reason=said))
    session = Session(workspace, options, purpose=Purpose.SYNC, stop=stop, watcher=watcher)
    plan = session.plan((key,))
    one = _of(plan.targets, key)
    fix = _FIXES[word].format(key=key)
    if not plan.steps:
        raise NotAllowed(
            one.problem or "no rollout is under way", where=key, doing=f"{word} a rollout", fix=fix
        )
    watcher.rolled(plan)
    report = session.apply(plan, watcher.stepped)
    tell(workspace, _meant(plan), report, credentials, watcher)
    failed = next((one.error for one in report.results if one.outcome is not Outcome.DONE), None)
    if failed is not None or not report.is_success:
        raise CloudError(failed or "it was not done", where=key, fix="run it again")
    return one


def _meant(plan: Plan) -> Plan:
    """The plan of those alone that something was done about."""
    keys = {one.target for one in plan.steps}
    return replace(plan, targets=tuple(one for one in plan.targets if one.target in keys))


def _of(targets: tuple[TargetPlan, ...], key: str) -> TargetPlan:
    return next(one for one in targets if one.target == key)


def _check(workspace: Workspace, key: str) -> None:
    check_patterns(workspace, (key,))
    target = workspace.fleet.targets.get(key)
    if target is None:
        raise BadInput("it names no single target", where=key, fix="write one as `lockstep status` lists it")
    if target.rollout is None or not target.rollout.stages:
        raise BadInput(
            "no rollout is declared for it",
            where=target.place or key,
            fix="declare lambda.rollout; without it all calls go to a release at once",
        )
