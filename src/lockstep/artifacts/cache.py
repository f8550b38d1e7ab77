"""Packages kept on this machine, by digest, and what is known of sources that publish no digest.

    {folder}/packages/{sha256}.zip    checked packages; verified again whenever one is taken
    {folder}/digests/{name}           "sha256 size" of an origin's content with a certain ETag

Files appear whole by renaming and are never changed, so processes share a cache. Each holds a lock on
it that others share; who gets it alone, as nobody else is there, clears away what killed runs left, and
the packages that were longest unused when all together are too large.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from lockstep.artifacts.checks import sha256_of
from lockstep.errors import Unreadable

__all__ = ["Cache"]

_GB = 10**9  # bytes

_log = logging.getLogger(__name__)
_NEW = ".new-"
_DIGEST = re.compile(r"([0-9a-f]{64}) (\d+)\n")


class Cache:
    """A cache below ``folder``, which is made when it is first written to.

    Its packages take ``limit`` bytes at most, and what a run itself uses beyond that.
    """

    def __init__(self, folder: Path, *, limit: float = 2 * _GB) -> None:
        self._packages = folder / "packages"
        self._digests = folder / "digests"
        self._limit = limit
        self._held: int | None = None  # the lock's descriptor
        self._used: set[Path] = set()
        self._lock = threading.Lock()

    def __del__(self) -> None:
        """Let others clear the cache away."""
        if (held := getattr(self, "_held", None)) is not None:
            os.close(held)

    def get(self, sha256: str) -> Path | None:
        """Return the package with this digest, or None; a damaged one is removed."""
        path = self._path(sha256)
        self._use(path)
        try:
            if sha256_of(path) == sha256:
                os.utime(path)  # when it was last used
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
            self._use()
            descriptor, name = tempfile.mkstemp(prefix=_NEW, dir=self._packages)
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
        self._use(path)
        with self._lock:
            if self._held is not None and self._kept()[1] > self._limit:
                with _alone(self._held) as is_alone:
                    if is_alone:
                        self._shrink()
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
            descriptor, name = tempfile.mkstemp(prefix=_NEW, dir=path.parent)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{sha256} {size}\n")
            Path(name).replace(path)

    def _use(self, *paths: Path) -> None:
        """Hold the cache, so that nobody takes a package away from under this run; tidy it first."""
        with self._lock:
            self._used.update(paths)
            if self._held is None and self._packages.is_dir():
                with contextlib.suppress(OSError):  # a cache that cannot be written is not tidied either
                    place = self._packages.with_suffix(".lock")
                    self._held = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                    with _alone(self._held) as is_alone:
                        if is_alone:
                            self._clear()
                            self._shrink()

    def _clear(self) -> None:
        """Remove what killed runs left."""
        for folder in (self._packages, self._digests):
            for left in folder.glob(f"{_NEW}*"):
                left.unlink(missing_ok=True)

    def _shrink(self) -> None:
        """Remove the packages that were longest unused until the others fit."""
        kept, total = self._kept()
        removed, freed = 0, 0
        for _, size, path in kept:
            if total - freed <= self._limit:
                break
            if path not in self._used:
                path.unlink(missing_ok=True)
                removed, freed = removed + 1, freed + size
        if removed:
            _log.warning(
                "the cache's packages took %s, more than its %s: the %d that were longest unused are "
                "removed (%s)",
                *(_told(total), _told(self._limit), removed, self._packages),
            )

    def _kept(self) -> tuple[list[tuple[float, int, Path]], int]:
        """Packages with when they were used last and their bytes, oldest first, and the sum of the bytes."""
        found = []
        for path in self._packages.glob("*.zip"):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        return sorted(found), sum(size for _, size, _ in found)

    def _path(self, sha256: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise ValueError(f"not a SHA-256 in lowercase hex: {sha256!r}")
        return self._packages / f"{sha256}.zip"

    def _note(self, origin: str, etag: str) -> Path:
        return self._digests / hashlib.sha256(f"{origin}\0{etag}".encode()).hexdigest()


@contextlib.contextmanager
def _alone(lock: int) -> Iterator[bool]:
    """Say whether nobody else holds the lock, and hold it alone meanwhile; shared with others afterwards."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_alone = True
    except BlockingIOError:
        is_alone = False
    try:
        yield is_alone
    finally:
        fcntl.flock(lock, fcntl.LOCK_SH)


def _told(size: float) -> str:
    return f"{size / _GB:.3g} GB" if size >= _GB / 10 else f"{size / 10**6:.3g} MB"


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
