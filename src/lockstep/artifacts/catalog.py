"""All packages of a plan: found, compared with their pins, and fetched when they have to be staged."""

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field, replace
from pathlib import Path
from typing import TypeVar

from lockstep.artifacts.base import Found, Source, Staging
from lockstep.artifacts.cache import Cache
from lockstep.artifacts.checks import check_zip, sha256_of
from lockstep.errors import ArtifactError, BadInput, LockstepError, NoCredentials
from lockstep.model import Package, Release
from lockstep.values import dataclass
from lockstep.waiting import Deadline, reading_seconds

__all__ = ["Catalog", "Resolved"]

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """Packages by the caller's keys, and what is wrong with the others."""

    packages: Mapping[str, Package] = field(default_factory=dict)
    errors: Mapping[str, LockstepError] = field(default_factory=dict)


class Catalog:
    """Turns releases into packages. Several threads may use one catalog.

    ``staged`` gives the source of what lies in a package bucket, by its name: a pinned package that was
    staged once as this release can be used although the release is gone.
    ``is_ours_alone`` says of a release that only the machine that built it has its package: then what was
    staged as it is all that others can see, and needs no pin.
    Finding many has ``timeout`` seconds (None: by how many they are) by the ``deadline`` of the sources.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        cache: Cache,
        *,
        staged: Callable[[str], Staging] | None = None,
        is_ours_alone: Callable[[Release], bool] = lambda _: False,
        deadline: Deadline | None = None,
        timeout: float | None = None,
    ) -> None:
        self._deadline = deadline or Deadline()
        self._timeout = timeout
        self._sources = sources
        self._staged_source = staged
        self._is_ours_alone = is_ours_alone
        self._cache = cache
        self._releases: dict[str, tuple[Release, Found]] = {}  # by digest
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def package(self, release: Release, bucket: str | None) -> Package:
        """Return the package of a release, to be staged in ``bucket``.

        A package that lies in that bucket already, or anywhere in S3 when ``bucket`` is None, is used
        where it is. Nothing is downloaded when the digest is published, pinned or known from before.
        Raises ArtifactError when there is no such package or it is not the one that was pinned.
        """
        found, digest, size = self._identify(release, bucket)
        return self._staged(release, bucket, found, digest, size)

    def resolve(self, wanted: Mapping[str, tuple[Release, str | None]], workers: int = 8) -> Resolved:
        """Find many packages in parallel, each distinct release once.

        ``wanted`` maps a key of the caller's, such as a target's, to release and package bucket.
        """
        same: dict[Hashable, list[str]] = {}
        for key, (release, bucket) in wanted.items():
            options = tuple(sorted(release.options.items()))
            identity = (release.name, release.source, options, release.sha256, release.outlived, bucket)
            same.setdefault(identity, []).append(key)
        packages: dict[str, Package] = {}
        errors: dict[str, LockstepError] = {}

        def find(keys: list[str]) -> tuple[Found, str, int] | LockstepError:
            try:
                return self._identify(*wanted[keys[0]])
            except LockstepError as error:
                return error

        seconds = self._timeout or reading_seconds(len(same))
        with (
            self._deadline.reading(seconds),
            ThreadPoolExecutor(max_workers=max(1, min(workers, len(same)))) as pool,
        ):
            for keys, found in zip(same.values(), pool.map(find, same.values()), strict=True):
                first, _ = wanted[keys[0]]
                for key in keys:
                    release, bucket = wanted[key]
                    try:
                        if isinstance(found, LockstepError):
                            raise _moved(found, first, release)
                        packages[key] = self._staged(release, bucket, *found)
                    except LockstepError as error:
                        errors[key] = error
        return Resolved(packages=packages, errors=errors)

    def is_staged(self, release: Release, bucket: str) -> bool:
        """Say whether the package with the pinned digest lies in a bucket and was staged as this release."""
        return self._staged_as(release, bucket) is not None

    def fetch(self, package: Package) -> Path:
        """Return a file with the package, checked and with the right digest, downloading it if need be.

        Raises ArtifactError when it cannot be had, is damaged or is not what it was. A package is
        known after ``package`` or ``resolve`` in this catalog, or from the cache.
        """
        with self._lock:
            lock = self._locks[package.sha256]
        with lock:
            if path := self._cache.get(package.sha256):
                return path
            if package.sha256 not in self._releases:
                raise ArtifactError(
                    f"the package {package.origin} is not on this machine",
                    fix="plan again, then sync that plan",
                )
            release, found = self._releases[package.sha256]
            _, _, path = self._download(release, found, expected=package.sha256)
            return path

    def at_hand(self, package: Package) -> Path | None:
        """The package's file where this machine has it; nothing is asked of anybody."""
        return self._cache.get(package.sha256)

    def _identify(self, release: Release, bucket: str | None) -> tuple[Found, str, int]:
        """Return what the source has, its digest and its size in bytes (0: not known).

        A pin is compared with what the source has of this release, never taken at its word: where the
        source publishes no digest, what was staged as this release tells it, or else the bytes.
        """
        found = self._find(release, bucket)
        digest, size = found.sha256, found.size or 0
        if digest is None and found.etag and (known := self._cache.remembered(found.origin, found.etag)):
            digest, size = known
        # Looking at a folder costs nothing, so that a wrong pin shows in the plan.
        is_far = release.source != "directory" and not _is_in_place(found, bucket)
        if digest is None and is_far and (staged := self._staged_as(release, bucket)) is not None:
            digest, size = release.sha256, staged.size or 0
        if digest is None:
            digest, size, _ = self._download(release, found, expected=release.sha256)
        _compare(release, found, digest, release.sha256)
        if digest == release.outlived and not release.is_placed_by_version:
            raise ArtifactError(
                f"{found.origin} is still the package of another version than {release.version}: it has the "
                "digest that lambda.sha256 pins for that one",
                where=release.place,
                fix=f"put the package of {release.version} there; or remove lambda.sha256, if this is it",
            )
        with self._lock:
            self._releases[digest] = (release, found)
        return found, digest, size

    def _find(self, release: Release, bucket: str | None) -> Found:
        """What the release's source has; else the package that was staged as this release."""
        try:
            return _at(release, lambda: self._source(release).find(release))
        except NoCredentials:
            raise
        except ArtifactError:
            found = self._staged_as(release, bucket) or self._staged_by_name(release, bucket)
            if found is None:
                raise  # what the source said is what matters
            return found

    def _staged_as(self, release: Release, bucket: str | None) -> Found | None:
        """The package with the pinned digest, if it lies in the bucket and was staged as this release."""
        if self._staged_source is None or bucket is None or release.sha256 is None:
            return None
        key = release.staged_key.replace("{sha256}", release.sha256)
        try:
            found = self._staged_source(bucket).find(
                replace(release, source="s3", options={"bucket": bucket, "key": key})
            )
        except LockstepError:
            return None
        return found if found.sha256 == release.sha256 and release.name in found.releases else None

    def _staged_by_name(self, release: Release, bucket: str | None) -> Found | None:
        """The one package that was staged as a release of which nobody else can see more."""
        if (
            self._staged_source is None
            or bucket is None
            or release.sha256
            or not self._is_ours_alone(release)
        ):
            return None
        try:
            there = self._staged_source(bucket).staged(replace(release, options={"bucket": bucket}))
        except LockstepError:
            return None
        by_digest = {found.sha256: found for found in there if found.sha256 is not None}
        if len(by_digest) > 1:
            digests = " and ".join(f"{digest[:12]}..." for digest in list(by_digest)[:3])
            raise ArtifactError(
                f"different packages were staged as {release.name}: {digests}",
                where=release.place,
                fix="say which one is meant: lambda.sha256 pins it; a version is better built once",
            )
        return next(iter(by_digest.values()), None)

    def _staged(self, release: Release, bucket: str | None, found: Found, digest: str, size: int) -> Package:
        if _is_in_place(found, bucket) and found.bucket and found.key:
            return Package(
                sha256=digest,
                size=size,
                bucket=found.bucket,
                key=found.key,
                origin=found.origin,
                object_version=found.object_version,
                is_staged=True,
                releases=(release.name,),
            )
        if bucket is None:
            raise BadInput(
                f"there is no bucket to stage {found.origin} in",
                where=release.place,
                fix="set packages.bucket in lockstep.yaml",
            )
        key = release.staged_key.replace("{sha256}", digest)
        return Package(
            sha256=digest,
            size=size,
            bucket=bucket,
            key=key,
            origin=found.origin,
            releases=(release.name,),
        )

    def _download(self, release: Release, found: Found, *, expected: str | None) -> tuple[str, int, Path]:
        with self._cache.new_file() as file:
            _at(release, lambda: self._source(release).download(release, found, file))
            digest, size = sha256_of(file), file.stat().st_size
            _compare(release, found, digest, expected)
            _at(release, lambda: check_zip(file, origin=found.origin))
            path = self._cache.add(file, digest)
        if found.etag:
            self._cache.remember(found.origin, found.etag, digest, size)
        return digest, size, path

    def _source(self, release: Release) -> Source:
        if release.source not in self._sources:
            known = ", ".join(sorted(self._sources))
            raise BadInput(
                f"there is no artifact source {release.source}", where=release.place, fix=f"one of: {known}"
            )
        return self._sources[release.source]


def _at(release: Release, do: Callable[[], _T]) -> _T:
    """Do something about a release; what is wrong with its package is told with the declaration's place."""
    try:
        return do()
    except LockstepError as error:
        if not release.place or error.where in (None, release.place):
            raise
        raise type(error)(f"{error.where}: {error.problem}", where=release.place, fix=error.fix) from error


def _moved(error: LockstepError, asked: Release, release: Release) -> LockstepError:
    """What is wrong with a release, told at the place of another declaration of it."""
    if error.where != asked.place or asked.place == release.place:
        return error
    return type(error)(error.problem, where=release.place, fix=error.fix, doing=error.doing)


def _is_in_place(found: Found, bucket: str | None) -> bool:
    return found.bucket is not None and bucket in (None, found.bucket)


def _compare(release: Release, found: Found, digest: str, expected: str | None) -> None:
    if expected and digest != expected:
        raise ArtifactError(
            f"{found.origin} has the digest {digest}, not {expected}",
            where=release.place,
            fix="it was replaced, or the pin is of another version: check which, then correct lambda.sha256 "
            "(without the line, 'lockstep promote' writes it anew)",
        )
