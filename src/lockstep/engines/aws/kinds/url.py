"""Function URLs, with the statements that an address for everybody needs.

Source: Lambda API reference and developer guide, "Control access to Lambda function URLs". A statement
is not removed with the address by AWS; ours have ids of their own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.model import Resource
from lockstep.model.foreign import read_json
from lockstep.model.kinds.url import KIND

__all__ = ["KIND", "put", "read", "remove"]

_STATEMENTS: Mapping[str, Mapping[str, Any]] = {
    "lambda:InvokeFunctionUrl": {"StatementId": "lockstep-url-address", "FunctionUrlAuthType": "NONE"},
    "lambda:InvokeFunction": {"StatementId": "lockstep-url-function", "InvokedViaFunctionUrl": True},
}
"""By action: what lets everybody use an address."""


def read(connection: Connection, function: str) -> Resource | None:
    """The address and, where it is for everybody, which of its statements are missing."""
    answer = connection.find("lambda", "GetFunctionUrlConfig", FunctionName=function)
    if answer is None:
        return None
    allowed = set(_STATEMENTS)
    if answer.get("AuthType") == "NONE":
        allowed = set(_allowed(connection, function))
    return KIND.read({**answer, "MissingStatements": sorted(set(_STATEMENTS) - allowed)})


def put(connection: Connection, function: str, resource: Resource) -> None:
    """Make the address so, then its statements: nobody is let in to an address that is not there yet."""
    there = connection.find("lambda", "GetFunctionUrlConfig", FunctionName=function)
    request = {"FunctionName": function, **KIND.request(resource)}
    if there is None:
        connection.call("lambda", "CreateFunctionUrlConfig", **request)
    else:
        connection.call("lambda", "UpdateFunctionUrlConfig", **request)
    if resource.settings.get("authType") != "NONE":
        _revoke(connection, function)
        return
    allowed = set(_allowed(connection, function))
    for action, members in _STATEMENTS.items():
        if action not in allowed:
            # An id of ours with other content, or left from a call whose answer was lost, makes way.
            connection.find(
                "lambda", "RemovePermission", FunctionName=function, StatementId=members["StatementId"]
            )
            connection.call(
                "lambda", "AddPermission", FunctionName=function, Action=action, Principal="*", **members
            )


def remove(connection: Connection, function: str) -> None:
    """Take the address away, then what let everybody in."""
    connection.find("lambda", "DeleteFunctionUrlConfig", FunctionName=function)
    _revoke(connection, function)


def _revoke(connection: Connection, function: str) -> None:
    ours = {str(members["StatementId"]) for members in _STATEMENTS.values()}
    for sid in sorted(ours & {str(one.get("Sid")) for one in _policy(connection, function)}):
        connection.find("lambda", "RemovePermission", FunctionName=function, StatementId=sid)


def _allowed(connection: Connection, function: str) -> Iterator[str]:
    """Actions that a statement, whosever it is, lets everybody do through the address."""
    for one in _policy(connection, function):
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


def _policy(connection: Connection, function: str) -> list[dict[str, Any]]:
    answer = connection.find("lambda", "GetPolicy", FunctionName=function)
    statements = read_json(answer["Policy"]).get("Statement", []) if answer is not None else []
    return statements if isinstance(statements, list) else [statements]
