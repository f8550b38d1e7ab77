"""Kinds of resources beside a function: one declarative file for each, which names its ``KIND``.

Law: purely data, and pure functions of it. A new kind is a file here and one of the same name in
``engines/aws/kinds``; reading the repository, comparing, steps, their JSON, words, replay, the JSON
Schema, the reference and the policies follow, and nothing else names it.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from lockstep.model.fields import Field, Kind
from lockstep.model.kinds.base import ANY_NAME, Resource, ResourceKind

__all__ = ["KINDS", "ROWS", "Resource", "ResourceKind", "row_at", "unnamed"]


def _found() -> dict[str, ResourceKind]:
    names = sorted(module.name for module in iter_modules(__path__) if module.name != "base")
    kinds: list[ResourceKind] = [import_module(f"{__name__}.{name}").KIND for name in names]
    return {kind.name: kind for kind in kinds}


KINDS: Mapping[str, ResourceKind] = MappingProxyType(_found())
"""Every kind by its key under ``lambda:``."""

ROWS: Mapping[str, Field] = MappingProxyType(
    {kind.path(row): row for kind in KINDS.values() for row in kind.rows}
)
"""Every row of every kind by its path under ``lambda:``, of one of several with ``NAME`` for its name."""


def row_at(path: str) -> Field | None:
    """The row that a path under ``lambda:`` names, whichever of several it is of."""
    return ROWS.get(path) or ROWS.get(unnamed(path)) or _whole(path)


def unnamed(path: str) -> str:
    """The path with ``NAME`` in place of the name of one of several."""
    kind, _, rest = path.partition(".")
    if kind not in KINDS or not (KINDS[kind].is_many and KINDS[kind].has_names) or not rest:
        return path
    _, dot, row = rest.partition(".")
    return f"{kind}.{ANY_NAME}{dot}{row}"


def _whole(path: str) -> Field | None:
    """The row of which a path names a part, one statement of several."""
    row = ROWS.get(path.rpartition(".")[0])
    return row if row is not None and row.kind is Kind.STATEMENTS else None
