"""Packages in S3 (kind ``s3``; options ``bucket``, ``key``, ``objectVersion``, ``region``, ``owner``).

One HeadObject finds a package and its digest: S3's own SHA-256 of the object, when it covers the whole of
it. Without one the bytes have to tell; what metadata say is not believed. ``owner`` is the account that
must own the bucket.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from lockstep.artifacts.base import Found
from lockstep.errors import ArtifactError, BadInput, LockstepError, NoCredentials, Unreadable
from lockstep.model import Release
from lockstep.model.staged import digest_of, releases_of
from lockstep.waiting import Deadline, is_over, request_seconds, run_within

__all__ = ["S3Source"]

_LOOKED_AT = 200  # packages of a service whose heads are read to find one by its release
_WORKERS = 8
MAX_BYTES = 262_144_000  # a zip that is larger cannot unpack to Lambda's 250 MB


class Ask(Protocol):
    """Makes one call of S3 and lets AWS's own error through; a stream comes as one when it ``streams``."""

    def __call__(
        self, operation: str, params: Mapping[str, Any], *, streams: bool = False
    ) -> Mapping[str, Any]: ...


class S3Source:
    """Finds packages in S3; ``asks`` gives what makes calls in a Region, None is its own.

    All calls together have the time that ``deadline`` gives.
    """

    kind = "s3"

    def __init__(self, asks: Callable[[str | None], Ask], deadline: Deadline | None = None) -> None:
        self._asks = asks
        self._deadline = deadline or Deadline()

    def find(self, release: Release) -> Found:
        """Ask for the object's head; ArtifactError or NoCredentials when it cannot be read."""
        bucket, key = _place(release)
        head = self._call(release, "HeadObject", ChecksumMode="ENABLED")
        version = head.get("VersionId")
        return Found(
            origin=f"s3://{bucket}/{key}",
            sha256=digest_of(head),
            size=head["ContentLength"],
            etag=f"{head['ETag']} {version} {head['LastModified'].isoformat()}",
            bucket=bucket,
            key=key,
            object_version=None if version == "null" else version,
            releases=releases_of(head),
        )

    def staged(self, release: Release) -> tuple[Found, ...]:
        """What was staged as the release, newest first. Of very many packages the newest are looked at."""
        if "{sha256}" not in release.staged_key:
            found = self.find(_keyed(release, release.staged_key))
            return (found,) if release.name in found.releases else ()
        prefix = release.staged_key.partition("{sha256}")[0]
        pattern = re.escape(release.staged_key).replace(r"\{sha256\}", "(?P<d>[0-9a-f]{64})", 1)
        shape = re.compile(pattern.replace(r"\{sha256\}", "(?P=d)"))
        there = [
            (one["LastModified"], match[0], match["d"])
            for one in self._listed(release, prefix)
            if (match := shape.fullmatch(one["Key"]))
        ]
        newest = sorted(there, reverse=True)[:_LOOKED_AT]
        if not newest:
            return ()
        with ThreadPoolExecutor(_WORKERS) as pool:
            heads = pool.map(lambda one: self.find(_keyed(release, one[1])), newest)
            return tuple(
                found
                for found, (_, _, digest) in zip(heads, newest, strict=True)
                if found.sha256 == digest and release.name in found.releases
            )

    def _listed(self, release: Release, prefix: str) -> Iterator[Mapping[str, Any]]:
        """The objects below a prefix of the release's bucket."""
        keyed, more = _keyed(release, prefix), dict[str, Any]()
        while True:
            page = self._call(keyed, "ListObjectsV2", by_key=False, Prefix=prefix, **more)
            yield from page.get("Contents", ())
            if not page["IsTruncated"]:
                return
            token = page.get("NextContinuationToken")
            if not token or more.get("ContinuationToken") == token:
                raise Unreadable(
                    f"s3://{release.options['bucket']}/{prefix}: a listing that does not go on",
                    where=release.place,
                    fix="look what answers in place of S3, then run again",
                )
            more = {"ContinuationToken": token}

    def download(self, release: Release, found: Found, into: Path) -> None:
        """Write the object that was found, and no later one, to ``into``."""
        if (found.size or 0) > MAX_BYTES:
            raise ArtifactError(
                f"{found.origin} is larger than 250 MB", where=release.place, fix="use a container image"
            )
        etag = (found.etag or "").partition(" ")[0]
        got = self._call(release, "GetObject", version=found.object_version, streams=True, IfMatch=etag)
        from botocore.exceptions import BotoCoreError

        seconds = request_seconds()

        def late() -> Unreadable:
            fix = "run again; LOCKSTEP_REQUEST_TIMEOUT gives each request more time"
            problem = f"{found.origin}: it did not come within {seconds:.3g} s, and a second for each 100 KB"
            return Unreadable(problem, where=release.place, fix=fix)

        try:
            run_within(seconds, lambda: self._save(got["Body"], into), found.origin, late)
        except BotoCoreError as error:  # the connection broke, and botocore does not ask again for a body
            raise _failed(release, found.origin, error) from None

    def _save(self, stream: Any, into: Path) -> None:
        """Write what comes, as long as somebody waits for it."""
        with into.open("wb") as file:
            for chunk in stream.iter_chunks(1 << 16):
                if is_over():
                    return
                file.write(chunk)
                self._deadline.came(len(chunk))

    def _call(
        self,
        release: Release,
        name: str,
        version: str | None = None,
        *,
        by_key: bool = True,
        streams: bool = False,
        **parameters: Any,
    ) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, key = _place(release)
        left = self._deadline.remaining()
        if left is not None and left <= 0:
            words, fix = self._deadline.words, self._deadline.fix
            raise Unreadable(f"s3://{bucket}/{key}: {words}", where=release.place, fix=fix)
        options = release.options
        if version := version or options.get("objectVersion"):
            parameters["VersionId"] = version
        if owner := options.get("owner"):
            parameters["ExpectedBucketOwner"] = owner
        try:
            place = {"Bucket": bucket, "Key": key} if by_key else {"Bucket": bucket}
            return self._asks(options.get("region"))(name, {**place, **parameters}, streams=streams)
        except ClientError as error:
            raise _refused(release, f"s3://{bucket}/{key}", error.response) from None
        except BotoCoreError as error:
            raise _failed(release, f"s3://{bucket}/{key}", error) from None


