"""Where a service is built from: its paths in a repository, its tags and its builder."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from lockstep.model.image import digest_of
from lockstep.values import dataclass

__all__ = [
    "Build",
    "Builder",
    "ForgeSettings",
    "Image",
    "ImageBuild",
    "ImageBuilder",
    "Origin",
    "Pinning",
    "Source",
    "Sources",
]


class Builder(StrEnum):
    """What makes a package."""

    PYTHON = "python"
    NODE = "node"
    DOTNET = "dotnet"
    COMMAND = "command"
    PREBUILT = "prebuilt"


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """How the package of a service is made. Paths are relative to the repository's root."""

    builder: Builder
    path: str  # folder of the function's source
    runtime: str | None = None  # of the function: "python3.13"
    architecture: str = "x86_64"  # of the function; or "arm64"
    requirements: str | None = None  # python: file below ``path``
    project: str | None = None  # dotnet: project file below ``path``
    script: str | None = None  # node: script of package.json that builds
    command: str | None = None  # command: run by sh in ``path``
    output: str | None = None  # folder or zip below ``path`` that is packed
    is_layer: bool = False  # packed with the folders that a runtime looks in for a layer
    include: tuple[str, ...] = ()  # globs below what is packed; () is everything
    exclude: tuple[str, ...] = ()
    place: str = field(default="", compare=False)  # file:line


class ImageBuilder(StrEnum):
    """What makes an image and pushes it."""

    DOCKER = "docker"
    BUILDX = "buildx"
    KO = "ko"
    PACK = "pack"
    COMMAND = "command"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageBuild:
    """How the image of a service is made. Paths are relative to the repository's root."""

    builder: ImageBuilder
    path: str = "."  # folder of the service's source
    file: str | None = None  # docker, buildx: Dockerfile below ``path``
    target: str | None = None  # docker, buildx: stage of the Dockerfile
    args: Mapping[str, str] = field(default_factory=dict)  # docker, buildx: build arguments; pack: variables
    platforms: tuple[str, ...] = ()  # buildx, ko: "linux/amd64"; () is the builder's own choice
    main: str | None = None  # ko: package of the program below ``path``
    using: str | None = None  # pack: image of the buildpacks
    command: str | None = None  # command: run by sh in ``path``
    place: str = field(default="", compare=False)  # file:line


class Pinning(StrEnum):
    """How a declaration names the digest of an image beside its version."""

    TAG = "tag"  # behind the version, where the tag stands: "1.4.0@sha256:..."
    KEY = "key"  # in a key of its own
    NONE = "none"  # not at all: the version stands alone


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """The container image of a service, which has to be there: somebody else builds it, or ``build`` does."""

    repository: str  # "ghcr.io/acme/web", without a tag
    tag: str = "{version}"
    build: ImageBuild | None = None  # None: another tool builds it
    pin: Pinning | None = None  # None: as the declaration shows that its chart takes it
    digest_key: tuple[str, ...] | None = None  # of ``Pinning.KEY``; None: ``digest`` beside the tag
    place: str = field(default="", compare=False)  # file:line

    def tag_of(self, version: str) -> str:
        """The tag of a version."""
        return self.tag.replace("{version}", version)

    def name_of(self, version: str) -> str:
        """The whole name of a version's image; a version may be a digest itself."""
        is_digest = digest_of(version) is not None
        return f"{self.repository}@{version}" if is_digest else f"{self.repository}:{self.tag_of(version)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One entry under ``services:`` of ``lockstep.yaml``."""

    service: str
    paths: tuple[str, ...] = ()  # folders, files and globs whose change is a change of it; () is every path
    tag: str = "{service}-v{version}"  # {service} is filled in already, {version} is not
    build: Build | None = None
    image: Image | None = None  # that a release and a promotion need; None: nobody asks
    version_key: tuple[str, ...] | None = None  # key of the version in a declaration, where it is not found
    place: str = field(default="", compare=False)  # file:line

    def tag_of(self, version: str) -> str:
        """The tag of a version."""
        return self.tag.replace("{version}", version)


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgeSettings:
    """Where pull requests and releases of the repository live. None: as the remote says."""

    kind: str | None = None  # "github" or "local"
    repository: str | None = None  # owner/name
    api: str | None = None  # base URL of GitHub's API
    app: str | None = None  # id of a GitHub App
    installation: str | None = None  # id of its installation
    method: str | None = None  # "squash", "merge" or "rebase"; None: squash
    branch: str | None = None  # that is deployed from; None: the remote's default branch
    place: str = field(default="", compare=False)  # file:line


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The repository that services are built from, where releases, commits and reports are."""

    kind: str | None = None  # "github" or "local"; None: as artifacts say, else this repository
    repository: str | None = None  # owner/name, or URL or folder
    api: str | None = None  # base URL of GitHub's API
    report: bool = False  # record deployments and commit statuses after a sync
    place: str = field(default="", compare=False)  # file:line


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """The services of a repository, the forge that it is on, and where services come from."""

    services: Mapping[str, Source] = field(default_factory=dict)
    forge: ForgeSettings = field(default_factory=ForgeSettings)
    origin: Origin = field(default_factory=Origin)
    file: str = "lockstep.yaml"
