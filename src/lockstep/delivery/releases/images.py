"""Images of services that Argo CD or another tool deploys: without one a version is none.

Where the project says how, a release builds the image and pushes it, before anything is tagged.
"""

import tempfile
import threading
from pathlib import Path

from lockstep.artifacts.builders.process import environment, run
from lockstep.artifacts.oci import Registry
from lockstep.errors import ArtifactError
from lockstep.git.command import Repository
from lockstep.git.export import export_commit
from lockstep.model import Source
from lockstep.model.watching import SILENT, Watcher

__all__ = ["check_image", "find_image", "push_image"]


def find_image(source: Source, version: str, *, registry: Registry | None = None) -> str | None:
    """The digest of a version's image; None when it is not there, and where nobody asks for one.

    Raises ArtifactError when the registry cannot be asked.
    """
    image = source.image
    if image is None:
        return None
    return (registry or Registry()).digest(image.repository, image.tag_of(version), place=image.place)


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
    """Build and push a version's image by the command of its service; its digest at the registry.

    The command runs in a clean checkout of the commit, in the folder of the project file, and sees
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
        run(
            ["sh", "-c", image.build],
            cwd=exported.folder / prefix,
            env=environment(exported.time, variables),
            stop=stop or threading.Event(),
            doing=f"building the image {name} with `{image.build}`",
            fix="run it in a checkout of the commit yourself to see more",
        )
    digest = find_image(source, version)
    if digest is None:
        raise ArtifactError(
            f"the command ended well, and the registry has no image {name}",
            where=image.place,
            fix='push it as "$LOCKSTEP_IMAGE": docker buildx build --push --tag "$LOCKSTEP_IMAGE" ...',
        )
    return digest
