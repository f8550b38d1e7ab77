"""Calls for resources beside a function: one file for each kind of ``model.kinds``, of the same name.

Law: a file has ``read``, ``put`` and ``remove``, each of which can be repeated, and knows no other.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Protocol

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.function import is_in_progress, wait_until_ready
from lockstep.engines.aws.pace import Pace, settles
from lockstep.errors import CloudError
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
    _when_ready(connection, function, pace, lambda: calls.put(connection, function, resource))
    if not settles(
        connection, pace, lambda: calls.read(connection, function, resource.qualifier) == resource
    ):
        raise _other(resource.kind, function, "was set, but reading it back shows another")


def remove(connection: Connection, function: str, resource: Resource, pace: Pace) -> None:
    """Remove a resource and see that it is gone."""
    calls = _CALLS[resource.kind]
    at = resource.qualifier
    _when_ready(connection, function, pace, lambda: calls.remove(connection, function, at))
    if not settles(connection, pace, lambda: calls.read(connection, function, at) is None):
        raise _other(resource.kind, function, "was removed, and is still there when read back")


def _when_ready(connection: Connection, function: str, pace: Pace, do: Callable[[], None]) -> None:
    """Do it; where AWS refuses because the function is updated, once that is over."""
    try:
        do()
    except CloudError as error:
        if not is_in_progress(error.__cause__ or error):
            raise
        wait_until_ready(connection, function, pace)
        do()


def _other(kind: str, function: str, what: str) -> CloudError:
    return CloudError(
        f"{KINDS[kind].title} of {function} {what}",
        where=KINDS[kind].reads[0],
        fix="look whether something else sets it, then run again",
    )
