"""Calls for resources beside a function: one file for each kind of ``model.kinds``, of the same name.

Law: a file has ``read``, ``put`` and ``remove``, each of which can be repeated, and knows no other.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any, Protocol

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.engines.aws.function import once_ready
from lockstep.engines.aws.pace import Pace, must_settle
from lockstep.engines.aws.passing import persisted
from lockstep.errors import CloudError
from lockstep.model import Resource
from lockstep.model.kinds import KINDS
from lockstep.model.kinds.base import digest_of

__all__ = [
    "Calls",
    "CallsOfSeveral",
    "Listing",
    "Surveyed",
    "fault_of",
    "is_surveyed",
    "is_swept",
    "of_published",
    "put",
    "read",
    "remove",
    "survey",
    "sweep",
    "until_made",
]

_ANY: Mapping[str, str] = MappingProxyType({})
_TRIES = 5  # of a call on what somebody else is changing


class Calls(Protocol):
    """What the file of a kind has of which a function has at most one."""

    def read(self, connection: Connection, function: str, qualifier: str) -> Resource | None:
        """The live resource of a function, or of an alias of it; None when there is none."""
        ...

    def put(self, connection: Connection, function: str, resource: Resource) -> None:
        """Make it so, whatever is there."""
        ...

    def remove(self, connection: Connection, function: str, qualifier: str) -> None:
        """Remove it; one that is gone already is what was wanted."""
        ...


class CallsOfSeveral(Protocol):
    """What the file of a kind has of which a function may have several."""

    def read(
        self, connection: Connection, function: str, qualifier: str, sought: Mapping[str, str]
    ) -> Iterable[Resource]:
        """The live resources of a function, or of an alias of it, at least those that are ``sought``.

        These are digests of identities, each with the identity where the repository tells it, or "".
        """
        ...

    def put(self, connection: Connection, function: str, resource: Resource, live: Resource | None) -> None:
        """Make it so; ``live`` is the one that is there."""
        ...

    def remove(self, connection: Connection, function: str, live: Resource) -> None:
        """Remove it; one that is gone already is what was wanted."""
        ...

    def under_way(self, connection: Connection, live: Resource) -> str:
        """The state that it is still to leave, in AWS's word; "" when nothing is under way."""
        ...


class Listing(Protocol):
    """What such a file has besides where AWS lists all of its resources together."""

    def sweep(self, connection: Connection) -> Iterable[tuple[str, Resource]]:
        """All that there are in the account and Region, each with its function's name."""
        ...


class Surveyed(Protocol):
    """What such a file has besides where AWS lists all that there are together, but not all of each."""

    def survey(self, connection: Connection) -> Any:
        """What the listing tells of the account and Region."""
        ...

    def read(
        self,
        connection: Connection,
        function: str,
        qualifier: str,
        sought: Mapping[str, str],
        surveyed: Any = None,
    ) -> Iterable[Resource]:
        """As ``CallsOfSeveral.read``, without asking again for what the survey told."""
        ...


def _found() -> dict[str, Any]:
    modules = {one.name: import_module(f"{__name__}.{one.name}") for one in iter_modules(__path__)}
    return {module.KIND.name: module for module in modules.values()}


_MODULES = _found()
_CALLS: Mapping[str, Calls] = MappingProxyType(
    {name: module for name, module in _MODULES.items() if not KINDS[name].is_many}
)
_SEVERAL: Mapping[str, CallsOfSeveral] = MappingProxyType(
    {name: module for name, module in _MODULES.items() if KINDS[name].is_many}
)
_LISTED: Mapping[str, Listing] = MappingProxyType(
    {name: module for name, module in _MODULES.items() if hasattr(module, "sweep")}
)
_SURVEYED: Mapping[str, Surveyed] = MappingProxyType(
    {name: module for name, module in _MODULES.items() if hasattr(module, "survey")}
)


