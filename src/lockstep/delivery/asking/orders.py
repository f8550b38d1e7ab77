"""Orders: what a server is to do, and following it while it does."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lockstep.delivery.asking.server import Server
from lockstep.errors import BadInput, Interrupted, LockstepError, Unreadable
from lockstep.model import StatusRow, SyncStatus, select
from lockstep.suggest import suggestion

__all__ = ["chosen", "follow", "look_ahead", "order", "to_sync"]

_EACH = 1.0  # seconds between two looks at a run
_AWAY = 60.0  # seconds for which a server may be away meanwhile
_RUNNING = "running"


def look_ahead(server: Server, project: str, target: str, verb: str, **more: str) -> list[str]:
    """What would come of a verb, in lines. Changes nothing. Raises LockstepError."""
    fields = {"project": project, "target": target, "verb": verb, "dryRun": True, **_given(more)}
    return [str(line) for line in server.send("/orders", "order", fields)["lines"]]


def order(server: Server, project: str, target: str, verb: str, **more: str) -> str:
    """Ask for a verb; the id of its run. Raises LockstepError."""
    fields = {"project": project, "target": target, "verb": verb, **_given(more)}
    try:
        return str(server.send("/orders", "order", fields)["run"])
    except Unreadable as error:
        raise LockstepError(
            error.problem, where=error.where, fix="`lockstep runs` tells whether it was taken; then run again"
        ) from None


def follow(
    server: Server, run: str, tell: Callable[[Mapping[str, Any]], None], *, stop: threading.Event
) -> dict[str, Any]:
    """Tell each step of a run when it has ended, until the run is over, or ``stop``; then the run.

    A server that is away for a moment is asked again. Raises LockstepError; Interrupted for ``stop`` while
    the server is away, when nothing is known of the run.
    """
    told, lost = 0, 0.0
    while True:
        try:
            found: dict[str, Any] = server.get(f"/runs/{run}", "run")["run"]
            lost = 0.0
        except Unreadable as error:
            lost = lost or time.monotonic()
            if time.monotonic() - lost > _AWAY:
                raise
            if stop.wait(_EACH):
                raise Interrupted(
                    error.problem, where=error.where, fix=f"ask again: lockstep runs {run}"
                ) from None
            continue
        for step in found["steps"][told:]:
            tell(step)
        told = len(found["steps"])
        if found["state"] != _RUNNING or stop.wait(_EACH):
            return found


def chosen(rows: Iterable[StatusRow], patterns: list[str]) -> list[StatusRow]:
    """The rows that patterns select, all of them without any. BadInput for one that selects none."""
    by_key = {row.target: row for row in rows}
    for pattern in patterns:
        if not select(by_key, [pattern]):
            known = sorted({*by_key, *(row.environment for row in by_key.values())})
            raise BadInput(
                "no target matches",
                where=pattern,
                fix=suggestion(pattern, known, f"there are: {', '.join(known[:8])}", most=3),
            )
    return [by_key[key] for key in select(by_key, patterns)]


def to_sync(rows: Iterable[StatusRow], patterns: list[str]) -> list[str]:
    """Targets to sync: those that are named outright, and of others those that are not as Git says."""
    return [
        row.target
        for row in chosen(rows, patterns)
        if row.is_ours and (row.status is not SyncStatus.SYNCED or row.target in patterns)
    ]


def _given(more: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in more.items() if value}
