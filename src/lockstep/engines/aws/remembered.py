"""Policies that were read before, each by the revision of its function that it was read at.

AddPermission and RemovePermission give a function another RevisionId, GetPolicy tells that id with the
policy, and ListFunctions tells it, 50 a page: a policy whose function still has the revision is the one
that was read. Source: LocalStack's tests that were validated against AWS
(test_function_revisions_permissions). No other call that only reads tells a revision, so nothing else is
remembered.

What is remembered lies in the user's cache and, of each environment, in one object of the package bucket,
for jobs that begin with nothing. A digest tells damage and no forgery: whoever may write the object is
trusted not to hide a policy that was changed. Nothing that goes wrong with either is an error.
"""

import contextlib
import hashlib
import json
import logging
import os
import threading
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.engines.aws.permission import Policy
from lockstep.model import PackageBucket, Project, Statement
from lockstep.model.foreign import read_json

__all__ = ["FEW", "Memories", "Memory", "is_same", "pack", "unpack"]

log = logging.getLogger(__name__)

FEW = 10
"""Up to so many policies are read and not looked up; of more, so many are read to check the others."""

MOST = 20_000  # policies
MOST_PLAIN = 32 * 2**20  # bytes
MOST_PACKED = 8 * 2**20  # bytes
_FORMAT = 1
_DIGEST = 32  # bytes


class Memory:
    """The policies of one environment's functions, by name: account and Region are the memory's own."""

    def __init__(
        self,
        connection: Connection,
        *,
        project: str,
        environment: str,
        bucket: PackageBucket | None,
        folder: Path | None,
    ) -> None:
        scope = connection.scope
        self._connection = connection
        self._about = {
            "project": project,
            "environment": environment,
            "account": scope.account,
            "region": scope.region,
        }
        self._bucket = bucket
        self._key = f"lockstep/policies/{project}/{environment}/{scope.account}-{scope.region}.bin"
        place = json.dumps([*self._about.values(), bucket.name if bucket else None])
        name = f"policies-{hashlib.sha256(place.encode()).hexdigest()[:16]}.bin"
        self._file = folder / name if folder else None
        self._policies: dict[str, Policy] = {}
        self._news: set[str] = set()  # names whose policy was read, and is another than was remembered
        self._tag: str | None = None  # of the object as it was seen last
        self._is_current = False  # whether the object was asked for in this run, and answered
        self._is_saved = True
        self._load()

    def recall(self, revisions: Mapping[str, str]) -> dict[str, Policy]:
        """Policies of functions that have these revisions now, as far as they are remembered.

        The object is asked for where the cache leaves more than a few to be read.
        """
        if sum(not self._knows(*one) for one in revisions.items()) > FEW:
            for name, policy in self._fetch().items():
                if name not in self._policies or policy.revision == revisions.get(name):
                    self._policies[name] = policy
        return {name: self._policies[name] for name, at in revisions.items() if self._knows(name, at)}

    def keep(self, name: str, policy: Policy) -> None:
        """Remember what was just read. A function without a policy has no revision to know that by."""
        if policy.revision is None:
            self._policies.pop(name, None)
        elif not is_same(policy, self._policies.get(name)):
            self._policies.pop(name, None)  # the newest stand last
            self._policies[name] = policy
            self._news.add(name)
            self._is_saved = False

    def forget(self) -> None:
        """Believe nothing of it any more."""
        self._policies.clear()
        self._news.clear()
        self._is_saved = False

    def save(self) -> None:
        """Keep it in the user's cache. AWS is not changed."""
        if self._file is not None and not self._is_saved:
            _write(self._file, pack({**self._about, "tag": self._tag}, self._policies))
            self._is_saved = True

    def share(self) -> None:
        """Put it into the package bucket where that spares others more than a few calls.

        The object is replaced only as it was seen: two runs at once lose what one of them read, which is
        read again.
        """
        if self._bucket is None or len(self._news) <= FEW:
            return
        if not self._is_current:
            self._policies = {**self._fetch(), **self._policies}
        if not self._is_current:
            return
        data = pack(self._about, self._policies)
        condition = {"IfMatch": self._tag} if self._tag else {"IfNoneMatch": "*"}
        try:
            answer = self._connection.try_call("s3", "PutObject", **self._place(), Body=data, **condition)
        except Exception as error:  # whatever it is, it costs time only
            log.debug("policies were not kept in the package bucket: %s", code_of(error))
            return
        self._tag = str(answer["ETag"])
        self._news.clear()
        self._is_saved = False

    def _knows(self, name: str, revision: str) -> bool:
        return name in self._policies and self._policies[name].revision == revision

    def _load(self) -> None:
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            if self._file.stat().st_size <= MOST_PACKED:
                found = _opened(self._file.read_bytes(), self._about)
                if found is not None:
                    tag, self._policies = found
                    self._tag = tag if isinstance(tag, str) else None

    def _fetch(self) -> dict[str, Policy]:
        """What the object holds; nothing where it holds just what was seen in it last."""
        if self._bucket is None or self._is_current:
            return {}
        seen = {"IfNoneMatch": self._tag} if self._tag else {}
        try:
            answer = self._connection.try_call("s3", "GetObject", **self._place(), **seen)
            with answer["Body"] as stream:
                data = stream.read(MOST_PACKED + 1)
        except Exception as error:  # whatever it is, it costs time only
            code = code_of(error)
            self._is_current = code in {"NoSuchKey", "404", "304", "NotModified"}
            if code in {"NoSuchKey", "404"}:
                self._tag = None
            if not self._is_current:
                log.debug("remembered policies were not read from the package bucket: %s", code)
            return {}
        self._is_current, self._is_saved, self._tag = True, False, str(answer["ETag"])
        return unpack(data, self._about)

    def _place(self) -> dict[str, str]:
        assert self._bucket is not None  # noqa: S101 - nobody asks without one
        owner = self._bucket.account or self._connection.scope.account
        return {"Bucket": self._bucket.name, "Key": self._key, "ExpectedBucketOwner": owner}


