"""Resources beside a function, compared kind by kind and row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lockstep.model import Change, Resource, Target, Value
from lockstep.model.kinds import KINDS
from lockstep.planning.diff import is_ignored

__all__ = ["Difference", "differences", "kinds_of", "remembered"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One kind of which the wanted and the live resource differ, on one qualifier; None is none."""

    wanted: Resource | None
    live: Resource | None
    changes: tuple[Change, ...]


def differences(target: Target, live: Target | None) -> tuple[Difference, ...]:
    """What differs beside the function. A kind that nobody asked AWS for is left alone.

    What is on another qualifier than the declared one goes: an alias took its place, or gave it back.
    """
    wanted, have = _wanted(target, live), _live(live, target.qualifier)
    elsewhere = [one for one in (live.resources if live else ()) if one.qualifier != target.qualifier]
    return (
        *(
            Difference(wanted=one, live=have.get(name), changes=_changes(name, one, have.get(name)))
            for name, one in wanted.items()
            if one != have.get(name)
        ),
        *(
            Difference(wanted=None, live=one, changes=(_moved(one, target),))
            for one in elsewhere
            if not is_ignored(one.kind, target.ignore)
        ),
    )


def _moved(live: Resource, target: Target) -> Change:
    there = live.qualifier or "the function itself"
    return Change(path=live.kind, old=f"on {there}", new=f"on {target.qualifier or 'the function itself'}")


def remembered(target: Target, live: Target | None) -> set[str]:
    """Kinds that the tags have to remember once the target is in sync: what is declared, and what of a
    kind is left because others manage a part of it."""
    left = {name for name, one in _wanted(target, live).items() if one is not None}
    return kinds_of(target.resources) | {name for name in left if not is_ignored(name, target.ignore)}


def kinds_of(resources: Sequence[Resource]) -> set[str]:
    """Names of the kinds that there are."""
    return {resource.kind for resource in resources}


def _wanted(target: Target, live: Target | None) -> Mapping[str, Resource | None]:
    """What there should be of each kind that was read, with the live values of what others manage."""
    unread = live.function.unread if live is not None and live.function is not None else frozenset()
    declared, have = _by_kind(target.resources), _live(live, target.qualifier)
    return {
        name: _with_ignored(name, declared.get(name), have.get(name), target)
        for name in KINDS
        if name not in unread
    }


def _live(live: Target | None, qualifier: str) -> Mapping[str, Resource]:
    found = live.resources if live is not None else ()
    return _by_kind([one for one in found if one.qualifier == qualifier])


def _by_kind(resources: Sequence[Resource]) -> Mapping[str, Resource]:
    return {resource.kind: resource for resource in resources}


def _with_ignored(
    name: str, wanted: Resource | None, live: Resource | None, target: Target
) -> Resource | None:
    """The wanted resource with the live values of rows that others manage; a whole kind, as it is live."""
    ignore = target.ignore
    if not ignore:
        return wanted
    if is_ignored(name, ignore):
        return live
    kind = KINDS[name]
    if wanted is None and kind.stands_alone:
        return None
    foreign = {row.name for row in kind.rows if is_ignored(kind.path(row), ignore)}
    kept = {key: v for key, v in (live.settings if live else {}).items() if key in foreign}
    own = {key: v for key, v in (wanted.settings if wanted else {}).items() if key not in foreign}
    settings: dict[str, Value] = {**own, **kept}
    if not settings and not kind.stands_alone:
        return None
    return replace(wanted or Resource(kind=name, qualifier=target.qualifier), settings=settings)


def _changes(name: str, wanted: Resource | None, live: Resource | None) -> tuple[Change, ...]:
    """Each row that differs, in the kind's order; the resource itself where it comes or goes as a whole."""
    kind = KINDS[name]
    new, old = wanted.settings if wanted else {}, live.settings if live else {}
    rows = tuple(
        Change(
            path=kind.path(row),
            old=None if live is None and kind.stands_alone else old.get(row.name, row.default),
            new=None if wanted is None and kind.stands_alone else new.get(row.name, row.default),
        )
        for row in kind.rows
        if new.get(row.name) != old.get(row.name)
    )
    return rows or (Change(path=name, old=live is not None, new=wanted is not None),)
