"""How long a call may take, and a whole reading; and that it is said while somebody waits.

botocore's own time-outs count from one byte to the next, so an answer without end never reaches them.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lockstep.engines.aws.errors import Unreachable

__all__ = ["Deadline", "TooLate", "check_on_time", "tell", "within"]

_SOON = 10.0  # seconds of silence before somebody is told what is waited for, and between two such lines

_log = logging.getLogger(__name__)
_idle: list["_Worker"] = []
_told: list[float] = []  # when a line was written last
_lock = threading.Lock()
_own = threading.local()


class TooLate(Unreachable):
    """AWS did not answer within the time that a call, or a reading, may take."""


class Deadline:
    """When a reading has to be done. Nothing is bounded while none is under way."""

    def __init__(self) -> None:
        self._ends: float | None = None
        self._seconds = 0.0
        self._refusal = ""

    def begin(self, seconds: float) -> None:
        """A reading begins, and may take so long."""
        self._seconds, self._ends, self._refusal = seconds, time.monotonic() + seconds, ""

    def end(self) -> None:
        """The reading is done."""
        self._ends = None

    def left(self) -> float | None:
        """Seconds that are left of the reading; None when there is none. Raises TooLate when it is over."""
        if self._ends is None:
            return None
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def refused(self, why: str) -> None:
        """A call was refused that will be made again: what the time goes by."""
        self._refusal = f", of which AWS refused calls ({why})"

    def passed(self) -> TooLate:
        """The error of a reading that took too long."""
        return TooLate(
            f"reading took longer than {self._seconds:.3g} s{self._refusal}",
            where="AWS",
            fix="run again when AWS answers faster, name fewer targets, or give it more time with --timeout",
        )


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


def within(seconds: float, work: Callable[[], Any], what: str) -> Any:
    """Do work that may take so long, telling what is waited for. Raises TooLate, or what the work raises.

    Work that goes on afterwards sends nothing any more: see ``check_on_time``.
    """
    begun = time.monotonic()
    with _lock:
        worker = _idle.pop() if _idle else None
    worker = worker or _Worker()
    job = _Job(work=work, ends=begun + seconds)
    job.running.acquire()
    worker.jobs.put(job)
    while not job.running.acquire(timeout=max(0.0, min(_SOON, job.ends - time.monotonic()))):
        now = time.monotonic()
        if now >= job.ends:
            raise TooLate(
                f"AWS did not answer within {seconds:.3g} s",
                where=what,
                fix="run again: every step can be repeated",
            )
        tell(f"waiting for {what}: no answer for {now - begun:.0f} s, of {seconds:.0f} s that it may take")
    with _lock:
        _idle.append(worker)
    if job.error is not None:
        raise job.error
    return job.result


def check_on_time(**_: Any) -> None:
    """For botocore, before it sends: raise TooLate when nobody waits for this call's answer any more."""
    if time.monotonic() >= getattr(_own, "ends", float("inf")):
        raise TooLate("a call whose time is over is not sent")


def tell(words: str) -> None:
    """Say on stderr what is waited for, unless something was said of late."""
    with _lock:
        now = time.monotonic()
        if _told and now - _told[-1] < _SOON:
            return
        _told[:] = [now]
    _log.warning("%s", words)
