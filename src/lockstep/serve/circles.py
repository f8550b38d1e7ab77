"""Frees what hangs in circles: connections of a look do, and the thresholds are for short runs.

Everything is looked through once a minute: that takes a seventh of a second with what is imported alone, in
which no thread gets on and no page is answered. In between only what came since is.
"""

import gc
from collections.abc import Callable

from lockstep.serve.clock import WALL

__all__ = ["Circles"]

_ALL = 60.0  # seconds between two looks through everything
_YOUNG = 1  # the generation with what came since the last look, and the younger one


class Circles:
    """When which ones were looked for."""

    def __init__(self, clock: Callable[[], float] = WALL.ticks) -> None:
        self._clock = clock
        self._all = clock()

    def free(self) -> None:
        """Free what came since the last time, once a minute also what is older."""
        if self._clock() < self._all + _ALL:
            gc.collect(_YOUNG)
            return
        gc.collect()
        self._all = self._clock()
