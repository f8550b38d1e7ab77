"""Change values in a YAML file and leave every other byte as it is.

The text is spliced at the positions of the nodes (``yaml_nodes``); what is new is written in the style
of what stands beside it. Every result is read again and compared with what was wanted, so an edit is
right or refused. Comments stay, but for those inside and behind a value that is removed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.config.yaml_nodes import Entry, Node, compose
from lockstep.config.yaml_reader import Document, parse
from lockstep.config.yaml_splices import Splices
from lockstep.config.yaml_text import MapValue, Scalar
from lockstep.errors import BadInput
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["Change", "Changes", "edit"]

Change = Scalar | MapValue | None
Changes = Mapping[tuple[str, ...], Change]
"""Path of a key to its new value. None removes the key; a map becomes exactly the value."""

_SURROGATE = regex("[\ud800-\udfff]")
_BOM = b"\xef\xbb\xbf"


def edit(data: bytes, changes: Changes, *, file: str) -> bytes:
    """The bytes of a file with some values changed, added or removed.

    Missing keys are added after the last one of their map, in its style. No byte changes where the
    values are as wanted already. Raises BadInput with ``file:line`` when the file is not valid, when a
    path leads through something that is no map, and when a value is shared by an anchor, an alias or a
    merge key so that it cannot be changed alone. Raises ValueError for changes that contradict each
    other.
    """
    _check(changes, file)
    document = parse(data, file)
    wanted = _wanted(document, changes)
    if same(document.value, wanted):
        return data
    kept = _without_removals(document.value, wanted)
    result = data
    for stage in (kept, wanted):  # what is added takes its place from what stands there, so it comes first
        if not same(document.value, stage):
            result = _spliced(result, document, stage)
            document = _verified(result, document, stage, changes)
    return result


def same(one: Any, other: Any) -> bool:
    """Equal, and of equal types all the way down: 1, 1.0 and true are three values."""
    if type(one) is not type(other):
        return False
    match one:
        case dict():
            return one.keys() == other.keys() and all(same(v, other[k]) for k, v in one.items())
        case list():
            return len(one) == len(other) and all(map(same, one, other))
        case float():
            return one == other or (one != one and other != other)
        case _:
            return bool(one == other)


def _check(changes: Changes, file: str) -> None:
    for path, change in changes.items():
        if not path:
            raise ValueError("a change needs a key")
        if any(not text.isascii() and _SURROGATE.search(text) for text in (*path, *_texts(change))):
            raise BadInput(
                f"the new value of {'.'.join(path)!a} holds half a character (a surrogate)",
                where=file,
                fix="give it as UTF-8",
            )
        if any(path[:length] in changes for length in range(1, len(path))):
            raise ValueError(f"{'.'.join(path)} and a key above it are both changed")


def _texts(change: Change) -> Iterator[str]:
    if isinstance(change, Mapping):
        for key, value in change.items():
            yield key
            yield from _texts(value)
    elif isinstance(change, str):
        yield change


def _wanted(document: Document, changes: Changes) -> Any:
    """The value with the changes applied. The old one stays as it is."""
    root = document.value
    if not isinstance(root, dict | None):
        raise BadInput(
            f"the file holds {_kind(root)} at its top, not a map",
            where=f"{document.file}:{document.line()}",
            fix="write key: value lines",
        )
    wanted = dict(root or {})
    for path, value in changes.items():
        _set(document, wanted, path, value)
    return root if root is None and not wanted else wanted


def _set(document: Document, values: dict[str, Any], path: tuple[str, ...], value: Change) -> None:
    for depth, key in enumerate(path[:-1], 1):
        inside = values.get(key)
        if value is None and not isinstance(inside, dict):
            return  # nothing is there to remove
        if inside is not None and not isinstance(inside, dict):
            raise BadInput(
                f"{'.'.join(path[:depth])} is {_kind(inside)}, so {path[depth]} cannot be set in it",
                where=f"{document.file}:{document.line(path[:depth])}",
                fix="write a map there",
            )
        values[key] = dict(inside or {})
        values = values[key]
    if value is None:
        values.pop(path[-1], None)
    else:
        values[path[-1]] = _plain(value)


def _plain(value: Scalar | MapValue) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inside) for key, inside in value.items() if inside is not None}
    if not isinstance(value, str | int | float):
        raise TypeError(f"{type(value).__name__} cannot be written into a file")
    return value


def _without_removals(old: Any, wanted: Any) -> Any:
    """The old value with everything that changes or is new, and still with what is to be removed."""
    if not isinstance(old, dict) or not isinstance(wanted, dict):
        return wanted
    kept = {k: _without_removals(v, wanted[k]) if k in wanted else v for k, v in old.items()}
    return {**kept, **{k: v for k, v in wanted.items() if k not in old}}


def _spliced(data: bytes, document: Document, wanted: Any) -> bytes:
    """The bytes with one stage of the changes: either nothing is removed, or nothing else is done."""
    mark = _BOM if data.startswith(_BOM) else b""
    data = data[len(mark) :]
    text = data.decode()
    root = compose(data, text)
    splices = Splices(text, root)
    if root is None or (root.kind != "map" and document.value is None):
        splices.begin(wanted)
    else:
        _Comparison(document.file, splices).compare(root, None, document.value, wanted, ())
    return mark + splices.apply().encode()


def _verified(data: bytes, before: Document, wanted: Any, changes: Changes) -> Document:
    """The document of the new bytes. BadInput when it is not exactly as wanted."""
    try:
        document = parse(data, before.file)
    except BadInput as error:
        reason = f": {error.problem}"
    else:
        if same(document.value, wanted):
            return document
        reason = ""
    names = [".".join(path) for path in changes]
    named = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    raise BadInput(
        f"{named} cannot be changed in this file without harm to what stands around{reason}",
        where=f"{before.file}:{before.line(next(iter(changes)))}",
        fix="make the change by hand" if len(names) == 1 else "make the changes by hand, or one by one",
    )


@dataclass(slots=True)
class _Comparison:
    """Goes down both values and notes a splice for each difference."""

    file: str
    splices: Splices

    def compare(self, node: Node, entry: Entry | None, old: Any, new: Any, path: tuple[str, ...]) -> None:
        if same(old, new):
            return
        self.refuse_shared(node, path)
        if isinstance(old, dict) and isinstance(new, dict):
            self.maps(node, entry, old, new, path)
            return
        assert entry is not None  # noqa: S101 - the root is a map
        for inside in node.all():
            if inside is not node and inside.used:
                self.refuse_anchor(inside, path)
        if entry.colon is None and not self.splices.parent_of(entry).is_flow:
            raise self.refusal(
                entry.key_node, path, "has a key without a colon", "write 'key: value' on one line"
            )
        if not self.splices.replace(entry, new):
            raise self.refusal(node, path, "is written in a way that cannot be edited", "change it by hand")

    def maps(self, node: Node, entry: Entry | None, old: Any, new: Any, path: tuple[str, ...]) -> None:
        own = {e.key: e for e in node.entries if not e.is_merge}
        added = {}
        for key, value in new.items():
            below = (*path, key)
            if key in own:
                self.compare(own[key].node, own[key], old[key], value, below)
            elif key not in old:
                added[key] = value
            elif not same(old[key], value):
                if isinstance(old[key], dict):
                    raise self.merged(node, below, "changed")
                added[key] = value  # the map's own key wins over the merged one
        if added:
            self.splices.add(node, added)
        removed = [key for key in old if key not in new]
        if not removed:
            return
        merged = {key for e in node.entries if e.is_merge for key in _keys(e.node)}
        for key in removed:
            if key in merged:
                raise self.merged(node, (*path, key), "removed")
            for inside in own[key].node.all():
                if inside.used:
                    self.refuse_anchor(inside, (*path, key))
        if not self.splices.remove(node, entry, [own[key] for key in removed]):
            raise self.refusal(
                own[removed[0]].node,
                (*path, removed[0]),
                "does not begin its own line",
                "write 'key: value' lines",
            )

    def refuse_shared(self, node: Node, path: tuple[str, ...]) -> None:
        """An anchor is fine as long as nothing refers to it."""
        if node.kind == "alias" and node.target is not None:
            line = node.target.line
            raise self.refusal(
                node, path, f"is an alias of line {line}", "write the value itself in place of the alias"
            )
        if node.used:
            self.refuse_anchor(node, path)

    def refuse_anchor(self, node: Node, path: tuple[str, ...]) -> None:
        lines = " and ".join(map(str, node.used[:3]))
        problem = f"has the anchor &{node.anchor}, which is used in line {lines}"
        raise self.refusal(node, path, problem, "write the value out where the alias stands, without anchor")

    def merged(self, node: Node, path: tuple[str, ...], what: str) -> BadInput:
        merge = next(e for e in node.entries if e.is_merge)
        problem = f"comes from the merge key <<, so it cannot be {what} here alone"
        return self.refusal(merge.key_node, path, problem, "write the map out in place of the merge key")

    def refusal(self, node: Node, path: tuple[str, ...], problem: str, fix: str) -> BadInput:
        name = ".".join(path) or "the file's map"
        return BadInput(f"{name} {problem}", where=f"{self.file}:{node.line}", fix=fix)


def _keys(node: Node | None) -> Iterator[str]:
    """Keys that a merge key takes from its value."""
    while node is not None and node.kind == "alias":
        node = node.target
    if node is None:
        return
    for item in node.items:
        yield from _keys(item)
    for entry in node.entries:
        if entry.is_merge:
            yield from _keys(entry.node)
        else:
            yield entry.key


def _kind(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case str():
            return "a text"
        case list():
            return "a list"
        case bool():
            return "a boolean"
        case _:
            return "a number"
