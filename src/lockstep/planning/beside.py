"""Resources beside a function, compared kind by kind and row by row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

from lockstep.model import Change, Field, Fleet, Kind, Resource, Scope, Target, Unread, Value
from lockstep.model.kinds import KINDS, ResourceKind
from lockstep.model.kinds.base import digest_of
from lockstep.planning.diff import is_ignored
from lockstep.planning.policy import remembered_words
from lockstep.values import dataclass

__all__ = [
    "Difference",
    "changes_of",
    "contested",
    "deferred",
    "differences",
    "foreign_problem",
    "has_others",
    "hidden",
    "is_on",
    "kinds_of",
    "outliving",
    "remembered",
    "replacement_problem",
    "shrinks",
    "staying",
    "warms",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One kind of which the wanted and the live resource differ, on one qualifier; None is none.

    Of one of several ``fixed`` are changes that AWS takes only when a resource is made, whether the live one
    goes for it or, told by another identity, a ``former`` one, which has a difference of its own.
    """

    wanted: Resource | None
    live: Resource | None
    changes: tuple[Change, ...]
    former: Resource | None = None
    fixed: tuple[Change, ...] = ()

    @property
    def moves_from(self) -> str | None:
        """The qualifier that a resource leaves in place for the wanted one; None when it is not moved."""
        is_moved = self.wanted and self.live and self.wanted.qualifier != self.live.qualifier
        return self.live.qualifier if is_moved and self.live else None


def differences(target: Target, live: Target | None) -> tuple[Difference, ...]:
    """What differs beside the function. A kind that nobody asked AWS for is left alone.

    What is on another qualifier than the declared one goes: an alias took its place, or gave it back. Of
    several, those that nobody declares go only if the tags say that Lockstep made them.
    """
    wanted, have = _wanted(target, live), _live(live, target)
    elsewhere = [one for one in _found(live) if not is_on(one, target)]
    return (
        *(
            Difference(wanted=one, live=have.get(name), changes=changes_of(KINDS[name], one, have.get(name)))
            for name, one in wanted.items()
            if one != have.get(name)
        ),
        *(each for kind in _read(live) if kind.is_many for each in _of_several(kind, target, live)),
        *(
            Difference(wanted=None, live=one, changes=(_moved(one, one.qualifier, target),))
            for one in elsewhere
            if not KINDS[one.kind].is_many and not is_ignored(one.kind, target.ignore)
        ),
    )


def is_on(one: Resource, target: Target) -> bool:
    """Whether a resource is where the target has those of its kind: on what is called, or on the function."""
    return one.qualifier == KINDS[one.kind].on_alias(target.qualifier)


def deferred(found: Sequence[Difference], *, is_weighted: bool) -> tuple[Difference, ...]:
    """What has to wait until an alias has no weights: AWS changes none of it before."""
    return tuple(one for one in found if is_weighted and _is_published(one))


def shrinks(one: Difference) -> bool:
    """Whether what only published code has goes, or gets less."""
    if not _is_published(one) or one.live is None:
        return False
    if one.wanted is None:
        return True
    row = KINDS[one.live.kind].bare
    new, old = one.wanted.settings.get(row), one.live.settings.get(row)
    return isinstance(new, int) and isinstance(old, int) and new < old


def warms(one: Difference) -> bool:
    """Whether what only published code has is made, or grows."""
    return _is_published(one) and not shrinks(one)


def _is_published(one: Difference) -> bool:
    resource = one.wanted or one.live
    return resource is not None and KINDS[resource.kind].published


def remembered(target: Target, live: Target | None) -> set[str]:
    """What the tags have to remember once the target is in sync: what is declared, and what of a kind is
    left because others manage a part of it."""
    declared = {
        one.word
        for one in target.resources
        if not (KINDS[one.kind].is_many and _is_others(one, target.ignore))
    }
    left = {name for name, one in _wanted(target, live).items() if one is not None}
    kept = {one.word for one, _ in staying(target, live)}
    return declared | kept | {name for name in left if not is_ignored(name, target.ignore)}


