"""Walking a path of keys through nested mappings."""

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["value_at"]


def value_at(values: Any, path: Iterable[Any]) -> Any:
    """The value that a path of keys leads to; None where there is none, or no mapping on the way."""
    for part in path:
        values = values.get(part) if isinstance(values, Mapping) else None
    return values
