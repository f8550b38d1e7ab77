"""Whether one JSON value is a part of another."""

from typing import Any

__all__ = ["missing_from"]


def missing_from(expected: Any, found: Any, path: str = "$") -> str | None:
    """What of an expected value is not in another, in words; None when all of it is.

    Objects may have more members than are expected; lists have just the items, each a part of its own.
    """
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return f"{path} is no object"
        for name, value in expected.items():
            if name not in found:
                return f"{path}.{name} is missing"
            if (why := missing_from(value, found[name], f"{path}.{name}")) is not None:
                return why
        return None
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return f"{path} is no list of {len(expected)}"
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            if (why := missing_from(one, other, f"{path}[{number}]")) is not None:
                return why
        return None
    is_same = type(expected) is type(found) or not isinstance(expected, bool) | isinstance(found, bool)
    return None if is_same and expected == found else f"{path} is not {expected!r}"
