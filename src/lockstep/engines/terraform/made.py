"""A run that Terraform has planned, and what is needed to apply it."""

from collections.abc import Mapping

from lockstep.engines.terraform.marker import Applied, Marker
from lockstep.engines.terraform.operation import Operation
from lockstep.engines.terraform.plan_json import Planned
from lockstep.engines.terraform.runs import Run
from lockstep.model import Target
from lockstep.values import dataclass

__all__ = ["Made"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """One run with the plan that lies in its scratch folder."""

    run: Run
    targets: Mapping[str, Target]  # what Git declares in it
    planned: Planned
    operation: Operation
    marker: Marker
    is_unchanged: bool  # Terraform would do nothing
    applied: Mapping[str, Applied]  # shares that are applied once this is
    inputs: str | None  # of the marker, when everything is that Git declares
    changing: frozenset[str] = frozenset()  # targets that may change
    strays: tuple[str, ...] = ()  # targets that would change and may not
    notes: tuple[str, ...] = ()

    def begin(self) -> None:
        """Note that the apply begins. Raises LockstepError."""
        self.marker.begin(self.changing)

    def end(self) -> None:
        """Note that this is applied. Raises LockstepError."""
        self.marker.end(self.applied, self.inputs)
