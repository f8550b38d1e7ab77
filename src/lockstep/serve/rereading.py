"""Reads the controller's file again when it was changed: who may what counts at once, all else from a start.

A file that is wrong changes nothing, and is told until it is not any more.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lockstep.errors import LockstepError
from lockstep.model.roles import Grants
from lockstep.serve.access import Access
from lockstep.serve.clock import WALL, Clock
from lockstep.serve.file import ServeFile, read_serve_file
from lockstep.serve.following import Follower

__all__ = ["Rereader"]

_LOOK = 2.0  # seconds between two looks at whether it was changed


class Rereader:
    """One file, as it was read when the controller began."""

    def __init__(
        self,
        settings: ServeFile,
        environ: Mapping[str, str],
        followers: Sequence[Follower],
        *,
        tell: Callable[[str], None],
        stop: threading.Event,
        clock: Clock = WALL,
    ) -> None:
        self.access = settings.access
        self._began = settings
        self._environ = environ
        self._followers = {one.project.name: one for one in followers}
        self._tell = tell
        self._stop = stop
        self._clock = clock
        self._seen = _state(settings.path)

    def run(self) -> None:
        """Look again and again until it is stopped."""
        while not self._clock.wait(self._stop, _LOOK):
            self.step()

    def step(self) -> None:
        """Read it, if it was changed."""
        state = _state(self._began.path)
        if state == self._seen:
            return
        self._seen = state
        try:
            found = read_serve_file(self._began.path, self._environ)
        except LockstepError as error:
            self._tell(f"the file is wrong, so nothing of it counts yet: {error}")
            return
        self._take(found)
        if _without_rights(found) == _without_rights(self._began):
            self._tell("who may what is as the file says now")
        else:
            self._tell(
                "who may what is as the file says now; what else was changed counts from the next start"
            )

    def _take(self, found: ServeFile) -> None:
        old, new = self.access, found.access
        self.access = replace(old, tokens=new.tokens, anybody=new.anybody, grants=new.grants)
        for project in found.projects:
            follower = self._followers.get(project.name)
            if follower is not None:
                follower.project = replace(follower.project, grants=project.grants)


def _without_rights(settings: ServeFile) -> ServeFile:
    """What a start is needed for."""
    access = Access(url=settings.access.url, login=settings.access.login)
    projects = tuple(replace(one, grants=Grants()) for one in settings.projects)
    return replace(settings, access=access, projects=projects)


def _state(path: Path) -> tuple[int, int, int] | None:
    """What another one has when the file was changed; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
