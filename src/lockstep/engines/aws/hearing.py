"""The ids that AWS gives to requests, heard while one step runs in its thread."""

import contextlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

__all__ = ["hearing", "note_request"]

_MOST = 20  # the last ones count: those before are looks at what is under way
_HEARD: ContextVar[deque[str] | None] = ContextVar("heard", default=None)


@contextlib.contextmanager
def hearing() -> Iterator[deque[str]]:
    """Hear the ids of the requests that are answered in this thread while the block runs."""
    heard: deque[str] = deque(maxlen=_MOST)
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)


def note_request(answer: Mapping[str, Any]) -> None:
    """A request was answered."""
    heard = _HEARD.get()
    if heard is None:
        return
    metadata = answer.get("ResponseMetadata")
    number = metadata.get("RequestId") if isinstance(metadata, Mapping) else None
    if isinstance(number, str) and number:
        heard.append(number[:200])
