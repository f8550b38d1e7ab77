"""Triggers that come through EventBridge: the rules that pick a bucket's events for them.

Sources: S3 user guide, "EventBridge event message structure" and "Using EventBridge" (which events S3 sends,
and by what they tell their cause); EventBridge user guide, "Comparison operators for use in event patterns".
A bucket sends all of its events, once a switch in its notifications is on.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from lockstep.model.kinds.base import Resource, digest_of
from lockstep.model.kinds.rules import KIND
from lockstep.model.target import Trigger

__all__ = ["EVENTBRIDGE", "VIA", "is_relay", "rules_of", "unsent"]

EVENTBRIDGE = "eventbridge"
VIA = ("notifications", EVENTBRIDGE)
"""The ways in which a bucket's events come to a function."""

_LABEL = "s3-"
_Told = tuple[tuple[str, str], ...]  # what an event's detail says of its cause
_ANY: _Told = ()
_BY_USER = ("reason", "DeleteObject")
_BY_RULE = ("reason", "Lifecycle Expiration")
_FOR_GOOD = ("deletion-type", "Permanently Deleted")
_MARKED = ("deletion-type", "Delete Marker Created")

_SENT: Mapping[str, tuple[tuple[str, _Told], ...]] = {
    "s3:ObjectCreated:*": (("Object Created", _ANY),),
    "s3:ObjectCreated:Put": (("Object Created", (("reason", "PutObject"),)),),
    "s3:ObjectCreated:Post": (("Object Created", (("reason", "POST Object"),)),),
    "s3:ObjectCreated:Copy": (("Object Created", (("reason", "CopyObject"),)),),
    "s3:ObjectCreated:CompleteMultipartUpload": (
        ("Object Created", (("reason", "CompleteMultipartUpload"),)),
    ),
    "s3:ObjectRemoved:*": (("Object Deleted", (_BY_USER,)),),
    "s3:ObjectRemoved:Delete": (("Object Deleted", (_BY_USER, _FOR_GOOD)),),
    "s3:ObjectRemoved:DeleteMarkerCreated": (("Object Deleted", (_BY_USER, _MARKED)),),
    "s3:LifecycleExpiration:*": (("Object Deleted", (_BY_RULE,)),),
    "s3:LifecycleExpiration:Delete": (("Object Deleted", (_BY_RULE, _FOR_GOOD)),),
    "s3:LifecycleExpiration:DeleteMarkerCreated": (("Object Deleted", (_BY_RULE, _MARKED)),),
    "s3:ObjectRestore:*": (
        ("Object Restore Initiated", _ANY),
        ("Object Restore Completed", _ANY),
        ("Object Restore Expired", _ANY),
    ),
    "s3:ObjectRestore:Post": (("Object Restore Initiated", _ANY),),
    "s3:ObjectRestore:Completed": (("Object Restore Completed", _ANY),),
    "s3:ObjectRestore:Delete": (("Object Restore Expired", _ANY),),
    "s3:LifecycleTransition": (("Object Storage Class Changed", _ANY),),
    "s3:IntelligentTiering": (("Object Access Tier Changed", _ANY),),
    "s3:ObjectTagging:*": (("Object Tags Added", _ANY), ("Object Tags Deleted", _ANY)),
    "s3:ObjectTagging:Put": (("Object Tags Added", _ANY),),
    "s3:ObjectTagging:Delete": (("Object Tags Deleted", _ANY),),
    "s3:ObjectAcl:Put": (("Object ACL Updated", _ANY),),
}
"""What S3 sends to EventBridge for each of its event types; it sends nothing for the others."""


def unsent(events: Iterable[str]) -> str | None:
    """The first event type that S3 does not send to EventBridge; None when it sends them all."""
    return next((event for event in events if event not in _SENT), None)


def rules_of(trigger: Trigger, qualifier: str, function: str) -> tuple[Resource, ...]:
    """The rules that call for a trigger: one for all events that are told alike."""
    return tuple(
        KIND.declared(
            {"pattern": pattern}, qualifier, f"{_LABEL}{digest_of(pattern)}", trigger.place, function
        )
        for pattern in _patterns(trigger)
    )


def is_relay(resource: Resource) -> bool:
    """Whether a resource is such a rule, declared or remembered."""
    return resource.kind == KIND.name and resource.name.startswith(_LABEL)


def _patterns(trigger: Trigger) -> Iterator[str]:
    alike: dict[_Told, set[str]] = {}
    for event in trigger.events:
        for detail_type, told in _SENT.get(event, ()):
            alike.setdefault(told, set()).add(detail_type)
    key = _key(trigger)
    for told, detail_types in sorted(alike.items()):
        detail: dict[str, Any] = {"bucket": {"name": [trigger.bucket]}}
        detail |= {name: [value] for name, value in told}
        if key is not None:
            detail["object"] = {"key": [key]}
        yield json.dumps(
            {"source": ["aws.s3"], "detail-type": sorted(detail_types), "detail": detail}, sort_keys=True
        )


def _key(trigger: Trigger) -> Mapping[str, str] | None:
    """What keys have to fit: events of EventBridge have them as they are, where notifications encode them."""
    prefix, suffix = unquote_plus(trigger.prefix), unquote_plus(trigger.suffix)
    if prefix and suffix:
        return {"wildcard": f"{_literal(prefix)}*{_literal(suffix)}"}
    if prefix:
        return {"prefix": prefix}
    return {"suffix": suffix} if suffix else None


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*")
