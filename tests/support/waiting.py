"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable

__all__ = ["until"]


def until(condition: Callable[[], object], *, seconds: float = 20) -> None:
    """Return as soon as the condition holds; AssertionError when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
