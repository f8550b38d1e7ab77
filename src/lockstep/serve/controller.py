"""The loop: every project in a thread of its own, until somebody stops it."""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.sync.hearing import open_queue
from lockstep.errors import BadInput, MachineError
from lockstep.serve.circles import Circles
from lockstep.serve.clock import WALL, Clock
from lockstep.serve.file import Followed, ServeFile
from lockstep.serve.following import Elsewhere, Follower
from lockstep.serve.hearing import Listener
from lockstep.serve.messages.messenger import Messenger
from lockstep.serve.messages.tellers import teller_of
from lockstep.serve.recording import Recorder, open_history
from lockstep.serve.rereading import Rereader

if TYPE_CHECKING:
    from lockstep.serve.machines import Machines

__all__ = ["Controller", "Part", "only_one"]


class Part(StrEnum):
    """What a controller does, of several on one database."""

    ALL = "all"
    WEB = "web"  # shows pages, and does nothing of what is due
    WORKER = "worker"  # the other way round


class Controller:
    """Follows all projects of a file."""

    def __init__(
        self,
        settings: ServeFile,
        *,
        credentials: Credentials,
        tell: Callable[[str, str], None],
        stop: threading.Event,
        environ: Mapping[str, str],
        part: Part = Part.ALL,
        clock: Clock = WALL,
    ) -> None:
        self._stop = stop
        self._clock = clock
        self._circles = Circles(clock.ticks)
        self._tell = tell
        self._settings = settings
        self._credentials = credentials
        self.history = open_history(settings.data, _telling(tell, "history"), settings.database)
        self._recorder = Recorder(
            self.history, keep=settings.keep, tell=_telling(tell, "history"), now=clock.now
        )
        self._machines: Machines | None = None
        if settings.database is not None and self.history is not None:
            from lockstep.serve import machines

            self._machines = machines.Machines(
                settings.database,
                self.history,
                [project.name for project in settings.projects],
                lasts=settings.lease,
                tell=tell,
                stop=stop,
                clock=clock,
            )
        # Those that do what is due.
        self.working = [] if part is Part.WEB else [self._follower(one) for one in settings.projects]
        shown = part is Part.WEB or (part is Part.ALL and settings.listen is not None)
        looking = settings.projects if shown and self._machines is not None else ()
        self._looking = [self._follower(one, self._machines) for one in looking]
        self.followers = self.working if self._machines is None else self._looking  # what pages show
        self._messengers = self._messengers_of(settings) if part is not Part.WORKER else []
        self.rereader = Rereader(
            settings, environ, self.followers, tell=_telling(tell, ""), stop=stop, clock=clock
        )
        self._listeners = [
            Listener(
                partial(open_queue, arn, stop),
                partial(self._hear, follower),
                tell=_telling(tell, follower.project.name),
                stop=stop,
                clock=clock,
            )
            for follower in self.working
            for arn in follower.project.events
        ]

    def _hear(self, follower: Follower, names: frozenset[str]) -> None:
        """AWS tells of a change: looked at soon, by whoever has the project's next turn."""
        if self._machines is None:
            follower.hear(names)
        else:
            self._machines.hear(follower.project.name, names)

    def _messengers_of(self, settings: ServeFile) -> list[Messenger]:
        if self.history is None:
            if settings.destinations:
                self._tell("messages", "nobody is told anything, because no history is kept")
            return []
        by_name = {one.project.name: one for one in self.followers or self.working}
        address = f"{settings.access.url}/" if settings.access.url else ""
        return [
            Messenger(
                one.name,
                teller_of(one.way, address, lambda name: by_name[name].forge()),
                one.rules,
                self.history,
                tell=_telling(self._tell, "messages"),
                stop=self._stop,
                may=self._machines.may_tell if self._machines is not None else lambda: True,
                clock=self._clock,
            )
            for one in settings.destinations
        ]

    def _follower(self, project: Followed, elsewhere: Elsewhere | None = None) -> Follower:
        return Follower(
            project,
            data=self._settings.data,
            credentials=self._credentials,
            tell=_silent if elsewhere is not None and self.working else _telling(self._tell, project.name),
            clock=self._clock.ticks,
            now=self._clock.now,
            stop=self._stop,
            recorder=self._recorder,
            elsewhere=elsewhere,
        )

    @property
    def is_alive(self) -> bool:
        """Whether everything that it does, or looks at, has somebody who does."""
        machines = self._machines is None or self._machines.is_alive
        return machines and all(one.is_alive for one in self.followers)

    def under_way(self) -> list[str]:
        """What is being synced now."""
        return [one.under_way for one in self.working if one.under_way]

    def run(self) -> None:
        """Follow until it is stopped; what is being applied then is finished first."""
        threads: list[threading.Thread] = []
        if self._machines is None:
            self._recorder.start()
        else:
            doing, watching = (
                {one.project.name: one for one in each} for each in (self.working, self.followers)
            )
            threads += self._machines.run(doing, watching, self._recorder, tells=bool(self._messengers))
        for messenger in self._messengers:
            messenger.begin()
        following = [
            threading.Thread(target=self._follow, args=(one,), name=one.project.name)
            for one in self.followers
        ]
        following += [threading.Thread(target=one.run, name=one.name) for one in self._messengers]
        for thread in following:
            thread.start()
        threading.Thread(target=self.rereader.run, name="file", daemon=True).start()
        for listener in self._listeners:  # one may be waiting at its queue when all else has ended
            threading.Thread(target=listener.run, name="events", daemon=True).start()
        self._clock.wait(self._stop)
        for one in self.followers:
            one.wake.set()
        for thread in (*following, *threads):
            thread.join()
        if self._machines is not None:
            self._machines.close()
        if self.history is not None:
            self.history.close()

    def _follow(self, follower: Follower) -> None:
        try:
            self._go_on(follower)
        finally:
            follower.is_alive = False

    def _go_on(self, follower: Follower) -> None:
        while not self._stop.is_set():
            try:
                until = follower.step()
            except Exception as error:  # a fault of ours must not end the other projects, nor this one
                self._tell(follower.project.name, f"a fault of Lockstep's: {type(error).__name__}: {error}")
                until = self._clock.ticks() + follower.project.poll
            if until is None:
                self._circles.free()
            elif not self._stop.is_set():  # it may be that the step took away what was to wake it for that
                self._clock.wait(follower.wake, max(0.0, until - self._clock.ticks()))


def _silent(words: str) -> None:
    """What a follower that only looks on says where another one of its process says the same."""


def _telling(tell: Callable[[str, str], None], name: str) -> Callable[[str], None]:
    return lambda words: tell(name, words)


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data folder, made where it is not there. BadInput while another controller has it.

    The lock is the process's: it is gone when that ends, however it ends.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise MachineError.of(error) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise BadInput(
            "another lockstep serve works in this folder",
            where=str(data),
            fix="end that one, or give this one another folder under data:",
        ) from None
    try:
        yield
    finally:
        os.close(lock)
