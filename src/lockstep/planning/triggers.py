"""Triggers of many targets as one change for each bucket."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from typing import Any, TypeAlias

from lockstep.model import Bucket, Target, Trigger
from lockstep.model.alias import qualified
from lockstep.planning.notifications import (
    LAMBDA,
    Entry,
    clashes,
    describe,
    entries_of,
    entry_for,
    function_of,
    is_same,
    is_switched_on,
    merge,
    overlap,
    owner_of,
    switch_words,
    trigger_of,
)
from lockstep.values import dataclass

__all__ = ["BucketChange", "BucketWish", "Parties", "change_bucket", "survivors"]

_MOST_ENTRIES = 100  # of a bucket, those of queues and topics included

Raw: TypeAlias = Mapping[str, Any]  # one entry as the API gives and takes it


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketWish:
    """A target and what it wants of a bucket. ``may_take_over``: entries of others for its function.

    ``is_heir``: what former targets left on its function is its own, but for what calls a ``spared`` alias.
    """

    target: Target
    arn: str  # of its function
    triggers: tuple[Trigger, ...]  # on this bucket; empty: none any more
    relays: bool = False  # it has triggers on this bucket that come through EventBridge
    may_take_over: bool = False
    is_heir: bool = True
    spared: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Parties:
    """Who has a say on a bucket."""

    wishes: Sequence[BucketWish] = ()  # targets that are made ready in this sync
    waiting: Sequence[Target] = ()  # declared targets that are not: blocked, or not selected
    gone: Collection[str] = ()  # targets whose entries go
    deleted: Mapping[str, str] = field(default_factory=dict)  # ARN of a function that goes -> its target
    declared: Mapping[str, Target] = field(default_factory=dict)  # all targets that have a function


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketChange:
    """What has to change on one bucket: nothing when nobody is in ``added`` or ``removed``.

    ``relaying`` are targets that hear of the bucket through EventBridge: their rules come first.
    """

    bucket: str
    put: tuple[Raw, ...] = ()
    remove: tuple[str, ...] = ()
    switch_on: bool = False  # the bucket is to send its events to EventBridge, and does not
    relaying: frozenset[str] = frozenset()
    added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # target -> triggers in words
    removed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)  # target -> why it cannot have its way


def change_bucket(project: str, bucket: Bucket, parties: Parties) -> BucketChange:
    """Work out one change for all targets of a bucket.

    A wish that S3 would refuse, and a removal that would leave a prefix without a function because
    the next one is not ready, become problems. Then the change is not to be used: leave those
    targets out and ask again.
    """
    put: list[Raw] = []
    removals: dict[str, tuple[str, Raw]] = {}  # id -> whose it is, and the entry
    added: dict[str, list[str]] = {}
    live = _Live(project, bucket, parties.declared)
    relaying = frozenset(wish.target.key for wish in parties.wishes if wish.relays)
    switch_on = bool(relaying) and not is_switched_on(bucket.raw)
    for wish in parties.wishes:
        key = wish.target.key
        if switch_on and wish.relays:
            added.setdefault(key, []).append(switch_words(bucket.name))
        wanted = {
            str(entry["Id"]): (entry, trigger)
            for trigger in wish.triggers
            for entry in [entry_for(project, key, qualified(wish.arn, wish.target.alias), trigger)]
        }
        entries = [entry for entry, _ in wanted.values()]
        for entry, trigger in wanted.values():
            if not live.is_served(wish, entry):
                put.append(entry)
                added.setdefault(key, []).append(describe(trigger))
        stale = [entry for entry in live.of(wish) if entry["Id"] not in wanted]
        if wish.may_take_over:
            stale += live.in_the_way(wish, entries)
        removals.update({str(old["Id"]): (key, old) for old in stale})
    for owner in sorted(parties.gone):
        for old in live.by_owner.get(owner, ()):
            removals.setdefault(str(old["Id"]), (owner, old))
    for arn, owner in sorted(parties.deleted.items()):
        # An entry that nobody made with Lockstep goes with the function that it calls, for instance an
        # adopted one's: S3 refuses every later change of a bucket that calls a function that is gone.
        for old in live.of_nobody(arn):
            removals.setdefault(str(old["Id"]), (owner, old))

    if not put and not removals and not switch_on:
        return BucketChange(bucket=bucket.name)
    removed: dict[str, list[str]] = {}
    for key, old in removals.values():
        removed.setdefault(key, []).append(describe(trigger_of(bucket.name, old)))
    merged = merge(bucket.raw, put=put, remove=removals)
    return BucketChange(
        bucket=bucket.name,
        put=tuple(put),
        remove=tuple(removals),
        switch_on=switch_on,
        relaying=relaying,
        added={key: tuple(values) for key, values in added.items()},
        removed={key: tuple(values) for key, values in removed.items()},
        problems={
            **_too_many(bucket, merged, put),
            **_too_early(bucket.name, removals.values(), parties.waiting),
            **_refusals(bucket.name, merged, {str(entry["Id"]) for entry in put}, project, parties.declared),
        },
    )


def survivors(
    raw: Mapping[str, Any],
    put: Sequence[Raw],
    remove: Sequence[str],
    failed: frozenset[str],
) -> tuple[list[Raw], list[str]]:
    """What is left of a bucket's change when some targets could not be made ready.

    Their entries are not put, and no entry is removed that now serves what they would have served:
    a prefix is never left without a function because its next one failed. What then no longer fits
    beside the entries that stay is not put either, so more targets than ``failed`` may be left out.
    """
    live = {entry.id: entry for entry in entries_of({LAMBDA: raw.get(LAMBDA, ())})}
    while True:
        kept = [entry for entry in put if _target_of(entry["Id"]) not in failed]
        dropped = entries_of({LAMBDA: [entry for entry in put if _target_of(entry["Id"]) in failed]})
        removals = [
            entry_id
            for entry_id in remove
            if _target_of(entry_id) not in failed
            and not (entry_id in live and any(_overlaps(live[entry_id], other) for other in dropped))
        ]
        stay = {*remove, *(entry.id for entry in dropped)}.difference(removals)
        new = {entry["Id"] for entry in kept}
        squeezed = {
            _target_of(mine.id)
            for clash in clashes(merge(raw, put=kept, remove=removals))
            for mine, other in ((clash.one, clash.other), (clash.other, clash.one))
            if mine.id in new and other.id in stay
        }
        if not squeezed:
            return kept, removals
        failed |= squeezed


class _Live:
    """A bucket's live Lambda entries by whose they are and by what they call."""

    def __init__(self, project: str, bucket: Bucket, declared: Collection[str]) -> None:
        self.by_owner: dict[str, list[Raw]] = {}  # target of this project -> its entries
        self._foreign: dict[str, list[Raw]] = {}  # function, however called -> entries that no project owns
        self._strays: dict[str, list[Raw]] = {}  # function -> entries of targets no longer declared
        for entry in bucket.raw.get(LAMBDA, ()):
            owner = owner_of(str(entry.get("Id", "")))
            arn = function_of(str(entry.get("LambdaFunctionArn", "")))
            if owner is None:
                self._foreign.setdefault(arn, []).append(entry)
            elif owner[0] == project:
                self.by_owner.setdefault(owner[1], []).append(entry)
                if owner[1] not in declared:
                    self._strays.setdefault(arn, []).append(entry)

    def of(self, wish: BucketWish) -> list[Raw]:
        """Entries of the target; also what its function was called by under a former target's name."""
        kept = {qualified(wish.arn, alias) for alias in wish.spared}
        strays = self._strays.get(wish.arn, ()) if wish.is_heir else ()
        return [
            *self.by_owner.get(wish.target.key, ()),
            *(entry for entry in strays if entry.get("LambdaFunctionArn") not in kept),
        ]

    def of_nobody(self, arn: str) -> list[Raw]:
        """Entries that call a function and belong to no project; one without an id cannot be named."""
        return [entry for entry in self._foreign.get(arn, ()) if entry.get("Id")]

    def is_served(self, wish: BucketWish, wanted: Raw) -> bool:
        """Say whether a live entry is the wanted one: ours by id, or somebody's that does just the same."""
        mine = (e for e in self.by_owner.get(wish.target.key, ()) if e["Id"] == wanted["Id"])
        return any(is_same(entry, wanted) for entry in (*mine, *self._foreign.get(wish.arn, ())))

    def in_the_way(self, wish: BucketWish, wanted: Sequence[Raw]) -> list[Raw]:
        """Entries of others that call the target's function and overlap what it wants."""
        return [
            entry
            for entry in self._foreign.get(wish.arn, ())
            if entry.get("Id")
            and any(_overlap_raw(entry, one) for one in wanted)
            and not any(is_same(entry, one) for one in wanted)
        ]


