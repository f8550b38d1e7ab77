"""What S3 says of a package that lies in a bucket, and what Lockstep wrote beside it.

What it *is* tells S3's own checksum, which S3 computes of the bytes that it takes; metadata is what
whoever uploaded the object liked to say. Source: S3 user guide, "Checking object integrity".
"""

import base64
from collections.abc import Mapping
from typing import Any

__all__ = ["checksum_for", "digest_of"]


def digest_of(head: Mapping[str, Any]) -> str | None:
    """The SHA-256 (lowercase hex) of an object, from HeadObject with ``ChecksumMode``; None: S3 has none.

    A composite checksum, of a multipart upload, is of its parts and says nothing.
    """
    checksum = str(head.get("ChecksumSHA256") or "")
    if not checksum or "-" in checksum or head.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    return base64.b64decode(checksum).hex()


def checksum_for(sha256: str) -> str:
    """The checksum that S3 is to compare with the bytes that it gets, of a digest in hex."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()
