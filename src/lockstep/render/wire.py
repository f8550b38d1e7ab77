"""Values as JSON and back, and a reader of JSON that says where something is wrong."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from json.encoder import encode_basestring_ascii
from typing import Any, TypeVar, cast

from lockstep.errors import BadInput
from lockstep.model import Reference, Secret, Unread, Value
from lockstep.model.foreign import read_json

__all__ = ["Node", "compact", "dump", "parse", "pieces", "value_from", "value_to"]

_E = TypeVar("_E", bound=StrEnum)
_T = TypeVar("_T")
_COMPACT = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
_DEEPEST = 50
_PIECEWISE = 2  # levels of a document that are written piece by piece: its members, and items of those


def dump(document: Mapping[str, Any]) -> str:
    """JSON with a line end, ASCII only, so that it is safe on a terminal and equal for equal input.

    Nor is a text in it a command to a CI system that reads the output (see ``cells.harmless``).
    """
    return "".join(pieces(document))


def pieces(document: Mapping[str, Any]) -> Iterator[str]:
    """What ``dump`` gives, piece by piece: a large document need not be held whole."""
    yield from _indented(document)
    yield "\n"


def compact(document: Any, depth: int = _PIECEWISE) -> Iterator[str]:
    """The one JSON of a value, whatever the order of its keys, piece by piece."""
    match document:
        case Mapping() if depth:
            yield "{"
            for number, key in enumerate(sorted(document)):
                yield f"{',' if number else ''}{json.dumps(key)}:"
                yield from compact(document[key], depth - 1)
            yield "}"
        case list() | tuple() | Iterator() if depth:
            yield "["
            for number, item in enumerate(document):
                yield "," if number else ""
                yield from compact(item, depth - 1)
            yield "]"
        case _:
            yield _COMPACT.encode(document)


def _indented(value: Any, depth: int = _PIECEWISE, margin: str = "") -> Iterator[str]:
    """The value as ``json.dumps`` indents it. What a long list holds is made, written and forgotten."""
    below = f"{margin}  "
    is_empty = True
    match value:
        case Mapping() if depth:
            for key, item in value.items():
                yield f"{'{' if is_empty else ','}\n{below}{_defused(json.dumps(key))}: "
                yield from _indented(item, depth - 1, below)
                is_empty = False
            yield "{}" if is_empty else f"\n{margin}}}"
        case list() | tuple() | Iterator() if depth:
            for item in value:
                yield f"{'[' if is_empty else ','}\n{below}"
                yield from _indented(item, depth - 1, below)
                is_empty = False
            yield "[]" if is_empty else f"\n{margin}]"
        case _:
            yield _defused(_whole(value, margin))


def _whole(value: Any, margin: str) -> str:
    """The value as ``json.dumps`` indents it, which takes four times as long for it."""
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    below = f"{margin}  "
    if isinstance(value, dict) and value:
        members = (f"{below}{encode_basestring_ascii(k)}: {_whole(item, below)}" for k, item in value.items())
        return "{\n" + ",\n".join(members) + f"\n{margin}}}"
    if isinstance(value, list | tuple) and value:
        return "[\n" + ",\n".join(f"{below}{_whole(item, below)}" for item in value) + f"\n{margin}]"
    return json.dumps(value, allow_nan=False)


def _defused(text: str) -> str:
    return re.sub(r"##(?=\w*\[)", r"#\\u0023", text)


def value_to(value: Value) -> Any:
    """A value as JSON. The content of a Secret is never written, only where it came from.

    Objects with one key that begins with ``$`` are ours; a map's own keys that begin with ``$``
    get another one.
    """
    match value:
        case Secret():
            return {"$secret": _reference_to(value.reference)}
        case Reference():
            return {"$reference": _reference_to(value)}
        case Unread():
            return {"$unread": value.why}
        case Mapping():
            return {f"${k}" if k.startswith("$") else k: value_to(item) for k, item in value.items()}
        case tuple() | list():
            return [value_to(item) for item in value]
        case _:
            return value


def _reference_to(reference: Reference | None) -> Any:
    if reference is None:
        return None
    version = {"version": reference.version} if reference.version else {}
    return {"store": reference.store, "name": reference.name, **version}


def parse(text: str, file: str) -> "Node":
    """The document's root; BadInput when the text is not a JSON object."""
    try:
        root = read_json(text)
    except ValueError as error:
        raise Node(None, "", file).fail(f"this is not JSON: {error}") from None
    node = Node(root, "", file)
    node.mapping()
    return node


