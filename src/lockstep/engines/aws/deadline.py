"""How long a call may take, and a whole reading; and that it is said while somebody waits.

botocore's own time-outs count from one byte to the next, so an answer without end never reaches them.
"""

import threading
from collections.abc import Callable
from typing import Any

from lockstep import waiting
from lockstep.engines.aws.errors import Unreachable
from lockstep.errors import Interrupted
from lockstep.waiting import is_over, run_within

__all__ = ["Deadline", "TooLate", "check_on_time", "within"]


class TooLate(Unreachable):
    """AWS did not answer within the time that a call, or a reading, may take."""


class Deadline(waiting.Deadline):
    """When a reading of AWS has to be done, and what its time went by.

    No call begins once ``cut`` is set, and none is waited for: that is for who only reads.
    """

    def __init__(self, cut: threading.Event | None = None) -> None:
        super().__init__()
        self.cut = cut
        self._refusal = ""

    def begin(self, seconds: float) -> None:
        """A reading begins, and may take so long."""
        super().begin(seconds)
        self._refusal = ""

    def left(self) -> float | None:
        """Seconds that are left of the reading; None when there is none.

        Raises TooLate when it is over, Interrupted when nobody wants it any more.
        """
        if self.is_cut:
            raise Interrupted("AWS was not read to the end, since that was stopped", where="AWS")
        left = self.remaining()
        if left is not None and left <= 0:
            raise self.passed()
        return left

    @property
    def is_cut(self) -> bool:
        """Whether nobody wants to know any more what AWS says."""
        return self.cut is not None and self.cut.is_set()

    def refused(self, why: str) -> None:
        """A call was refused that will be made again: what the time goes by."""
        self._refusal = f", of which AWS refused calls ({why})"

    def passed(self) -> TooLate:
        """The error of a reading that took too long."""
        return TooLate(
            f"{self.words}{self._refusal}",
            where="AWS",
            fix=self.fix.replace("it answers", "AWS answers"),
        )


def within(seconds: float, work: Callable[[], Any], what: str, cut: threading.Event | None = None) -> Any:
    """Do work that may take so long, telling what is waited for. Raises TooLate, or what the work raises.

    Work that goes on afterwards sends nothing any more: see ``check_on_time``.
    """

    def late() -> TooLate:
        return TooLate(
            f"AWS did not answer within {seconds:.3g} s",
            where=what,
            fix="run again: every step can be repeated",
        )

    return run_within(seconds, work, what, late, cut)


def check_on_time(**_: Any) -> None:
    """For botocore, before it sends: raise TooLate when nobody waits for this call's answer any more."""
    if is_over():
        raise TooLate("a call whose time is over is not sent")
