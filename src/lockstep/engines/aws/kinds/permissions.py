"""Statements of a function's policy, told by their ids; those of others are not touched.

Source: Lambda API reference (GetPolicy, AddPermission, RemovePermission): a statement is never changed, so
one that says something else than its id makes way for the right one.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.permission import at, grant, statements_of
from lockstep.model import Resource
from lockstep.model.kinds.base import sid_on
from lockstep.model.kinds.permissions import CONDITIONS, KIND, PREFIX

__all__ = ["KIND", "put", "read", "remove", "under_way"]

_MEMBERS = {(operator, key.lower()): member for member, (operator, key) in CONDITIONS.items()}


def read(
    connection: Connection, function: str, qualifier: str, sought: Mapping[str, str]
) -> Iterator[Resource]:
    """The statements, but for those that other resources of ours have."""
    for one in statements_of(connection, function, qualifier):
        sid = str(one.get("Sid", ""))
        if sid.startswith(PREFIX) or not sid.startswith("lockstep-"):
            found = KIND.read({**_told(one), "Sid": sid, "StatementId": _id_of(sid, qualifier)}, qualifier)
            if found is not None:
                yield found


def put(connection: Connection, function: str, resource: Resource, live: Resource | None) -> None:
    """Add the statement, after one of its id that says something else was taken away."""
    if live is not None:
        remove(connection, function, live)
    sid = sid_on(str(resource.settings["id"]), resource.qualifier)
    said = {member: value for member, value in KIND.request(resource).items() if value is not None}
    grant(connection, function, resource.qualifier, sid, **said)


def remove(connection: Connection, function: str, live: Resource) -> None:
    """Take the statement away."""
    connection.find("lambda", "RemovePermission", **at(function, live.qualifier), StatementId=live.handle)


def under_way(connection: Connection, live: Resource) -> str:
    """Nothing: a policy is written at once."""
    return ""


def _told(statement: Mapping[str, Any]) -> dict[str, Any]:
    """What AddPermission would have been told."""
    found: dict[str, Any] = {"Action": statement.get("Action"), "Principal": statement.get("Principal")}
    match statement.get("Principal"):
        case {"Service": str() as principal} | {"AWS": str() as principal}:
            found["Principal"] = principal
        case str():
            pass
        case other:
            found["Principal"] = json.dumps(other, sort_keys=True)
    others: dict[str, Any] = {}
    for operator, tests in (statement.get("Condition") or {}).items():
        for key, value in tests.items():
            member = _MEMBERS.get((operator, key.lower()))
            if member is None or not isinstance(value, str | bool):
                others.setdefault(operator, {})[key] = value
            else:
                found[member] = str(value).lower() == "true" if operator == "Bool" else value
    if statement.get("Effect") != "Allow":
        others["Effect"] = statement.get("Effect")
    return found | ({"OtherConditions": json.dumps(others, sort_keys=True)} if others else {})


def _id_of(sid: str, qualifier: str) -> str:
    return sid.removesuffix(sid_on("", qualifier)) if sid.startswith(PREFIX) else sid
