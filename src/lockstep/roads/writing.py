"""Objects as YAML, always the same bytes, with comments.

Written by ourselves: PyYAML keeps no comments, and takes ten times as long for thousands of files. What
comes out is read back by every reader of YAML 1.1 and 1.2 as it was; a property test holds that.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["Said", "text_of"]

_PLAIN = regex(r"[A-Za-z/][A-Za-z0-9_./:@+=-]*(?<![:])\Z")
_RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_EMPTY_LINE = "\n\n"
_ODD = regex("[\x7f-\x9f\u00ad\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_BLOCK = regex(r"[!-~](?:[ -~]*[!-~])?\n(?:(?:[ -~]*[!-~])?\n)*\Z")  # no line ends in a space


@dataclass(frozen=True, slots=True)
class Said:
    """A value with a comment behind it."""

    value: Any
    comment: str


def text_of(objects: Iterable[Mapping[str, Any]]) -> str:
    """The objects as documents of one text."""
    lines: list[str] = []
    for one in objects:
        lines.append("---")
        _entries(lines, one, "")
    return "\n".join(lines) + "\n"


def _entries(lines: list[str], value: Mapping[str, Any], indent: str) -> None:
    for key, item in value.items():
        if type(item) is str and "\n" not in item:  # most of them are
            lines.append(f"{indent}{_text(key)}: {_text(item)}")
        else:
            _entry(lines, f"{indent}{_text(key)}:", item, indent)


def _entry(lines: list[str], head: str, item: Any, indent: str) -> None:
    """Add the lines of one value, the first of which begins with ``head``."""
    match item:
        case str():
            if "\n" in item and _BLOCK.match(item):
                lines.append(f"{head} |{'+' if item.endswith(_EMPTY_LINE) else ''}")
                lines += [f"{indent}  {line}" if line else "" for line in item[:-1].split("\n")]
            else:
                lines.append(f"{head} {_text(item)}")
        case None | bool() | int() | float():
            lines.append(f"{head} {json.dumps(item)}")
        case Said():
            at = len(lines)
            _entry(lines, head, item.value, indent)
            lines[at] = f"{lines[at]} # {item.comment}"
        case list() | tuple():
            lines.append(head if item else f"{head} []")
            for one in item:
                _item(lines, one, f"{indent}  ")
        case _:
            lines.append(head if item else f"{head} {{}}")
            _entries(lines, item, f"{indent}  ")


def _item(lines: list[str], item: Any, indent: str) -> None:
    if isinstance(item, dict) and item:
        at = len(lines)
        _entries(lines, item, f"{indent}  ")
        lines[at] = f"{indent}- {lines[at][len(indent) + 2 :]}"
    else:
        _entry(lines, f"{indent}-", item, indent)


@lru_cache(maxsize=1 << 14)
def _text(text: str) -> str:
    if _PLAIN.match(text) and text.lower() not in _RESERVED:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
