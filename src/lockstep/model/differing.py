"""How two sides of a target differ: its values, and what is in its packages."""

from enum import StrEnum

from lockstep.model.function import Value
from lockstep.values import dataclass

__all__ = ["Difference", "FileChange", "How", "ValueChange"]


class How(StrEnum):
    """What became of a file from one package to the other."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileChange:
    """One file that differs; digests are SHA-256 in hex, "" where it is not."""

    path: str
    how: How
    old: str = ""
    new: str = ""
    size: int = 0  # bytes on the new side, or on the old one where it is gone
    lines: tuple[str, ...] = ()  # of a unified diff, where both are short texts


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueChange:
    """One value, with the place that it comes from; "live" where AWS says it."""

    path: str
    old: Value
    new: Value
    old_place: str = ""
    new_place: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Everything that differs between two sides of one target."""

    target: str
    sides: tuple[str, str]  # what they are called
    values: tuple[ValueChange, ...] = ()
    packages: tuple[str, str] = ("", "")  # in words: digest and where from
    files: tuple[FileChange, ...] = ()
    same: int = 0  # files that are alike
    notes: tuple[str, ...] = ()  # what could not be compared

    @property
    def is_empty(self) -> bool:
        """Nothing differs, as far as it was compared."""
        return not self.values and not self.files
