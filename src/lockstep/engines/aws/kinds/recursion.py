"""Recursive loop detection of functions.

Source: Lambda API reference (GetFunctionRecursionConfig answers for every function; there is no call that
deletes what was put).
"""

from lockstep.engines.aws.connection import Connection
from lockstep.model import Resource
from lockstep.model.kinds.recursion import KIND

__all__ = ["KIND", "put", "read", "remove"]


def read(connection: Connection, function: str, qualifier: str) -> Resource | None:
    """What the function has; None when it is AWS's default, or the function is gone."""
    answer = connection.find("lambda", "GetFunctionRecursionConfig", FunctionName=function)
    return None if answer is None else KIND.read(answer)


def put(connection: Connection, function: str, resource: Resource) -> None:
    """Say what becomes of a loop."""
    connection.call("lambda", "PutFunctionRecursionConfig", FunctionName=function, **KIND.request(resource))


def remove(connection: Connection, function: str, qualifier: str) -> None:
    """Go back to AWS's default."""
    connection.find("lambda", "PutFunctionRecursionConfig", FunctionName=function, RecursiveLoop="Terminate")
