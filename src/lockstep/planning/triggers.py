"""Triggers of many targets as one change for each bucket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockstep.model import Bucket, Target, Trigger
from lockstep.planning.notifications import (
    LAMBDA,
    Entry,
    clashes,
    describe,
    entries_of,
    entry_for,
    is_same,
    merge,
    overlap,
    owner_of,
    trigger_of,
)

__all__ = ["BucketChange", "Wish", "change_bucket", "survivors"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A target and what it wants of a bucket. ``may_take_over``: entries of others for its function."""

    target: Target
    arn: str  # of its function
    triggers: tuple[Trigger, ...]  # on this bucket; empty: none any more
    may_take_over: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketChange:
    """What has to change on one bucket. Nothing when ``put`` and ``remove`` are empty."""

    bucket: str
    put: tuple[Mapping[str, Any], ...]
    remove: tuple[str, ...]
    added: Mapping[str, tuple[str, ...]]  # target -> triggers in words
    removed: Mapping[str, tuple[str, ...]]
    problems: Mapping[str, str]  # target -> why its triggers cannot be had


def change_bucket(
    project: str,
    bucket: Bucket,
    wishes: Sequence[Wish],
    gone: Sequence[str] = (),
    places: Mapping[str, str] | None = None,
) -> BucketChange:
    """Work out one change for all targets of a bucket.

    ``gone`` are targets whose entries go; ``places`` tell where a target is declared, for messages.
    A wish that S3 would refuse becomes a problem of its target and leaves the bucket as it is for
    that target; the others are served.
    """
    problems: dict[str, str] = {}
    while True:
        served = [wish for wish in wishes if wish.target.key not in problems]
        change = _change(project, bucket, served, gone, problems)
        merged = merge(bucket.raw, put=change.put, remove=change.remove)
        new = _refusals(project, bucket, merged, served, places or {})
        if not new:
            return change
        problems.update(new)


def survivors(
    raw: Mapping[str, Any],
    put: Sequence[Mapping[str, Any]],
    remove: Sequence[str],
    failed: frozenset[str],
) -> tuple[list[Mapping[str, Any]], list[str]]:
    """What is left of a bucket's change when some targets could not be made ready.

    Their entries are not put, and no entry is removed that now serves what they would have served:
    a prefix is never left without a function because its next one failed.
    """
    kept = [entry for entry in put if _target_of(entry) not in failed]
    dropped = entries_of({LAMBDA: [entry for entry in put if _target_of(entry) in failed]})
    live = {entry.id: entry for entry in entries_of({LAMBDA: raw.get(LAMBDA, ())})}
    removals = [
        entry_id
        for entry_id in remove
        if (owner_of(entry_id) or ("", ""))[1] not in failed
        and not (entry_id in live and any(_overlaps(live[entry_id], other) for other in dropped))
    ]
    return kept, removals


def _change(
    project: str,
    bucket: Bucket,
    wishes: Sequence[Wish],
    gone: Sequence[str],
    problems: Mapping[str, str],
) -> BucketChange:
    live: list[Mapping[str, Any]] = list(bucket.raw.get(LAMBDA, ()))
    owners = {str(entry.get("Id", "")): owner_of(str(entry.get("Id", ""))) for entry in live}
    put: list[Mapping[str, Any]] = []
    remove: list[str] = []
    added: dict[str, list[str]] = {}
    removed: dict[str, list[str]] = {}
    for wish in wishes:
        key = wish.target.key
        wanted = {
            str(entry["Id"]): (entry, trigger)
            for trigger in wish.triggers
            for entry in [entry_for(project, key, wish.arn, trigger)]
        }
        for entry_id, (entry, trigger) in wanted.items():
            if not any(_serves(e, entry, entry_id, owners) for e in live):
                put.append(entry)
                added.setdefault(key, []).append(describe(trigger))
        for old in live:
            entry_id = str(old.get("Id", ""))
            is_ours = owners[entry_id] == (project, key) and entry_id not in wanted
            is_taken = (
                wish.may_take_over
                and owners[entry_id] is None
                and old.get("LambdaFunctionArn") == wish.arn
                and any(_overlap_raw(old, e) for e, _ in wanted.values())
                and not any(is_same(old, e) for e, _ in wanted.values())
            )
            if is_ours or is_taken:
                remove.append(entry_id)
                removed.setdefault(key, []).append(describe(trigger_of(bucket.name, old)))
    for old in live:
        entry_id = str(old.get("Id", ""))
        owner = owners[entry_id]
        if owner and owner[0] == project and owner[1] in gone and entry_id not in remove:
            remove.append(entry_id)
            removed.setdefault(owner[1], []).append(describe(trigger_of(bucket.name, old)))
    return BucketChange(
        bucket=bucket.name,
        put=tuple(put),
        remove=tuple(remove),
        added={key: tuple(values) for key, values in added.items()},
        removed={key: tuple(values) for key, values in removed.items()},
        problems=dict(problems),
    )


def _refusals(
    project: str,
    bucket: Bucket,
    merged: Mapping[str, Any],
    wishes: Sequence[Wish],
    places: Mapping[str, str],
) -> dict[str, str]:
    """Targets whose wish S3 would refuse, with the reason."""
    wishing = {wish.target.key for wish in wishes if wish.triggers}
    found: dict[str, str] = {}
    for clash in clashes(merged):
        for mine, other in ((clash.one, clash.other), (clash.other, clash.one)):
            owner = owner_of(mine.id)
            if owner and owner[0] == project and owner[1] in wishing and owner[1] not in found:
                found[owner[1]] = _explain(project, bucket.name, mine, other, owner[1], places)
    return found


def _explain(
    project: str, bucket: str, mine: Entry, other: Entry, target: str, places: Mapping[str, str]
) -> str:
    owner = owner_of(other.id)
    text = (
        f"the trigger s3://{bucket}/{mine.prefix}*{mine.suffix} ({places.get(target, target)}) overlaps "
        f"the entry {other.id or '(no id)'} of that bucket: {other.prefix or '(all)'}*{other.suffix} -> "
        f"{other.destination}"
    )
    if owner and owner[0] == project:
        return (
            f"{text}, which is {owner[1]} ({places.get(owner[1], 'not declared any more')}); "
            "sync both targets together, or give them prefixes that do not contain each other"
        )
    if other.destination == mine.destination:
        return f"{text}; it calls the same function: --adopt replaces it, or remove it by hand"
    return f"{text}; S3 allows one of them: choose another prefix or suffix, or ask its owner to remove it"


def _serves(
    live: Mapping[str, Any],
    wanted: Mapping[str, Any],
    wanted_id: str,
    owners: Mapping[str, tuple[str, str] | None],
) -> bool:
    """Say whether a live entry is the wanted one: ours by id, or somebody's that does just the same."""
    live_id = str(live.get("Id", ""))
    return is_same(live, wanted) and (live_id == wanted_id or owners[live_id] is None)


def _target_of(entry: Mapping[str, Any]) -> str:
    return (owner_of(str(entry.get("Id", ""))) or ("", ""))[1]


def _overlaps(one: Entry, other: Entry) -> bool:
    return overlap(one.events, one.prefix, one.suffix, other.events, other.prefix, other.suffix)


def _overlap_raw(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    first, second = entries_of({LAMBDA: [one, other]})
    return _overlaps(first, second)
