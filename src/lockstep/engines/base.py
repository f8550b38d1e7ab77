"""The protocol of all engines."""

from collections.abc import Callable
from typing import Protocol

from lockstep.model import Fleet, Plan, Report, StepResult

__all__ = ["Engine"]


class Engine(Protocol):
    """Makes reality match a desired fleet."""

    name: str

    def preview(self, desired: Fleet) -> Plan:
        """Compare the desired fleet with what is live and say what would be done. Changes nothing."""
        ...

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Do what the plan says and read it back."""
        ...
