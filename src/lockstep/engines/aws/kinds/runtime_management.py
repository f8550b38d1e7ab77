"""Runtime management of functions as they are, which AWS calls ``$LATEST``.

Source: Lambda API reference (PutRuntimeManagementConfig replaces all of it; without a qualifier it is about
``$LATEST``; GetRuntimeManagementConfig tells a version of the runtime for Manual alone).
"""

from lockstep.engines.aws.connection import Connection
from lockstep.model import Resource
from lockstep.model.kinds.runtime_management import KIND

__all__ = ["KIND", "put", "read", "remove"]


def read(connection: Connection, function: str, qualifier: str) -> Resource | None:
    """What the function has; None when it is AWS's default, or the function is gone."""
    answer = connection.find("lambda", "GetRuntimeManagementConfig", FunctionName=function)
    return None if answer is None else KIND.read(answer)


def put(connection: Connection, function: str, resource: Resource) -> None:
    """Say when the runtime changes."""
    connection.call("lambda", "PutRuntimeManagementConfig", FunctionName=function, **KIND.request(resource))


def remove(connection: Connection, function: str, qualifier: str) -> None:
    """Go back to AWS's default."""
    connection.find("lambda", "PutRuntimeManagementConfig", FunctionName=function, UpdateRuntimeOn="Auto")
