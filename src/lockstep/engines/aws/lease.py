"""A lease object in the package bucket, so that two runs never write one bucket's notifications.

The object is written with S3's conditional PUT (If-None-Match, If-Match), so only one run holds it.
Its age is judged by S3's own clock (Last-Modified against Date), never by this machine's. A lease
that its holder did not give back, because it was killed, is over after ``ttl`` seconds.
"""

import contextlib
import json
import os
import socket
import uuid
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.engines.aws.pace import Pace
from lockstep.errors import CloudError, Interrupted

__all__ = ["hold"]

_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


@contextlib.contextmanager
def hold(connection: Connection, package_bucket: str, name: str, pace: Pace) -> Iterator[None]:
    """Hold the lease called ``name`` while the block runs.

    Raises CloudError when another run holds it for longer than ``pace.lease_total`` seconds; the
    message says who and since when.
    """
    key = f"lockstep/leases/{name}.json"
    tag = _acquire(connection, package_bucket, key, pace)
    try:
        yield
    finally:
        # Given back by overwriting it, and only while it is still ours.
        with contextlib.suppress(CloudError):
            _write(connection, package_bucket, key, {"released": True}, IfMatch=tag)


def _acquire(connection: Connection, bucket: str, key: str, pace: Pace) -> str:
    user = os.environ.get("GITHUB_ACTOR") or os.environ.get("USER") or "lockstep"
    owner = {
        "owner": f"{user}@{socket.gethostname()}",
        "run": os.environ.get("GITHUB_RUN_ID", ""),
        "token": uuid.uuid4().hex,
        "released": False,
    }
    waited = 0.0
    tag = _write(connection, bucket, key, owner, IfNoneMatch="*")
    while tag is None:
        held = _read(connection, bucket, key)
        if held is None:
            tag = _write(connection, bucket, key, owner, IfNoneMatch="*")
            continue
        body, etag, age = held
        if body.get("token") == owner["token"]:
            return etag  # we took it by a call whose answer was lost
        if body.get("released") or age >= pace.lease_ttl:
            tag = _write(connection, bucket, key, owner, IfMatch=etag)
            if tag is not None:
                break
        if waited >= pace.lease_total:
            run = f", run {body['run']}" if body.get("run") else ""
            raise CloudError(
                f"{body.get('owner', 'somebody')}{run} has been writing these notifications for {age:.0f} s",
                where=f"s3://{bucket}/{key}",
                fix=f"wait for that run; a dead run's lease ends after {pace.lease_ttl:.0f} s",
            )
        if connection.stop.wait(pace.lease_pause):
            raise Interrupted("stopped while waiting for another run's lease", where=f"s3://{bucket}/{key}")
        waited += pace.lease_pause
    return tag


def _write(
    connection: Connection, bucket: str, key: str, body: dict[str, Any], **condition: str
) -> str | None:
    """Write the lease under a condition; its ETag, or None when the condition does not hold."""
    try:
        answer = connection.try_call(
            "s3",
            "PutObject",
            Bucket=bucket,
            Key=key,
            Body=json.dumps(body).encode(),
            ContentType="application/json",
            ExpectedBucketOwner=connection.scope.account,
            **condition,
        )
    except Exception as error:
        if code_of(error) in _TAKEN or code_of(error) in {"NoSuchKey", "404"}:
            return None
        if code_of(error) == "NoSuchBucket":
            raise CloudError(
                f"the package bucket {bucket} does not exist",
                where="s3:PutObject",
                fix="create it, or change `packages.bucket` in lockstep.yaml",
            ) from error
        raise connection.explain(error, "s3", "PutObject") from error
    return str(answer["ETag"])


def _read(connection: Connection, bucket: str, key: str) -> tuple[dict[str, Any], str, float] | None:
    """The lease's content, ETag and age in seconds, or None when there is none."""
    try:
        answer = connection.try_call(
            "s3", "GetObject", Bucket=bucket, Key=key, ExpectedBucketOwner=connection.scope.account
        )
    except Exception as error:
        if code_of(error) in {"NoSuchKey", "404"}:
            return None
        raise connection.explain(error, "s3", "GetObject") from error
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    with answer["Body"] as stream:
        text = stream.read()
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    now = parsedate_to_datetime(headers["date"]) if "date" in headers else answer["LastModified"]
    return body, str(answer["ETag"]), (now - answer["LastModified"]).total_seconds()
