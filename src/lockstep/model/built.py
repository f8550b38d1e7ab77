"""A package that was built: what it is, what is in it and what it was made with."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from lockstep.values import dataclass

__all__ = ["Built", "Part"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What lies below one name of a package: a folder, a dependency or a single file."""

    name: str
    size: int  # bytes unpacked
    files: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """The package of one service."""

    service: str
    builder: str
    path: Path
    sha256: str  # of the zip, lowercase hex
    size: int  # bytes of the zip
    unpacked: int  # bytes
    files: int
    parts: tuple[Part, ...]  # all of them, the largest first
    version: str | None = None
    commit: str | None = None  # that it was built from; None when the files are in no commit
    runtime: str | None = None
    architecture: str = "x86_64"
    tools: Mapping[str, str] = field(default_factory=dict)  # name -> version of what made it
    dependencies: tuple[str, ...] = ()  # "name version", sorted
    warnings: tuple[str, ...] = ()
