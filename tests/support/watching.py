"""A watcher for tests: each thing that a verb tells goes to a function, or nowhere."""

from collections.abc import Callable
from typing import Any

from lockstep.model import Plan
from lockstep.model.watching import Silent

__all__ = ["Telling"]


class Telling(Silent):
    """Tells functions what it is told."""

    def __init__(
        self,
        *,
        progress: Callable[[str], Any] = str,
        note: Callable[[str], Any] = str,
        planned: Callable[[Plan], Any] = id,
    ) -> None:
        self._progress = progress
        self._note = note
        self._planned = planned

    def progress(self, words: str) -> None:
        """To ``progress``."""
        self._progress(words)

    def note(self, words: str) -> None:
        """To ``note``."""
        self._note(words)

    def planned(self, plan: Plan) -> None:
        """To ``planned``."""
        self._planned(plan)
