"""A bucket's notifications: read whole, merge, write once, read back, one writer at a time.

Where writers share no lease, one that read before another wrote drops what that one wrote, and reads back
just what it meant. So each looks once more after a while, and writes again what was dropped.

Source: S3 API reference (PutBucketNotificationConfiguration replaces the whole configuration and
has no ETag) and user guide, "Event notification destinations".
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lockstep.engines.aws.answers import Untrue
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import Stale, code_of, is_unanswered, message_of
from lockstep.engines.aws.function import get as get_function
from lockstep.engines.aws.lease import Lease
from lockstep.engines.aws.pace import Pace, settles
from lockstep.errors import CloudError
from lockstep.model import PutNotifications
from lockstep.planning.notifications import (
    KINDS,
    LAMBDA,
    Entry,
    clashes,
    entries_of,
    is_switched_on,
    merge,
    owner_of,
)
from lockstep.planning.triggers import survivors

__all__ = ["read", "write"]

log = logging.getLogger(__name__)

_SHORTEST = 30.0  # seconds for one PUT and its answer, also where tests let leases end at once
_PASSING = {"OperationAborted", "SlowDown"}
_ROUNDS = 5  # times that another writer may come between before we give up


def read(connection: Connection, bucket: str) -> dict[str, Any] | None:
    """The whole configuration as AWS returns it, or None when there is no such bucket."""
    try:
        answer = connection.try_call(
            "s3",
            "GetBucketNotificationConfiguration",
            Bucket=bucket,
            ExpectedBucketOwner=connection.scope.account,
        )
    except Exception as error:
        if code_of(error) in {"NoSuchBucket", "404"}:
            return None
        if code_of(error) in {"PermanentRedirect", "301", "IllegalLocationConstraintException"}:
            raise _elsewhere(bucket, "s3:GetBucketNotificationConfiguration") from error
        raise connection.explain(error, "s3", "GetBucketNotificationConfiguration") from error
    answer.pop("ResponseMetadata", None)
    return answer


def write(
    connection: Connection,
    step: PutNotifications,
    failed: frozenset[str],
    pace: Pace,
    lease: Lease | None = None,
    seen: Mapping[str, Any] | None = None,
    *,
    is_shared: bool = True,
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Bring a bucket's entries of ours up to date.

    Returns the ids that were not removed after all, because they still serve what a failed target was
    to take over, and the targets beside ``failed`` that got no entry because such an entry stays.

    Called under the bucket's lease, which is renewed last thing before each PUT; a PUT is tried once and is
    over before the lease is, or the lease is left to run out. What the bucket holds is read again
    here before each PUT, so entries that others added since the plan was made are kept. Raises Stale when
    entries are gone that the plan's own reading had ``seen``: one of the two readings is wrong, or
    somebody removed them meanwhile.

    Not ``is_shared``: other writers may hold no lease, or another one. Then it is looked at once more after
    a while, and when what was written here was undone, entries of others that were dropped with it are
    written again too, but for those of a project that has written others meanwhile.
    """
    pauses = iter(pace.permission_pauses)
    rounds = 0
    undone: Mapping[str, Any] = {}
    while rounds < _ROUNDS:
        raw = read(connection, step.bucket)
        if raw is None:
            raise CloudError(f"the bucket {step.bucket} does not exist", fix="create it and run again")
        raw = _restored(raw, undone, step)
        if gone := _gone(seen or {}, raw, step.remove):
            raise Stale(
                f"{len(gone)} entries of {step.bucket} that were there when the plan was made are not there "
                f"now: {', '.join(gone[:5])}",
                where="s3:GetBucketNotificationConfiguration",
                fix="run again: what is there is read anew",
            )
        put, remove = survivors(raw, step.put, step.remove, failed)
        wanted = merge(raw, put=put, remove=remove, switch_on=step.switch_on)
        if wanted != raw and not _put(connection, step.bucket, wanted, pauses, pace, lease):
            continue
        is_there = _holds(connection, step.bucket, wanted, pace)
        if not is_shared:
            if is_there:
                connection.rest(pace.second_look)
            if _is_undone(read(connection, step.bucket) or {}, wanted, step):
                is_there, undone = False, wanted
        if is_there and lease is not None:
            lease.is_unsure = False
        if is_there:
            kept = tuple(entry_id for entry_id in step.remove if entry_id not in remove)
            left = {_owner(one) for one in step.put} - {_owner(one) for one in put} - failed
            return kept, frozenset(left)
        rounds += 1
    raise CloudError(
        f"the notifications of {step.bucket} were changed by somebody else each time they were written",
        where="s3:PutBucketNotificationConfiguration",
        fix="find the other writer (a Terraform aws_s3_bucket_notification is the usual one) and run again",
    )


