"""Where every value of a YAML file is written: nodes with their positions in the text.

Made from the same events as values are (``yaml_reader``), for edits that leave every other byte alone.
Positions count characters of the text without a byte order mark, as libyaml's marks do.
"""

from collections.abc import Iterator
from dataclasses import field
from typing import Any

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from lockstep.config import yaml_reader
from lockstep.config.yaml_text import is_plain_safe
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["BREAK", "Entry", "Node", "colon", "compose", "line_end", "line_start", "next_line"]

BREAK = regex("\r\n|[\n\r\x85\u2028\u2029]")
"""A line break as libyaml, which follows YAML 1.1 here, sees it."""

_GAP = regex("(?:[ \t\r\n\x85\u2028\u2029]|(?<=[ \t\r\n\x85\u2028\u2029])#[^\r\n\x85\u2028\u2029]*)*")
_PROPERTY = regex("[&!][^ \t\r\n\x85\u2028\u2029]*")


@dataclass(slots=True, eq=False)
class Node:
    """One value. ``start`` is behind its anchor and tag, ``end`` behind its last character."""

    kind: str  # "scalar", "map", "list", "alias", or "empty": a null of which nothing is written
    start: int
    end: int
    line: int
    style: str = ""  # of a scalar: "", "'", '"', "|" or ">"
    is_flow: bool = False
    text: str = ""  # of a scalar
    tag: str | None = None
    anchor: str | None = None
    entries: list["Entry"] = field(default_factory=list)
    items: list["Node"] = field(default_factory=list)
    target: "Node | None" = None  # of an alias
    used: list[int] = field(default_factory=list)  # lines of the aliases of its anchor

    def all(self) -> Iterator["Node"]:
        """The node and everything inside it, in the order of the file."""
        yield self
        for entry in self.entries:
            yield entry.key_node
            yield from entry.node.all()
        for item in self.items:
            yield from item.all()

    @property
    def is_string(self) -> bool:
        """Whether it is a scalar that every reader takes for a text."""
        return self.kind == "scalar" and (bool(self.style) or is_plain_safe(self.text, in_flow=False))


@dataclass(slots=True, eq=False)
class Entry:
    """One key of a map and its value. ``colon`` is behind the colon; None when none is written."""

    key: str
    key_node: Node
    node: Node
    colon: int | None
    is_merge: bool


def compose(data: bytes, text: str) -> Node | None:
    """The nodes of bytes that ``yaml_reader.parse`` accepts; None when they hold no document."""
    composer = _Composer(data, text)
    composer.next()  # the stream's start
    if type(composer.next()) is not DocumentStartEvent:
        return None
    return composer.node(composer.next())


class _Composer:
    __slots__ = ("anchors", "next", "text")

    def __init__(self, data: bytes, text: str) -> None:
        self.next = yaml_reader.events(data)
        self.text = text
        self.anchors: dict[str, Node] = {}

    def node(self, event: Any, key_end: int | None = None, colon_at: int | None = None) -> Node:
        """The node that starts with an event; of an empty value also where key and colon end."""
        kind = type(event)
        start, end, line = event.start_mark.index, event.end_mark.index, event.start_mark.line + 1
        if kind is AliasEvent:
            target = self.anchors[event.anchor]
            target.used.append(line)
            return Node(kind="alias", start=start, end=end, line=line, target=target)
        if event.anchor is not None or event.tag is not None:
            start = self.behind_properties(start, end if kind is ScalarEvent else len(self.text))
        if kind is ScalarEvent:
            node = self.scalar(event, start, end, line)
            if start == end and not event.style:
                node.kind = "empty"
                if event.anchor is None and event.tag is None and key_end is not None:
                    node.start = node.end = colon_at if colon_at is not None else key_end
        elif kind is MappingStartEvent:
            node = Node(kind="map", start=start, end=end, line=line, is_flow=event.flow_style)
            self.mapping(node)
        else:
            node = Node(kind="list", start=start, end=end, line=line, is_flow=event.flow_style)
            self.sequence(node)
        node.tag = event.tag
        if event.anchor is not None:
            node.anchor = event.anchor
            self.anchors[event.anchor] = node
        return node

    def scalar(self, event: Any, start: int, end: int, line: int) -> Node:
        style = event.style or ""
        if style in ("|", ">"):
            body = self.text[start:end]
            header = BREAK.split(body, 1)[0].split("#", 1)[0]
            filled = len(body.rstrip(" \t\r\n\x85\u2028\u2029"))
            blanks = body[line_end(body, filled) :]
            if "+" not in header and not blanks.strip("\r\n\x85\u2028\u2029"):
                end = start + filled  # blank lines with spaces may be text, empty ones are none
        return Node(kind="scalar", start=start, end=end, line=line, style=style, text=event.value)

    def mapping(self, node: Node) -> None:
        while type(event := self.next()) is not MappingEndEvent:
            key_node = self.key(event)
            is_merge = event.value == "<<" and not event.style
            colon_at = colon(self.text, key_node.end)
            value = self.node(self.next(), key_node.end, colon_at)
            node.entries.append(
                Entry(key=event.value, key_node=key_node, node=value, colon=colon_at, is_merge=is_merge)
            )
        self.close(node, event, [entry.node for entry in node.entries])

    def key(self, event: Any) -> Node:
        """A key; its anchor, if any, is one that ``parse`` lets nothing refer to."""
        start, end = event.start_mark.index, event.end_mark.index
        line, style = event.start_mark.line + 1, event.style or ""
        return Node(kind="scalar", start=start, end=end, line=line, style=style, text=event.value)

    def sequence(self, node: Node) -> None:
        while type(event := self.next()) is not SequenceEndEvent:
            node.items.append(self.node(event))
        self.close(node, event, node.items)

    def close(self, node: Node, event: Any, inside: list[Node]) -> None:
        """A block ends with its last value: libyaml's mark stands before whatever follows it."""
        if node.is_flow:
            node.end = event.end_mark.index
        elif inside:
            node.end = inside[-1].end

    def behind_properties(self, start: int, end: int) -> int:
        """Where the content behind an anchor and a tag begins."""
        while start < end and (found := _PROPERTY.match(self.text, start)) is not None:
            start = found.end()
            behind = _GAP.match(self.text, start)
            following = behind.end() if behind is not None else start
            if following >= end:
                break
            start = following
        return min(start, end)


def colon(text: str, key_end: int) -> int | None:
    """The position behind the colon that follows a key; None when the key stands alone."""
    gap = _GAP.match(text, key_end)
    at = gap.end() if gap is not None else key_end
    return at + 1 if text[at : at + 1] == ":" else None


def line_start(text: str, at: int) -> int:
    """Start of the line of a position."""
    return max(text.rfind(sign, 0, at) for sign in "\n\r\x85\u2028\u2029") + 1


def line_end(text: str, at: int) -> int:
    """End of the line of a position, before its line break."""
    found = BREAK.search(text, at)
    return found.start() if found is not None else len(text)


def next_line(text: str, at: int) -> int:
    """Start of the line after a position; the position itself where it is a line's start already."""
    if at > 0 and text[at - 1] in "\n\r\x85\u2028\u2029":
        return at
    found = BREAK.search(text, at)
    return found.end() if found is not None else len(text)
