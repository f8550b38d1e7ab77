"""What became of the release of one service."""

from lockstep.model.version import Version
from lockstep.values import dataclass

__all__ = ["PackageFile", "Released"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageFile:
    """The package among the files of a release."""

    name: str  # s3-notifier-0.1.6.zip
    sha256: str | None = None  # lowercase hex; None where the forge does not know it, or before it is built
    size: int | None = None  # bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """One version of a service, and where it can be had."""

    service: str
    version: Version
    tag: str
    commit: str  # that the tag names
    is_new: bool  # published by this run, or in a dry run: still to be published
    url: str | None = None  # of the release; None in a dry run
    package: PackageFile | None = None  # None: the service is released without one
    image: str | None = None  # "ghcr.io/acme/web@sha256:...", of a service that is one
    notes: str = ""  # Markdown of what is new