def _too_many(bucket: Bucket, merged: Mapping[str, Any], put: Sequence[Raw]) -> dict[str, str]:
    """Targets that find no room: those whose entries come last, by name, so that the others go on.

    Source: Amazon S3 user guide, "Service quotas": 100 notification configurations a bucket.
    """
    excess = len(entries_of(merged)) - _MOST_ENTRIES
    found: dict[str, str] = {}
    for key in sorted({_target_of(entry["Id"]) for entry in put}, reverse=True):
        if excess <= 0:
            break
        excess -= sum(_target_of(entry["Id"]) == key for entry in put)
        found[key] = (
            f"the bucket {bucket.name} has {len(entries_of(bucket.raw))} notification entries and S3 allows "
            f"{_MOST_ENTRIES}; give the trigger another bucket, or take entries away that nobody needs"
        )
    return found


def _too_early(
    bucket: str, removals: Collection[tuple[str, Raw]], waiting: Sequence[Target]
) -> dict[str, str]:
    """Targets that would give up what a target that is not ready is to have."""
    found: dict[str, str] = {}
    next_ones = [(other, t) for other in waiting for t in other.triggers if t.bucket == bucket]
    for key, entry in removals:
        (old,) = entries_of({LAMBDA: [entry]})
        for other, trigger in next_ones:
            if other.key != key and overlap(
                old.events, old.prefix, old.suffix, trigger.events, trigger.prefix, trigger.suffix
            ):
                found[key] = (
                    f"its trigger {describe(trigger_of(bucket, entry))} is to pass to {_place(other)}, which "
                    "this sync does not make ready; mend or select that one too, so that no object is missed"
                )
    return found


