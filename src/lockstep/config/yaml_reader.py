"""YAML to plain values, by the YAML 1.2 core schema, with the line of every value.

libyaml's parser makes the events (PyYAML's constructors are not used: they follow YAML 1.1, drop the
lines and are several times slower). Where YAML 1.1 and 1.2 read an unquoted scalar differently, or
where it is no string, its source text is kept so that a check can explain the trap.

Merge keys (``<<``) are honoured as Helm honours them, although YAML 1.2 dropped them: a key written
out wins, then the first map of a list. The line of a merged value is that of its source.
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from yaml import YAMLError
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from lockstep.errors import BadInput
from lockstep.regexes import regex

try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # pragma: no cover - PyYAML built without libyaml: same events, slower
    from yaml import SafeLoader as _Parser  # type: ignore[assignment]

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "Document",
    "Lines",
    "OddKey",
    "events",
    "line_at",
    "parse",
    "text_at",
]

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_NODES = 100_000  # after aliases are expanded

Lines: TypeAlias = Any
"""Mirrors a value: the line of a string, ``(line, text)`` of another scalar, ``(line, {key: Lines})``
of a map, ``(line, [Lines])`` of a list. The line of a value in a map is the line of its key."""

OddKey: TypeAlias = tuple[str | None, int, str]
"""A key that is not a string: the top-level key above it (None when it is one itself), line, text."""


class Document:
    """One parsed file. ``value`` holds dicts, lists, strings, numbers, booleans and None."""

    __slots__ = ("file", "lines", "odd_keys", "value")

    def __init__(self, *, file: str, value: Any, lines: Lines, odd_keys: tuple[OddKey, ...]) -> None:
        self.file = file
        self.value = value
        self.lines = lines
        self.odd_keys = odd_keys

    def line(self, path: tuple[str | int, ...] = ()) -> int:
        """Line (from 1) of the value at a path, or of the nearest value above it that exists."""
        return line_at(self.lines, path)

    def text(self, path: tuple[str | int, ...]) -> str | None:
        """Source text of an unquoted scalar that is no string, or that YAML 1.1 would not read as one."""
        return text_at(self.lines, path)


def parse(data: bytes, file: str) -> Document:
    """Read one YAML document; an empty file is None.

    Raises BadInput with ``file:line`` for everything that is not one document of plain values.
    """
    if len(data) > MAX_BYTES:
        raise BadInput(
            f"the file has {len(data):,} bytes; at most {MAX_BYTES:,} are read",
            where=file,
            fix="split it, or move what is no configuration elsewhere",
        )
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise BadInput(
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            where=f"{file}:{_line_of_byte(data, error.start)}",
            fix="save the file as UTF-8",
        ) from None
    try:
        return _Reader(data, file).document()
    except YAMLError as error:
        raise _syntax_error(error, data, file) from None


def events(data: bytes) -> Callable[[], Any]:
    """What gives the next event of the bytes at each call. Positions in them count characters."""
    return _Parser(data).get_event


def line_at(lines: Lines, path: tuple[str | int, ...]) -> int:
    """Line of the value at a path, or of the nearest one above it that exists."""
    for part in path:
        child = _child(lines, part)
        if child is None:
            break
        lines = child
    return lines[0] if isinstance(lines, tuple) else lines  # type: ignore[no-any-return]


def text_at(lines: Lines, path: tuple[str | int, ...]) -> str | None:
    """Source text of the scalar at a path, where it was kept."""
    for part in path:
        lines = _child(lines, part)
        if lines is None:
            return None
    return lines[1] if isinstance(lines, tuple) and isinstance(lines[1], str) else None


def _child(lines: Lines, part: str | int) -> Lines:
    below = lines[1] if isinstance(lines, tuple) else None
    if isinstance(below, dict):
        return below.get(part)
    if isinstance(below, list) and isinstance(part, int) and part < len(below):
        return below[part]
    return None


class _Reader:
    """Builds values and lines from events in one pass."""

    __slots__ = ("anchors", "file", "next", "nodes", "odd_keys", "top")

    def __init__(self, data: bytes, file: str) -> None:
        self.file = file
        self.next = events(data)
        self.anchors: dict[str, tuple[Any, Lines, int]] = {}
        self.nodes = 0
        self.odd_keys: list[OddKey] = []
        self.top: str | None = None

    def document(self) -> Document:
        self.next()  # the stream's start
        if type(self.next()) is not DocumentStartEvent:
            return Document(file=self.file, value=None, lines=1, odd_keys=())
        value, lines = self.node(self.next(), 0)
        self.next()  # the document's end
        event = self.next()
        if type(event) is not StreamEndEvent:
            raise self.bad(event, "a second YAML document starts here", "keep one document in each file")
        return Document(file=self.file, value=value, lines=lines, odd_keys=tuple(self.odd_keys))

    def bad(self, event: Any, problem: str, fix: str | None = None) -> BadInput:
        return BadInput(problem, where=f"{self.file}:{event.start_mark.line + 1}", fix=fix)

    def node(self, event: Any, depth: int) -> tuple[Any, Lines]:
        """Value and lines of the node that starts with an event."""
        kind = type(event)
        line = event.start_mark.line + 1
        if kind is AliasEvent:
            return self.alias(event)
        before = self.nodes
        self.nodes += 1
        value: Any
        lines: Lines
        if kind is ScalarEvent:
            value, text = self.scalar(event)
            lines = line if text is None else (line, text)
        else:
            if depth >= MAX_DEPTH:
                raise self.bad(event, _TOO_DEEP, _FLATTEN)
            if kind is MappingStartEvent:
                self.collection_tag(event, "map")
                value, lines = self.mapping(depth + 1)
            else:
                self.collection_tag(event, "seq")
                value, lines = self.sequence(depth + 1)
            lines = (line, lines)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, lines, self.nodes - before)
        return value, lines

    def mapping(self, depth: int) -> tuple[dict[str, Any], dict[str, Lines]]:
        values: dict[str, Any] = {}
        lines: dict[str, Lines] = {}
        merged: list[tuple[dict[str, Any], dict[str, Lines]]] = []
        read = self.next
        while type(event := read()) is not MappingEndEvent:
            line = event.start_mark.line + 1
            key = event.value if type(event) is ScalarEvent else ""
            if len(key) <= _LONGEST_WORD or key[0] in _NUMERIC or event.tag is not None:
                key = self.key(event, line, depth)
            if key == "<<" and not event.style:
                merged += self.merge(read(), depth)
                continue
            if key in values:
                raise self.bad(
                    event,
                    f"the key {key!r} is written twice in one map (first in line {_first(lines[key])})",
                    "keep one of the two",
                )
            if depth == 1:
                self.top = key
            event = read()
            if type(event) is ScalarEvent and event.anchor is None:
                self.nodes += 1
                if event.style and event.tag is None:
                    values[key], lines[key] = event.value, line
                    continue
                value, text = self.scalar(event)
                values[key] = value
                lines[key] = line if text is None else (line, text)
                continue
            value, below = self.node(event, depth)
            values[key] = value
            lines[key] = (line, below[1]) if isinstance(below, tuple) else line
        for source, source_lines in merged:
            for key, value in source.items():
                if key not in values:
                    values[key], lines[key] = value, source_lines[key]
        return values, lines

    def key(self, event: Any, line: int, depth: int) -> str:
        if type(event) is not ScalarEvent:
            raise self.bad(event, "a key of a map must be a string, not a list, map or alias", "write it out")
        value, text = self.scalar(event)
        if type(value) is str:
            return value
        if not text:
            raise self.bad(event, "a key of a map is empty", "write the key before the colon")
        self.odd_keys.append((None if depth == 1 else self.top, line, text))
        return text  # as Helm does

    def merge(self, event: Any, depth: int) -> list[tuple[dict[str, Any], dict[str, Lines]]]:
        value, lines = self.node(event, depth)
        pairs = [(value, lines)] if isinstance(value, dict) else []
        if isinstance(value, list):
            pairs = list(zip(value, lines[1], strict=True))
        if not pairs or not all(isinstance(source, dict) for source, _ in pairs):
            raise self.bad(
                event, "the merge key << takes a map or a list of maps", "write <<: *anchor, or quote it"
            )
        return [(source, below[1]) for source, below in pairs]

    def sequence(self, depth: int) -> tuple[list[Any], list[Lines]]:
        values: list[Any] = []
        lines: list[Lines] = []
        while type(event := self.next()) is not SequenceEndEvent:
            value, below = self.node(event, depth)
            values.append(value)
            lines.append(below)
        return values, lines

    def alias(self, event: Any) -> tuple[Any, Lines]:
        anchor = self.anchors.get(event.anchor)
        if anchor is None:
            raise self.bad(
                event,
                f"the alias *{event.anchor} stands for nothing that is complete above it",
                f"define &{event.anchor} before, or quote the value",
            )
        value, lines, nodes = anchor
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise self.bad(
                event,
                f"aliases expand to more than {MAX_NODES:,} values",
                "write the values out, without aliases of aliases",
            )
        return value, lines

    def scalar(self, event: Any) -> tuple[Any, str | None]:
        """Value, and the source text where it is needed to explain a trap."""
        text: str = event.value
        tag = event.tag
        if tag is None:
            if event.style:
                return text, None
            return self.plain(event, text)
        if tag in ("!", _TAG + "str"):
            return text, None
        wanted = _SCALAR_TAGS.get(tag)
        if wanted is None:
            raise self.bad(event, f"the tag {_show_tag(tag)} is not supported", "write a plain value")
        value, _ = self.plain(event, text)
        if wanted is float and type(value) is int:
            value = float(value)
        if type(value) is not wanted:
            raise self.bad(event, f"{text!r} is not what its tag {_show_tag(tag)} says", "remove the tag")
        return value, text

    def plain(self, event: Any, text: str) -> tuple[Any, str | None]:
        if text[:1] not in (_SUSPECTS if len(text) <= _LONGEST_WORD else _NUMERIC):
            return text, None
        if text in _WORDS:
            return _WORDS[text], text
        if _INTEGER.match(text):
            if len(text) > 400:
                raise self.bad(event, "a number of more than 400 digits", "quote it when it is a text")
            return int(text), text
        if _FLOAT.match(text):
            return float(text), text
        if (based := _BASED.match(text)) is not None:
            return int(text[2:], 8 if based[1] else 16), text
        if text in _INFINITIES:
            return float(text.replace(".", "").lower()), text
        return text, (text if _YAML_1_1.match(text) else None)

    def collection_tag(self, event: Any, kind: str) -> None:
        if event.tag not in (None, "!", _TAG + kind):
            raise self.bad(event, f"the tag {_show_tag(event.tag)} is not supported", "write plain values")


_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS = {_TAG + "int": int, _TAG + "float": float, _TAG + "bool": bool, _TAG + "null": type(None)}

# The core schema, https://yaml.org/spec/1.2.2/#103-core-schema
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = regex(r"[-+]?[0-9]+\Z")
_FLOAT = regex(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_BASED = regex(r"0(?:(o[0-7]{1,60})|x[0-9a-fA-F]{1,60})\Z")
_INFINITIES = frozenset(
    [sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")] + [".nan", ".NaN", ".NAN"]
)
# What YAML 1.1 (and so Helm) reads as a boolean, a number or a date, and YAML 1.2 as a string.
_YAML_1_1 = regex(
    r"(?:(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"
    r"|[-+]?0b[01_]+|[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?)\Z"
)
_NUMERIC = frozenset("+-.0123456789")
_SUSPECTS = _NUMERIC | frozenset("~nNtTfFyYoO") | {""}
_LONGEST_WORD = len("false")


def _first(lines: Lines) -> int:
    return lines[0] if isinstance(lines, tuple) else lines  # type: ignore[no-any-return]


def _show_tag(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag


def _line_of_byte(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _syntax_error(error: YAMLError, data: bytes, file: str) -> BadInput:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    if (conflict := re.search(rb"^<{7} ", data, re.MULTILINE)) is not None:
        return BadInput(
            "a merge conflict is left in the file",
            where=f"{file}:{_line_of_byte(data, conflict.start())}",
            fix="keep one side, and remove the lines with <<<<<<<, ======= and >>>>>>>",
        )
    if not isinstance(error, MarkedYAMLError) or mark is None:  # a character that YAML does not allow
        position = getattr(error, "position", 0)
        return BadInput(
            f"the control character 0x{data[position]:02x} is not allowed in YAML",
            where=f"{file}:{_line_of_byte(data, position)}",
            fix="remove it, or write it as an escape in double quotes",
        )
    if "expected ':'" in (error.problem or "") and error.context_mark is not None:
        mark = error.context_mark  # the line without a colon, not the next one
    if "nesting" in (error.problem or "") or "recursion" in (error.problem or ""):  # a bound of the parser
        return BadInput(_TOO_DEEP, where=f"{file}:{mark.line + 1}", fix=_FLATTEN)
    rows = data.decode().rstrip().split("\n")
    number = min(mark.line, len(rows) - 1)
    indentation = rows[number][: mark.column + 1]
    if "\t" in indentation and not indentation.strip():
        problem, fix = "a tab is used for indentation; YAML allows spaces only", "replace the tab by spaces"
    else:
        problem = " ".join(filter(None, ("not valid YAML:", error.problem, error.context)))
        if error.context_mark is not None and error.context_mark.line != mark.line:
            problem += f" that starts in line {error.context_mark.line + 1}"
        fix = next((hint for words, hint in _HINTS.items() if words in problem), _HINT)
    return BadInput(problem, where=f"{file}:{number + 1}", fix=fix)


_TOO_DEEP = f"more than {MAX_DEPTH} levels of nesting"
_FLATTEN = "flatten the structure"
_HINT = "check this line and the one above it: quotes, colons, brackets and indentation"
_HINTS = {  # the parser's words; a release that has others gets the general hint
    "mapping values are not allowed": "quote a value that contains ': ', or indent the key",
    "cannot start any token": "quote a value that starts with @, ` or %",
    "unknown escape character": "use single quotes, or double the backslash",
    "expected ':'": "write 'key: value', and indent continued lines",
    "parsing a block": "check that the indentation agrees with the lines above",
    "parsing a flow": "close every [ and {, with commas between the items",
    "scanning a quoted scalar": "close the quote",
}