def _keyed(release: Release, key: str) -> Release:
    return replace(release, options={"bucket": release.options["bucket"], "key": key})


def _place(release: Release) -> tuple[str, str]:
    bucket, key = release.options.get("bucket"), release.options.get("key")
    if not bucket or not key:
        raise BadInput(
            "the s3 source needs a bucket and a key",
            where=release.place,
            fix="set artifacts.bucket and artifacts.key",
        )
    return bucket, key


def _refused(release: Release, origin: str, response: Any) -> LockstepError:
    code = response.get("Error", {}).get("Code", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    kind: type[ArtifactError] = Unreadable
    match code, status:
        case "ExpiredToken" | "InvalidAccessKeyId" | "SignatureDoesNotMatch", _:
            return NoCredentials(f"{origin}: the AWS credentials are not valid ({code})", fix="sign in again")
        case "NoSuchBucket", _:
            kind, problem, fix = ArtifactError, "there is no such bucket", "check artifacts.bucket"
        case _, 404:
            kind = ArtifactError
            problem, fix = "there is no such object", "check the version, and that the package was uploaded"
        case _, 403:
            problem = "access is denied, or there is no such object"
            fix = "allow s3:GetObject, and s3:ListBucket so that AWS says which; check the bucket's owner"
        case _, 301 | 400 if "x-amz-bucket-region" in headers:
            kind, region = ArtifactError, headers["x-amz-bucket-region"]
            problem, fix = f"the bucket is in {region}", f"set artifacts.region to {region}"
        case _, 412:
            problem, fix = "the object was replaced meanwhile", "plan again"
        case _:
            problem, fix = f"AWS answered {code or status}", "check the object, or run again later"
    return kind(f"{origin}: {problem}", where=release.place, fix=fix)


def _failed(release: Release, origin: str, error: Exception) -> LockstepError:
    from botocore import exceptions as of

    if isinstance(error, of.NoCredentialsError | of.PartialCredentialsError | of.TokenRetrievalError):
        return NoCredentials(
            f"{origin}: there are no AWS credentials", where=release.place, fix="sign in, or set AWS_PROFILE"
        )
    if isinstance(error, of.ParamValidationError):
        return ArtifactError(
            f"{origin}: {error}", where=release.place, fix="check artifacts.bucket and artifacts.key"
        )
    return Unreadable(f"{origin}: {error}", where=release.place, fix="check the network, then run again")
