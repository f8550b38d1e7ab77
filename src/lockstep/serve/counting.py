"""What a follower has done since it started, counted: for figures, never for deciding."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import field, replace

from lockstep.store.entries import RunState
from lockstep.values import dataclass

__all__ = ["BUCKETS", "Counted"]

BUCKETS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds that a run took at the most, beside those that took longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """Runs of one project."""

    runs: Mapping[RunState, int] = field(default_factory=dict)  # by how they ended
    took: tuple[int, ...] = (0,) * (len(BUCKETS) + 1)  # runs by the first bucket that they fit in
    seconds: float = 0.0  # of all of them
    calls: int = 0  # of APIs that they made

    def run(self, state: RunState, seconds: float, calls: int) -> "Counted":
        """With one more."""
        found = [*self.took]
        found[bisect_left(BUCKETS, seconds)] += 1
        return replace(
            self,
            runs={**self.runs, state: self.runs.get(state, 0) + 1},
            took=tuple(found),
            seconds=self.seconds + seconds,
            calls=self.calls + calls,
        )
