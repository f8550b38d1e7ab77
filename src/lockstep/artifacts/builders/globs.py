"""Which names of a package are meant: ``include`` and ``exclude``.

A pattern without a slash matches a file or folder of that name anywhere, one with a slash is counted
from the top; a folder stands for all that is in it. ``*`` and ``?`` stay inside a name, ``**`` does not.
Every other character is itself: ``[id].js`` is a name.
"""

import re
from collections.abc import Callable, Iterable

__all__ = ["matcher"]

_TOKENS = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+", re.DOTALL)


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A test whether a name, or a folder that it lies in, matches one of the patterns."""
    parts = [_expression(pattern) for pattern in patterns if pattern.strip("/")]
    if not parts:
        return lambda name: False
    found = re.compile("|".join(parts), re.DOTALL)
    return lambda name: found.fullmatch(name) is not None


def _expression(pattern: str) -> str:
    text = pattern.removeprefix("./").rstrip("/")
    anywhere = "" if "/" in text else "(?:.*/)?"
    return anywhere + "".join(map(_part, _TOKENS.findall(text.removeprefix("/")))) + "(?:/.*)?"


def _part(token: str) -> str:
    match token:
        case "**/":
            return "(?:.*/)?"
        case "**":
            return ".*"
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
        case _:
            return re.escape(token)
