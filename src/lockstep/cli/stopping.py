"""Ctrl-C during a sync: the first one finishes what is under way, the second one leaves at once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["stopping"]


@contextmanager
def stopping(under_way: Callable[[], list[str]]) -> Iterator[threading.Event]:
    """An event that Ctrl-C (or SIGTERM, which CI systems send) sets.

    ``under_way`` names what is running at that moment, to be told. Only for the main thread.
    """
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        # os.write, not print: a handler may run in the middle of another write.
        if stop.is_set():
            os.write(2, b"\nleft at once; run the same command again to finish\n")
            os._exit(128 + number)
        stop.set()
        running = ", ".join(under_way()) or "what is under way"
        words = f"\nstopping: finishing {running}; press Ctrl-C again to leave at once\n"
        os.write(2, words.encode("utf-8", "replace"))

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
