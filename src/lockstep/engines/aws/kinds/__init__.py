"""Calls for resources beside a function: one file for each kind of ``model.kinds``, of the same name.

Law: a file has ``read``, ``put`` and ``remove``, each of which can be repeated, and knows no other.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Protocol

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.function import once_ready
from lockstep.engines.aws.pace import Pace, must_settle
from lockstep.model import Resource
from lockstep.model.kinds import KINDS

__all__ = ["Calls", "put", "read", "remove"]


class Calls(Protocol):
    """What a kind's file has."""

    def read(self, connection: Connection, function: str, qualifier: str) -> Resource | None:
        """The live resource of a function, or of an alias of it; None when there is none."""
        ...

    def put(self, connection: Connection, function: str, resource: Resource) -> None:
        """Make it so, whatever is there."""
        ...

    def remove(self, connection: Connection, function: str, qualifier: str) -> None:
        """Remove it; one that is gone already is what was wanted."""
        ...


def _found() -> dict[str, Calls]:
    modules = {one.name: import_module(f"{__name__}.{one.name}") for one in iter_modules(__path__)}
    return {module.KIND.name: module for module in modules.values()}


_CALLS: Mapping[str, Calls] = MappingProxyType(_found())


def read(connection: Connection, function: str, kind: str, qualifier: str) -> Resource | None:
    """The live resource of a kind, by one or two calls of the family with 15 a second."""
    return _CALLS[kind].read(connection, function, qualifier)


def put(connection: Connection, function: str, resource: Resource, pace: Pace) -> None:
    """Make a resource what is declared and read it back. Waits while the function is updated."""
    calls = _CALLS[resource.kind]
    once_ready(connection, pace, function, lambda: calls.put(connection, function, resource))
    kind = KINDS[resource.kind]
    must_settle(
        connection,
        pace,
        lambda: calls.read(connection, function, resource.qualifier) == resource,
        f"{kind.title} of {function}",
        kind.reads[0],
    )


def remove(connection: Connection, function: str, resource: Resource, pace: Pace) -> None:
    """Remove a resource and see that it is gone."""
    calls = _CALLS[resource.kind]
    at = resource.qualifier
    once_ready(connection, pace, function, lambda: calls.remove(connection, function, at))
    kind = KINDS[resource.kind]
    must_settle(
        connection,
        pace,
        lambda: calls.read(connection, function, at) is None,
        f"{kind.title} of {function}",
        kind.reads[0],
        "was removed, and is still there when read back",
    )
