"""The alias that calls a function, compared: what it points at, and whether that is what is declared.

A published version is known by code and configuration together. What a function's tags remember says which
qualifiers (aliases, or the function itself) have something of ours on them, so that a function that moves
from one to another is found again by the next run, wherever the first one was killed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lockstep.model import Alias, Change, Function, Target
from lockstep.model.alias import described, is_ours, undated, versioned
from lockstep.planning.diff import diff_code, diff_settings, is_ignored, with_ignored
from lockstep.planning.policy import remembered_qualifiers

__all__ = ["Shift", "differing", "shift_of"]


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
    off: tuple[Change, ...] = ()  # what the version that it points at has otherwise
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
    off = differing(wanted, have.function, target.ignore) if have is not None and have.function else ()
    is_right = have is not None and have.function is not None and not off
    version = have.version if have is not None and is_right else _alike(wanted, live, target.ignore)
    publishes = version is None
    puts = not is_right or bool(have and (have.weights or undated(have.description) != description))
    problem = None
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
        off=off,
        changes=(*(_changes(target.alias, have, release, version) if puts else ()), *gone),
    )


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
