"""Listens at one queue for events of AWS, which say to look at something at once instead of later.

A message is removed when its project knows of it: whoever starts anew looks at everything.
"""

import threading
from collections.abc import Callable
from typing import Protocol

from lockstep.errors import LockstepError
from lockstep.planning.heard import names_in
from lockstep.serve.clock import WALL, Clock
from lockstep.serve.deciding import backoff

__all__ = ["Letters", "Listener"]


class Letters(Protocol):
    """A queue."""

    def receive(self) -> tuple[tuple[str, str], ...]:
        """Bodies of messages, each with what it is removed by."""
        ...

    def remove(self, handles: list[str]) -> None:
        """Remove messages."""
        ...


class Listener:
    """One queue of one project."""

    def __init__(
        self,
        open_queue: Callable[[], Letters],
        hear: Callable[[frozenset[str]], object],
        *,
        tell: Callable[[str], None],
        stop: threading.Event,
        clock: Clock = WALL,
    ) -> None:
        self._open = open_queue
        self._queue: Letters | None = None
        self._hear = hear
        self._tell = tell
        self._stop = stop
        self._clock = clock
        self._failures = 0

    def run(self) -> None:
        """Listen until it is stopped; what fails is tried again, later each time."""
        while not self._stop.is_set():
            try:
                self.step()
            except Exception as error:  # a fault of ours must not end it
                self._failures += 1
                self._queue = None  # with credentials that are over nothing of it would work again
                told = error if isinstance(error, LockstepError) else f"{type(error).__name__}: {error}"
                if self._failures == 1:
                    self._tell(f"events are not heard, and what they would tell is found later: {told}")
                self._clock.wait(self._stop, backoff(self._failures))
            else:
                if self._failures:
                    self._tell("events are heard again")
                self._failures = 0

    def step(self) -> None:
        """Take what there is. Raises LockstepError."""
        queue = self._queue = self._queue or self._open()
        letters = queue.receive()
        told = [names_in(body) for body, _ in letters]
        names = frozenset[str]().union(*(one for one in told if one is not None))
        if names:
            self._hear(names)
        if odd := sum(one is None for one in told):
            self._tell(f"removed what is no event of EventBridge: {odd} of {len(told)} messages")
        queue.remove([handle for _, handle in letters])
