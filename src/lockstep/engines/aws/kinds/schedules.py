"""Schedules of EventBridge Scheduler, told by what they call: they have no tags, and others' stay.

Source: EventBridge Scheduler API reference: UpdateSchedule sets what it is not told to its default; one
schedule of a name is in a group, which another CreateSchedule is refused for; schedules are not tagged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.errors import CloudError
from lockstep.model import Resource
from lockstep.model.kinds.base import digest_of
from lockstep.model.kinds.schedules import DEFAULT_GROUP, KIND

__all__ = ["KIND", "put", "read", "remove", "under_way"]

_KEPT = ("ActionAfterCompletion",)
_STATES = {True: "ENABLED", False: "DISABLED"}


def read(
    connection: Connection, function: str, qualifier: str, sought: Mapping[str, str]
) -> Iterator[Resource]:
    """The schedules that are sought, on whatever alias of the function; one that calls another is foreign."""
    for identity in sorted({*filter(None, sought.values()), *_named(connection, sought)}):
        if (schedule := _schedule(connection, identity)) is None:
            continue
        at = _alias_called(connection, function, schedule)
        found = KIND.read(schedule, qualifier if at is None else at)
        if found is not None:
            yield replace(found, foreign=at is None)


def put(connection: Connection, function: str, resource: Resource, live: Resource | None) -> None:
    """Create it, or replace one that calls the function, with what is not declared as it was."""
    before = _schedule(connection, resource.identity)
    if before is not None and _alias_called(connection, function, before) is None:
        raise CloudError(
            f"the schedule {resource.identity} calls something else: {before['Target']['Arn']}",
            where="scheduler:GetSchedule",
            fix="give it another name, or remove the one that is there",
        )
    request = KIND.request(resource)
    window = request.get("FlexibleTimeWindow")
    enabled = resource.settings.get("enabled")
    arn = connection.scope.function_arn(function) + (f":{resource.qualifier}" if resource.qualifier else "")
    request = {
        **request,
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", **window} if window else {"Mode": "OFF"},
        "State": (before or {}).get("State", "ENABLED") if enabled is None else _STATES[bool(enabled)],
        "Target": {**request["Target"], "Arn": arn},
    }
    if before is None:
        connection.call("scheduler", "CreateSchedule", **request)
        return
    kept = {name: before[name] for name in _KEPT if name in before}
    connection.call("scheduler", "UpdateSchedule", **request, **kept)


def remove(connection: Connection, function: str, live: Resource) -> None:
    """Delete it where it still calls what it did."""
    schedule = _schedule(connection, live.identity)
    if schedule is not None and _alias_called(connection, function, schedule) == live.qualifier:
        connection.find("scheduler", "DeleteSchedule", **_place(live.identity))


def under_way(connection: Connection, live: Resource) -> str:
    """Nothing: schedules are written at once."""
    return ""


def _named(connection: Connection, sought: Mapping[str, str]) -> Iterator[str]:
    """Identities of schedules that only a digest tells: the account's are looked through for them."""
    digests = {digest for digest, identity in sought.items() if not identity}
    if not digests:
        return
    pages = connection.pages(
        "scheduler", "ListSchedules", "Schedules", "NextToken", "NextToken", MaxResults=100
    )
    for one in pages:
        identity = f"{one['GroupName']} {one['Name']}"
        if digest_of(identity) in digests:
            yield identity


def _place(identity: str) -> dict[str, str]:
    group, _, name = identity.partition(" ")
    return {"Name": name, "GroupName": group or DEFAULT_GROUP}


def _schedule(connection: Connection, identity: str) -> dict[str, Any] | None:
    return connection.find("scheduler", "GetSchedule", **_place(identity))


def _alias_called(connection: Connection, function: str, schedule: Mapping[str, Any]) -> str | None:
    """The alias or version of the function that a schedule calls, "" for itself; None: it calls another."""
    called, own = str(schedule["Target"]["Arn"]), connection.scope.function_arn(function)
    if called == own:
        return ""
    return called.removeprefix(f"{own}:") if called.startswith(f"{own}:") else None
