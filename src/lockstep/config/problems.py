"""Collecting what is wrong, each thing once however many targets share the line."""

from dataclasses import field

from lockstep.errors import BadInput, BadInputs
from lockstep.values import dataclass

__all__ = ["Problems"]


@dataclass(slots=True)
class Problems:
    """Bad inputs of one run. An error of a line that many targets share is kept for the first one."""

    found: dict[tuple[str | None, str], BadInput] = field(default_factory=dict)

    def add(self, where: str, problem: str, fix: str | None, *, doing: str | None = None) -> None:
        """Note one problem at ``file:line``."""
        self.keep(BadInput(problem, where=where, fix=fix, doing=doing))

    def keep(self, error: BadInput) -> None:
        """Note an error that was raised; several at once are taken apart."""
        for single in error.errors if isinstance(error, BadInputs) else (error,):
            self.found.setdefault((single.where, single.problem), single)

    def __bool__(self) -> bool:
        return bool(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def stop(self) -> None:
        """Raise what was found, if anything."""
        errors = list(self.found.values())
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise BadInputs(errors)
