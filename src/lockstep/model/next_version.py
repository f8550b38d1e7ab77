"""The version that a commit of a service gets, and what led to it."""

from enum import StrEnum

from lockstep.model.commit import LogEntry
from lockstep.model.version import Level, Version
from lockstep.values import dataclass

__all__ = ["Asked", "Basis", "Bump", "NextVersion", "VersionTag"]


class Basis(StrEnum):
    """Where a version comes from."""

    FIRST = "first"  # no version yet
    RELEASED = "released"  # nothing that concerns the service since its last release
    COMMITS = "commits"  # the last release and the commits since
    GIVEN = "given"
    GITVERSION = "gitversion"


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionTag:
    """A tag that names a version of the service."""

    name: str
    commit: str
    version: Version
    is_reachable: bool = True  # from the commit that the version is for


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A commit that concerns the service, and the level that it asks for."""

    commit: LogEntry
    level: Level
    why: str  # "feat", "breaking change", "chore asks for nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bump:
    """Which part of the version moves, and why."""

    level: Level
    asked: Level  # the highest that a commit asks for; NONE where only the touched paths count
    commits: tuple[Asked, ...] = ()  # newest first
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NextVersion:
    """The answer of ``lockstep version``."""

    service: str
    version: Version
    tag: str  # that the version has or would get
    commit: str  # that it is the version of
    basis: Basis
    why: str  # one sentence
    base: VersionTag | None = None  # the highest release before it
    bump: Bump | None = None
    count: int = 0  # commits since the base, whatever they touch
    remarks: tuple[str, ...] = ()  # only of interest to who asks why
    warnings: tuple[str, ...] = ()