def staying(target: Target | None, live: Target | None) -> Iterator[tuple[Resource, str]]:
    """What Lockstep made, nothing declares any more and something still needs, each with why it stays.

    ``target`` is None where the function itself is to be deleted.
    """
    names = _names(live)
    declared = {(one.kind, one.identity) for one in (target.resources if target is not None else ())}
    for one in _found(live):
        word = (one.kind, digest_of(one.identity))
        if word in names and (one.kind, one.identity) not in declared and not one.foreign:
            why = KINDS[one.kind].stays(one.settings, target is None)
            if why is not None:
                yield replace(one, name=names[word]), why


def kinds_of(resources: Sequence[Resource]) -> set[str]:
    """Names of the kinds that there are."""
    return {resource.kind for resource in resources}


def outliving(target: Target) -> Iterator[Resource]:
    """What Lockstep made beside a live function and AWS keeps when the function is deleted."""
    names = _names(target)
    stay = [one for one, _ in staying(None, target)]
    for one in target.resources:
        word = (one.kind, digest_of(one.identity))
        if KINDS[one.kind].outlives and word in names and one not in stay:
            yield replace(one, name=names[word])


def has_others(target: Target, live: Target | None, qualifier: str) -> bool:
    """Whether something stands on an alias that others made or manage."""
    names = _names(live)
    declared = {(one.kind, one.identity) for one in target.resources}

    def named(one: Resource) -> Resource:
        return replace(one, name=names.get((one.kind, digest_of(one.identity)), ""))

    return any(
        one.qualifier == qualifier
        and (
            _is_others(named(one), target.ignore)
            or (
                KINDS[one.kind].is_many
                and (one.kind, digest_of(one.identity)) not in names
                and (one.kind, one.identity) not in declared
            )
        )
        for one in _found(live)
    )


def contested(desired: Fleet, scopes: Mapping[str, Scope]) -> Mapping[str, str]:
    """Targets that would take from one another what there is one of for all functions, and why."""
    holders: dict[object, list[tuple[Target, Resource]]] = {}
    for target in sorted(desired.targets.values(), key=lambda one: one.key):
        for one in target.resources:
            if KINDS[one.kind].sole:
                scope = scopes.get(target.environment.partition("/")[0])
                holders.setdefault((scope, one.kind, one.identity), []).append((target, one))
    return {
        target.key: f"{one.place or target.key}: {one.path} is declared by {other.place or rival.key} too, "
        "and one would take it from the other; remove one of them"
        for several in holders.values()
        for (target, one), (rival, other) in permutations(several, 2)
    }


def hidden(found: Sequence[Difference]) -> str | None:
    """What of live resources AWS would not show; None when all was read."""
    unread = [
        f"{change.path} could not be read: {change.old.why}"
        for one in found
        for change in one.changes
        if isinstance(change.old, Unread)
    ]
    return "; ".join(unread) or None


def replacement_problem(found: Sequence[Difference], function: str) -> str | None:
    """Why a resource may not make way for a new one: the declaration has to say so. None when all may."""
    for one in found:
        if one.fixed and one.wanted is not None and not one.wanted.replace:
            kind = KINDS[one.wanted.kind]
            change = one.fixed[0]
            place = f"{one.wanted.place}: " if one.wanted.place else ""
            if kind.fixing:
                return (
                    f"{place}{change.path} of {function} is fixed when the {kind.title} is made "
                    f"({change.old} -> {change.new}); put the value back, or {kind.fixing}"
                )
            return (
                f"{place}{change.path} of {function} is fixed when the {kind.title} is made ({change.old} -> "
                f"{change.new}), so a new one would take its place and {kind.loss}; put the value back, or "
                "say `replace: true` beside it"
            )
    return None


