"""Waiting until AWS is what a cluster was given manifests for: it is read again, and nothing is changed."""

from collections.abc import Mapping

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.clock import Clock
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.status import read_status
from lockstep.errors import BadInput, LockstepError
from lockstep.model import Health, Plan, StatusRow, SyncStatus, Verb
from lockstep.model.target import environment_of
from lockstep.model.watching import SILENT, Watcher

__all__ = ["await_cluster"]

_POLL = 20.0  # seconds between two looks


def await_cluster(
    workspace: Workspace,
    options: Options,
    plan: Plan,
    seconds: float,
    *,
    watcher: Watcher = SILENT,
    clock: Clock,
) -> Mapping[str, str]:
    """Look at what a plan handed over until it is Synced and Healthy, or gone, for so long at the most.

    Returns why targets are not yet; none when all are, or when the clock was stopped. BadInput is raised,
    anything else that goes wrong is told, and tried again.
    """
    project = workspace.project
    handed = [
        one
        for one in plan.targets
        if one.problem is None and project.environment(environment_of(one.target)).traits.road is not None
    ]
    keys = tuple(one.target for one in handed)
    going = frozenset(one.target for one in handed if one.verb is Verb.DELETE)
    begun = clock.now()
    waits: dict[str, str] = {}
    while keys:
        try:
            rows, _ = read_status(
                workspace, Options(patterns=keys, checked=False, github_token=options.github_token)
            )
        except BadInput:
            raise
        except LockstepError as error:
            waits = dict.fromkeys(keys, f"AWS could not be read: {error.problem}")
        else:
            found = {row.target: row for row in rows}
            waits = {
                key: _why(found.get(key))
                for key in keys
                if not _is_done(found.get(key), is_going=key in going)
            }
        keys = tuple(key for key in keys if key in waits)
        if keys and (clock.now() - begun).total_seconds() >= seconds:
            return waits
        watcher.progress(f"waiting for the cluster: {', '.join(keys[:3])}{' ...' if len(keys) > 3 else ''}")
        if keys and clock.wait(_POLL):
            return {}
    return {}


def _is_done(row: StatusRow | None, *, is_going: bool) -> bool:
    """Whether AWS shows what was handed over; of what is to go, nothing, where that could be read."""
    if row is None:
        return is_going
    return row.status is SyncStatus.SYNCED and row.health is Health.HEALTHY


def _why(row: StatusRow | None) -> str:
    if row is None:
        return "AWS does not show it"
    return f"{row.status}, {row.health}{f': {row.problem}' if row.problem else ''}"
