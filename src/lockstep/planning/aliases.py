"""The alias that calls a function, compared: what it points at, and whether that is what is declared.

A published version is known by code and configuration together. What a function's tags remember says which
qualifiers (aliases, or the function itself) have something of ours on them, so that a function that moves
from one to another is found again by the next run, wherever the first one was killed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lockstep.model import Alias, Change, Function, Health, Target
from lockstep.model.alias import described, is_ours, release_of, undated, unversioned, versioned
from lockstep.planning.compared import narrowed
from lockstep.planning.diff import (
    diff_code,
    diff_settings,
    is_ignored,
    row_of,
    with_ignored,
    without_unknown,
)
from lockstep.planning.policy import VERSION_TAG, remembered_qualifiers

__all__ = ["Shift", "differing", "of_version", "settled", "shift_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """What has to happen to the aliases of one function. Nothing, for one that has none and had none."""

    alias: str | None = None  # the declared one
    description: str = ""  # that it is to have
    live: Alias | None = None  # as it is
    version: str | None = None  # that it is to point at; None: one that is published for it
    publishes: bool = False  # no version that was read is as declared
    puts: bool = False  # it has to be written
    leaving: tuple[Alias, ...] = ()  # aliases of ours that nothing is to call any more
    problem: str | None = None
    seen: Function | None = None  # the version that was compared: that it points at, or that is declared
    off: tuple[Change, ...] = ()  # what that version has otherwise
    changes: tuple[Change, ...] = ()


def shift_of(project: str, target: Target, live: Target | None, wanted: Function, *, adopts: bool) -> Shift:
    """Compare the declared alias with those that are live; ``wanted`` is the function as it is to be."""
    aliases = live.aliases if live is not None else ()
    remembered = _remembered(live)
    leaving = tuple(
        one
        for one in aliases
        if one.name != target.alias
        and one.name in remembered
        and is_ours(one.description, project)
        and not _serves_others(one, live, target)
    )
    gone = tuple(Change(path="alias", old=f"{one.name}: {one.words}") for one in leaving)
    if target.alias is None:
        return Shift(leaving=leaving, changes=gone)
    release = target.version or ""
    description = described(project, target.key, release)
    have = next((one for one in aliases if one.name == target.alias), None)
    version, problem = target.number, None
    if version is not None:
        seen = _published(version, have, live)
        off = _unlike(target, seen) if seen is not None else ()
        problem = _unusable(target, version, seen, off, live)
        is_right = have is not None and have.version == version
    else:
        seen = have.function if have is not None else None
        off = differing(wanted, seen, target.ignore) if seen is not None else ()
        is_right = seen is not None and not off
        version = have.version if have is not None and is_right else _alike(wanted, live, target.ignore)
    publishes = version is None
    puts = not is_right or bool(have and (have.weights or undated(have.description) != description))
    if have is not None and not is_ours(have.description, project) and have.name not in remembered:
        problem = None if adopts else _foreign(have, wanted)
    return Shift(
        alias=target.alias,
        description=description,
        live=have,
        version=version,
        publishes=publishes,
        puts=puts,
        leaving=leaving,
        problem=problem,
        seen=seen,
        off=off,
        changes=(
            *_renamed(target, live, have),
            *(_changes(target.alias, have, release, version) if puts else ()),
            *gone,
        ),
    )


def settled(wanted: Function, now: Function) -> Function:
    """The function with all that a version keeps as it is now: a version that is there needs none of it."""
    return replace(
        wanted, code=now.code, settings={**versioned(now.settings), **unversioned(wanted.settings)}
    )


def of_version(change: Change) -> bool:
    """Whether what changes is kept by each version, and not the function's as a whole."""
    name = change.path.partition(".")[0]
    return bool(versioned({name: None})) and (change.path == "code" or row_of(change.path) is not None)


