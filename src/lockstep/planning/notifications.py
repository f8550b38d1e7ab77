"""A bucket's notifications: whose entry is whose, what overlaps, and merging without losing any.

Sources: S3 API reference (PutBucketNotificationConfiguration) and user guide, "Configuring event
notifications using object key name filtering".
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from lockstep.model import Trigger
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = [
    "Clash",
    "Entry",
    "clashes",
    "content_of",
    "describe",
    "entries_of",
    "entry_for",
    "find_overlaps",
    "function_of",
    "is_same",
    "is_switched_on",
    "merge",
    "overlap",
    "owner_of",
    "switch_words",
    "trigger_of",
]

LAMBDA = "LambdaFunctionConfigurations"
KINDS: Mapping[str, str] = {
    LAMBDA: "LambdaFunctionArn",
    "TopicConfigurations": "TopicArn",
    "QueueConfigurations": "QueueArn",
}
"""Members of the configuration that hold entries with filters, and their destination's key."""

_SWITCH = "EventBridgeConfiguration"
_FUNCTION_PARTS = 7  # of arn:aws:lambda:REGION:ACCOUNT:function:NAME
_OURS = regex(r"lockstep-(?P<project>[^.]+)\.(?P<target>.+)\.[0-9a-f]{12}\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry of a configuration, of any kind, with its filter read out."""

    kind: str
    id: str
    destination: str
    prefix: str
    suffix: str
    events: tuple[str, ...]

    def __str__(self) -> str:
        name = self.destination.partition(":function:")[2] or self.destination.rsplit(":", 1)[-1]
        return f"{self.id or '(no id)'} -> {name} ({self.prefix}*{self.suffix}, {', '.join(self.events)})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Clash:
    """Two entries of one bucket that S3 refuses to hold together."""

    one: Entry
    other: Entry


def overlap(
    events_a: Iterable[str],
    prefix_a: str,
    suffix_a: str,
    events_b: Iterable[str],
    prefix_b: str,
    suffix_b: str,
) -> bool:
    """Say whether S3 would refuse two filters: they share an event, and prefixes and suffixes overlap."""
    return (
        (prefix_a.startswith(prefix_b) or prefix_b.startswith(prefix_a))
        and (suffix_a.endswith(suffix_b) or suffix_b.endswith(suffix_a))
        and any(_share(a, b) for a in events_a for b in events_b)
    )


def _share(event_a: str, event_b: str) -> bool:
    """Say whether two event types have one in common: ``s3:ObjectCreated:*`` stands for its family."""
    return (
        event_a == event_b
        or (event_a.endswith("*") and event_b.startswith(event_a[:-1]))
        or (event_b.endswith("*") and event_a.startswith(event_b[:-1]))
    )


def find_overlaps(triggers: Sequence[tuple[str, Trigger]]) -> list[tuple[int, int]]:
    """Pairs of positions in ``triggers`` (owner, trigger) that S3 would refuse on one bucket.

    Sorting by prefix keeps this near n log n: only triggers whose prefixes nest are compared.
    """
    by_bucket: dict[str, list[int]] = {}
    for position, (_, trigger) in enumerate(triggers):
        by_bucket.setdefault(trigger.bucket, []).append(position)
    found: list[tuple[int, int]] = []
    for positions in by_bucket.values():
        positions.sort(key=lambda i: triggers[i][1].prefix)
        nested: list[int] = []  # triggers whose prefix starts the current one
        for i in positions:
            mine = triggers[i][1]
            while nested and not mine.prefix.startswith(triggers[nested[-1]][1].prefix):
                nested.pop()
            for j in nested:
                other = triggers[j][1]
                if overlap(mine.events, mine.prefix, mine.suffix, other.events, other.prefix, other.suffix):
                    found.append((min(i, j), max(i, j)))
            nested.append(i)
    return sorted(found)


def entry_for(project: str, target: str, function_arn: str, trigger: Trigger) -> dict[str, Any]:
    """The entry that a target's trigger asks for, as the API takes it.

    Its id names project and target and ends in a hash of the content, so a changed trigger gets
    a new id and an entry that was edited behind our back is seen.
    """
    events = sorted(trigger.events)
    entry: dict[str, Any] = {"LambdaFunctionArn": function_arn, "Events": events}
    rules = [
        {"Name": name, "Value": value}
        for name, value in (("prefix", trigger.prefix), ("suffix", trigger.suffix))
        if value
    ]
    if rules:
        entry["Filter"] = {"Key": {"FilterRules": rules}}
    content = [function_arn, trigger.prefix, trigger.suffix, events]  # as in content_of
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
    # A slash is written as a dot and a dot as two: no name starts with a dot, so this reads back.
    name = target.replace(".", "..").replace("/", ".")
    return {"Id": f"lockstep-{project}.{name}.{digest}", **entry}


@lru_cache(maxsize=1 << 16)
def owner_of(entry_id: str) -> tuple[str, str] | None:
    """Project and target that an entry's id names, or None for an entry that is not ours to touch."""
    found = _OURS.match(entry_id)
    if found is None:
        return None
    target = re.sub(r"\.\.?", lambda dots: "." if len(dots[0]) == 2 else "/", found["target"])
    return found["project"], target


def function_of(arn: str) -> str:
    """The ARN of the function itself where it is called by a version or an alias, as ``...:f:live``."""
    return ":".join(arn.split(":")[:_FUNCTION_PARTS])


def entries_of(raw: Mapping[str, Any]) -> list[Entry]:
    """All entries of a configuration, in order."""
    return [_read(kind, entry) for kind in KINDS for entry in raw.get(kind, ())]


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether two Lambda entries do the same, whatever their ids and the order of their parts."""
    return one == other or content_of(one) == content_of(other)


def is_switched_on(raw: Mapping[str, Any]) -> bool:
    """Whether the bucket sends its events to EventBridge."""
    return _SWITCH in raw


def switch_words(bucket: str) -> str:
    """That it does, in one line."""
    return f"s3://{bucket}/ to EventBridge"


def merge(
    raw: Mapping[str, Any],
    *,
    put: Iterable[Mapping[str, Any]],
    remove: Iterable[str],
    switch_on: bool = False,
) -> dict[str, Any]:
    """The configuration with our entries put and removed by id, and everything else as it was.

    The switch for EventBridge is put on where that is asked, and never off: others' rules may count on it.

    Entries of others keep their bytes and their order; so do settings that have no entries
    (EventBridgeConfiguration) and members that did not exist when this was written. An entry
    without an id cannot be named, so it always stays.
    """
    new = {str(entry["Id"]): entry for entry in put}
    gone = set(remove) - {""}
    kept: list[Mapping[str, Any]] = []
    for entry in raw.get(LAMBDA, ()):
        entry_id = entry.get("Id", "")
        if entry_id in new:
            kept.append(new.pop(entry_id))
        elif entry_id not in gone:
            kept.append(entry)
    kept.extend(new[entry_id] for entry_id in sorted(new))
    result = {member: value for member, value in raw.items() if member != LAMBDA}
    if switch_on:
        result.setdefault(_SWITCH, {})
    return {LAMBDA: kept, **result} if kept else result


def clashes(raw: Mapping[str, Any]) -> list[Clash]:
    """Pairs of entries, across Lambda, SNS and SQS, that S3 would refuse together."""
    entries = entries_of(raw)
    as_triggers = [
        ("", Trigger(bucket="", prefix=e.prefix, suffix=e.suffix, events=e.events)) for e in entries
    ]
    return [Clash(one=entries[i], other=entries[j]) for i, j in find_overlaps(as_triggers)]


def describe(trigger: Trigger) -> str:
    """A trigger in one line: ``s3://bucket/prefix*suffix``, with its events unless they are all creations."""
    events = "" if trigger.events == ("s3:ObjectCreated:*",) else f" [{', '.join(trigger.events)}]"
    return f"s3://{trigger.bucket}/{trigger.prefix}*{trigger.suffix}{events}"


def trigger_of(bucket: str, entry: Mapping[str, Any]) -> Trigger:
    """The trigger that a live Lambda entry stands for."""
    read = _read(LAMBDA, entry)
    return Trigger(bucket=bucket, prefix=read.prefix, suffix=read.suffix, events=tuple(sorted(read.events)))


def _read(kind: str, entry: Mapping[str, Any]) -> Entry:
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", ())
    # S3 answers with "Prefix" where it was given "prefix".
    filters = {str(rule.get("Name", "")).lower(): str(rule.get("Value", "")) for rule in rules}
    return Entry(
        kind=kind,
        id=str(entry.get("Id", "")),
        destination=str(entry.get(KINDS[kind], "")),
        prefix=filters.get("prefix", ""),
        suffix=filters.get("suffix", ""),
        events=tuple(entry.get("Events", ())),
    )


def content_of(entry: Mapping[str, Any]) -> list[Any]:
    """What a Lambda entry does, in a form in which equal means equal."""
    read = _read(LAMBDA, entry)
    return [read.destination, read.prefix, read.suffix, sorted(read.events)]
