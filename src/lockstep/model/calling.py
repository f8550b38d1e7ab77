"""Who calls which functions, and what gets something from them: parties and the ways between them."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from lockstep.values import dataclass

__all__ = ["CallGraph", "Party", "Standing", "Way"]


class Standing(StrEnum):
    """Whether a way is what it should be."""

    DECLARED = "declared"  # in Git; AWS was not asked
    LIVE = "live"  # in Git, and there
    MISSING = "missing"  # in Git, and not there
    UNKNOWN = "unknown"  # in Git, and nobody knows whether it is there
    LEFT = "left"  # there and Lockstep's, and not in Git any more
    FOREIGN = "foreign"  # there, and of others


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """A function of the project, or what calls one or gets something from one."""

    kind: str  # "function", "queue", "bucket", "rule", ...; "": its name says it
    name: str
    target: str = ""  # of a function of the project: its target
    is_foreign: bool = False  # nothing of the project declares it


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """Events go from one party to another. Both are keys of the graph's parties."""

    source: str
    sink: str
    words: str  # what is handed over, or by what
    standing: Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class CallGraph:
    """All parties, each by a key of its own, the ways between them, and what was not read."""

    parties: Mapping[str, Party] = field(default_factory=dict)
    ways: tuple[Way, ...] = ()
    unread: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # target -> what nobody knows of it
    notes: tuple[str, ...] = ()
