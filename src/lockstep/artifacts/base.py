"""The protocol of all artifact sources."""

from pathlib import Path
from typing import Protocol

from lockstep.model import Release
from lockstep.values import dataclass

__all__ = ["Found", "Source", "Staging"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A package that a source has, as far as it is known without downloading it."""

    origin: str  # for people, without secrets: "github:owner/repo@s3-notifier-v0.1.6/package.zip"
    sha256: str | None = None  # lowercase hex; None: has to be downloaded once to be known
    size: int | None = None  # bytes
    etag: str | None = None  # identifies the content for the cache where there is no digest
    bucket: str | None = None  # where Lambda can read it as it is
    key: str | None = None
    object_version: str | None = None
    releases: tuple[str, ...] = ()  # "service@version" of those that a staged package says it is


class Source(Protocol):
    """A place that releases come from."""

    kind: str  # "github-release", "git-release", "s3", "https", "directory"

    def find(self, release: Release) -> Found:
        """Say what the source has for a release, downloading nothing; ArtifactError when it has none."""
        ...

    def download(self, release: Release, found: Found, into: Path) -> None:
        """Write the package's bytes to a new file."""
        ...


class Staging(Source, Protocol):
    """A package bucket: a source that also knows what was staged."""

    def staged(self, release: Release) -> tuple[Found, ...]:
        """What lies in the release's ``bucket`` under its staged key and was staged as this release.

        Several, newest first, where the key holds the digest and other bytes were staged under one name.
        """
        ...
