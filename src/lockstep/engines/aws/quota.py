"""AWS's request quotas, as token buckets that all threads of a process share.

Source: Lambda quotas, "API requests": fixed for each account and Region and not adjustable.
"""

import threading
import time
from collections.abc import Callable

__all__ = ["RATES", "Quotas", "TokenBucket", "family_of"]

RATES = {"lambda:GetFunction": 100.0, "lambda:GetPolicy": 15.0, "lambda": 15.0}
"""Requests a second for each family; services that are not listed are not limited here."""


def family_of(service: str, operation: str) -> str:
    """The family whose quota a call counts against."""
    exact = f"{service}:{operation}"
    return exact if exact in RATES else service


class TokenBucket:
    """Lets ``rate`` calls a second through, after at most ``burst`` at once."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = burst
        self._last = clock()

    def reserve(self) -> float:
        """Take one token and return the seconds to wait before using it."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._last) * self._rate)
            self._last = now
            self._tokens -= 1
            return max(0.0, -self._tokens / self._rate)


class Quotas:
    """The token buckets of one account and Region. ``scale`` 0 switches them off."""

    def __init__(self, scale: float = 1.0) -> None:
        # A burst of a third of a second: full use of the quota without a volley that AWS refuses.
        self._buckets = (
            {family: TokenBucket(rate * scale, max(1.0, rate * scale / 3)) for family, rate in RATES.items()}
            if scale
            else {}
        )

    def wait(self, service: str, operation: str, stop: threading.Event) -> None:
        """Block until the call may be made, or until ``stop`` is set."""
        bucket = self._buckets.get(family_of(service, operation))
        if bucket is None:
            return
        delay = bucket.reserve()
        if delay > 0:
            stop.wait(delay)
