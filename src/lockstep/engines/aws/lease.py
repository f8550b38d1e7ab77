"""A lease object, so that two runs never write one bucket's notifications.

It lies in the bucket whose notifications it protects, so that all who write them share it. Where an
object there would call somebody it lies in the bucket of ``triggers.lockBucket``, else with the packages.

The object is written with S3's conditional PUT (If-None-Match, If-Match), so only one run holds it.
Its age is judged by S3's own clock (Last-Modified against Date), never by this machine's. A lease
that its holder did not give back, because it was killed, is over after ``ttl`` seconds.
"""

import contextlib
import json
import os
import socket
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import Stale, code_of
from lockstep.engines.aws.pace import Pace
from lockstep.errors import CloudError, Interrupted, bounded
from lockstep.model import PackageBucket
from lockstep.model.foreign import read_json
from lockstep.planning.notifications import Entry

__all__ = ["Lease", "hold", "holder_of", "key_of", "lies_in", "read_lease"]

_SHOWN = 200  # characters of what a lease says of its holder
_APART = 60.0  # seconds by which clocks of S3's hosts may differ
_DAY = 86400.0
_CREATED = frozenset({"s3:ObjectCreated:*", "s3:ObjectCreated:Put"})
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


class Lease:
    """A lease that this run holds, unless it ran out because the run stood still for too long."""

    def __init__(self, connection: Connection, bucket: PackageBucket, name: str, pace: Pace) -> None:
        self._connection = connection
        self._bucket = bucket.name
        self._bucket_owner = bucket.account or connection.scope.account
        self._key = key_of(name)
        self._pace = pace
        user = os.environ.get("GITHUB_ACTOR") or os.environ.get("USER") or "lockstep"
        self._body: dict[str, Any] = {
            "owner": f"{user}@{socket.gethostname()}",
            "run": os.environ.get("GITHUB_RUN_ID", ""),
            "token": uuid.uuid4().hex,
            "renewed": 0,
            "released": False,
        }
        self.is_unsure = False  # whether a write was sent and nobody knows what became of it
        self._tag = self._acquire()

    def keep(self) -> None:
        """Renew the lease while it is ours, last thing before a write that it protects.

        Raises Stale when another run has taken it over.
        """
        self._body["renewed"] += 1  # another content, so that its ETag is another one
        self._tag = self._rewrite()

    def release(self) -> None:
        """Give the lease back, by overwriting it while it is ours. Raises Stale when it is not.

        Not while a write that it protects may still be under way: then it has to run out.
        """
        if self.is_unsure:
            return
        self._body["released"] = True
        self._rewrite()

    def _rewrite(self) -> str:
        tag = self._write(IfMatch=self._tag)
        if tag is not None:
            return tag
        held = self._read()
        if held is not None and held[0] == self._body:
            return held[1]  # we wrote it by a call whose answer was lost
        raise Stale(
            "another run took over the lease of these notifications, because this one held it for more than "
            f"{self._pace.lease_ttl:.0f} s",
            where=f"s3://{self._bucket}/{self._key}",
            fix="run again",
        )

    def _write(self, **condition: str) -> str | None:
        return _write(self._connection, self._bucket, self._bucket_owner, self._key, self._body, **condition)

    def _read(self) -> tuple[dict[str, Any], str, float | None] | None:
        return _read(self._connection, self._bucket, self._bucket_owner, self._key)

    def _acquire(self) -> str:
        connection, bucket, key, pace = self._connection, self._bucket, self._key, self._pace
        waited = 0.0
        tag = self._write(IfNoneMatch="*")
        while tag is None:
            held = self._read()
            if held is None:
                tag = self._write(IfNoneMatch="*")
                continue
            body, etag, age = held
            if body == self._body:
                return etag  # we took it by a call whose answer was lost
            is_released = body.get("released") is True
            if age is None and not is_released:
                raise CloudError(
                    "a lease lies there, and S3's answer does not tell the time by which it ends",
                    where=f"s3://{bucket}/{key}",
                    fix="look what stands between here and S3 (a proxy): the headers Date and Last-Modified "
                    "of an answer have to come through as S3 sends them; then run again",
                )
            if age is None or is_released or age >= pace.lease_ttl:
                tag = self._write(IfMatch=etag)
                if tag is not None:
                    break
            if waited >= pace.lease_total:
                raise CloudError(
                    f"{holder_of(body)} has been writing these notifications for {age or waited:.0f} s",
                    where=f"s3://{bucket}/{key}",
                    fix=f"wait for that run; a dead run's lease ends after {pace.lease_ttl:.0f} s",
                )
            if connection.stop.wait(pace.lease_pause):
                raise Interrupted(
                    "stopped while waiting for another run's lease", where=f"s3://{bucket}/{key}"
                )
            waited += pace.lease_pause
        return tag


