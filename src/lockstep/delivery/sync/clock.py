"""The time that rollouts take: a clock, and waiting by it."""

import threading
from datetime import UTC, datetime
from typing import Protocol

from lockstep.values import dataclass

__all__ = ["Clock", "WallClock"]


class Clock(Protocol):
    """Tells the time, and lets it pass."""

    def now(self) -> datetime:
        """With a time zone."""
        ...

    def wait(self, seconds: float) -> bool:
        """Let seconds pass; whether it was told to stop meanwhile."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class WallClock(Clock):
    """The machine's own."""

    stop: threading.Event

    def now(self) -> datetime:
        """In UTC."""
        return datetime.now(UTC)

    def wait(self, seconds: float) -> bool:
        """As long as nothing stops it."""
        return self.stop.wait(seconds)
