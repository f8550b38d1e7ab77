"""Packages kept on this machine, by digest, and what is known of sources that publish no digest.

    {folder}/packages/{sha256}.zip    checked packages; verified again whenever one is taken
    {folder}/digests/{name}           "sha256 size" of an origin's content with a certain ETag

Files appear whole by renaming and are never changed, so processes share a cache without locks.
"""

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lockstep.artifacts.checks import sha256_of
from lockstep.errors import Unreadable

__all__ = ["Cache"]

_DIGEST = re.compile(r"([0-9a-f]{64}) (\d+)\n")


class Cache:
    """A cache below ``folder``, which is made when it is first written to."""

    def __init__(self, folder: Path) -> None:
        self._packages = folder / "packages"
        self._digests = folder / "digests"

    def get(self, sha256: str) -> Path | None:
        """Return the package with this digest, or None; a damaged one is removed."""
        path = self._path(sha256)
        try:
            if sha256_of(path) == sha256:
                return path
            path.unlink(missing_ok=True)
        except OSError:
            pass
        return None

    def has(self, sha256: str) -> bool:
        """Say whether there is such a package, without reading it."""
        return self._path(sha256).is_file()

    @contextlib.contextmanager
    def new_file(self) -> Iterator[Path]:
        """Yield the path of a new file to fill and ``add``; it is gone afterwards.

        Unreadable when the disk refuses, also while the file is filled.
        """
        with _writing(self._packages):
            self._packages.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(prefix=".new-", dir=self._packages)
            os.close(descriptor)
        try:
            with _writing(self._packages, "a package cannot be put into the cache"):
                yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def add(self, file: Path, sha256: str) -> Path:
        """Move a file from ``new_file`` to its place; Unreadable when the disk refuses."""
        path = self._path(sha256)
        with _writing(self._packages):
            file.replace(path)
        return path

    def remembered(self, origin: str, etag: str) -> tuple[str, int] | None:
        """Return digest and size (bytes) of what an origin had under this ETag, when it is known."""
        try:
            match = _DIGEST.fullmatch(self._note(origin, etag).read_text("ascii"))
        except (OSError, ValueError):
            return None
        return (match.group(1), int(match.group(2))) if match else None

    def remember(self, origin: str, etag: str, sha256: str, size: int) -> None:
        """Note digest and size (bytes) of what an origin has under this ETag."""
        path = self._note(origin, etag)
        with _writing(self._digests):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{sha256} {size}\n")
            Path(name).replace(path)

    def _path(self, sha256: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise ValueError(f"not a SHA-256 in lowercase hex: {sha256!r}")
        return self._packages / f"{sha256}.zip"

    def _note(self, origin: str, etag: str) -> Path:
        return self._digests / hashlib.sha256(f"{origin}\0{etag}".encode()).hexdigest()


@contextlib.contextmanager
def _writing(folder: Path, problem: str = "the cache cannot be written") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unreadable(
            f"{problem}: {error.strerror or type(error).__name__}",
            where=str(folder),
            fix="make room, or name another folder in LOCKSTEP_CACHE",
        ) from None
