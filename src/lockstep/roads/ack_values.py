"""Values of the model as ACK's objects take them."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from lockstep.model import FIELDS, Field, Resource, Value
from lockstep.model.fields import Kind
from lockstep.model.kinds import KINDS
from lockstep.roads.ack_fields import BESIDE, ack_path_of, members_of

__all__ = ["put", "rows", "rows_of", "wire", "within"]


@cache
def rows(kind: str) -> tuple[tuple[Field, str], ...]:
    """The rows that a function of a package or of an image has in ACK, each with its place there."""
    found = ((row, ack_path_of(row)) for row in FIELDS if row.for_type in ("", kind))
    return tuple((row, path) for row, path in found if path is not None)


def wire(row: Field, value: Value, function: str, kind: str = "") -> Any:
    """A row's value as ACK takes it; AWS's default where nothing else is declared. None: is not written."""
    if value is None:
        usual = row.reset
        if isinstance(usual, str):
            usual = usual.replace("{functionName}", function)
        return usual if usual not in ("", [], {}) else None
    match row.kind:
        case Kind.MAP:
            return dict(value) if isinstance(value, Mapping) else None
        case Kind.STRINGS | Kind.SET:
            return list(value) if isinstance(value, tuple) else [value]
        case Kind.STRUCTS:
            names = members_of(row, kind)
            entries = value if isinstance(value, tuple) else ()
            return [
                {path: one[name] for name, path in names.items() if path is not None and name in one}
                for one in entries
                if isinstance(one, Mapping)
            ]
        case _:
            return value


def put(spec: dict[str, Any], path: str, value: Any) -> None:
    """Set a member by its path, and nothing where there is no value."""
    if value is None:
        return
    *groups, name = path.split(".")
    for group in groups:
        spec = spec.setdefault(group, {})
    spec[name] = value


def within(spec: dict[str, Any], resources: Iterable[Resource]) -> None:
    """What stands beside the function and is a member of its own resource, or of its alias's."""
    for one in resources:
        beside = BESIDE.get(one.kind)
        if beside is not None and beside.member:
            inner: dict[str, Any] = {}
            rows_of(inner, one)
            spec[beside.member] = inner


def rows_of(spec: dict[str, Any], resource: Resource) -> None:
    """The rows of a kind, with AWS's defaults where all resources of the kind take them."""
    kind = KINDS[resource.kind]
    for row in kind.rows:
        path = ack_path_of(row, kind.name)
        if path is None or row.computed or (kind.is_many and row.name not in resource.settings):
            continue
        put(spec, path, wire(row, resource.settings.get(row.name), "", kind.name))
