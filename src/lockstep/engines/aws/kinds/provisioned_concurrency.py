"""Provisioned concurrency of aliases.

Source: Lambda API reference (PutProvisionedConcurrencyConfig, which is done by the time that
GetProvisionedConcurrencyConfig tells READY).
"""

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.permission import at
from lockstep.model import Resource
from lockstep.model.kinds.provisioned_concurrency import KIND

__all__ = ["KIND", "put", "read", "remove"]


def read(connection: Connection, function: str, qualifier: str) -> Resource | None:
    """What an alias, or a version, has; ``$LATEST`` never has any."""
    if not qualifier:
        return None
    answer = connection.find("lambda", "GetProvisionedConcurrencyConfig", **at(function, qualifier))
    return None if answer is None else KIND.read(answer, qualifier)


def put(connection: Connection, function: str, resource: Resource) -> None:
    """Ask for so many environments, in place of those that there are."""
    place = at(function, resource.qualifier)
    connection.call("lambda", "PutProvisionedConcurrencyConfig", **place, **KIND.request(resource))


def remove(connection: Connection, function: str, qualifier: str) -> None:
    """Give them back."""
    if qualifier:
        connection.find("lambda", "DeleteProvisionedConcurrencyConfig", **at(function, qualifier))
