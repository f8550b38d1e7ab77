"""Who watches a verb at work: a terminal, a page, a test, or nobody."""

from typing import Protocol

from lockstep.model.plan import Plan
from lockstep.model.report import Report, StepResult

__all__ = ["SILENT", "Prefixed", "Silent", "Watcher"]


class Watcher(Protocol):
    """Is told what a verb does while it does it, by whichever thread does it."""

    def progress(self, words: str) -> None:
        """What is being done now; the next words take the place of these."""
        ...

    def note(self, words: str) -> None:
        """What is worth knowing, and stays."""
        ...

    def planned(self, plan: Plan) -> None:
        """What will be done, before anything is."""
        ...

    def rolled(self, plan: Plan) -> None:
        """What will be done next for rollouts that are followed."""
        ...

    def stepped(self, result: StepResult) -> None:
        """That a step has begun, waits for something, or has ended."""
        ...

    def reported(self, report: Report) -> None:
        """What came of all steps, before it is told anywhere else."""
        ...


class Silent(Watcher):
    """Hears everything and says nothing; who watches for one thing only extends it."""

    def progress(self, words: str) -> None:
        """Not said."""

    def note(self, words: str) -> None:
        """Not said."""

    def planned(self, plan: Plan) -> None:
        """Not said."""

    def rolled(self, plan: Plan) -> None:
        """Not said."""

    def stepped(self, result: StepResult) -> None:
        """Not said."""

    def reported(self, report: Report) -> None:
        """Not said."""


SILENT: Watcher = Silent()


class Prefixed(Watcher):
    """Passes everything on, notes with what they are about before them."""

    def __init__(self, watcher: Watcher, prefix: str) -> None:
        self._watcher = watcher
        self._prefix = prefix

    def progress(self, words: str) -> None:
        """As it is."""
        self._watcher.progress(words)

    def note(self, words: str) -> None:
        """With the prefix."""
        self._watcher.note(f"{self._prefix}{words}")

    def planned(self, plan: Plan) -> None:
        """As it is."""
        self._watcher.planned(plan)

    def rolled(self, plan: Plan) -> None:
        """As it is."""
        self._watcher.rolled(plan)

    def stepped(self, result: StepResult) -> None:
        """As it is."""
        self._watcher.stepped(result)

    def reported(self, report: Report) -> None:
        """As it is."""
        self._watcher.reported(report)
