"""Policies that were read before, each by the revision of its function that it was read at.

AddPermission and RemovePermission give a function another RevisionId, GetPolicy tells that id with the
policy, and ListFunctions tells it, 50 a page: a policy whose function still has the revision is the one
that was read. Source: LocalStack's tests that were validated against AWS
(test_function_revisions_permissions). No other call that only reads tells a revision, so nothing else that
a plan goes by is remembered; what ``status`` remembers besides is in ``healths``.

What is remembered lies in the user's cache and, of each environment, in one object of the package bucket,
for jobs that begin with nothing. A digest tells damage and no forgery: whoever may write the object is
trusted not to hide a policy that was changed. Nothing that goes wrong with either is an error.
"""

import logging
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lockstep.engines.aws import packed
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.engines.aws.healths import Healths
from lockstep.engines.aws.permission import Policy
from lockstep.model import PackageBucket, Project, Statement

__all__ = ["FEW", "Memories", "Memory", "is_same", "pack", "unpack"]

log = logging.getLogger(__name__)

FEW = 10
"""Up to so many policies are read and not looked up; of more, so many are read to check the others."""

_WHAT = "policies"


class Memory:
    """The policies of one environment's functions, by name: account and Region are the memory's own."""

    def __init__(
        self,
        connection: Connection,
        *,
        about: Mapping[str, str],
        bucket: PackageBucket | None,
        folder: Path | None,
    ) -> None:
        self._connection = connection
        self._about = about
        self._bucket = bucket
        self._key = "lockstep/policies/{project}/{environment}/{account}-{region}.bin".format_map(about)
        place = {**self._about, "bucket": bucket.name if bucket else None}
        self._file = packed.file_in(folder, _WHAT, place)
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
            packed.write(self._file, pack({**self._about, "tag": self._tag}, self._policies))
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
        found = _opened(packed.read(self._file), self._about) if self._file else None
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
            data = bytes(answer["Body"])
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
    """What one run remembers, by environment.

    ``believed`` are targets whose policy was not read again, and ``well`` those whose health was not, with
    when it was read.
    """

    def __init__(self, project: Project, folder: Path | None) -> None:
        self.believed: set[str] = set()
        self.well: dict[str, str] = {}
        self._project = project
        self._folder = folder
        self._policies: dict[tuple[int, str], Memory] = {}
        self._healths: dict[tuple[int, str], Healths] = {}
        self._lock = threading.Lock()

    def of(self, connection: Connection, environment: str) -> Memory | None:
        """The policies of a target's environment; None where what answers is not AWS.

        Emulators change a policy and leave the revision, so nothing would follow from it there.
        """
        if not connection.is_aws:
            return None
        name = self.name_of(environment)
        with self._lock:
            place = (id(connection), name)
            if place not in self._policies:
                self._policies[place] = Memory(
                    connection,
                    about=self._about(connection, name),
                    bucket=self._project.packages_for(environment),
                    folder=self._folder,
                )
            return self._policies[place]

    def health_of(self, connection: Connection, environment: str) -> Healths | None:
        """The health of a target's environment; None where what answers is not AWS."""
        if not connection.is_aws:
            return None
        name = self.name_of(environment)
        place = (id(connection), name)
        if place not in self._healths:
            self._healths[place] = Healths(self._about(connection, name), self._folder)
        return self._healths[place]

    def _about(self, connection: Connection, environment: str) -> dict[str, str]:
        scope = connection.scope
        return {
            "project": self._project.name,
            "environment": environment,
            "account": scope.account,
            "region": scope.region,
        }

    def name_of(self, environment: str) -> str:
        """The environment that a target's belongs to: all previews share one memory."""
        return self._project.environment(environment).name

    def save(self) -> None:
        """Keep all in the user's cache. AWS is not changed."""
        for memory in self._policies.values():
            memory.save()
        for healths in self._healths.values():
            healths.save()

    def share(self) -> None:
        """Put all into the package buckets, where it is worth it."""
        for memory in self._policies.values():
            memory.share()


def is_same(one: Policy, other: Policy | None) -> bool:
    """Whether two are one policy at one revision, to the ids of their statements."""
    return other is not None and one.revision == other.revision and _row(one) == _row(other)


def pack(about: Mapping[str, str | None], policies: Mapping[str, Policy]) -> bytes:
    """Policies as bytes, bound to what they are about. Of more than there is room for, the newest."""
    return packed.pack(about, _WHAT, {name: _row(policy) for name, policy in policies.items()})


def unpack(data: bytes, about: Mapping[str, str]) -> dict[str, Policy]:
    """The policies in the bytes; none from anything that is damaged, too large or about something else."""
    found = _opened(data, about)
    return {} if found is None else found[1]


def _opened(data: bytes, about: Mapping[str, str]) -> tuple[object, dict[str, Policy]] | None:
    """The tag that the bytes name, and the policies; None where they are not what they should be."""
    found = packed.unpack(data, about, _WHAT)
    if found is None:
        return None
    try:
        return found[0], {name: _policy(row) for name, row in found[1].items()}
    except (ValueError, TypeError):
        return None


def _row(policy: Policy) -> list[Any]:
    return [
        policy.revision,
        [[s.sid, s.source_arn, s.source_account, s.principal, s.action] for s in policy.statements],
    ]


def _policy(row: Any) -> Policy:
    """Raises ValueError or TypeError for what no row is."""
    revision, statements = row
    return Policy(revision=packed.text(revision), statements=tuple(_statements(statements)))


def _statements(rows: Iterable[Any]) -> Iterable[Statement]:
    for sid, source_arn, source_account, principal, action in rows:
        yield Statement(
            sid=packed.text(sid),
            source_arn=packed.text(source_arn),
            source_account=None if source_account is None else packed.text(source_account),
            principal=packed.text(principal),
            action=packed.text(action),
        )
