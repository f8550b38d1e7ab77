"""Function URLs, with the statements that an address for everybody needs.

Source: Lambda API reference and developer guide, "Control access to Lambda function URLs". A statement
is not removed with the address by AWS; ours have ids of their own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.engines.aws.function import is_in_progress
from lockstep.engines.aws.permission import at, grant, statements_of
from lockstep.model import Resource
from lockstep.model.kinds.url import KIND, STATEMENTS, sid_of

__all__ = ["KIND", "put", "read", "remove"]

_MEMBERS: Mapping[str, Mapping[str, Any]] = {
    "lambda:InvokeFunctionUrl": {"FunctionUrlAuthType": "NONE"},
    "lambda:InvokeFunction": {"InvokedViaFunctionUrl": True},
}
"""By action: how AddPermission is told the condition."""


def read(connection: Connection, function: str, qualifier: str) -> Resource | None:
    """The address and, where it is for everybody, which of its statements are missing."""
    answer = connection.find("lambda", "GetFunctionUrlConfig", **at(function, qualifier))
    if answer is None:
        return None
    allowed = set(STATEMENTS)
    if answer.get("AuthType") == "NONE":
        allowed = set(_allowed(connection, function, qualifier))
    return KIND.read({**answer, "MissingStatements": sorted(set(STATEMENTS) - allowed)}, qualifier)


def put(connection: Connection, function: str, resource: Resource) -> None:
    """Make the address so, then its statements; those that are to go, before it.

    Nobody is let in to an address that is not there yet.
    """
    place = at(function, resource.qualifier)
    if resource.settings.get("authType") != "NONE":
        _revoke(connection, function, resource.qualifier)
    request = {**place, **KIND.request(resource)}
    if connection.find("lambda", "GetFunctionUrlConfig", **place) is None:
        _create(connection, request)
    else:
        connection.call("lambda", "UpdateFunctionUrlConfig", **request)
    if resource.settings.get("authType") != "NONE":
        return
    allowed = set(_allowed(connection, function, resource.qualifier))
    for action, members in _MEMBERS.items():
        if action not in allowed:
            # An id of ours with other content, or left from a call whose answer was lost, makes way.
            sid = sid_of(action, resource.qualifier)
            connection.find("lambda", "RemovePermission", **place, StatementId=sid)
            grant(connection, function, resource.qualifier, sid, **members, Action=action, Principal="*")


def _create(connection: Connection, request: Mapping[str, Any]) -> None:
    """Make the address; one that is there already is ours, from a call whose answer was lost."""
    try:
        connection.try_call("lambda", "CreateFunctionUrlConfig", **request)
    except Exception as error:
        if code_of(error) != "ResourceConflictException" or is_in_progress(error):
            raise connection.explain(error, "lambda", "CreateFunctionUrlConfig") from error
        connection.call("lambda", "UpdateFunctionUrlConfig", **request)


def remove(connection: Connection, function: str, qualifier: str) -> None:
    """Take away what let everybody in, then the address: by it alone a run that was killed is known."""
    _revoke(connection, function, qualifier)
    connection.find("lambda", "DeleteFunctionUrlConfig", **at(function, qualifier))


def _revoke(connection: Connection, function: str, qualifier: str) -> None:
    ours = {sid_of(action, qualifier) for action in STATEMENTS}
    for sid in sorted(ours & {str(one.get("Sid")) for one in statements_of(connection, function, qualifier)}):
        connection.find("lambda", "RemovePermission", **at(function, qualifier), StatementId=sid)


def _allowed(connection: Connection, function: str, qualifier: str) -> Iterator[str]:
    """Actions that a statement, whosever it is, lets everybody do through the address."""
    for one in statements_of(connection, function, qualifier):
        is_everybody = one.get("Principal") in ("*", {"AWS": "*"}) and one.get("Effect") == "Allow"
        tests = {
            key.lower(): str(value).lower()
            for operator in (one.get("Condition") or {}).values()
            for key, value in operator.items()
        }
        match str(one.get("Action")), tests:
            case "lambda:InvokeFunctionUrl" as action, {"lambda:functionurlauthtype": "none"} if is_everybody:
                yield action
            case "lambda:InvokeFunction" as action, {"lambda:invokedviafunctionurl": "true"} if is_everybody:
                yield action
            case _:
                pass
