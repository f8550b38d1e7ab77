"""What stands beside functions, in the provider's words and in ours.

The module lambda-fleet makes it under keys that name the target, and of several its name in Git as well:
``aws_lambda_event_source_mapping.this["staging/api:orders"]``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from itertools import groupby
from typing import Any

from lockstep.model import Change, Resource, Value
from lockstep.model.fields import Field, Kind
from lockstep.model.kinds import KINDS, ResourceKind
from lockstep.model.kinds.base import InTerraform
from lockstep.planning.beside import changes_of
from lockstep.values import dataclass

__all__ = ["CALLERS", "Part", "changes_beside", "part_of", "resources_of"]

CALLERS = "callers"
"""The module's name for statements that let in what calls."""

_TYPES: Mapping[str, ResourceKind] = {
    name: kind for kind in KINDS.values() if kind.terraform is not None for name in kind.terraform.resources
}
_STATEMENT = "aws_lambda_permission"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One of the provider's resources that one of ours is made of, with its values on both sides."""

    kind: ResourceKind
    name: str  # of one of several
    type: str
    is_statement: bool = False  # that lets it call
    action: str = ""
    before: Mapping[str, Value] = field(default_factory=dict, repr=False)
    after: Mapping[str, Value] = field(default_factory=dict, repr=False)

    @property
    def word(self) -> str:
        """What it is called where it alone is missing."""
        return self.type.rpartition("_")[2]


def part_of(resource: Mapping[str, Any], key: str | None) -> Part | None:
    """What a resource of the module is a part of, without its values; None for whatever else.

    ``key`` is the target that it belongs to.
    """
    owner, *rest = str(resource.get("index", "")).split(":")
    if key is None or owner != key:
        return None
    type_ = str(resource["type"])
    kind = _TYPES.get(type_)
    match str(resource.get("name", "")), rest:
        case ("this", []) if kind is not None and not kind.is_many:
            return Part(kind=kind, name="", type=type_)
        case ("this", [name]) if kind is not None and kind.is_many:
            return Part(kind=kind, name=name, type=type_)
        case ("callers", [of, name]) if type_ == _STATEMENT and of in KINDS:
            return Part(kind=KINDS[of], name=name, type=type_, is_statement=True)
        case _:
            return None


def changes_beside(parts: Iterable[Part], function: str) -> list[Change]:
    """What changes beside one function, row by row, as a comparison with AWS tells it."""
    found: list[Change] = []
    ordered = sorted(parts, key=lambda one: (one.kind.name, one.name))
    for _, group in groupby(ordered, key=lambda one: (one.kind.name, one.name)):
        some = list(group)
        made = {one.word for one in some if one.action == "create"}
        if made and made != _whole(some[0].kind):
            found.append(_lacking(some[0], made))
            some = [one for one in some if one.action != "create"]
        for one in some:
            if not one.is_statement and one.action not in ("import", "forget"):
                found += _rows(one, function)
    return found


def resources_of(parts: Iterable[Part], function: str, qualifier: str) -> tuple[Resource, ...]:
    """What a state has beside one function: ``after`` of each part is what it says."""
    found: dict[tuple[str, str], dict[str, Value]] = {}
    for one in parts:
        if not one.is_statement:
            found.setdefault((one.kind.name, one.name), {}).update(_values(one, one.after))
    return tuple(
        KINDS[kind].declared(values, KINDS[kind].on_alias(qualifier), name, "", function)
        for (kind, name), values in found.items()
    )


def _whole(kind: ResourceKind) -> set[str]:
    """What all of one is made of."""
    there = _there(kind)
    statement = {_STATEMENT.rpartition("_")[2]} if there.sid is not None else set()
    return {one.rpartition("_")[2] for one in there.resources} | statement


def _lacking(part: Part, made: set[str]) -> Change:
    """What of one is there already, but for some of its parts."""
    row = next((row for row in part.kind.rows if row.name == "missing"), part.kind.rows[0])
    return Change(path=part.kind.path(row, part.name), old=tuple(sorted(made)), new=row.default)


def _rows(part: Part, function: str) -> list[Change]:
    kind = part.kind

    def side(values: Mapping[str, Value]) -> Resource | None:
        return kind.declared(_values(part, values), "", part.name, "", function) if values else None

    found = [one for one in changes_of(kind, side(part.after), side(part.before)) if one.old != one.new]
    if part.type == next(iter(_there(kind).resources)):
        return found
    mine = {kind.path(row, part.name) for row in kind.rows if row.name in _there(kind).resources[part.type]}
    return [one for one in found if one.path in mine]


def _there(kind: ResourceKind) -> InTerraform:
    assert kind.terraform is not None  # noqa: S101 - it has parts
    return kind.terraform


def _values(part: Part, values: Mapping[str, Value]) -> dict[str, Value]:
    """Values by the names of rows, as the repository has them."""
    paths = _there(part.kind).resources[part.type]
    return {
        row.name: _value(row, raw)
        for row in part.kind.rows
        if row.name in paths and (raw := _dig(values, paths[row.name])) is not None
    }


def _dig(values: Value, path: str) -> Value:
    """A value; a block is a list with one map, or none."""
    here: Value = values
    for part in path.split("."):
        if isinstance(here, tuple):
            here = here[0] if here else None
        if not isinstance(here, Mapping):
            return None
        here = here.get(part)
    return here


def _value(row: Field, raw: Value) -> Value:
    """As the repository has it. What is text is as AWS has it."""
    if row.kind is Kind.STRUCTS and isinstance(raw, Mapping):
        return tuple(dict(zip(row.members, pair, strict=True)) for pair in raw.items())
    if row.kind is Kind.SET and isinstance(raw, str):
        return tuple(raw.split(","))
    if row.read is not None and isinstance(raw, str):
        read: Value = row.read(raw, {})
        return read
    return raw
