"""Images of services that other tools build: without one a version is none."""

from lockstep.artifacts.oci import Registry
from lockstep.errors import ArtifactError
from lockstep.model import Source

__all__ = ["check_image"]


def check_image(source: Source, version: str, *, registry: Registry | None = None) -> str | None:
    """The digest of a version's image; None for a service whose image nobody asks for.

    Raises ArtifactError when it is not there or the registry cannot be asked.
    """
    image = source.image
    if image is None:
        return None
    tag = image.tag_of(version)
    digest = (registry or Registry()).digest(image.repository, tag, place=image.place)
    if digest is None:
        raise ArtifactError(
            f"there is no image {image.repository}:{tag}, which {source.service} {version} needs",
            where=image.place,
            fix="build and push it first; the release and the promotion come after it",
        )
    return digest
