"""Packages in the package bucket, where Lambda reads them.

Source: S3 API reference (PutObject with checksums and conditional writes).
"""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.errors import CloudError
from lockstep.model import Package

__all__ = ["stage"]

_DIGEST = "lockstep-sha256"  # metadata of a staged object


def stage(connection: Connection, package: Package, fetch: Callable[[Package], Path]) -> str | None:
    """Make sure that the package lies at its key; returns the object's version where there are any.

    An object that is there with the same digest is not uploaded again.
    """
    there = _head(connection, package)
    if there is not None and there.get("Metadata", {}).get(_DIGEST) == package.sha256:
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
            ChecksumSHA256=base64.b64encode(bytes.fromhex(package.sha256)).decode(),
            Metadata={_DIGEST: package.sha256},
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
