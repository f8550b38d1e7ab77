"""How fast GitHub may be asked: one write at a time, writes spaced, waits that end.

GitHub's rules (docs.github.com, "Rate limits for the REST API" and "Best practices for using the
REST API"): requests that create content are made one after the other, at most 80 in a minute, with a
second between them when there are many; ``Retry-After`` and ``x-ratelimit-reset`` are obeyed; where
neither is given, a minute is waited, then longer each time.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lockstep.forge.github.answer import Answer
from lockstep.values import dataclass

__all__ = ["Clock", "Pace", "asked_to_wait", "backoff"]

_OFTEN = 10
_ENDLESS = 31_536_000.0  # seconds of a year
_AT_ONCE = 20  # writes before they are spaced: 20 and 60 more make 80 in the first minute
_SPACE = 1.0  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Time, as something that can be replaced."""

    now: Callable[[], float] = time.time  # seconds since 1970
    sleep: Callable[[float], None] = time.sleep  # seconds


class Pace:
    """Lets one write through at a time, and spaces them once there are many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left = float(_AT_ONCE)
        self._then = clock.now()

    @contextmanager
    def write(self) -> Iterator[None]:
        """Hold the turn to write until the block ends."""
        with self._lock:
            now = self._clock.now()
            self._left = min(_AT_ONCE, self._left + max(0.0, now - self._then) / _SPACE)
            self._then = now
            if self._left < 1:
                self._clock.sleep((1 - self._left) * _SPACE)
                self._left, self._then = 1.0, self._clock.now()
            self._left -= 1
            yield


def asked_to_wait(answer: Answer, *, now: float, tried: int) -> float | None:
    """Seconds that a rate limit asks for, or None when the answer is no rate limit.

    ``tried`` counts the requests before this one that were limited too.
    """
    if answer.status not in (403, 429) and not _is_limited_graphql(answer):
        return None
    after = answer.headers.get("retry-after", "")
    if after.isdecimal():
        # Who asks for no pause at all, and goes on refusing, is asked ever more seldom.
        return min(max(float(after), 0.5 * (1 << min(tried, _OFTEN))), _ENDLESS)
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return min(max(1.0, float(reset) - now + 1), _ENDLESS)  # a second for clocks that differ
    if answer.status in (200, 429) or "rate limit" in answer.message.lower():
        return min(60.0 * (1 << min(tried, _OFTEN)), _ENDLESS)
    return None


def _is_limited_graphql(answer: Answer) -> bool:
    """GraphQL says it with status 200 and an error in its list."""
    if answer.status != 200 or not any(word in answer.body for word in (b"RATE_LIMITED", b"rate limit")):
        return False
    return any(
        each.get("type") == "RATE_LIMITED" or "secondary rate limit" in str(each.get("message"))
        for each in answer.graphql_errors
    )


def backoff(attempt: int) -> float:
    """Seconds before another attempt (the first is 1): doubling, and never the same for two callers."""
    return 0.5 * (1 << (attempt - 1)) * (0.5 + random.random())  # noqa: S311 (spreads callers, hides nothing)
