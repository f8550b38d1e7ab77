"""Work that is waited for so long and no longer."""

import contextlib
import gc

import pytest

from lockstep.waiting import run_within


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
