"""``logs``: what a target's function has logged, and goes on logging."""

import threading
import time
from collections.abc import Callable, Iterator

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.trying.place import find_place, secrets_of
from lockstep.model.masking import without_secrets_in
from lockstep.model.trying import LogLine

__all__ = ["follow_logs", "read_logs"]

_PAUSE = 2.0  # seconds between two looks; FilterLogEvents is allowed 5 to 10 times a second in an account
_LATE = 10_000  # milliseconds: lines may come into a group after later ones


def read_logs(workspace: Workspace, key: str, *, since: float, now: float) -> tuple[LogLine, ...]:
    """The lines of the last ``since`` seconds, without secrets. Raises BadInput or CloudError."""
    look = _looking(workspace, key)
    return tuple(look(int((now - since) * 1000)))


def follow_logs(
    workspace: Workspace, key: str, *, since: float, now: float, stop: threading.Event
) -> Iterator[LogLine]:
    """The same, and then every line that comes, until ``stop`` is set."""
    look = _looking(workspace, key)
    start, known = int((now - since) * 1000), set[str]()
    while not stop.is_set():
        for line in look(start):
            if line.id not in known:
                known.add(line.id)
                start = max(start, line.at - _LATE)
                yield line
        stop.wait(_PAUSE)
        if len(known) > 100_000:
            known = set()
            start = int(time.time() * 1000)


def _looking(workspace: Workspace, key: str) -> Callable[[int], Iterator[LogLine]]:
    from lockstep.engines.aws.connection import Connections
    from lockstep.engines.aws.trying import log_lines, variables_of

    place = find_place(workspace, key)
    connections = Connections()
    connection = connections.get(workspace.project.environment(place.environment))
    secrets = secrets_of(place, variables_of(connection, place.function.name))

    def look(since: int) -> Iterator[LogLine]:
        with connections.reading(fix="run again when it answers faster, or ask for less with --since"):
            lines = log_lines(
                connection, place.group, place.function.name, since=since, is_shared=place.is_shared
            )
        for line in lines:
            yield LogLine(id=line.id, at=line.at, text=without_secrets_in(line.text, secrets))

    return look
