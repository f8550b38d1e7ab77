"""Who gave an alias weights that are not ours, as far as CloudTrail tells.

One call for each account and Region with such weights, of the newest 50 writes of aliases there.
Source: CloudTrail API reference, LookupEvents (management events of 90 days, two calls a second); Lambda
developer guide, "Logging AWS Lambda API calls using AWS CloudTrail": names of events bear a date of the API.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.errors import Interrupted, LockstepError
from lockstep.model import Alias, Fleet
from lockstep.model.foreign import read_json
from lockstep.model.rolling import record_of, taken_over

__all__ = ["tell_writers"]

_WRITE = "UpdateAlias20150331"


def tell_writers(desired: Fleet, live: Fleet, connection_of: Callable[[str], Connection]) -> Iterator[str]:
    """A note for each target whose alias has weights that are not ours: who wrote them, or why that is not
    known. Nothing is asked where there are none.
    """
    seen: dict[str, tuple[str, Alias]] = {}
    for key in desired.selected():
        target, now = desired.targets[key], live.targets.get(key)
        for alias in now.aliases if now is not None else ():
            is_foreign = taken_over(alias, record_of(alias, live.project, key))
            if alias.name == target.alias and is_foreign and target.function is not None:
                seen[key] = target.function.name, alias
    by_place: dict[Connection, dict[str, tuple[str, Alias]]] = {}
    for key, one in seen.items():
        by_place.setdefault(connection_of(desired.targets[key].environment), {})[key] = one
    for connection, those in by_place.items():
        yield from _told(connection, those)


def _told(connection: Connection, those: Mapping[str, tuple[str, Alias]]) -> Iterator[str]:
    try:
        answer = connection.call(
            "cloudtrail",
            "LookupEvents",
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": _WRITE}],
            MaxResults=50,
        )
    except Interrupted:
        raise
    except LockstepError as error:
        yield (
            f"who gave weights to the alias of {', '.join(those)} is not known: {error.problem}; it is told "
            "where cloudtrail:LookupEvents is allowed (lockstep iam-policy trail)"
        )
        return
    events = answer.get("Events") or ()
    for key, (function, alias) in those.items():
        who = next((who for one in events if (who := _writer(one, function, alias)) is not None), None)
        yield f"{key}: the weights of {alias.name} ({alias.words}) are not Lockstep's: " + (
            f"{who} gave them, CloudTrail says"
            if who is not None
            else "CloudTrail tells of no such write among the newest 50 of aliases there (one may take 15 "
            "minutes to show)"
        )


def _writer(event: Mapping[str, Any], function: str, alias: Alias) -> str | None:
    """Who made a write, and when, if it is the one that gave the alias these weights."""
    try:
        told = read_json(str(event.get("CloudTrailEvent") or ""))
        asked = told["requestParameters"]
        weights = (asked.get("routingConfig") or {}).get("additionalVersionWeights") or {}
        is_it = (
            str(asked["functionName"]).rpartition(":")[2] == function
            and asked["name"] == alias.name
            and not told.get("errorCode")
            and {str(number): float(share) for number, share in weights.items()} == dict(alias.weights)
        )
        identity = told["userIdentity"]
        who = identity.get("arn") or identity.get("invokedBy") or identity.get("principalId")
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    if not is_it or not who:
        return None
    at = event.get("EventTime")
    return f"{who} at {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if isinstance(at, datetime) else str(who)
