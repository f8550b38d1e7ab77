"""Values as YAML text, in a given style, so that every reader reads them the same.

YAML 1.1 (Helm, PyYAML) and 1.2 disagree about unquoted words and numbers. What either of them could
read as anything but a string is quoted.
"""

import math
from collections.abc import Mapping
from typing import TypeAlias

from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["MapValue", "Scalar", "Style", "is_plain_safe", "scalar_text"]

Scalar: TypeAlias = str | int | float | bool
MapValue: TypeAlias = Mapping[str, "Scalar | MapValue | None"]
"""A map of scalars and maps. A key whose value is None is left out."""

_WIDTH = 100  # columns; a longer flow map is written as a block


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """How a file writes things, learnt from what stands beside."""

    quote: str = '"'  # for texts that need quotes
    is_plain: bool = True  # texts that need none get none
    key_quote: str = ""  # "" when keys need none
    colon: str = ": "  # between key and value
    comma: str = ", "
    padding: str = ""  # inside braces
    step: int = 2  # columns of one level of indentation
    newline: str = "\n"
    is_flow: bool = False  # maps are written in braces

    def string(self, text: str, *, in_flow: bool) -> str:
        """A text."""
        return scalar_text(text, quote="" if self.is_plain else self.quote, other=self.quote, in_flow=in_flow)

    def scalar(self, value: Scalar, *, in_flow: bool) -> str:
        """A text, number or boolean."""
        return self.string(value, in_flow=in_flow) if isinstance(value, str) else _number(value)

    def key(self, key: str, *, in_flow: bool) -> str:
        """A key."""
        return scalar_text(key, quote=self.key_quote, other=self.quote, in_flow=in_flow)

    def flow(self, value: "Scalar | MapValue") -> str:
        """A value on one line."""
        if not isinstance(value, Mapping):
            return self.scalar(value, in_flow=True)
        inside = self.comma.join(self.pair(key, v) for key, v in value.items() if v is not None)
        return "{" + self.padding + inside + self.padding + "}" if inside else "{}"

    def pair(self, key: str, value: "Scalar | MapValue") -> str:
        """A key and its value in braces."""
        return f"{self.key(key, in_flow=True)}{self.colon}{self.flow(value)}"

    def block(self, key: str, value: "Scalar | MapValue", indent: str, *, is_first: bool = True) -> str:
        """A key and its value as lines, the last one without its line break."""
        start = f"{indent}{self.key(key, in_flow=False)}:"
        if not isinstance(value, Mapping):
            return f"{start} {self.scalar(value, in_flow=False)}"
        inside = {k: v for k, v in value.items() if v is not None}
        on_one_line = f"{start} {self.flow(inside)}"
        if not inside or (self.is_flow and len(on_one_line) <= _WIDTH):
            return on_one_line
        deeper = indent + " " * self.step
        return self.newline.join([start, *(self.block(k, v, deeper) for k, v in inside.items())])


def scalar_text(text: str, *, quote: str, other: str = '"', in_flow: bool) -> str:
    """A text in the given quotes, or where they cannot hold it in those that can."""
    if not quote and is_plain_safe(text, in_flow=in_flow):
        return text
    if (quote or other) == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(sign) for sign in text) + '"'


def is_plain_safe(text: str, *, in_flow: bool) -> bool:
    """Whether every reader takes the unquoted text for this string. Cautious."""
    if (_PLAIN_IN_FLOW if in_flow else _PLAIN).match(text) is None or not text.isprintable():
        return False
    return text.lower() not in _WORDS and _NUMBER.match(text) is None


def _number(value: int | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return repr(value)


def _escaped(sign: str) -> str:
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    if sign.isprintable():
        return sign
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}

# Letters, digits and a few harmless signs; single spaces and colons between them.
_PLAIN = regex(r"[\w/.][\w/.+@=~^()'-]*(?:[ :](?=[\w/.(])[\w/.+@=~^()'-]+)*\Z")
_PLAIN_IN_FLOW = regex(r"[\w/.][\w/.+@=~^()'-]*(?: (?=[\w/.(])[\w/.+@=~^()'-]+)*\Z")

_WORDS = frozenset(
    ["", "y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nil", "~", "=", "<<"]
    + [".", "..", "...", "---", ".inf", ".nan", "inf", "nan", "infinity"]
)
"""In lower case: what some reader takes for a boolean, null, a number or a mark."""

# What some reader may take for a number, a date or a time: digits with signs, exponents, underscores,
# colons (base 60), 0x, 0o and 0b, dates. Versions of three parts and digests with letters are none.
_NUMBER = regex(
    r"(?:[-+]?[0-9][0-9_,:]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9_]*)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-9_]+)+(?:\.[0-9_]*)?"
    r"|[-+]?\.[0-9_]+(?:[eE][-+]?[0-9_]*)?"
    r"|[-+]?0[xX][0-9a-fA-F_]*|[-+]?0[oO][0-9_]*|[-+]?0[bB][01_]*"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?)\Z"
)
