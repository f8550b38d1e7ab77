"""Asynchronous invocation settings of functions.

Source: Lambda API reference (PutFunctionEventInvokeConfig replaces all of it).
"""

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.permission import at
from lockstep.model import Resource
from lockstep.model.kinds.async_invoke import KIND

__all__ = ["KIND", "put", "read", "remove"]


def read(connection: Connection, function: str, qualifier: str) -> Resource | None:
    """The settings; None when all are AWS's defaults."""
    answer = connection.find("lambda", "GetFunctionEventInvokeConfig", **at(function, qualifier))
    return None if answer is None else KIND.read(answer, qualifier)


def put(connection: Connection, function: str, resource: Resource) -> None:
    """Replace all settings."""
    place = at(function, resource.qualifier)
    connection.call("lambda", "PutFunctionEventInvokeConfig", **place, **KIND.request(resource))


def remove(connection: Connection, function: str, qualifier: str) -> None:
    """Go back to AWS's defaults."""
    connection.find("lambda", "DeleteFunctionEventInvokeConfig", **at(function, qualifier))
