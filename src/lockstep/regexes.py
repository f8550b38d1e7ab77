"""Regular expressions that are compiled when they are first asked, for a start that costs little.

Every command is a cold process. A plan loads a hundred expressions with its modules, and asks few of them.
To whoever reads the code, and to the type checker, ``regex`` is ``re.compile``; what it gives has the
methods and attributes of what that gives, and is no ``re.Pattern``.
"""

import re
from typing import TYPE_CHECKING, Any

__all__ = ["regex"]

_NAMES = (
    *("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"),
    *("pattern", "flags", "groups", "groupindex"),
)


class _Pattern:
    """One expression, with all that a compiled one has once something of it was asked."""

    def __init__(self, text: Any, flags: int = 0) -> None:
        self.pattern = text
        self._given = flags

    def __getattr__(self, name: str) -> Any:
        if name not in _NAMES:
            raise AttributeError(name)
        compiled = re.compile(self.pattern, self._given)
        self.__dict__.update({one: getattr(compiled, one) for one in _NAMES})
        return getattr(compiled, name)


if TYPE_CHECKING:
    from re import compile as regex
else:
    regex = _Pattern
