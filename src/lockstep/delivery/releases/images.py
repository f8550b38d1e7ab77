"""Images of services that Argo CD or another tool deploys: without one a version is none.

Where the project says how, a release builds the image and pushes it, before anything is tagged. The
release keeps the image's manifest, whose SHA-256 is the image's digest: it says for ever which image a
version is, as it does of a package, wherever somebody moves the tag to.
"""

import shlex
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from lockstep.artifacts.builders.images import image_commands
from lockstep.artifacts.builders.process import environment, run
from lockstep.artifacts.oci import Registry
from lockstep.errors import ArtifactError
from lockstep.forge.base import Forge
from lockstep.git.command import Repository
from lockstep.git.export import export_commit
from lockstep.model import Source
from lockstep.model.image import digest_of
from lockstep.model.move import Move
from lockstep.model.source import Image, ImageBuilder
from lockstep.model.version import Version
from lockstep.model.watching import SILENT, Watcher

__all__ = ["check_image", "fetch_manifest", "find_image", "manifest_name", "push_image", "with_images"]

_WORKERS = 8


def manifest_name(service: str, version: str) -> str:
    """The file of a release that is the manifest of its image: ``web-1.4.0.image.json``."""
    return f"{service}-{version}.image.json"


def find_image(source: Source, version: str, *, registry: Registry | None = None) -> str | None:
    """The digest of a version's image; None when it is not there, and where nobody asks for one.

    A version that is a digest itself names its image. Raises ArtifactError when the registry cannot be asked.
    """
    image = source.image
    if image is None:
        return None
    reference = version if digest_of(version) else image.tag_of(version)
    return (registry or Registry()).digest(image.repository, reference, place=image.place)


def check_image(source: Source, version: str, *, registry: Registry | None = None) -> str | None:
    """The digest of a version's image; None for a service whose image nobody asks for.

    Raises ArtifactError when it is not there or the registry cannot be asked.
    """
    digest = find_image(source, version, registry=registry)
    if source.image is not None and digest is None:
        raise ArtifactError(
            f"there is no image {source.image.name_of(version)}, which {source.service} {version} needs",
            where=source.image.place,
            fix="build and push it first; the release and the promotion come after it",
        )
    return digest


def fetch_manifest(source: Source, digest: str) -> bytes:
    """The manifest of a service's image, whose SHA-256 the digest is. ArtifactError when it cannot be had."""
    image = source.image
    assert image is not None  # noqa: S101 - asked by the caller
    return Registry().manifest(image.repository, digest, place=image.place)


def with_images(
    sources: Mapping[str, Source],
    moves: Sequence[Move],
    forge: Callable[[], Forge | None],
    *,
    is_back: bool = False,
) -> tuple[Move, ...]:
    """The moves of services whose images have to be there, with the digests that their versions mean.

    That is what the release of a version says, else what the registry's tag names now. A digest that the
    move brings along is compared with it; with ``is_back`` it stands for itself, as what ran under that
    version. Raises ArtifactError for an image that is not there, or is not the version's, and what the
    forge raises.
    """
    wanted = [move for move in moves if _image_of(sources, move) is not None]
    if not wanted:
        return tuple(moves)
    opened = forge()
    registry = Registry()

    def look_up(move: Move) -> Move:
        if _image_of(sources, move) is None:
            return move
        return replace(move, sha256=_digest(sources[move.service], move, opened, registry, is_back=is_back))

    with ThreadPoolExecutor(max_workers=min(_WORKERS, len(moves))) as pool:
        return tuple(pool.map(look_up, moves))


def _image_of(sources: Mapping[str, Source], move: Move) -> Image | None:
    source = sources.get(move.service)
    return source.image if source is not None and move.deployment_type != "lambda" else None


def _digest(
    source: Source, move: Move, forge: Forge | None, registry: Registry, *, is_back: bool
) -> str | None:
    """The digest, in hex, of the image that a move declares. None for a version that is a digest itself."""
    version, pinned = move.new, move.sha256
    if digest_of(version):
        check_image(source, version, registry=registry)
        return None
    meant = None if is_back and pinned else _released(source, version, forge)
    if pinned is None and meant is None:
        return digest_of(check_image(source, version, registry=registry))
    if meant is None and not is_back and Version.find(version) is not None:
        meant = digest_of(check_image(source, version, registry=registry))
    if pinned is not None and meant is not None and pinned != meant:
        raise ArtifactError(
            f"{version} is the image sha256:{meant}, and what is promoted as {version} is pinned to "
            f"sha256:{pinned}",
            where=move.target,
            fix="somebody moved the tag, or edited the version and left the digest: correct the declaration "
            "that it comes from, or release and promote a new version",
        )
    found = pinned or meant or ""
    check_image(source, f"sha256:{found}", registry=registry)
    return found


def _released(source: Source, version: str, forge: Forge | None) -> str | None:
    """The digest that the release of a version keeps, where there is one."""
    release = forge.release(source.tag_of(version)) if forge is not None else None
    name = manifest_name(source.service, version)
    assets = release.assets if release is not None else ()
    return next((asset.sha256 for asset in assets if asset.name == name), None)


def push_image(
    repository: Repository,
    commit: str,
    source: Source,
    version: str,
    *,
    prefix: str = "",
    stop: threading.Event | None = None,
    watcher: Watcher = SILENT,
) -> str:
    """Build and push a version's image as its service says; its digest at the registry.

    The builder runs in a clean checkout of the commit, in the folder of the project file, and sees
    LOCKSTEP_IMAGE (repository and tag), LOCKSTEP_SERVICE, LOCKSTEP_VERSION, LOCKSTEP_COMMIT and
    SOURCE_DATE_EPOCH. Raises ArtifactError when it fails, and when the image is not there after it;
    Interrupted soon after ``stop`` is set.
    """
    image = source.image
    assert image is not None and image.build is not None  # noqa: S101, PT018 - asked by the caller
    name = image.name_of(version)
    watcher.progress(f"{source.service}: building the image {name}")
    with tempfile.TemporaryDirectory(prefix="lockstep-image-", ignore_cleanup_errors=True) as folder:
        exported = export_commit(repository, commit, Path(folder))
        variables = {
            "LOCKSTEP_IMAGE": name,
            "LOCKSTEP_SERVICE": source.service,
            "LOCKSTEP_VERSION": version,
            "LOCKSTEP_COMMIT": commit,
        }
        for command in image_commands(image.build, image.repository, image.tag_of(version)):
            run(
                command.words,
                cwd=exported.folder / prefix / command.folder,
                env=environment(exported.time, {**variables, **command.environment}),
                stop=stop or threading.Event(),
                doing=f"building the image {name} by {image.build.builder}",
                fix=f"run `{shlex.join(command.words)}` in a checkout of the commit yourself to see more",
            )
    digest = find_image(source, version)
    if digest is None:
        raise ArtifactError(
            f"the build ended well, and the registry has no image {name}",
            where=image.place,
            fix='let it push "$LOCKSTEP_IMAGE"'
            if image.build.builder is ImageBuilder.COMMAND
            else f"look at where {image.build.builder} pushes to, or build it with builder: command",
        )
    return digest
