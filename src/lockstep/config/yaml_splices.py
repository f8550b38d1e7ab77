"""The pieces of text that are replaced, added and removed for an edit, in the style of their surroundings."""

import re
from dataclasses import field, replace
from typing import Any

from lockstep.config.yaml_nodes import BREAK, Entry, Node, line_end, line_start, next_line
from lockstep.config.yaml_text import Style
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["Splices"]

_COMMENT = regex("([ \t]*)#[^\r\n\x85\u2028\u2029]*")
_BLANK = regex("[ \t]*(?=[\r\n\x85\u2028\u2029])")
_REST = regex("[ \t]*(?:(?<=[ \t])#[^\r\n\x85\u2028\u2029]*)?(?=[\r\n\x85\u2028\u2029]|\\Z)")
_EXPLICIT = regex(r"\s*(\?)\s+\Z")
_PROPERTIES = regex("(?:[ \t]+[&!][^ \t\r\n\x85\u2028\u2029]*)*")
_STRING_TAGS = ("!", "tag:yaml.org,2002:str")


@dataclass(slots=True, eq=False)
class Splices:
    """Collects splices of one text."""

    text: str
    root: Node | None
    pieces: list[tuple[int, int, str]] = field(default_factory=list)
    parents: dict[int, Node] = field(default_factory=dict)  # map of an entry, by the entry's id
    nodes: list[Node] = field(default_factory=list)
    newline: str = "\n"

    def __post_init__(self) -> None:
        found = BREAK.search(self.text)
        if found is not None:
            self.newline = found[0]
        if self.root is not None:
            self.nodes = list(self.root.all())
            self.parents = {id(entry): node for node in self.nodes for entry in node.entries}

    def parent_of(self, entry: Entry) -> Node:
        """The map that an entry belongs to."""
        return self.parents[id(entry)]

    def apply(self) -> str:
        """The text with all splices made. What is inserted stands before what was there."""
        parts, at = [], 0
        for start, end, new in sorted(self.pieces, key=lambda piece: (piece[0], piece[1])):
            parts += [self.text[at:start], new]
            at = max(at, end)
        return "".join([*parts, self.text[at:]])

    def splice(self, start: int, end: int, new: str) -> None:
        """Replace the text between two positions."""
        self.pieces.append((start, end, new))

    # A file without values

    def begin(self, values: dict[str, Any]) -> None:
        """Write the first keys of a file that holds comments, marks or a null at most."""
        node, style = self.root, Style(newline=self.newline, is_plain=False)
        lines = [style.block(key, value, "") for key, value in values.items()]
        text = self.newline.join(lines) or "{}"
        if node is None or node.kind == "empty":
            at = len(self.text) if node is None else node.start
            before = "" if at == 0 or self.text[at - 1] in "\n\r\x85\u2028\u2029" else self.newline
            self.splice(at, at, f"{before}{text}{self.newline}")
        else:  # null or ~
            before = "" if line_start(self.text, node.start) == node.start else self.newline
            self.splice(node.start, node.end, before + text)

    # Replacing

    def replace(self, entry: Entry, new: Any) -> bool:
        """Write another value behind a key. False when the place does not allow it."""
        node, parent = entry.node, self.parent_of(entry)
        style = self._style(parent)
        if node.is_string:
            style = replace(
                style, quote=node.style if node.style in ("'", '"') else '"', is_plain=not node.style
            )
        at = self._behind_key(entry)
        if node.kind == "empty" or (isinstance(new, dict) and node.kind == "scalar" and not node.style):
            return self._fill(entry, new, style, at)
        if node.kind in ("map", "list") and not node.is_flow:
            return self._collapse(node, at, self._value(new, style, in_flow=parent.is_flow))
        text = self._value(new, style, in_flow=parent.is_flow)
        start = node.start
        if node.tag is not None and not (isinstance(new, str) and node.tag in _STRING_TAGS):
            if node.anchor is not None or "#" in self.text[at:start]:
                return False
            start, text = at, f" {text}"  # the tag goes with the value that it describes
        if node.kind == "scalar" and node.style in ("|", ">"):
            return self._unfold(node, start, text)
        self.splice(start, node.end, text)
        return True

    def _behind_key(self, entry: Entry) -> int:
        """Where the colon of an entry ends; the key's end where none is written."""
        return entry.colon if entry.colon is not None else entry.key_node.end

    def _value(self, new: Any, style: Style, *, in_flow: bool) -> str:
        return style.flow(new) if isinstance(new, dict) else style.scalar(new, in_flow=in_flow)

    def _fill(self, entry: Entry, new: Any, style: Style, at: int) -> bool:
        """Write a value where there is none, or a plain one that a map replaces."""
        node, parent = entry.node, self.parent_of(entry)
        if node.tag is not None:
            return False
        before = ":" if entry.colon is None else ""
        place = max(at, node.start) if node.anchor is not None else at
        has_comment = node.kind != "empty" and bool(self.text[at : node.start].strip(" \t"))
        if not isinstance(new, dict) or not new or style.is_flow or parent.is_flow or has_comment:
            if node.kind == "empty":
                self.splice(place, place, f"{before} {self._value(new, style, in_flow=parent.is_flow)}")
            else:
                self.splice(node.start, node.end, style.flow(new))
            return True
        if node.kind != "empty":
            self.splice(at, node.end, "")
            place = node.end
        indent = " " * (self._column(parent.entries[-1]) + style.step)
        end = line_end(self.text, place)
        style = replace(style, newline=self._break_at(end))
        lines = [style.block(key, value, indent) for key, value in new.items()]
        self.splice(end, end, style.newline + style.newline.join(lines))
        return True

    def _collapse(self, node: Node, at: int, text: str) -> bool:
        """A block becomes a value behind its key; a comment behind the key stays."""
        if node.anchor is not None or node.tag is not None:
            return False
        following = next_line(self.text, line_end(self.text, at))
        if _REST.match(self.text, at) is None or following > node.start:
            return False
        self.splice(at, at, f" {text}")
        self.splice(following, next_line(self.text, node.end), "")
        return True

    def _unfold(self, node: Node, start: int, text: str) -> bool:
        """A block scalar becomes a value on one line; a comment in its header stays."""
        end = line_end(self.text, node.start)
        header = self.text[node.start : end]
        sign = re.match(r"[|>][-+0-9]*", header)
        if sign is None:
            return False
        self.splice(start, node.start + sign.end(), text)
        following = next_line(self.text, end) if end < len(self.text) else end
        if following < node.end:
            last = next_line(self.text, node.end)
            self.splice(following, last, "")
        return True

    # Adding

    def add(self, node: Node, values: dict[str, Any]) -> None:
        """Write keys behind the last one of a map."""
        style = self._style(node)
        if node.is_flow:
            self._add_in_braces(node, values, style)
            return
        indent = " " * self._column(node.entries[-1])
        at = self._behind_deeper_comments(next_line(self.text, node.end), len(indent))
        has_break = self.text[at - 1 : at] in tuple("\n\r\x85\u2028\u2029")
        newline = self._break_at(at - 1) if has_break else self.newline
        style = replace(style, newline=newline)
        inside = self._style_inside(node, style)
        text = newline.join(
            (inside if isinstance(value, dict) else style).block(key, value, indent)
            for key, value in values.items()
        )
        self.splice(at, at, text + newline if has_break else newline + text)

    def _behind_deeper_comments(self, at: int, column: int) -> int:
        """Comments that are indented more than a map's keys belong to its last value."""
        behind = at
        while at < len(self.text):
            if (comment := _COMMENT.match(self.text, at)) is not None:
                if len(comment[1]) <= column:
                    break
                behind = at = next_line(self.text, comment.end())
                if comment.end() == len(self.text):
                    break
            elif (blank := _BLANK.match(self.text, at)) is not None:
                at = self._after_break(blank.end())
            else:
                break
        return behind

    def _break_at(self, at: int) -> str:
        """The line break at a position; the file's usual one at its end."""
        found = BREAK.match(self.text, at - 1 if self.text[at - 1 : at + 1] == "\r\n" else at)
        return found[0] if found is not None else self.newline

    def _after_break(self, at: int) -> int:
        found = BREAK.match(self.text, at)
        return found.end() if found is not None else at

    def _add_in_braces(self, node: Node, values: dict[str, Any], style: Style) -> None:
        text = self.text
        inside_style = self._style_inside(node, style)
        pairs = [
            (inside_style if isinstance(value, dict) else style).pair(key, value)
            for key, value in values.items()
        ]
        if not node.entries:
            inside = text[node.start + 1 : node.end - 1]
            pad = " " if inside[:1] in (" ", "#") else ""
            behind = " " if inside[:1] == "#" else ""
            at = node.start + 1
            self.splice(at, at, pad * (behind == "") + ", ".join(pairs) + behind)
            return
        last = node.entries[-1]
        end = self._end_of(last)
        comma = self._comma_behind(end)
        gap = ""
        if comma is None and last.node.kind == "empty" and last.colon is not None:
            gap = " "  # a comma right behind the colon would be part of the key
        first = line_start(text, last.key_node.start)
        indent = text[first : last.key_node.start]
        tail = end if comma is None else comma + 1
        if indent.strip():
            if comma is None:
                self.splice(end, end, gap + "".join(style.comma + pair for pair in pairs))
            else:
                joined = style.comma.join(pairs)
                lead = " " if style.comma.endswith(" ") else ""
                self.splice(tail, tail, f"{lead}{joined},")
            return
        if comma is None:
            self.splice(end, end, f"{gap},")
        rest = _REST.match(text, tail)
        at = rest.end() if rest is not None else tail
        line = f",{self.newline}{indent}".join(pairs)
        self.splice(at, at, f"{self.newline}{indent}{line}{',' if comma is not None else ''}")

    def _comma_behind(self, at: int) -> int | None:
        """Position of the comma behind an entry in braces; None when the brace closes."""
        while at < len(self.text):
            sign = self.text[at]
            if sign == ",":
                return at
            if sign == "#":
                at = line_end(self.text, at)
            elif sign.isspace():
                at += 1
            else:
                return None
        return None

    def _end_of(self, entry: Entry) -> int:
        return max(entry.node.end, self._behind_key(entry))

    # Removing

    def remove(self, node: Node, entry: Entry | None, gone: list[Entry]) -> bool:
        """Take keys out of a map; an empty one stays as {}. False when the place does not allow it."""
        if node.is_flow:
            self._remove_in_braces(node, gone)
            return True
        for removed in gone:
            start = self._start_of(removed)
            if start is None:
                return False
            end = next_line(self.text, self._end_of(removed))
            self.splice(start, self._behind_blanks_of_text(node, removed, gone, end), "")
        if len(gone) == len(node.entries):
            if entry is None:
                start = line_start(self.text, node.entries[0].key_node.start)
                self.splice(start, start, "{}" + self.newline)
            else:
                at = self._behind_key(entry)
                properties = _PROPERTIES.match(self.text, at)
                at = properties.end() if properties is not None else at
                self.splice(at, at, " {}")
        return True

    def _behind_blanks_of_text(self, node: Node, removed: Entry, gone: list[Entry], at: int) -> int:
        """Blank lines behind a removed key would become part of a text block that stands before it."""
        before = [e.node for e in node.entries[: node.entries.index(removed)] if e not in gone]
        leaf = before[-1] if before else None
        while leaf is not None and not leaf.is_flow and (leaf.entries or leaf.items):
            leaf = leaf.entries[-1].node if leaf.entries else leaf.items[-1]
        if leaf is None or leaf.style not in ("|", ">"):
            return at
        behind = at
        while (blank := _BLANK.match(self.text, behind)) is not None:
            behind = self._after_break(blank.end())
        has_text = "+" in self.text[leaf.start : line_end(self.text, leaf.start)].split("#")[0]
        return behind if has_text or self.text[at:behind].strip("\r\n") else at

    def _start_of(self, entry: Entry) -> int | None:
        """Start of the line that an entry of a block begins; None when it begins none."""
        start = line_start(self.text, entry.key_node.start)
        before = self.text[start : entry.key_node.start]
        return start if not before.strip() or _EXPLICIT.match(before) else None

    def _remove_in_braces(self, node: Node, gone: list[Entry]) -> None:
        text = self.text
        going = {id(entry) for entry in gone}
        for entry in gone:
            end = self._end_of(entry)
            comma = self._comma_behind(end)
            tail = end if comma is None else comma + 1
            start = entry.key_node.start
            first = line_start(text, start)
            rest = _REST.match(text, tail)
            if first > node.start and not text[first:start].strip() and rest is not None:
                self.splice(first, next_line(text, rest.end()), "")
            elif comma is not None:
                behind = re.compile("[ \t]*").match(text, tail)
                self.splice(start, behind.end() if behind is not None else tail, "")
            else:
                self.splice(len(text[:start].rstrip(" \t")), end, "")
        staying = [entry for entry in node.entries if id(entry) not in going]
        if staying and staying[-1] is not node.entries[-1]:
            comma = self._comma_behind(self._end_of(staying[-1]))
            if comma is not None and self._comma_behind(self._end_of(node.entries[-1])) is None:
                self.splice(comma, comma + 1, "")

    # Style

    def _column(self, entry: Entry) -> int:
        """Column of an entry's key, or of the question mark before it."""
        at = entry.key_node.start
        start = line_start(self.text, at)
        explicit = _EXPLICIT.match(self.text[start:at])
        return explicit.start(1) if explicit is not None else at - start

    def _style(self, node: Node) -> Style:
        """How a map is written; where it says nothing, how the rest of the file is."""
        own = [entry for entry in node.entries if not entry.is_merge]
        strings = [entry.node for entry in own if entry.node.is_string]
        others = strings or [n for n in self._values() if n.is_string]
        quoted = [n.style for n in (*self._values(), *strings) if n.style in ("'", '"')]
        keys = own or (self.root.entries if self.root is not None else [])
        key_quote = keys[-1].key_node.style if keys and all(e.key_node.style for e in keys) else ""
        style = Style(
            quote=quoted[-1] if quoted else '"',
            is_plain=bool(others) and not others[-1].style,
            key_quote=key_quote if key_quote in ("'", '"') else "",
            newline=self.newline,
            step=self._step(),
        )
        braces = [n for n in self.nodes if n.kind == "map" and n.is_flow and n.entries]
        if braces:
            style = self._in_braces(style, node if node in braces else braces[-1])
        maps = [e.node for e in node.entries if e.node.kind == "map" and e.node.entries]
        return replace(style, is_flow=node.is_flow or bool(maps and maps[-1].is_flow))

    def _style_inside(self, node: Node, style: Style) -> Style:
        """For maps that are new in a map: their texts look like those in the maps beside them."""
        own = {id(entry.node) for entry in node.entries}
        strings = [n for n in self._values(node) if n.is_string and id(n) not in own]
        return replace(style, is_plain=not strings[-1].style) if strings else style

    def _in_braces(self, style: Style, node: Node) -> Style:
        """With the spaces that a map in braces has."""
        text, entries = self.text, node.entries
        last = entries[-1]
        comma = ", "
        if len(entries) > 1 and text[self._end_of(entries[-2]) : last.key_node.start] == ",":
            comma = ","
        tight = last.key_node.style and text[last.key_node.end : last.node.start] == ":"
        padding = " " if text[node.start + 1 : node.start + 2] == " " else ""
        return replace(style, comma=comma, colon=":" if tight and style.key_quote else ": ", padding=padding)

    def _step(self) -> int:
        """Columns of one level of the file's blocks; 2 when it has only one."""
        for node in self.nodes:
            for entry in node.entries:
                inside = entry.node
                if inside.kind == "map" and not inside.is_flow and not node.is_flow:
                    deeper = self._column(inside.entries[0]) - self._column(entry)
                    if deeper > 0:
                        return deeper
        return 2

    def _values(self, top: Node | None = None) -> list[Node]:
        """Values of all keys, in the order of the file."""
        nodes = self.nodes if top is None else top.all()
        return [entry.node for node in nodes for entry in node.entries]
