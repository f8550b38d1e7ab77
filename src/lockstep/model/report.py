"""What was done: the outcome of each step."""

from enum import StrEnum

from lockstep.values import dataclass

__all__ = ["Outcome", "Report", "StepResult"]


class Outcome(StrEnum):
    """How a step ended."""

    STARTED = "started"  # only reported while running
    WAITING = "waiting"  # likewise: AWS refuses it for a while, see ``StepResult.waits_for``
    DONE = "done"
    FAILED = "failed"
    NOT_TRIED = "not tried"  # something it needs failed, or the run was stopped


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """The outcome of one step."""

    step: str  # Step.id
    target: str
    outcome: Outcome
    seconds: float = 0.0
    error: str | None = None  # what failed, and what to do about it
    waits_for: str = ""  # what a step that is WAITING waits for
    requests: tuple[str, ...] = ()  # AWS's ids of the requests that it made, the last ones


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The outcome of a sync."""

    results: tuple[StepResult, ...] = ()
    seconds: float = 0.0
    calls: int = 0  # API calls made
    interrupted: bool = False
    mismatches: tuple[str, ...] = ()  # what still differed when it was read back
    pending: tuple[str, ...] = ()  # what was handed over, and what it waits for now: nobody saw it applied

    @property
    def is_success(self) -> bool:
        """Everything was done and the read-back agrees."""
        done = all(result.outcome is Outcome.DONE for result in self.results)
        return done and not self.mismatches and not self.interrupted
