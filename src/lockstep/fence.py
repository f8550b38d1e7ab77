"""Whether what is done may still be done, asked before each write.

Work that is given to one of several machines is theirs for a time. One that stood still for longer than
that must not go on with what somebody else does by now: it finds out here, before it writes anything.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

__all__ = ["Fence", "current_fence", "fenced"]

Fence = Callable[[], None]
"""Raises Interrupted when what is done is somebody else's by now."""

_FENCE: ContextVar[Fence | None] = ContextVar("fence", default=None)


@contextlib.contextmanager
def fenced(fence: Fence) -> Iterator[None]:
    """What this thread begins in the block asks ``fence`` before it writes."""
    token = _FENCE.set(fence)
    try:
        yield
    finally:
        _FENCE.reset(token)


def current_fence() -> Fence:
    """What to ask before each write; threads that are begun for the work are given it."""
    return _FENCE.get() or _open


def _open() -> None:
    """Whoever works alone may always write."""
