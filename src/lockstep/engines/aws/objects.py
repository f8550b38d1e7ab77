"""Objects: those below a prefix listed and deleted, one of ours read and written.

Source: S3 API reference (ListObjectsV2, DeleteObjects). In a bucket that keeps versions a delete leaves a
marker and the versions stay: what lies there can be had again, and lifecycle rules remove it.
"""

import datetime
from collections.abc import Collection, Sequence
from itertools import islice

from lockstep.engines.aws.actions import actions_of
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.errors import BadInput, CloudError
from lockstep.model import PackageBucket
from lockstep.model.preview import StoredObject

__all__ = ["delete_objects", "list_objects", "read_text", "write_text"]

_BATCH = 1000  # keys that one DeleteObjects takes


def list_objects(
    connection: Connection, bucket: str, prefix: str, *, most: int, owner: str | None = None
) -> tuple[StoredObject, ...]:
    """The objects below a prefix, in the order of their keys; one more than ``most`` at the most.

    Raises BadInput for an empty prefix: that is the whole bucket.
    """
    if not prefix:
        raise BadInput("an empty prefix is the whole bucket", where=f"s3://{bucket}")
    found = connection.pages(
        *("s3", "ListObjectsV2", "Contents", "ContinuationToken", "NextContinuationToken"),
        Bucket=bucket,
        Prefix=prefix,
        ExpectedBucketOwner=owner or connection.scope.account,
    )
    return tuple(
        StoredObject(
            bucket=bucket, key=one["Key"], size=int(one["Size"]), modified=_when(one["LastModified"])
        )
        for one in islice(found, most + 1)
    )


def delete_objects(
    connection: Connection, objects: Sequence[StoredObject], *, owner: str | None = None
) -> None:
    """Delete objects of one bucket. CloudError when some of them could not be deleted."""
    for start in range(0, len(objects), _BATCH):
        batch = objects[start : start + _BATCH]
        answer = connection.call(
            "s3",
            "DeleteObjects",
            Bucket=batch[0].bucket,
            Delete={"Objects": [{"Key": one.key} for one in batch], "Quiet": True},
            ExpectedBucketOwner=owner or connection.scope.account,
        )
        if errors := answer.get("Errors"):
            first = errors[0]
            raise CloudError(
                f"{len(errors)} objects could not be deleted: {first.get('Key')} ({first.get('Code')})",
                where="s3:DeleteObjects",
                fix=f"allow {actions_of('s3:DeleteObjects')[0]} on the prefix, then run again",
            )


def read_text(
    connection: Connection, bucket: PackageBucket, key: str, *, lost: Collection[str] = ()
) -> str | None:
    """A text of ours in a package bucket; None when there is none, or for an error code of ``lost``."""
    owner = bucket.account or connection.scope.account
    try:
        answer = connection.try_call(
            "s3", "GetObject", Bucket=bucket.name, Key=key, ExpectedBucketOwner=owner
        )
        return bytes(answer["Body"]).decode("utf-8", "replace")
    except Exception as error:
        if code_of(error) in {"NoSuchKey", "NoSuchBucket", "404", *lost}:
            return None
        raise connection.explain(error, "s3", "GetObject") from error


def write_text(connection: Connection, bucket: PackageBucket, key: str, text: str) -> None:
    """Keep a text in a package bucket. Raises CloudError."""
    connection.call(
        "s3",
        "PutObject",
        Bucket=bucket.name,
        Key=key,
        Body=text.encode(),
        ContentType="application/json",
        ExpectedBucketOwner=bucket.account or connection.scope.account,
    )


def _when(moment: datetime.datetime) -> datetime.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
