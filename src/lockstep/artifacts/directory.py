"""Packages that lie in the repository or beside it (kind ``directory``; option ``path``).

``path`` is relative to the repository's root and never leaves it. Files on disk need not be
committed: a build puts its zips into an ignored folder.
"""

import functools
import os
import posixpath
import stat
from collections.abc import Sequence
from pathlib import Path

from lockstep.artifacts.base import Found
from lockstep.errors import ArtifactError, BadInput, Unreadable
from lockstep.model import Release
from lockstep.model.tree import Tree
from lockstep.suggest import nearest

__all__ = ["DirectorySource", "TreeSource", "is_kept"]


class DirectorySource:
    """Packages on disk below ``root``; no symbolic link leads out of it."""

    kind = "directory"

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._top = str(self._root)
        self._real = functools.cache(os.path.realpath)  # of folders

    def find(self, release: Release) -> Found:
        """Look at the file; its content is known by its times and size until it is read once."""
        path = _path(release)
        descriptor = self._open(release, path)
        try:
            about = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        seen = f"{about.st_dev}-{about.st_ino}-{about.st_size}-{about.st_mtime_ns}-{about.st_ctime_ns}"
        return Found(origin=f"directory:{path}", size=about.st_size, etag=f"{self._root}:{seen}")

    def download(self, release: Release, found: Found, into: Path) -> None:
        """Copy the file to ``into``."""
        descriptor = self._open(release, _path(release))
        with os.fdopen(descriptor, "rb") as source, into.open("wb") as copy:
            while chunk := source.read(1 << 20):
                copy.write(chunk)

    def _open(self, release: Release, path: str) -> int:
        # Texts: of thousands of packages pathlib would take more time than the disk.
        folder, _, name = f"{self._top}/{path}".rpartition("/")
        real = f"{self._real(folder)}/{name}"
        if os.path.islink(real):  # noqa: PTH114
            real = os.path.realpath(real)
        if not real.startswith(self._top.rstrip("/") + "/"):
            raise BadInput(
                f"{path} is a symbolic link out of the repository",
                where=release.place,
                fix="put the package itself there",
            )
        try:
            descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise _absent(release, path, _beside(self._root / path)) from None
        except OSError as error:
            raise Unreadable(
                f"{path} cannot be read: {error.strerror}", where=release.place, fix="check its permissions"
            ) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ArtifactError(f"{path} is not a file", where=release.place, fix="name a zip")
        return descriptor


class TreeSource:
    """Packages that are committed, read from a commit without a checkout."""

    kind = "directory"

    def __init__(self, tree: Tree, name: str = "") -> None:
        """``name`` says which commit of which repository it is, for messages."""
        self._tree = tree
        self._name = name

    def find(self, release: Release) -> Found:
        """Look the file up in the commit; its content is known by its blob id."""
        path = _path(release)
        blob = self._tree.blobs.get(path)
        if blob is None:
            raise self._absent(release, path)
        return Found(origin=f"directory:{path}", etag=f"blob:{blob}")

    def download(self, release: Release, found: Found, into: Path) -> None:
        """Write the file to ``into``."""
        path = _path(release)
        into.write_bytes(self._tree.read([path])[path])

    def _absent(self, release: Release, path: str) -> ArtifactError:
        where = f" in {self._name}" if self._name else ""
        fix = "commit it there, or check artifacts.path and the version"
        if not is_kept(self._tree, path):
            fix = (
                "that commit holds no packages: sync it once from where it was built, for what is staged is "
            )
            fix += "found; or let artifacts name a place that everybody can read"
        return ArtifactError(
            f"there is no package {path} for {release.service} {release.version}{where}",
            where=release.place,
            fix=fix,
        )


def is_kept(tree: Tree, path: str) -> bool:
    """Whether a tree keeps packages where this one would lie; those that Git ignores are no part of it."""
    folder, suffix = posixpath.split(path)[0], posixpath.splitext(path)[1]
    return any(posixpath.split(blob)[0] == folder and blob.endswith(suffix) for blob in tree.blobs)


def _path(release: Release) -> str:
    path = release.options.get("path", "")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not path or "\0" in path:
        raise BadInput("the directory source has no path", where=release.place, fix="set artifacts.path")
    if path.startswith("/") or ".." in parts:
        raise BadInput(
            f"{path} leaves the repository",
            where=release.place,
            fix="write a path relative to its root, without ..",
        )
    return "/".join(parts)


def _beside(path: Path) -> list[str]:
    """Names of what lies where a package is looked for."""
    try:
        return sorted(one.name for one in path.parent.iterdir() if one.suffix == path.suffix)[:1000]
    except OSError:
        return []


def _absent(release: Release, path: str, there: Sequence[str] = ()) -> ArtifactError:
    near = nearest(posixpath.basename(path), there, cutoff=0.8)
    folder = posixpath.dirname(path)
    return ArtifactError(
        f"there is no package {path} for {release.service} {release.version}",
        where=release.place,
        fix="build it, or check artifacts.path and the version"
        + (f"; there is {posixpath.join(folder, near)}" if near else ""),
    )