def holder_of(body: Mapping[str, Any]) -> str:
    """Who holds a lease, in words that anybody may have written."""
    owner, run = (bounded(_text(body.get(name)), _SHOWN) for name in ("owner", "run"))
    return f"{owner or 'somebody'}, run {run}" if run else owner or "somebody"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def key_of(name: str) -> str:
    """The lease's key, in whichever bucket it lies."""
    return f"lockstep/leases/{name}.json"


def lies_in(
    bucket: str, entries: Iterable[Entry], packages: PackageBucket | None, locks: str | None = None
) -> PackageBucket | None:
    """The bucket for the lease of a bucket's notifications.

    That bucket itself. Where one of its entries is for each object that is created, the lease would call
    somebody: then the one that is named for it, else the package bucket, which others may not have, or none.
    """
    key = key_of(bucket)
    called = any(
        key.startswith(one.prefix) and key.endswith(one.suffix) and not _CREATED.isdisjoint(one.events)
        for one in entries
    )
    if not called:
        return PackageBucket(name=bucket)
    return PackageBucket(name=locks) if locks else packages


@contextlib.contextmanager
def hold(connection: Connection, place: PackageBucket, name: str, pace: Pace) -> Iterator[Lease]:
    """Hold the lease called ``name`` in the bucket of ``place`` while the block runs.

    Raises CloudError when another run holds it for longer than ``pace.lease_total`` seconds; the
    message says who and since when. Raises Stale when the lease was lost before the block ended: what
    was written may have been written over what another run wrote.
    """
    lease = Lease(connection, place, name, pace)
    try:
        yield lease
    except BaseException:
        with contextlib.suppress(CloudError):
            lease.release()
        raise
    try:
        lease.release()
    except Stale:
        raise
    except CloudError:
        pass  # what it protected is done; the next run waits until it has run out


def _write(
    connection: Connection, bucket: str, owner: str, key: str, body: dict[str, Any], **condition: str
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
            ExpectedBucketOwner=owner,
            **condition,
        )
    except Exception as error:
        if code_of(error) in _TAKEN or code_of(error) in {"NoSuchKey", "404"}:
            return None
        if code_of(error) == "NoSuchBucket":
            raise CloudError(
                f"the bucket {bucket}, where the lease lies, does not exist",
                where="s3:PutObject",
                fix="create it, or correct its name in the repository",
            ) from error
        raise connection.explain(error, "s3", "PutObject") from error
    return str(answer["ETag"])


def _read(
    connection: Connection, bucket: str, owner: str, key: str
) -> tuple[dict[str, Any], str, float | None] | None:
    """The lease's content, ETag and age in seconds (see ``_age``), or None when there is none."""
    try:
        answer = connection.try_call("s3", "GetObject", Bucket=bucket, Key=key, ExpectedBucketOwner=owner)
    except Exception as error:
        if code_of(error) in {"NoSuchKey", "404"}:
            return None
        raise connection.explain(error, "s3", "GetObject") from error
    return read_lease(answer["Body"]), str(answer["ETag"]), _age(answer)


def read_lease(data: bytes) -> dict[str, Any]:
    """What a lease says; nothing where it is none, which is over when its time is and not before."""
    try:
        body = read_json(data)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


def _age(answer: dict[str, Any]) -> float | None:
    """Seconds since the object was written, by S3's own clock; None where its answer does not tell it.

    S3 takes no request whose time is more than a quarter of an hour from its own, so a day away from this
    machine's clock is no time of S3's. Source: S3 API reference, error RequestTimeTooSkewed.
    """
    try:
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        age = float((now - answer["LastModified"]).total_seconds())
        is_odd = age < -_APART or abs(now.timestamp() - time.time()) > _DAY
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return None if is_odd else age
