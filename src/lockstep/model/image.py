"""Images of services that other tools deploy, as declarations and registries name them.

Source: OCI distribution specification, "Pulling manifests": a digest names an image for ever, a tag as long
as nobody moves it. Of ``repository:tag@digest`` runtimes take the digest and only show the tag.
"""

from lockstep.regexes import regex

__all__ = ["digest_of", "image_tag", "split_image"]

_DIGEST = regex(r"sha256:([0-9a-f]{64})")
_PINNED = regex(r"([^@]+)@sha256:([0-9a-f]{64})")


def split_image(text: str) -> tuple[str, str | None]:
    """The version of a text, and the SHA-256 of the image that it pins, in hex: ``1.4.0@sha256:9f86...``.

    A digest alone is a version: there is nothing else to call it by.
    """
    match = _PINNED.fullmatch(text)
    return (match[1], match[2]) if match is not None else (text, None)


def image_tag(version: str, image: str) -> str:
    """The version with its image, as charts take it for a tag."""
    return version if _DIGEST.fullmatch(version) else f"{version}@sha256:{image}"


def digest_of(value: object) -> str | None:
    """The hex digits of a digest; None for what is none."""
    match = _DIGEST.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match is not None else None