def foreign_problem(found: Sequence[Difference], *, may_adopt: bool) -> str | None:
    """Why what others made is not changed: nobody said to take it over, or nobody may. None: nothing is."""
    for one in found:
        if one.wanted is not None and one.live is not None and one.live.foreign and not one.live.kin:
            kind = KINDS[one.wanted.kind]
            others = kind.stays(one.live.settings, True)
            if may_adopt and not (kind.own_only or others):
                continue
            place = f"{one.wanted.place}: " if one.wanted.place else ""
            if others:
                return (
                    f"{place}the {kind.title} {one.live.identity} is there, is not Lockstep's, and {others}; "
                    "give it another name"
                )
            way = "" if kind.own_only else "take it over with --adopt or `adopt: true`, or "
            return (
                f"{place}the {kind.title} of {one.wanted.path} is there, and is not Lockstep's; "
                f"{way}give it another name"
            )
    return None


def _of_several(kind: ResourceKind, target: Target, live: Target | None) -> Iterator[Difference]:
    """The wanted ones each with the live one of its identity, then those of ours that nobody wants."""
    declared = [one for one in target.resources if one.kind == kind.name]
    found = [one for one in _found(live) if one.kind == kind.name]
    here = {one.identity: one for one in found if is_on(one, target)}
    away = {one.identity: one for one in found if not is_on(one, target)} if kind.moves else {}
    matched = [here.get(one.identity) or away.get(one.identity) for one in declared]
    names = _names(live)
    going = {}
    stay = [one for one, _ in staying(target, live)]
    for one in found:
        if one in stay:
            continue
        name = names.get((kind.name, digest_of(one.identity)))
        if name is not None and not one.foreign and not any(one is other for other in matched):
            former = replace(one, name=name)
            if not _is_others(former, target.ignore):
                going[one.qualifier, one.identity] = former
    replaced = []
    for wanted, have in zip(declared, matched, strict=True):
        if _is_others(wanted, target.ignore):
            continue
        whole = _completed(kind, wanted, have, target.ignore)
        if whole == have and not have.foreign:
            continue
        before: Resource | None = None
        if have is None:
            before = next((one for one in going.values() if one.name == wanted.name), None)
        old = have or before
        changes = changes_of(kind, whole, old)
        if whole == have:
            changes = (Change(path=whole.path, old="somebody else's", new="Lockstep's"),)
        if have is not None and not is_on(have, target):
            moved = _moved(replace(have, name=wanted.name), have.qualifier, target)
            changes = (moved, *(change for change in changes if change.path != moved.path))
        fixed = kind.fixed(whole, old) if old is not None else ()
        paths = {f"{whole.path}.{name}" for name in fixed}
        replaced += [before] if before else []
        yield Difference(
            wanted=whole,
            live=have,
            changes=changes,
            former=before,
            fixed=tuple(change for change in changes if change.path in paths),
        )
    taken = {(target.qualifier, one.name) for one in declared} | {
        (one.qualifier, one.name) for one in replaced
    }
    for one in going.values():
        is_told = any(one is other for other in replaced)
        # A name may have been another one's in a run that was killed: each is told, and removed, by itself.
        if not is_told and (one.qualifier, one.name) in taken:
            one = replace(one, name=f"{one.name}-{digest_of(one.identity)}")
        taken.add((one.qualifier, one.name))
        is_elsewhere = not is_on(one, target)
        changes = (_moved(one, one.qualifier, target),) if is_elsewhere else changes_of(kind, None, one)
        yield Difference(wanted=None, live=one, changes=() if is_told else changes)


def _completed(
    kind: ResourceKind, wanted: Resource, live: Resource | None, ignore: Sequence[str]
) -> Resource:
    """The wanted one of several with the live values of what others manage and of what is left as it is."""
    if live is None:
        return wanted
    foreign = {
        row.name
        for row in kind.rows
        if is_ignored(kind.path(row, wanted.name), ignore) or (row.kept and row.name not in wanted.settings)
    }
    own = {key: value for key, value in wanted.settings.items() if key not in foreign}
    left = {key: value for key, value in live.settings.items() if key in foreign}
    return replace(wanted, settings=kind.normal({**own, **left}))