class Memories:
    """What one run remembers, by environment. ``believed`` are targets whose policy was not read again."""

    def __init__(self, project: Project, folder: Path | None) -> None:
        self.believed: set[str] = set()
        self._project = project
        self._folder = folder
        self._by_place: dict[tuple[int, str], Memory] = {}
        self._lock = threading.Lock()

    def of(self, connection: Connection, environment: str) -> Memory | None:
        """The memory of a target's environment; None where what answers is not AWS.

        Emulators change a policy and leave the revision, so nothing would follow from it there.
        """
        if not connection.is_aws:
            return None
        name = self.name_of(environment)
        with self._lock:
            place = (id(connection), name)
            if place not in self._by_place:
                self._by_place[place] = Memory(
                    connection,
                    project=self._project.name,
                    environment=name,
                    bucket=self._project.packages_for(environment),
                    folder=self._folder,
                )
            return self._by_place[place]

    def name_of(self, environment: str) -> str:
        """The environment that a target's belongs to: all previews share one memory."""
        return self._project.environment(environment).name

    def save(self) -> None:
        """Keep all in the user's cache. AWS is not changed."""
        for memory in self._by_place.values():
            memory.save()

    def share(self) -> None:
        """Put all into the package buckets, where it is worth it."""
        for memory in self._by_place.values():
            memory.share()


def is_same(one: Policy, other: Policy | None) -> bool:
    """Whether two are one policy at one revision, to the ids of their statements."""
    return other is not None and one.revision == other.revision and _row(one) == _row(other)


def pack(about: Mapping[str, str | None], policies: Mapping[str, Policy]) -> bytes:
    """Policies as bytes, bound to what they are about. Of more than there is room for, the newest."""
    rows: dict[str, Any] = {}
    room = MOST_PLAIN - 1000  # for what they are about
    for name in reversed([*policies]):
        row = _row(policies[name])
        room -= len(json.dumps([name, row])) + 1
        if room < 0 or len(rows) == MOST:
            break
        rows[name] = row
    payload = {"format": _FORMAT, **about, "policies": dict(reversed(rows.items()))}
    body = zlib.compress(json.dumps(payload, separators=(",", ":")).encode())
    return hashlib.sha256(body).digest() + body


def unpack(data: bytes, about: Mapping[str, str]) -> dict[str, Policy]:
    """The policies in the bytes; none from anything that is damaged, too large or about something else."""
    found = _opened(data, about)
    return {} if found is None else found[1]


def _opened(data: bytes, about: Mapping[str, str]) -> tuple[object, dict[str, Policy]] | None:
    """The tag that the bytes name, and the policies; None where they are not what they should be."""
    body = data[_DIGEST:]
    if len(data) > MOST_PACKED or hashlib.sha256(body).digest() != data[:_DIGEST]:
        return None
    try:
        inflate = zlib.decompressobj()
        plain = inflate.decompress(body, MOST_PLAIN)
        told = dict(read_json(plain) if inflate.eof else {})
        policies, tag = told.pop("policies"), told.pop("tag", None)
        if told != {"format": _FORMAT, **about} or len(policies) > MOST:
            return None
        return tag, {str(name): _policy(row) for name, row in policies.items()}
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError):
        return None


def _row(policy: Policy) -> list[Any]:
    return [
        policy.revision,
        [[s.sid, s.source_arn, s.source_account, s.principal, s.action] for s in policy.statements],
    ]


def _policy(row: Any) -> Policy:
    """Raises ValueError or TypeError for what no row is."""
    revision, statements = row
    return Policy(revision=_text(revision), statements=tuple(_statements(statements)))


def _statements(rows: Iterable[Any]) -> Iterable[Statement]:
    for sid, source_arn, source_account, principal, action in rows:
        yield Statement(
            sid=_text(sid),
            source_arn=_text(source_arn),
            source_account=None if source_account is None else _text(source_account),
            principal=_text(principal),
            action=_text(action),
        )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is no text")
    return value


def _write(path: Path, data: bytes) -> None:
    """Replace a file in one step."""
    import tempfile  # takes 10 ms, and most runs write nothing

    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".policies-")  # mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