def differing(wanted: Function, version: Function, ignore: Sequence[str]) -> tuple[Change, ...]:
    """What a published version has otherwise than it is wanted, in code and in configuration.

    What others manage has whatever value it had when the version was published.
    """
    wanted = with_ignored(wanted, version, ignore)
    one, other = (replace(each, settings=versioned(each.settings)) for each in (wanted, version))
    return (*diff_code(one, other), *diff_settings(one, other))


def _alike(wanted: Function, live: Target | None, ignore: Sequence[str]) -> str | None:
    """The newest published version, of those that were read, that is what is wanted."""
    found = [one for one in (live.versions if live else ()) if not differing(wanted, one.function, ignore)]
    return max(found, key=lambda one: int(one.number)).number if found else None


def _published(number: str, have: Alias | None, live: Target | None) -> Function | None:
    """The version of a number, where it was read."""
    if have is not None and have.version == number:
        return have.function
    return next((one.function for one in (live.versions if live else ()) if one.number == number), None)


def _unlike(target: Target, version: Function) -> tuple[Change, ...]:
    """What is declared and a version that is declared by its number has otherwise; the rest is its own."""
    assert target.function is not None  # noqa: S101 - only functions have versions
    wanted = without_unknown(target.function, version)
    names = wanted.settings.keys() | wanted.defaults
    return differing(wanted, narrowed(version, names, wanted.settings.get("environment")), target.ignore)


def _unusable(
    target: Target, number: str, version: Function | None, off: Sequence[Change], live: Target | None
) -> str | None:
    """Why the alias cannot point at the version that is declared by its number."""
    name = target.function.name if target.function else ""
    if live is None or live.function is None:
        why = f"the function {name} does not exist, so it has no version {number}"
        fix = "declare a release, which creates it; one whose name is digits alone needs another name"
    elif version is None:
        why = f"version {number} of {name} does not exist: it was never published, or it was removed"
        fix = "declare another number, or the release: a sync publishes it again"
    elif version.health is Health.DEGRADED:
        why = f"version {number} of {name} cannot run: {version.reason}"
        fix = "declare another number, or a release"
    elif off:
        paths = ", ".join(sorted({change.path for change in off}))
        why = f"version {number} of {name} has other {paths} than is declared, and no version ever changes"
        fix = "declare the release, which is published as declared, or what the version has"
    else:
        return None
    return f"{target.place}: {why}; {fix}" if target.place else f"{why}; {fix}"


def _renamed(target: Target, live: Target | None, have: Alias | None) -> tuple[Change, ...]:
    """The release, or the number, that takes the place of another one."""
    function = live.function if live is not None else None
    old = function.tags.get(VERSION_TAG) if function is not None else None
    if have is not None:
        old = have.version if target.number is not None else release_of(have.description)
    return (Change(path="version", old=old, new=target.version),) if old not in (None, target.version) else ()


def _changes(name: str, have: Alias | None, release: str, version: str | None) -> tuple[Change, ...]:
    old = f"{name}: {have.words}" if have is not None else None
    new = f"{name}: version {version}" if version is not None else f"{name}: version of {release}"
    if old == new:  # the release has another name, and runs the same
        new = f"{new}, as {release}"
    return (Change(path="alias", old=old, new=new),)


def _foreign(have: Alias, wanted: Function) -> str:
    return (
        f"the alias {have.name} of {wanted.name} is there and Lockstep did not make it ({have.words}); take "
        "it over with --adopt or `adopt: true`, or declare another lambda.alias"
    )


def _serves_others(alias: Alias, live: Target | None, target: Target) -> bool:
    """Whether somebody else lets something call the alias, or manages what is on it: it stays, then."""
    statements, resources = (live.statements, live.resources) if live is not None else ((), ())
    return any(
        one.qualifier == alias.name and not one.sid.startswith("lockstep-") for one in statements
    ) or any(one.qualifier == alias.name and is_ignored(one.kind, target.ignore) for one in resources)


def _remembered(live: Target | None) -> set[str]:
    function = live.function if live is not None else None
    return remembered_qualifiers(function.tags) if function is not None else set()