def read(
    connection: Connection,
    function: str,
    kind: str,
    qualifier: str,
    sought: Mapping[str, str] = _ANY,
    surveyed: Any = None,
) -> tuple[Resource, ...]:
    """The live resources of a kind, by one or two calls of the family with 15 a second, and of several by
    some for each that is ``sought``: see ``CallsOfSeveral``. What a ``survey`` told is not asked again."""
    if surveyed is not None:
        return tuple(_SURVEYED[kind].read(connection, function, qualifier, sought, surveyed))
    if kind in _SEVERAL:
        return tuple(_SEVERAL[kind].read(connection, function, qualifier, sought))
    found = _CALLS[kind].read(connection, function, qualifier)
    return () if found is None else (found,)


def of_published(connection: Connection, function: str, qualifier: str) -> Iterator[Resource]:
    """What an alias or a version has of the kinds that only published code has."""
    for name, kind in KINDS.items():
        if kind.published:
            yield from read(connection, function, name, qualifier)


def fault_of(resource: Resource) -> str | None:
    """Why AWS could not make a live resource, in its words; None where it could, or still tries."""
    found = resource.settings.get(KINDS[resource.kind].fault)
    return None if found is None else str(found)


def is_swept(kind: str) -> bool:
    """Whether a listing tells all resources of a kind, for all functions."""
    return kind in _LISTED


def sweep(connection: Connection, kind: str) -> Mapping[tuple[str, str], tuple[Resource, ...]]:
    """All resources of a kind in the account and Region, by function and qualifier."""
    found: dict[tuple[str, str], tuple[Resource, ...]] = {}
    for function, one in _LISTED[kind].sweep(connection):
        place = (function, one.qualifier)
        found[place] = (*found.get(place, ()), one)
    return found


def is_surveyed(kind: str) -> bool:
    """Whether a listing tells of all resources of a kind, for all functions, though not all of each."""
    return kind in _SURVEYED


def survey(connection: Connection, kind: str) -> Any:
    """What the listing tells, for ``read``."""
    return _SURVEYED[kind].survey(connection)


def put(
    connection: Connection,
    function: str,
    resource: Resource,
    pace: Pace,
    moves_from: str | None = None,
    *,
    is_new: bool = False,
) -> None:
    """Make a resource what is declared and read it back. Waits while it or the function is changed.

    One that AWS does not change to it makes way first; ``moves_from`` is the qualifier that it is on now.
    Where the plan saw none (``is_new``), one of somebody else's is not taken over. Raises CloudError.
    """
    kind = KINDS[resource.kind]
    if kind.is_many:
        _put_of_several(connection, function, resource, pace, moves_from, is_new)
    else:
        calls = _CALLS[resource.kind]
        until_made(connection, function, resource, pace)
        persisted(
            connection,
            pace,
            lambda: once_ready(connection, pace, function, lambda: calls.put(connection, function, resource)),
        )
        made = until_made(connection, function, resource, pace)
        if made is not None and (why := fault_of(made)) is not None:
            raise CloudError(
                f"{_titled(function, resource)} could not be made: {why}",
                where=kind.reads[0],
                fix="mend what AWS names, and declare it as a release; or take it out, and run again",
            )
    must_settle(
        connection,
        pace,
        lambda: kind.fits(_there(connection, function, resource, resource.qualifier), resource),
        _titled(function, resource),
        kind.reads[0],
    )


def remove(connection: Connection, function: str, resource: Resource, pace: Pace) -> None:
    """Remove a resource and see that it is gone."""
    kind = KINDS[resource.kind]
    if kind.is_many:
        _remove_of_several(connection, function, resource, pace)
    else:
        calls = _CALLS[resource.kind]
        at = resource.qualifier
        until_made(connection, function, resource, pace)
        once_ready(connection, pace, function, lambda: calls.remove(connection, function, at))

    def is_gone() -> bool:
        left = _there(connection, function, resource, resource.qualifier)
        return left is None or left.foreign

    must_settle(
        connection,
        pace,
        is_gone,
        _titled(function, resource),
        kind.reads[0],
        "was removed, and is still there when read back",
    )


