"""Values and changes in words: short, unambiguous, masked."""

import json
import re
from collections.abc import Mapping

from lockstep.model import Change, Package, Reference, Secret, Unread, Value
from lockstep.model.fields import BY_NAME
from lockstep.model.kinds import row_at
from lockstep.regexes import regex
from lockstep.render.cells import columns_of, hanging, harmless, printable
from lockstep.render.masks import Masks, concealed, concealed_change

__all__ = ["change_lines", "digest", "one_line", "package_words", "pair", "show", "size"]

LONGEST = 160  # characters of one text that are shown; ARNs and .NET handlers fit

_ABSENT = "(absent)"
_BARE = frozenset({"trigger", "permission", "version", "logs"})
_SHA256 = regex(r"[0-9a-f]{64}")


def show(path: str, value: Value, masks: Masks) -> str:
    """One value in words, on one line, with its secrets masked. ``path`` says what it is a value of."""
    return _show(path, concealed(path, value), masks)


def _show(path: str, value: Value, masks: Masks) -> str:
    match value:
        case None:
            name = path.removeprefix("lambda.")
            return "(default)" if name in BY_NAME or row_at(name) is not None else _ABSENT
        case Secret():
            return printable(masks.label(value))
        case Reference():
            return printable(f"({value})")
        case Unread():
            return str(value)
        case bool():
            return "true" if value else "false"
        case str():
            return _text(path, value)
        case int() | float():
            return str(value)
        case Mapping() if path == "trigger":
            return _trigger(value)
        case Mapping():
            items = (f"{printable(str(k))}: {_show(f'{path}.{k}', v, masks)}" for k, v in value.items())
            return "{" + ", ".join(items) + "}"
        case _:
            return "[" + ", ".join(_show(path, item, masks) for item in value) + "]"


def _text(path: str, text: str) -> str:
    if path == "code":
        return digest(text)
    if path in _BARE:
        return printable(shortened(text))
    return quoted(shortened(text))


def quoted(text: str) -> str:
    """Text in double quotes, with what would be unclear or unprintable escaped."""
    return printable(json.dumps(text, ensure_ascii=False))


def digest(code: str) -> str:
    """A package's SHA-256 in short; an image's URI as it is, with its digest in short."""
    name, at, sha = code.rpartition("@sha256:")
    if at and _SHA256.fullmatch(sha):
        return f"{printable(name)}@{sha[:8]}…"
    return f"{code[:8]}…" if _SHA256.fullmatch(code) else printable(code)


def package_words(package: Package) -> str:
    """Where a package comes from and goes to, and its size where it is known."""
    key = re.sub(r"[0-9a-f]{64}", lambda found: f"{found[0][:8]}…", package.key)
    how = f" ({size(package.size)})" if package.size else ""
    return printable(f"{package.origin} -> s3://{package.bucket}/{key}{how}")


def size(count: int) -> str:
    """Bytes in words: ``5.4 MB`` (decimal, as AWS counts)."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def shortened(text: str, longest: int = LONGEST) -> str:
    """A long text's beginning, and how long all of it is."""
    if len(text) <= longest:
        return text
    return f"{text[: longest - 40]}… ({len(text):,} characters)"


def _trigger(value: Mapping[str, Value]) -> str:
    parts = {name: value.get(name) or "" for name in ("bucket", "prefix", "suffix")}
    events = value.get("events") or ()
    names = ", ".join(str(event) for event in events) if isinstance(events, tuple | list) else str(events)
    return printable(f"s3://{parts['bucket']}/{parts['prefix']}*{parts['suffix']} [{names}]")


def pair(change: Change, masks: Masks) -> tuple[str, str]:
    """Old and new value of a change in words. Of two long texts the part that differs is shown."""
    change = concealed_change(change)
    old, new = change.old, change.new
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > LONGEST:
        shared = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
        if shared > LONGEST // 2:
            start = shared - 20
            old, new = f"…{old[start:]}", f"…{new[start:]}"
    shown = _show(change.path, old, masks), _show(change.path, new, masks)
    if new is None and shown[1] == _ABSENT:
        shown = shown[0], "(removed)"
    if isinstance(old, Secret) and isinstance(new, Secret) and shown[0] == shown[1]:
        return shown[0], "(another secret)" if old != new else shown[1]
    return shown


def one_line(change: Change, masks: Masks) -> str:
    """``memorySize: 256 -> 128``, however long it gets. A new trigger or permission has no old side."""
    name = _name(change)
    old, new = pair(change, masks)
    return f"{name}: {new}" if _is_only_new(change) else f"{name}: {old} -> {new}"


def _name(change: Change) -> str:
    """The path, as it may stand before a colon at the beginning of a line."""
    return harmless(f"{printable(change.path)}:")[:-1]


def _is_only_new(change: Change) -> bool:
    return change.old is None and change.path in _BARE


def change_lines(
    change: Change, masks: Masks, *, columns: int, indent: str, is_new: bool = False
) -> list[str]:
    """A change on one line where it fits, else old and new below each other.

    ``is_new`` leaves out the old side of every change: nothing was there before.
    """
    name = _name(change)
    if is_new or _is_only_new(change):
        return hanging(indent, f"{name}: {pair(change, masks)[1]}", columns, rest=f"{indent}  ")
    line = one_line(change, masks)
    if columns_of(indent + line) <= columns:
        return [indent + line]
    old, new = pair(change, masks)
    lines = [f"{indent}{name}:"]
    if change.old is not None:
        lines += hanging(f"{indent}  - ", old, columns)
    if change.new is not None or change.old is not None:
        lines += hanging(f"{indent}  + ", new, columns)
    return lines
