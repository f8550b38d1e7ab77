"""Which of a service's paths a change touches: folders, files and globs."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

__all__ = ["matcher", "touched"]


def touched(paths: Iterable[str], patterns: tuple[str, ...]) -> str | None:
    """The first path, in order of names, that a pattern selects; None when there is none."""
    is_selected = matcher(patterns)
    return min((path for path in paths if is_selected(path)), default=None)


def matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Say of a path, relative to the root, whether a pattern selects it; no patterns select every path.

    A pattern names a file or a folder with all below it, from the root on. ``*`` and ``?`` stand for
    characters within one name, ``[ab]`` for one of them, ``**`` for any number of folders.
    """
    if not patterns or "." in patterns:
        return lambda path: True
    expression = _compiled(patterns)
    return lambda path: expression.match(path) is not None


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_expression(pattern)})" for pattern in patterns), re.DOTALL)


def _expression(pattern: str) -> str:
    names = pattern.strip("/").split("/")
    is_below = names[-1] == "**"
    if is_below:
        names.pop()
    parts = ["(?:[^/]+/)*" if name == "**" else _name(name) + "/" for name in names]
    text = "".join(parts)
    if is_below:
        return text + "."  # something below
    return text.removesuffix("/") + r"(?:/|\Z)"


def _name(name: str) -> str:
    """One file's or folder's name with its wildcards."""
    parts = re.split(r"(\*+|\?|\[[!^]?[^/][^\]]*\])", name)
    return "".join(_wildcard(part) if number % 2 else re.escape(part) for number, part in enumerate(parts))


def _wildcard(part: str) -> str:
    match part[0]:
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
        case _:
            inside = part[1:-1]
            is_negated = inside[0] in "!^" and len(inside) > 1
            ranges = re.findall(r"(.)-(.)|(.)", inside[1:] if is_negated else inside, re.DOTALL)
            kept = "".join(
                re.escape(one) if one else f"{re.escape(low)}-{re.escape(high)}"
                for low, high, one in ranges
                if one or low <= high
            )
            if not kept:
                return "[^/]" if is_negated else "(?!)"
            return f"(?!/)[{'^' if is_negated else ''}{kept}]"