def _refusals(
    bucket: str,
    merged: Mapping[str, Any],
    new: Collection[str],
    project: str,
    declared: Mapping[str, Target],
) -> dict[str, str]:
    """Targets whose new entries (by id) S3 would refuse, with the reason."""
    found: dict[str, str] = {}
    for clash in clashes(merged):
        for mine, other in ((clash.one, clash.other), (clash.other, clash.one)):
            if mine.id in new:
                key = _target_of(mine.id)
                found.setdefault(key, _explain(bucket, mine, other, project, declared))
    return found


def _explain(bucket: str, mine: Entry, other: Entry, project: str, declared: Mapping[str, Target]) -> str:
    owner = owner_of(other.id)
    me = declared[_target_of(mine.id)]
    text = (
        f"the trigger s3://{bucket}/{mine.prefix}*{mine.suffix} of {_place(me)} overlaps the "
        f"entry {other.id or '(no id)'} of that bucket: {other.prefix}*{other.suffix} -> {other.destination}"
    )
    if owner and owner[0] == project and owner[1] in declared:
        return (
            f"{text}, which is {_place(declared[owner[1]])}; sync both targets together, or give them "
            "prefixes that do not contain each other"
        )
    if owner and owner[0] == project:
        return (
            f"{text}, which is {owner[1]} and is not declared any more; `prune: true` for its environment "
            "deletes it, or remove the entry by hand"
        )
    if owner:
        return (
            f"{text}, which is {owner[1]} of the Lockstep project {owner[0]!r}; sync or remove that one first"
        )
    if function_of(other.destination) == function_of(mine.destination):
        return f"{text}; it calls the same function: --adopt replaces it, or remove it by hand"
    return f"{text}; S3 allows one of them: choose another prefix or suffix, or ask its owner to remove it"


def _place(target: Target) -> str:
    """A target with where its trigger is declared."""
    place = next((trigger.place for trigger in target.triggers if trigger.place), target.place)
    return f"{target.key} ({place})" if place else target.key


def _target_of(entry_id: str) -> str:
    return (owner_of(entry_id) or ("", ""))[1]


def _overlaps(one: Entry, other: Entry) -> bool:
    return overlap(one.events, one.prefix, one.suffix, other.events, other.prefix, other.suffix)


def _overlap_raw(one: Raw, other: Raw) -> bool:
    first, second = entries_of({LAMBDA: [one, other]})
    return _overlaps(first, second)