def _gone(seen: Mapping[str, Any], raw: Mapping[str, Any], remove: Iterable[str]) -> list[str]:
    """What was seen and is not there any more, besides what goes: one line for each."""
    there = {_keyed(entry) for entry in entries_of(raw)}
    lost = [str(one) for one in entries_of(seen) if _keyed(one) not in there and one.id not in {*remove}]
    switched = "EventBridgeConfiguration" in seen and "EventBridgeConfiguration" not in raw
    return [*lost, *(["EventBridgeConfiguration"] if switched else [])]


def _keyed(one: Entry) -> tuple[str, ...]:
    return (one.kind, one.id, one.destination, one.prefix, one.suffix, *sorted(one.events))


def _is_undone(got: Mapping[str, Any], wanted: Mapping[str, Any], step: PutNotifications) -> bool:
    """Whether the step's entries, or the switch, are not as it wrote them: somebody wrote what was read
    before."""
    mine = {str(entry["Id"]) for entry in step.put} | {*step.remove}

    def own(raw: Mapping[str, Any]) -> set[tuple[str, ...]]:
        return {_keyed(one) for one in entries_of(raw) if one.id in mine}

    return own(got) != own(wanted) or (step.switch_on and not is_switched_on(got))


def _restored(raw: dict[str, Any], undone: Mapping[str, Any], step: PutNotifications) -> dict[str, Any]:
    """The configuration with entries of others that went when ours were undone.

    Not those of a project that has new ones, which it may have put in their place, nor what overlaps now.
    """
    there = {_keyed(one) for one in entries_of(raw)}
    known = {_keyed(one) for one in entries_of(undone)}
    busy = {owner[0] for one in entries_of(raw) if _keyed(one) not in known and (owner := owner_of(one.id))}
    mine = {str(entry["Id"]) for entry in step.put} | {*step.remove}
    told: list[str] = []
    for kind in KINDS:
        for entry in undone.get(kind, ()):
            (one,) = entries_of({kind: [entry]})
            owner = owner_of(one.id)
            if _keyed(one) in there or one.id in mine or (owner is not None and owner[0] in busy):
                continue
            more = {**raw, kind: [*raw.get(kind, ()), entry]}
            if not clashes(more):
                raw = more
                told.append(str(one))
    if "EventBridgeConfiguration" in undone and "EventBridgeConfiguration" not in raw:
        raw = {**raw, "EventBridgeConfiguration": undone["EventBridgeConfiguration"]}
        told.append("EventBridgeConfiguration")
    if told:
        log.warning("another writer of %s dropped %s: written again", step.bucket, ", ".join(told))
    return raw


def _owner(entry: Mapping[str, Any]) -> str:
    return (owner_of(str(entry["Id"])) or ("", ""))[1]


def _put(
    connection: Connection,
    bucket: str,
    wanted: Mapping[str, Any],
    pauses: Iterator[float],
    pace: Pace,
    lease: Lease | None,
) -> bool:
    """Write once. False: AWS was not ready, a pause has passed, and everything is to be read again."""
    if lease is not None:
        lease.keep()
    try:
        connection.once(
            "s3",
            "PutBucketNotificationConfiguration",
            max(pace.lease_ttl / 2, _SHORTEST),
            Bucket=bucket,
            NotificationConfiguration=wanted,
            ExpectedBucketOwner=connection.scope.account,
        )
    except Exception as error:
        unvalidated = "Unable to validate" in message_of(error)
        if lease is not None and (is_unanswered(error) or isinstance(error, Untrue)):
            lease.is_unsure = True  # it may arrive when this run is gone: nobody writes before it would
        retry = (
            is_unanswered(error)
            or code_of(error) in _PASSING
            or (unvalidated and not _refused_for_good(connection, wanted, error))
        )
        pause = next(pauses, None) if retry else None
        if pause is not None:
            connection.rest(pause)
            return False
        if unvalidated or "ambiguously" in message_of(error):
            raise _diagnose(connection, bucket, wanted, error) from error
        if "region is not valid" in message_of(error):
            raise _elsewhere(bucket, "s3:PutBucketNotificationConfiguration") from error
        raise connection.explain(error, "s3", "PutBucketNotificationConfiguration") from error
    return True


