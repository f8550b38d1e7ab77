"""Work that is waited for so long and no longer."""

import contextlib
import gc
import queue
import threading

import pytest

from lockstep.waiting import is_over, run_within


def test_an_error_of_work_leaves_nothing_behind() -> None:
    """It is no circle, which would keep all that the call was answered until somebody looks for circles.

    A plan that creates thousands of functions is told of each that it is not there.
    """

    class Large:
        """What an error holds."""

    def work() -> None:
        answer = Large()
        raise KeyError(answer)

    for _ in range(3):
        with pytest.raises(KeyError):
            run_within(5, work, "it", TimeoutError)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            with contextlib.suppress(KeyError):
                run_within(5, work, "it", TimeoutError)
        assert not [one for one in gc.get_objects() if isinstance(one, Large)]
    finally:
        gc.enable()


def test_what_nobody_wants_to_know_any_more_is_not_waited_for_nor_sent() -> None:
    """The work itself may go on; it knows that nobody waits."""
    cut, may_end, over = threading.Event(), threading.Event(), queue.SimpleQueue[bool]()

    def work() -> None:
        cut.set()
        assert may_end.wait(60)
        over.put(is_over())

    with pytest.raises(TimeoutError):
        run_within(3600, work, "it", TimeoutError, cut)
    may_end.set()
    assert over.get(timeout=60)
