"""The time of a controller: whatever in it asks for the time, or lets time pass, does so by one clock."""

import datetime
import threading
import time
from typing import Protocol

__all__ = ["WALL", "Clock"]


class Clock(Protocol):
    """Two times, and waiting by the first."""

    def ticks(self) -> float:
        """Seconds that only grow, from any beginning: what is due is decided by these."""
        ...

    def now(self) -> datetime.datetime:
        """The time of the wall in UTC, which somebody may set: it is shown and written down."""
        ...

    def wait(self, event: threading.Event, seconds: float | None = None) -> bool:
        """Let seconds pass, or any time, until the event is set; whether it is."""
        ...


class _Wall:
    """The machine's own."""

    def ticks(self) -> float:
        return time.monotonic()

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)

    def wait(self, event: threading.Event, seconds: float | None = None) -> bool:
        return event.wait(seconds)


WALL: Clock = _Wall()
"""The machine's own clock, which is every controller's but a test's."""
