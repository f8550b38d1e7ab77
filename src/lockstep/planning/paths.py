"""Which of a service's paths a change touches: folders, files and globs."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from lockstep.regexes import regex

__all__ = ["folders_of", "matcher", "touched", "unmatched"]


def touched(paths: Iterable[str], patterns: tuple[str, ...]) -> str | None:
    """The first path, in order of names, that a pattern selects; None when there is none."""
    is_selected = matcher(patterns)
    return min((path for path in paths if is_selected(path)), default=None)


def matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Say of a path, relative to the root, whether a pattern selects it; no patterns select every path.

    A pattern names a file or a folder with all below it, from the root on. ``*`` and ``?`` stand for
    characters within one name, ``[ab]`` for one of them, ``**`` for any number of folders. A name that
    holds brackets is itself, too: ``app/[id]`` selects the folder of that name.
    """
    if not patterns or "." in patterns:
        return lambda path: True
    expression = _compiled(patterns)
    return lambda path: expression.match(path) is not None


def unmatched(patterns: tuple[str, ...], paths: Iterable[str]) -> tuple[str, ...]:
    """The patterns that select none of the paths, in their order."""
    left = dict.fromkeys(patterns)
    for path in paths:
        for pattern in [one for one in left if matcher((one,))(path)]:
            del left[pattern]
        if not left:
            break
    return tuple(left)


def folders_of(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Folders that a service is said to lie in, by its paths; () when they name none, or any number.

    A first path without wildcards is the folder, whatever follows it. Else each path stands for the
    names before its first wildcard, unless that is a folder's own name: ``src/*/api`` may be many.
    """
    if patterns and not _WILD.search(patterns[0]):
        return () if patterns[0] in (".", "") else patterns[:1]
    found: dict[str, None] = {}
    for pattern in patterns:
        names = pattern.strip("/").split("/")
        literal = next((n for n, name in enumerate(names) if _WILD.search(name)), len(names))
        if literal == 0 or names == ["."] or any(name != "**" for name in names[literal:-1]):
            return ()
        found["/".join(names[:literal])] = None
    return tuple(found)


_WILD = regex(r"[*?]")


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
    as_glob = "".join(_wildcard(part) if n % 2 else re.escape(part) for n, part in enumerate(parts))
    if not any(part.startswith("[") for part in parts[1::2]):
        return as_glob
    as_itself = "".join(
        _wildcard(part) if n % 2 and part[0] != "[" else re.escape(part) for n, part in enumerate(parts)
    )
    return f"(?:{as_itself}|{as_glob})"


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