def _put_of_several(
    connection: Connection,
    function: str,
    resource: Resource,
    pace: Pace,
    moves_from: str | None,
    is_new: bool,
) -> None:
    kind, calls = KINDS[resource.kind], _SEVERAL[resource.kind]
    live = _there(connection, function, resource, resource.qualifier)
    if live is None and moves_from is not None:
        live = _there(connection, function, resource, moves_from)
    if live is not None and live.foreign and not live.kin and (is_new or kind.own_only):
        raise CloudError(
            f"{_titled(function, resource)} is there already, and is not Lockstep's",
            where=kind.reads[0],
            fix="give it another name, or remove the one that is there"
            if kind.own_only
            else "run again: the plan then says what would change of it, and takes it over with --adopt or "
            "`adopt: true`",
        )
    if live is not None and kind.fixed(resource, live):
        remove(connection, function, live, pace)
        live = None
    _once_free(connection, function, live, pace, lambda: calls.put(connection, function, resource, live))
    made = _there(connection, function, resource, resource.qualifier)
    _until_settled(connection, function, made, pace)


def _remove_of_several(connection: Connection, function: str, resource: Resource, pace: Pace) -> None:
    calls = _SEVERAL[resource.kind]
    live = _there(connection, function, resource, resource.qualifier)
    if live is not None and not live.foreign:
        _once_free(connection, function, live, pace, lambda: calls.remove(connection, function, live))
        _until_settled(connection, function, live, pace)


def _there(connection: Connection, function: str, resource: Resource, qualifier: str) -> Resource | None:
    """The live one of a resource's kind, and of several of its identity."""
    sought = {digest_of(resource.identity): resource.identity}
    found = read(connection, function, resource.kind, qualifier, sought)
    is_it = (resource.identity, qualifier)
    return next((one for one in found if (one.identity, one.qualifier) == is_it), None)


def _once_free(
    connection: Connection, function: str, live: Resource | None, pace: Pace, do: Callable[[], None]
) -> None:
    """Do what AWS refuses while the resource, or its function, is being changed, or a right is new."""
    for is_last in (*(False,) * _TRIES, True):
        _until_settled(connection, function, live, pace)
        try:
            persisted(connection, pace, lambda: once_ready(connection, pace, function, do))
        except Exception as error:
            if is_last or code_of(error.__cause__ or error) != "ResourceInUseException":
                raise
        else:
            return


def until_made(connection: Connection, function: str, resource: Resource, pace: Pace) -> Resource | None:
    """The live one, once AWS makes nothing of it any more. CloudError when that takes too long.

    Kinds that are made at once are not looked at.
    """
    kind = KINDS[resource.kind]
    if not kind.published:
        return None
    pause, waited = pace.state_first, 0.0
    while (live := _there(connection, function, resource, resource.qualifier)) is not None and live.state:
        if waited >= (pace.state_stopped if connection.stop.is_set() else pace.state_total):
            raise CloudError(
                f"{_titled(function, live)} is still {live.state} after {waited:.0f} s",
                where=kind.reads[0],
                fix="run again: it goes on from here",
            )
        pace.tell(f"{kind.title} of {resource.qualifier}")
        connection.rest(pause)
        waited += pause
        pause = min(pause * pace.state_growth, pace.state_most)
    return live


def _until_settled(connection: Connection, function: str, live: Resource | None, pace: Pace) -> None:
    """Wait until nothing of a live resource is under way. CloudError when that takes too long."""
    if live is None:
        return
    pause, waited = pace.state_first, 0.0
    while state := _SEVERAL[live.kind].under_way(connection, live):
        if waited >= pace.state_total:
            raise CloudError(
                f"{_titled(function, live)} is still {state} after {waited:.0f} s",
                where=KINDS[live.kind].reads[0],
                fix="look at it in AWS, then run again: what was done stays",
            )
        connection.rest(pause)
        waited += pause
        pause = min(pause * pace.state_growth, pace.state_most)


def _titled(function: str, resource: Resource) -> str:
    return f"{KINDS[resource.kind].title} {resource.name}".rstrip() + f" of {function}"