def _elsewhere(bucket: str, where: str) -> CloudError:
    return CloudError(
        f"the bucket {bucket} is in another Region than the functions that it should call",
        where=where,
        fix="S3 calls functions of its own Region only: move the environment or use another bucket",
    )


def _refused_for_good(connection: Connection, wanted: Mapping[str, Any], error: Exception) -> bool:
    """Whether waiting cannot help: entries overlap, or one of them calls a function that is gone."""
    return bool(clashes(wanted)) or bool(_dead(connection, wanted, error))


def _dead(connection: Connection, wanted: Mapping[str, Any], error: Exception) -> list[Mapping[str, Any]]:
    """Lambda entries whose function does not exist (in our account and Region, where we can look)."""
    here = f":{connection.scope.region}:{connection.scope.account}:"
    return [
        entry
        for entry in _accused(wanted, error)
        if here in entry["LambdaFunctionArn"] and get_function(connection, entry["LambdaFunctionArn"]) is None
    ]


def _accused(wanted: Mapping[str, Any], error: Exception) -> list[Mapping[str, Any]]:
    """The Lambda entries that S3's answer names (ArgumentName1, ...); all when it names none."""
    response: Any = getattr(error, "response", None) or {}
    details = response.get("Error", {})
    named = {str(text).partition(",")[0] for key, text in details.items() if key.startswith("ArgumentName")}
    entries = list(wanted.get(LAMBDA, ()))
    return [entry for entry in entries if entry["LambdaFunctionArn"] in named] or entries


def _diagnose(connection: Connection, bucket: str, wanted: Mapping[str, Any], error: Exception) -> CloudError:
    """Tell the three causes of "Unable to validate" apart and name the culprit."""
    where = "s3:PutBucketNotificationConfiguration"
    overlapping = clashes(wanted)
    if overlapping:
        pair = overlapping[0]
        return CloudError(
            f"two entries of {bucket} overlap: {pair.one} and {pair.other}",
            where=where,
            fix="S3 allows one of them: change a prefix or suffix, or ask the owner of the other entry",
        )
    dead = _dead(connection, wanted, error)
    if dead:
        culprits = ", ".join(f"{e.get('Id')} -> {e['LambdaFunctionArn']}" for e in dead)
        return CloudError(
            f"{bucket} has an entry for a function that does not exist: {culprits}",
            where=where,
            fix="S3 refuses every change until that entry is removed; its owner should remove it",
        )
    arns = {str(e["LambdaFunctionArn"]) for e in wanted.get(LAMBDA, ())}
    names = ", ".join(sorted(arn.partition(":function:")[2] or arn for arn in arns))
    others = sum(len(wanted.get(kind, ())) for kind in KINDS if kind != LAMBDA)
    return CloudError(
        f"S3 may not call a destination of {bucket} ({message_of(error)}); functions: {names}"
        + (f"; and {others} SNS or SQS destinations" if others else ""),
        where=where,
        fix="check that the resource policy of each destination lets s3.amazonaws.com use it for this bucket",
    )


def _holds(connection: Connection, bucket: str, wanted: Mapping[str, Any], pace: Pace) -> bool:
    """Read back: the bucket holds exactly what was written, in whatever order S3 answers."""
    return settles(connection, pace, lambda: _same(read(connection, bucket) or {}, wanted))


def _same(got: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Compare by content: S3 may answer with "Prefix" where it was given "prefix"."""

    def keyed(raw: Mapping[str, Any]) -> list[tuple[str, ...]]:
        return sorted(_keyed(entry) for entry in entries_of(raw))

    return keyed(got) == keyed(wanted) and ("EventBridgeConfiguration" in got) == (
        "EventBridgeConfiguration" in wanted
    )
