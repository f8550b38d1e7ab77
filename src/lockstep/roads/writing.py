"""Objects as YAML, always the same bytes, with comments.

Written by ourselves: PyYAML keeps no comments, and takes ten times as long for thousands of files. What
comes out is read back by every reader of YAML 1.1 and 1.2 as it was; a property test holds that.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

__all__ = ["Said", "text_of"]

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./:@+=-]*(?<![:])\Z")
_RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ODD = re.compile("[\x7f-\x9f\u00ad\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_BLOCK = re.compile(r"[!-~](?:[ -~]*[!-~])?\n(?:(?:[ -~]*[!-~])?\n)*\Z")  # no line ends in a space


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
        lines += _entries(one, "")
    return "\n".join(lines) + "\n"


def _entries(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        yield from _entry(f"{indent}{_scalar(key)}:", item, indent)


def _entry(head: str, item: Any, indent: str) -> Iterator[str]:
    """The lines of one value, the first of which begins with ``head``."""
    if isinstance(item, Said):
        first, *others = _entry(head, item.value, indent)
        yield f"{first} # {item.comment}"
        yield from others
    elif isinstance(item, Mapping):
        if item:
            yield head
            yield from _entries(item, f"{indent}  ")
        else:
            yield f"{head} {{}}"
    elif isinstance(item, list | tuple):
        if item:
            yield head
            for one in item:
                yield from _item(one, f"{indent}  ")
        else:
            yield f"{head} []"
    elif isinstance(item, str) and "\n" in item and _BLOCK.match(item):
        yield f"{head} |{'+' if item.endswith(chr(10) * 2) else ''}"
        yield from (f"{indent}  {line}" if line else "" for line in item[:-1].split("\n"))
    else:
        yield f"{head} {_scalar(item)}"


def _item(item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, Mapping) and item:
        lines = _entries(item, f"{indent}  ")
        yield f"{indent}- {next(lines)[len(indent) + 2 :]}"
        yield from lines
    else:
        yield from _entry(f"{indent}-", item, indent)


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return json.dumps(value)
        case _:
            return _text(str(value))


@lru_cache(maxsize=1 << 14)
def _text(text: str) -> str:
    if _PLAIN.match(text) and text.lower() not in _RESERVED:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
