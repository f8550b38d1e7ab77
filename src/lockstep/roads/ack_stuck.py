"""What ACK never carries out, however often it looks: changes of a manifest that would change nothing.

Source: lambda-controller 1.14.1: ``customUpdateFunction`` sends no empty lists of layers and of file systems;
``newUpdateRequestPayload`` of event source mappings sends what is there (a list of filters that went is sent
as empty), and nothing that AWS takes only when a mapping is made.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lockstep.model.fields import BY_NAME
from lockstep.model.kinds import KINDS
from lockstep.roads.ack_fields import BESIDE, ack_path_of
from lockstep.roads.base import Object, identity_of

__all__ = ["NEVER_EMPTY", "may_stick", "stuck"]

NEVER_EMPTY = ("layers", "fileSystems")  # an empty list of them is never sent
_LISTS = {str(ack_path_of(BY_NAME[name])): f"{name} (removed)" for name in NEVER_EMPTY}
_MAPPING = "EventSourceMapping"
_KIND = next(KINDS[name] for name, one in BESIDE.items() if one.resource == _MAPPING)
_PATHS = {row.name: path for row in _KIND.rows if (path := ack_path_of(row, _KIND.name)) is not None}
_FIXED = tuple(_PATHS[row.name] for row in _KIND.rows if row.fixed and row.name in _PATHS)
_FREE = tuple(
    _PATHS[row.name]
    for row in _KIND.rows
    if row.name in _PATHS and not row.fixed and not row.kept and row.name != "filters"
)


def may_stick(there: str, text: str) -> bool:
    """Whether a file is worth reading: thousands change at once, and hardly any holds such a change."""
    is_emptied = any(f" {name}:" in there and f" {name}:" not in text for name in _LISTS)
    return is_emptied or f"kind: {_MAPPING}\n" in there


def stuck(there: Iterable[Object], wanted: Iterable[Object]) -> Iterator[tuple[str, str]]:
    """Rows of the table of losses, each with the member that would stay as it is."""
    after = {identity_of(one): one for one in wanted}
    for before in there:
        now = after.get(identity_of(before))
        if now is None:
            continue
        old, new = before.get("spec") or {}, now.get("spec") or {}
        if before.get("kind") == _MAPPING:
            yield from ((f"{_KIND.name} (fixed)", one) for one in _FIXED if _at(old, one) != _at(new, one))
            gone = (one for one in _FREE if _at(old, one) is not None and _at(new, one) is None)
            yield from ((f"{_KIND.name} (removed)", one) for one in gone)
        else:
            yield from ((row, one) for one, row in _LISTS.items() if old.get(one) and not new.get(one))


def _at(spec: Any, path: str) -> Any:
    for part in path.split("."):
        spec = spec.get(part) if isinstance(spec, Mapping) else None
    return list(spec) if isinstance(spec, tuple) else spec
