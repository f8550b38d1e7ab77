"""Packages in the package bucket, where Lambda reads them.

What lies at a key is what S3's own checksum of it says, which S3 has compared with the bytes.

Source: S3 API reference (PutObject and HeadObject with checksums).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.errors import CloudError
from lockstep.model import Package
from lockstep.model.staged import checksum_for, digest_of, metadata_for, releases_of

__all__ = ["stage"]


def stage(connection: Connection, package: Package, fetch: Callable[[Package], Path]) -> str | None:
    """Make sure that the package lies at its key; returns the object's version where there are any.

    An object that is there with the same checksum, and says the releases that it is wanted as, is not
    uploaded again; any other is replaced, whatever its metadata say.
    """
    there = _head(connection, package)
    known: tuple[str, ...] = ()
    if there is not None and digest_of(there) == package.sha256:
        known = releases_of(there)
        if set(package.releases) <= set(known):
            return _version(there)
    path = fetch(package)
    with path.open("rb") as body:
        answer = connection.call(
            "s3",
            "PutObject",
            Bucket=package.bucket,
            Key=package.key,
            Body=body,
            ContentType="application/zip",
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum_for(package.sha256),
            Metadata=metadata_for((*known, *package.releases)),
            ExpectedBucketOwner=package.bucket_owner or connection.scope.account,
        )
    return _version(answer)


def _head(connection: Connection, package: Package) -> dict[str, Any] | None:
    try:
        return connection.try_call(
            "s3",
            "HeadObject",
            Bucket=package.bucket,
            Key=package.key,
            ChecksumMode="ENABLED",
            ExpectedBucketOwner=package.bucket_owner or connection.scope.account,
        )
    except Exception as error:
        # HeadObject has no body: a missing bucket and a missing key both say 404.
        if code_of(error) not in {"404", "NoSuchKey", "NotFound", "NoSuchBucket"}:
            raise connection.explain(error, "s3", "HeadObject") from error
    owner = package.bucket_owner or connection.scope.account
    try:
        connection.try_call("s3", "HeadBucket", Bucket=package.bucket, ExpectedBucketOwner=owner)
    except Exception as error:
        if code_of(error) in {"404", "NoSuchBucket"}:
            raise CloudError(
                f"the package bucket {package.bucket} does not exist",
                where="s3:HeadBucket",
                fix="create it, or change `packages.bucket` in lockstep.yaml",
            ) from error
        raise connection.explain(error, "s3", "HeadBucket") from error
    return None


def _version(answer: dict[str, Any]) -> str | None:
    version = answer.get("VersionId")
    return None if version in {None, "null"} else str(version)
