"""Work that may take so long and no longer, and the line that says what is waited for meanwhile.

Time-outs of sockets count from one byte to the next, so an answer without end never reaches them.
"""

import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any, TypeVar

from lockstep.errors import BadInput
from lockstep.values import dataclass

__all__ = [
    "BYTES",
    "Deadline",
    "allow_more",
    "is_over",
    "reading_seconds",
    "request_seconds",
    "run_within",
    "tell",
]

_CUT = 0.5  # seconds between two looks at whether anybody still wants an answer
SOON = 10.0  # seconds of silence before somebody is told what is waited for, and between two such lines
_SECONDS = 30.0
_READING = 120.0  # seconds, of ten things
_FURTHER = 1.0  # for each thing beyond
_FEW = 10
BYTES = 100_000  # a second, at least, of what is large
_T = TypeVar("_T")

_log = logging.getLogger(__name__)
_idle: list["_Worker"] = []
_told: list[float] = []  # when a line was written last
_lock = threading.Lock()
_own = threading.local()


@dataclass(kw_only=True, slots=True)
class _Job:
    """Work, and what came of it."""

    work: Callable[[], Any]
    ends: float  # monotonic seconds
    running: Any = field(default_factory=threading.Lock)  # held until it is done; cheaper than an Event
    result: Any = None
    error: BaseException | None = None


class _Worker(threading.Thread):
    """Does one job after the other; left alone with one that never ends. It keeps no process alive."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="lockstep-call")
        self.jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self.start()

    def run(self) -> None:
        """Work."""
        while True:
            job = self.jobs.get()
            _own.job = job
            try:
                job.result = job.work()
            except BaseException as error:
                job.error = error
            _own.job = None  # or what it was answered stays until this thread has another one
            job.running.release()
            del job


def request_seconds() -> float:
    """How long one request and its answer may take: LOCKSTEP_REQUEST_TIMEOUT, 30 when it is absent."""
    text = os.environ.get("LOCKSTEP_REQUEST_TIMEOUT")
    if not text:
        return _SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 86_400:
        raise BadInput(
            f"{text!r} is no number of seconds from 1 to 86400",
            where="LOCKSTEP_REQUEST_TIMEOUT",
            fix="write for example 60, or leave it out",
        )
    return seconds


def reading_seconds(count: int) -> float:
    """How long reading so many things may take where nobody says."""
    return _READING + _FURTHER * max(0, count - _FEW)


def run_within(
    seconds: float,
    work: Callable[[], _T],
    what: str,
    late: Callable[[], Exception],
    cut: threading.Event | None = None,
) -> _T:
    """Do work that may take so long, telling what is waited for. Raises ``late``, or what the work raises.

    Nobody waits any more soon after ``cut`` is set. Work that goes on afterwards is to send nothing any more:
    see ``is_over``.
    """
    soon = SOON if cut is None else _CUT
    begun = time.monotonic()
    with _lock:
        worker = _idle.pop() if _idle else None
    worker = worker or _Worker()
    job = _Job(work=work, ends=begun + seconds)
    job.running.acquire()
    worker.jobs.put(job)
    while not job.running.acquire(timeout=max(0.0, min(soon, job.ends - time.monotonic()))):
        now = time.monotonic()
        if cut is not None and cut.is_set():
            job.ends = now
        if now >= job.ends:
            raise late()
        if now - begun >= SOON:
            tell(
                f"waiting for {what}: no answer for {now - begun:.0f} s, of {seconds:.0f} s that it may take"
            )
    with _lock:
        _idle.append(worker)
    if job.error is not None:
        try:
            raise job.error
        finally:
            del job  # or the error holds itself, and all that was answered, until somebody looks for circles
    result: _T = job.result
    return result


def is_over() -> bool:
    """Whether nobody waits any more for what this thread does."""
    job: _Job | None = getattr(_own, "job", None)
    return job is not None and time.monotonic() >= job.ends


def allow_more(seconds: float) -> None:
    """What this thread does may take so much longer: it got on."""
    job: _Job | None = getattr(_own, "job", None)
    if job is not None and not is_over():
        job.ends += seconds


class Deadline:
    """When a reading of many answers has to be done. Nothing is bounded while none is under way."""

    FIX = "run again when it answers faster, name fewer targets, or give it more time with --timeout"

    def __init__(self) -> None:
        self.fix = self.FIX
        self._ends: float | None = None
        self._seconds = 0.0
        self._under_way = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def reading(self, seconds: float, *, fix: str = FIX) -> Iterator[None]:
        """The block may take so long; one in another is bounded by the outer one."""
        with self._lock:
            self._under_way += 1
            if self._under_way == 1:
                self.fix = fix
                self.begin(seconds)
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                if self._under_way == 0:
                    self.end()

    def begin(self, seconds: float) -> None:
        """A reading begins, and may take so long."""
        self._seconds, self._ends = seconds, time.monotonic() + seconds

    def end(self) -> None:
        """The reading is done."""
        self._ends = None

    def add(self, seconds: float) -> None:
        """It may take so much longer: much came."""
        with self._lock:
            if self._ends is not None:
                self._ends += seconds
                self._seconds += seconds

    def came(self, size: int) -> None:
        """So many bytes of a download came: it may take longer for each, and so may what this thread does."""
        seconds = size / BYTES
        allow_more(seconds)
        self.add(seconds)

    def remaining(self) -> float | None:
        """Seconds that are left of the reading, less than none when it is over; None when there is none."""
        ends = self._ends
        return None if ends is None else ends - time.monotonic()

    @property
    def words(self) -> str:
        """What is wrong when it is over."""
        return f"reading took longer than {self._seconds:.3g} s"


def tell(words: str) -> None:
    """Say on stderr what is waited for, unless something was said of late."""
    with _lock:
        now = time.monotonic()
        if _told and now - _told[-1] < SOON:
            return
        _told[:] = [now]
    _log.warning("%s", words)
