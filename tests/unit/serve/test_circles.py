"""What hangs in circles goes, and seldom keeps everybody waiting for it."""

import gc
import weakref

from lockstep.serve.circles import Circles


class Knot:
    """Something that hangs in a circle."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_new_goes_at_once_and_what_is_old_within_a_minute() -> None:
    """An old one was there while circles were looked for, and went out of use later."""
    now = [0.0]
    circles = Circles(lambda: now[0])
    old = Knot()
    gc.collect()  # it is old now
    knots = [weakref.ref(Knot()), weakref.ref(old)]
    del old
    circles.free()
    assert [one() is None for one in knots] == [True, False]
    now[0] += 60
    circles.free()
    assert [one() is None for one in knots] == [True, True]
