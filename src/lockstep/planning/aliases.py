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
    publishes: bool = False  # it points at no version that is as declared
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
    publishes = have is None or have.function is None or bool(off)
    puts = publishes or bool(have and (have.weights or undated(have.description) != description))
    problem = None
    if have is not None and not is_ours(have.description, project) and have.name not in remembered:
        problem = None if adopts else _foreign(have, wanted)
    return Shift(
        alias=target.alias,
        description=description,
        live=have,
        publishes=publishes,
        puts=puts,
        leaving=leaving,
        problem=problem,
        off=off,
        changes=(*_changes(target.alias, have, release, publishes=publishes, puts=puts), *gone),
    )


def differing(wanted: Function, version: Function, ignore: Sequence[str]) -> tuple[Change, ...]:
    """What a published version has otherwise than it is wanted, in code and in configuration.

    What others manage has whatever value it had when the version was published.
    """
    wanted = with_ignored(wanted, version, ignore)
    one, other = (replace(each, settings=versioned(each.settings)) for each in (wanted, version))
    return (*diff_code(one, other), *diff_settings(one, other))


def _changes(
    name: str, have: Alias | None, release: str, *, publishes: bool, puts: bool
) -> tuple[Change, ...]:
    if not puts:
        return ()
    old = f"{name}: {have.words}" if have is not None else None
    new = f"{name}: version of {release}" if publishes or have is None else f"{name}: version {have.version}"
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
