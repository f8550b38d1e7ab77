"""What S3 says of a package that lies in a bucket, and what Lockstep wrote beside it.

What its bytes *are* tells S3's own checksum, which S3 computes of what it takes (S3 user guide, "Checking
object integrity"). Metadata are what whoever uploaded it liked to say: they tell which releases a package
with the *right* digest was staged for, and nothing else.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["checksum_for", "digest_of", "metadata_for", "releases_of"]

_RELEASES = "lockstep-releases"  # metadata: "s3-notifier@0.1.5 s3-notifier@0.1.6"
_MOST = 1800  # bytes of them; S3 takes 2 KB of metadata in all


def digest_of(head: Mapping[str, Any]) -> str | None:
    """The SHA-256 (lowercase hex) of an object, from HeadObject with ``ChecksumMode``; None: S3 has none.

    A composite checksum, of a multipart upload, is of its parts and says nothing.
    """
    checksum = str(head.get("ChecksumSHA256") or "")
    if not checksum or "-" in checksum or head.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    try:
        digest = base64.b64decode(checksum, validate=True)
    except ValueError:
        return None
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else None


def releases_of(head: Mapping[str, Any]) -> tuple[str, ...]:
    """The releases (``service@version``) that whoever staged an object says it is; the newest last.

    One package may be several: two versions, or two services, that were built to the same bytes.
    """
    return tuple(str((head.get("Metadata") or {}).get(_RELEASES) or "").split())


def metadata_for(releases: Iterable[str]) -> dict[str, str]:
    """The metadata that say so. Of very many the newest, which come last, are kept."""
    kept = list(dict.fromkeys(releases))
    while len(" ".join(kept)) > _MOST:
        del kept[0]
    return {_RELEASES: " ".join(kept)} if kept else {}


def checksum_for(sha256: str) -> str:
    """The checksum that S3 is to compare with the bytes that it gets, of a digest in hex."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()
