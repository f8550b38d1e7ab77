"""Ctrl-C: commands that change nothing end at once; a sync first finishes what is under way."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

from lockstep.render.cells import harmless

__all__ = ["at_once", "ending", "raising", "stopping"]

_POKE = signal.SIGURG  # nobody sends it, and whoever does not know it ignores it
_AGAIN = (0.0, 0.05, 0.5)  # seconds


@contextmanager
def at_once(words: str = "interrupted; nothing was changed") -> Iterator[None]:
    """Ctrl-C ends the process at once, whatever threads are waiting for, and says these words."""

    def handle(number: int, frame: FrameType | None) -> None:
        os.write(2, f"\n{words}\n".encode())
        os._exit(128 + number)

    with _handling(handle, signal.SIGINT):
        yield


@contextmanager
def raising() -> Iterator[None]:
    """Ctrl-C (or SIGTERM) raises KeyboardInterrupt, so that what was started is ended again."""
    with _handling(signal.default_int_handler, signal.SIGINT, signal.SIGTERM):
        yield


@contextmanager
def stopping(
    under_way: Callable[[], list[str]],
    stop: threading.Event | None = None,
    /,
    *,
    line: Callable[[str], str] = lambda words: f"\n{words}\n",
) -> Iterator[threading.Event]:
    """An event that Ctrl-C (or SIGTERM, which CI systems send) sets; ``stop`` where there is one already.

    ``under_way`` names what is running at that moment, to be told, by a line that is made of the words.
    """
    stop = stop or threading.Event()
    with _setting(stop) as asked:

        def handle(number: int, frame: FrameType | None) -> None:
            # os.write, not print: a handler may run in the middle of another write.
            if asked.already():
                os.write(2, line("left at once; run the same command again to finish").encode())
                os._exit(128 + number)
            asked.ask()
            running = harmless(", ".join(under_way())) or "what is under way"
            words = f"stopping: finishing {running}; press Ctrl-C again to leave at once"
            os.write(2, line(words).encode("utf-8", "replace"))

        with _handling(handle, signal.SIGINT, signal.SIGTERM):
            yield stop


@contextmanager
def ending(words: str = "stopping: ending what was started") -> Iterator[threading.Event]:
    """An event that Ctrl-C (or SIGTERM) sets, for work that is ended where it stands, within seconds."""
    stop = threading.Event()
    with _setting(stop) as asked:

        def handle(number: int, frame: FrameType | None) -> None:
            if not asked.already():
                asked.ask()
                os.write(2, f"\n{words}\n".encode() if words else b"\n")

        with _handling(handle, signal.SIGINT, signal.SIGTERM):
            yield stop


class _Asked:
    """An event that a signal handler asks to be set, of which it never takes the lock.

    A handler runs between any two steps of its thread: also where that holds the event's lock, because it
    begins to wait or has just been woken; a handler that set the event itself would wait there for ever.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._told = False
        self._queue: SimpleQueue[bool] = SimpleQueue()  # its put may interrupt anything, also itself

    def already(self) -> bool:
        """Whether it was asked for, or set by another one."""
        return self._told or self._stop.is_set()

    def ask(self) -> None:
        """Have it set, at once, by the thread that waits for this."""
        self._told = True
        self._queue.put(True)

    def wait(self) -> None:
        """Set it when it is asked for."""
        if self._queue.get():
            self._stop.set()

    def settle(self) -> None:
        """Wait until it is set, where it was asked for: nobody goes on as if it were not."""
        if self._told:
            self._stop.wait()

    def end(self) -> None:
        """Nobody asks from now on; what was asked for before is done."""
        self._queue.put(False)


_ACTIVE: list[_Asked] = []


@contextmanager
def _setting(stop: threading.Event) -> Iterator[_Asked]:
    asked = _Asked(stop)
    thread = threading.Thread(target=asked.wait, name="stopping", daemon=True)
    thread.start()
    _ACTIVE.append(asked)
    try:
        yield asked
    finally:
        _ACTIVE.remove(asked)
        asked.end()
        thread.join()


@contextmanager
def _handling(handle: Callable[[int, FrameType | None], object], *numbers: signal.Signals) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals; whoever called us does
        return
    poke = {_POKE: lambda number, frame: None}  # a handler that interrupts, and does nothing
    before = {
        number: signal.signal(number, one) for number, one in (dict.fromkeys(numbers, handle) | poke).items()
    }
    try:
        for one in _ACTIVE:  # what came before goes by the handlers that were there before
            one.settle()
        with _woken():
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _woken() -> Iterator[None]:
    """Wake the main thread for a signal, whichever thread the kernel gave it to.

    Python runs handlers in the main thread, as soon as that gets on; what it waits for is interrupted only by
    a signal that comes to this thread itself. One that was sent to the process is taken by another thread,
    though, where that begins a thread or a process before the main one has woken: Linux gives it all that is
    pending there (``recalc_sigpending`` in ``copy_process``).
    """
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    before = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    threading.Thread(target=_wake, args=(told,), name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(tell)


def _wake(told: int) -> None:
    """Interrupt the main thread for each signal, and again a little later: it may just begin to wait."""
    main = threading.main_thread().ident
    while number := os.read(told, 1):
        if main is None or number[0] == _POKE:
            continue
        for seconds in _AGAIN:
            time.sleep(seconds)
            signal.pthread_kill(main, _POKE)
    os.close(told)
