"""The loop: every project in a thread of its own, until somebody stops it."""

import contextlib
import fcntl
import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.sync.hearing import open_queue
from lockstep.errors import BadInput, MachineError
from lockstep.serve.file import ServeFile
from lockstep.serve.following import Follower
from lockstep.serve.hearing import Listener
from lockstep.serve.messages.messenger import Messenger
from lockstep.serve.messages.tellers import teller_of
from lockstep.serve.recording import Recorder, open_history
from lockstep.serve.rereading import Rereader

__all__ = ["Controller", "only_one"]


class Controller:
    """Follows all projects of a file."""

    def __init__(
        self,
        settings: ServeFile,
        *,
        credentials: Credentials,
        tell: Callable[[str, str], None],
        stop: threading.Event,
    ) -> None:
        self._stop = stop
        self._tell = tell
        self.history = open_history(settings.data, _telling(tell, "history"), settings.database)
        self._recorder = Recorder(self.history, keep=settings.keep, tell=_telling(tell, "history"))
        self.followers = [
            Follower(
                project,
                data=settings.data,
                credentials=credentials,
                tell=_telling(tell, project.name),
                clock=time.monotonic,
                stop=stop,
                recorder=self._recorder,
            )
            for project in settings.projects
        ]
        self._messengers = self._messengers_of(settings)
        self.rereader = Rereader(settings, os.environ, self.followers, tell=_telling(tell, ""), stop=stop)
        self._listeners = [
            Listener(
                partial(open_queue, arn, stop),
                follower.hear,
                tell=_telling(tell, follower.project.name),
                stop=stop,
            )
            for follower in self.followers
            for arn in follower.project.events
        ]

    def _messengers_of(self, settings: ServeFile) -> list[Messenger]:
        if self.history is None:
            if settings.destinations:
                self._tell("messages", "nobody is told anything, because no history is kept")
            return []
        by_name = {one.project.name: one for one in self.followers}
        address = f"{settings.access.url}/" if settings.access.url else ""
        return [
            Messenger(
                one.name,
                teller_of(one.way, address, lambda name: by_name[name].forge()),
                one.rules,
                self.history,
                tell=_telling(self._tell, "messages"),
                stop=self._stop,
            )
            for one in settings.destinations
        ]

    def under_way(self) -> list[str]:
        """What is being synced now."""
        return [one.under_way for one in self.followers if one.under_way]

    def run(self) -> None:
        """Follow until it is stopped; what is being applied then is finished first."""
        self._recorder.start()
        for messenger in self._messengers:
            messenger.begin()
        threads = [
            threading.Thread(target=self._follow, args=(one,), name=one.project.name)
            for one in self.followers
        ]
        threads += [threading.Thread(target=one.run, name=one.name) for one in self._messengers]
        for thread in threads:
            thread.start()
        threading.Thread(target=self.rereader.run, name="file", daemon=True).start()
        for listener in self._listeners:  # one may be waiting at its queue when all else has ended
            threading.Thread(target=listener.run, name="events", daemon=True).start()
        self._stop.wait()
        for one in self.followers:
            one.wake.set()
        for thread in threads:
            thread.join()
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
                until = time.monotonic() + follower.project.poll
            if until is None:
                gc.collect()  # connections of a look hang in circles, and thresholds are for short runs
            else:
                follower.wake.wait(max(0.0, until - time.monotonic()))


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