def _names(live: Target | None) -> Mapping[tuple[str, str], str]:
    """What the repository called those of several that the tags remember, by kind and digest."""
    tags = live.function.tags if live is not None and live.function is not None else {}
    words = [word.split(":") for word in remembered_words(tags)]
    return {(word[0], word[2]): word[1] for word in words if len(word) == 3}


def _is_others(one: Resource, ignore: Sequence[str]) -> bool:
    """Whether others manage all of it."""
    return is_ignored(one.kind, ignore) or is_ignored(one.path, ignore)


def _moved(one: Resource, place: str, target: Target) -> Change:
    there = place or "the function itself"
    return Change(path=one.path, old=f"on {there}", new=f"on {target.qualifier or 'the function itself'}")


def _read(live: Target | None) -> Iterator[ResourceKind]:
    unread = live.function.unread if live is not None and live.function is not None else frozenset()
    return (kind for name, kind in KINDS.items() if name not in unread)


def _wanted(target: Target, live: Target | None) -> Mapping[str, Resource | None]:
    """What there should be of each kind that was read, with the live values of what others manage."""
    declared, have = _by_kind(target.resources), _live(live, target)
    return {
        kind.name: _with_ignored(kind, declared.get(kind.name), have.get(kind.name), target)
        for kind in _read(live)
        if not kind.is_many
    }


def _found(live: Target | None) -> tuple[Resource, ...]:
    return live.resources if live is not None else ()


def _live(live: Target | None, target: Target) -> Mapping[str, Resource]:
    return _by_kind([one for one in _found(live) if is_on(one, target)])


def _by_kind(resources: Sequence[Resource]) -> Mapping[str, Resource]:
    return {resource.kind: resource for resource in resources}


def _with_ignored(
    kind: ResourceKind, wanted: Resource | None, live: Resource | None, target: Target
) -> Resource | None:
    """The wanted resource with the live values of rows that others manage; a whole kind, as it is live."""
    ignore = target.ignore
    if not ignore:
        return wanted
    if is_ignored(kind.name, ignore):
        return live
    if wanted is None and kind.stands_alone:
        return None
    foreign = {row.name for row in kind.rows if is_ignored(kind.path(row), ignore)}
    kept = {key: v for key, v in (live.settings if live else {}).items() if key in foreign}
    own = {key: v for key, v in (wanted.settings if wanted else {}).items() if key not in foreign}
    settings: dict[str, Value] = {**own, **kept}
    if not settings and not kind.stands_alone:
        return None
    here = Resource(kind=kind.name, qualifier=kind.on_alias(target.qualifier))
    return replace(wanted or here, settings=settings)


def changes_of(kind: ResourceKind, wanted: Resource | None, live: Resource | None) -> tuple[Change, ...]:
    """Each row that differs, in the kind's order; the resource itself where it comes or goes as a whole."""
    one = wanted or live or Resource(kind=kind.name)
    new, old = wanted.settings if wanted else {}, live.settings if live else {}
    rows = tuple(
        change
        for row in kind.rows
        if new.get(row.name) != old.get(row.name)
        for change in _split(
            row,
            Change(
                path=kind.path(row, one.name),
                old=None if live is None and kind.stands_alone else old.get(row.name, row.default),
                new=None if wanted is None and kind.stands_alone else new.get(row.name, row.default),
            ),
        )
    )
    return rows or (Change(path=one.path, old=live is not None, new=wanted is not None),)


def _split(row: Field, change: Change) -> Iterator[Change]:
    """A change of a policy by the statements that differ."""
    if row.kind is not Kind.STATEMENTS:
        yield change
        return
    old, new = (side if isinstance(side, Mapping) else {} for side in (change.old, change.new))
    for label in sorted({*old, *new}):
        if old.get(label) != new.get(label):
            yield Change(path=f"{change.path}.{label}", old=old.get(label), new=new.get(label))
