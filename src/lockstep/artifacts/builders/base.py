"""What a builder gets and gives, and the files that it may take."""

import os
import threading
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Protocol

from lockstep.artifacts.builders.globs import matcher
from lockstep.artifacts.package import LEFT_OUT, files_below
from lockstep.errors import BadInput
from lockstep.model import Build
from lockstep.model.watching import SILENT, Watcher
from lockstep.values import dataclass

__all__ = [
    "Job",
    "Maker",
    "Product",
    "check_submodules",
    "chosen",
    "inside",
    "own_files",
    "packed",
    "submodule_of",
    "without",
]

_MADE_BY_TOOLS = (
    *LEFT_OUT,
    *("*.pyc", ".venv", ".tox", ".nox", ".pytest_cache", ".mypy_cache", ".ruff_cache"),
    *("*.egg-info", "node_modules", ".DS_Store"),
)
"""Names that are no source, wherever they lie."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One package to build. Paths are absolute, without links."""

    service: str
    build: Build
    root: Path  # the tree that the build's paths are relative to, and never leave
    folder: Path  # of the function's source
    work: Path  # a folder of this job alone, removed when it is done
    files: frozenset[str] | None = None  # paths below ``root`` that are source; None: all that lie there
    submodules: tuple[str, ...] = ()  # paths below ``root`` of other repositories, no part of this one
    version: str | None = None
    commit: str | None = None
    epoch: int = 315532800  # seconds: the time that built files may carry; the commit's, or 1980-01-01
    stop: threading.Event = field(default_factory=threading.Event)
    watcher: Watcher = SILENT  # is told what is being done


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """What a builder made: files by their names in the package, or a finished zip."""

    files: Mapping[str, Path] = field(default_factory=dict)
    zip: Path | None = None  # taken byte for byte
    tools: Mapping[str, str] = field(default_factory=dict)  # name -> version
    dependencies: tuple[str, ...] = ()  # "name version"
    warnings: tuple[str, ...] = ()


class Maker(Protocol):
    """Makes the files of a package."""

    def __call__(self, job: Job) -> Product:
        """Build; ArtifactError or BadInput, with what to do, when that cannot be done."""
        ...


def inside(job: Job, path: str, what: str) -> Path:
    """An existing file or folder below the source's folder.

    Raises BadInput when there is none, when a link leads out of the repository, and when it lies in a
    submodule, which a release does not have.
    """
    found = (job.folder / path).resolve()
    if not found.is_relative_to(job.root):
        raise BadInput(
            f"{what} {path!r} leads out of the repository",
            where=job.build.place,
            fix="name what lies in it; a link may not lead out either",
        )
    if not found.exists():
        raise BadInput(
            f"there is no {what} {path!r} in {job.build.path}",
            where=job.build.place,
            fix="correct the path; it is relative to build.path",
        )
    if (other := submodule_of(job, found)) is not None:
        raise BadInput(
            f"{what} {path!r} lies in the submodule {other}, whose files are not in this repository",
            where=job.build.place,
            fix="build it in its own repository, or copy what is needed into this one",
        )
    return found


def submodule_of(job: Job, path: Path) -> str | None:
    """The submodule that holds a path, or is it."""
    own = path.relative_to(job.root).as_posix() if path.is_relative_to(job.root) else ""
    return next((one for one in job.submodules if f"{own}/".startswith(f"{one}/")), None)


def packed(job: Job, files: Mapping[str, Path]) -> dict[str, Path]:
    """Those of an output's files that the build names, without those of submodules.

    A release is built from a checkout in which submodules are empty: the same bytes either way.
    """
    return {
        name: path for name, path in chosen(job, files).items() if submodule_of(job, path.resolve()) is None
    }


def check_submodules(job: Job) -> None:
    """Refuse to run a tool where it can read what a release does not have.

    Raises BadInput for a submodule that is checked out in the source's folder and not in ``exclude``.
    """
    excluded = matcher(job.build.exclude)
    for path in job.submodules:
        place = job.root / path
        if not place.is_relative_to(job.folder) or not place.is_dir() or not any(place.iterdir()):
            continue
        if not excluded(place.relative_to(job.folder).as_posix()):
            raise BadInput(
                f"{path} is a submodule: the build could read it here, and a release does not have it",
                where=job.build.place,
                fix=f"add {place.relative_to(job.folder).as_posix()} to exclude where the build needs "
                "nothing of it, name a commit with --rev, or copy what is needed into this repository",
            )


def own_files(job: Job) -> dict[str, Path]:
    """The source's own files by their names below its folder, without what tools leave behind.

    Files that Git ignores are no source. Raises BadInput for links that lead out of the repository and
    for files that a sparse checkout has left out.
    """
    _check_present(job)
    excluded = matcher((*_MADE_BY_TOOLS, *job.build.exclude))
    files = files_below(
        job.folder,
        top=job.root,
        is_left_out=lambda name: excluded(name) or _is_made(job, name),
    )
    return chosen(job, files)


def _check_present(job: Job) -> None:
    under = "" if job.folder == job.root else f"{job.folder.relative_to(job.root).as_posix()}/"
    for path in sorted(job.files or ()):
        if path.startswith(under) and not os.path.lexists(job.root / path):
            raise BadInput(
                "the file is not checked out",
                where=path,
                fix=f"git sparse-checkout add {job.build.path}; or name a revision with --rev",
            )


def _is_made(job: Job, name: str) -> bool:
    """Whether Git ignores a file or, outside Git, its folder says that it should."""
    path = job.folder / name
    if path.is_dir() and not path.is_symlink():
        mark = path / ".gitignore"
        return mark.is_file() and mark.read_bytes().strip() == b"*"
    return job.files is not None and path.relative_to(job.root).as_posix() not in job.files


def chosen(job: Job, files: Mapping[str, Path]) -> dict[str, Path]:
    """Those of the files that ``include`` names, all when it names none, without those of ``exclude``."""
    included = matcher(job.build.include)
    return {
        name: path for name, path in without(job, files).items() if not job.build.include or included(name)
    }


def without(job: Job, files: Mapping[str, Path]) -> dict[str, Path]:
    """The files without those of ``exclude``."""
    excluded = matcher(job.build.exclude)
    return {name: path for name, path in files.items() if not excluded(name)}
