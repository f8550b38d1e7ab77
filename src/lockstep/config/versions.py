"""Where the version of a service stands that Lockstep does not deploy, and how its image is pinned there.

What a chart takes as the tag of an image may name its digest too, ``1.4.0@sha256:9f86...``: then the digest
decides which image runs, and the version is read without it. A chart with a key of its own for the digest
has it beside the tag: ``image: {tag: "1.4.0", digest: "sha256:9f86..."}``.
"""

from lockstep.config.edit import Change
from lockstep.config.layers import SHORT_VERSION, Path, Stack, fold, has
from lockstep.errors import BadInput
from lockstep.model import Source
from lockstep.model.image import digest_of, image_tag, split_image
from lockstep.model.paths import value_at
from lockstep.model.source import Pinning
from lockstep.values import dataclass

__all__ = ["Stated", "find_version", "image_changes"]

_TAGS = frozenset({"tag", "imageTag"})
"""Keys that charts put behind the colon of an image's name as they are."""

_DIGEST = "digest"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """A version as all layers together say it. Without ``path`` they say none."""

    version: str | None = None
    image: str | None = None  # SHA-256 of the image that is pinned, lowercase hex
    text: str | None = None  # of the value, with the digest where it stands in it
    path: Path = ()


def find_version(stack: Stack, service: str, source: Source | None = None) -> Stated:
    """Version of a service that Lockstep does not deploy, the digest of its image, and where it is written.

    At ``versionKey`` where the project names one; else the first of lambda.version, lambdaVersion, version,
    imageTag, image.tag, {service}.image.tag, service.version, service.image.tag, gitVersion.version and
    gitVersion.shortSha that is there.
    """
    key = source.version_key if source is not None else None
    known: tuple[tuple[str, ...], ...] = (
        ("lambda", "version"),
        ("layer", "version"),
        (SHORT_VERSION,),
        ("version",),
        ("imageTag",),
        ("image", "tag"),
        (service, "image", "tag"),
        ("service", "version"),
        ("service", "image", "tag"),
        ("gitVersion", "version"),
        ("gitVersion", "shortSha"),
    )
    for path in (key,) if key else known:
        value = value_at(stack.values, path)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            text = value if isinstance(value, str) else stack.text(path) or str(value)
            version, image = split_image(text)
            beside = digest_of(value_at(stack.values, _digest_key(path, source)))
            return Stated(version=version, image=beside or image, text=text, path=path)
    return Stated()


def image_changes(
    stack: Stack, file: str, path: tuple[str, ...], source: Source | None, *, new: str, image: str | None
) -> dict[tuple[str, ...], Change]:
    """What a version with its image changes in the declaring file, where the version stands at ``path``.

    A digest of another version never stays. Without ``image`` the version stands alone. BadInput when
    another file pins all versions by a digest and that of this one is not known.
    """
    key = _digest_key(path, source)
    own = next((layer.values for layer in stack.layers if layer.file == file), {})
    others = [layer for layer in stack.layers if layer.file != file]
    elsewhere = value_at(fold(layer.values for layer in others), key)
    changes: dict[tuple[str, ...], Change] = {path: new}
    if image is None:
        if digest_of(elsewhere) is not None:
            raise BadInput(
                f"{'.'.join(key)} pins all versions of this service, and what the new one is is not known",
                where=Stack(layers=tuple(others), values={}).place(key),
                fix=f"remove it there, or move it to {file}",
            )
        if has(own, key):
            changes[key] = None
        return changes
    pinning = _pinning(stack, path, key, source)
    if pinning is Pinning.TAG:
        changes[path] = image_tag(new, image)
    if pinning is Pinning.KEY:
        changes[key] = f"sha256:{image}"
    elif has(own, key):
        changes[key] = None
    return changes


def _pinning(stack: Stack, path: tuple[str, ...], key: tuple[str, ...], source: Source | None) -> Pinning:
    """As the project says; else by what the chart shows that it takes."""
    image = source.image if source is not None else None
    if image is not None and image.pin is not None:
        return image.pin
    if has(stack.values, key):
        return Pinning.KEY
    if image is None:
        return Pinning.TAG  # somebody wrote it so, and asked for no more
    return Pinning.TAG if path[-1] in _TAGS and image.tag.endswith("{version}") else Pinning.NONE


def _digest_key(path: Path, source: Source | None) -> tuple[str, ...]:
    """The key of a chart that takes the digest by itself: the one that is named, or beside the tag."""
    if source is not None and source.image is not None and source.image.digest_key is not None:
        return source.image.digest_key
    return (*map(str, path[:-1]), _DIGEST)
