"""Work that may take so long and no longer, and the line that says what is waited for meanwhile.

Time-outs of sockets count from one byte to the next, so an answer without end never reaches them.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lockstep.errors import BadInput

__all__ = ["is_over", "request_seconds", "run_within", "tell"]

SOON = 10.0  # seconds of silence before somebody is told what is waited for, and between two such lines
_SECONDS = 30.0
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
            _own.ends = job.ends
            try:
                job.result = job.work()
            except BaseException as error:
                job.error = error
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


def run_within(seconds: float, work: Callable[[], _T], what: str, late: Callable[[], Exception]) -> _T:
    """Do work that may take so long, telling what is waited for. Raises ``late``, or what the work raises.

    Work that goes on afterwards is to send nothing any more: see ``is_over``.
    """
    begun = time.monotonic()
    with _lock:
        worker = _idle.pop() if _idle else None
    worker = worker or _Worker()
    job = _Job(work=work, ends=begun + seconds)
    job.running.acquire()
    worker.jobs.put(job)
    while not job.running.acquire(timeout=max(0.0, min(SOON, job.ends - time.monotonic()))):
        now = time.monotonic()
        if now >= job.ends:
            raise late()
        tell(f"waiting for {what}: no answer for {now - begun:.0f} s, of {seconds:.0f} s that it may take")
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
    return time.monotonic() >= getattr(_own, "ends", float("inf"))


def tell(words: str) -> None:
    """Say on stderr what is waited for, unless something was said of late."""
    with _lock:
        now = time.monotonic()
        if _told and now - _told[-1] < SOON:
            return
        _told[:] = [now]
    _log.warning("%s", words)