class Node:
    """One place in a JSON document; every wrong type is BadInput with the path to it."""

    __slots__ = ("_file", "_path", "_raw")

    def __init__(self, raw: Any, path: str, file: str) -> None:
        self._raw, self._path, self._file = raw, path, file

    def fail(self, problem: str) -> BadInput:
        """The error to raise about this place."""
        return BadInput(
            problem,
            where=f"{self._file}: {self._path}" if self._path else self._file,
            fix="write the file again with `lockstep plan -o FILE.json`; it is not meant to be edited",
        )

    def mapping(self) -> Mapping[str, Any]:
        """The object that stands here."""
        if not isinstance(self._raw, dict):
            raise self.fail("expected an object")
        return self._raw

    def get(self, key: str) -> "Node":
        """A member that has to be there."""
        if key not in self.mapping():
            raise self.fail(f"{key} is missing")
        return Node(self._raw[key], f"{self._path}.{key}" if self._path else key, self._file)

    def items(self) -> list["Node"]:
        """The array that stands here."""
        if not isinstance(self._raw, list):
            raise self.fail("expected an array")
        return [Node(raw, f"{self._path}[{i}]", self._file) for i, raw in enumerate(self._raw)]

    def many(self, read: Callable[["Node"], _T]) -> tuple[_T, ...]:
        """Every item of the array, read."""
        return tuple(read(item) for item in self.items())

    def maybe(self, read: Callable[["Node"], _T]) -> _T | None:
        """What stands here, or None for null."""
        return None if self._raw is None else read(self)

    def text(self) -> str:
        """A string."""
        if not isinstance(self._raw, str):
            raise self.fail("expected a string")
        return self._raw

    def integer(self) -> int:
        """A whole number."""
        if not isinstance(self._raw, int) or isinstance(self._raw, bool):
            raise self.fail("expected a whole number")
        return self._raw

    def number(self) -> float:
        """A finite number."""
        if not isinstance(self._raw, int | float) or isinstance(self._raw, bool):
            raise self.fail("expected a number")
        try:
            number = float(self._raw)
        except OverflowError:  # a whole number of hundreds of digits
            number = math.inf
        if not math.isfinite(number):
            raise self.fail("expected a finite number")
        return number

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self._raw, bool):
            raise self.fail("expected true or false")
        return self._raw

    def boolean(self) -> bool:
        """True or false."""
        if not isinstance(self._raw, bool):
            raise self.fail("expected true or false")
        return self._raw

    def choice(self, kind: type[_E]) -> _E:
        """One of an enumeration's words."""
        try:
            return kind(self.text())
        except ValueError:
            raise self.fail(f"expected one of {', '.join(kind)}") from None

    def texts(self) -> tuple[str, ...]:
        """An array of strings."""
        return self.many(Node.text)

    def text_map(self) -> dict[str, str]:
        """An object of strings."""
        return self.map_of(Node.text)

    def map_of(self, read: Callable[["Node"], _T]) -> dict[str, _T]:
        """Every member of the object, read."""
        return {key: read(self.get(key)) for key in self.mapping()}

    def raw_mapping(self) -> dict[str, Any]:
        """An object of the API's, as it is."""
        return dict(self.mapping())

    def value(self) -> Value:
        """What ``value_to`` wrote."""
        return value_from(self)


def value_from(node: Node, depth: int = 0) -> Value:
    """What ``value_to`` wrote; BadInput for anything else."""
    raw = node._raw
    if depth > _DEEPEST:
        raise node.fail("nested too deeply")
    match raw:
        case None | bool() | str() | int():
            return cast("Value", raw)
        case float():
            return node.number()
        case list():
            return tuple(value_from(item, depth + 1) for item in node.items())
        case {"$secret": _} if len(raw) == 1:
            return Secret(None, node.get("$secret").maybe(_reference_from))
        case {"$reference": _} if len(raw) == 1:
            return _reference_from(node.get("$reference"))
        case {"$unread": _} if len(raw) == 1:
            return Unread(node.get("$unread").text())
        case dict():
            pairs = ((key, value_from(node.get(key), depth + 1)) for key in raw)
            return {_own_key(node, key): value for key, value in pairs}
        case _:
            raise node.fail("expected a value")


def _own_key(node: Node, key: str) -> str:
    if not key.startswith("$"):
        return key
    if not key.startswith("$$"):
        raise node.fail(f"{key} is not known")
    return key[1:]


def _reference_from(node: Node) -> Reference:
    version = node.get("version").text() if "version" in node.mapping() else ""
    return Reference(store=node.get("store").text(), name=node.get("name").text(), version=version)
