"""What is remembered, as bytes: bound to what it is about, bounded, and behind a digest.

A digest tells damage and no forgery. Nothing that goes wrong with it is an error: it is as good as none.
"""

import contextlib
import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockstep.model.foreign import read_json

__all__ = ["MOST", "MOST_PACKED", "MOST_PLAIN", "file_in", "pack", "read", "text", "unpack", "write"]

MOST = 20_000  # rows
MOST_PLAIN = 32 * 2**20  # bytes
MOST_PACKED = 8 * 2**20  # bytes
_FORMAT = 1
_DIGEST = 32  # bytes


def pack(about: Mapping[str, str | None], what: str, rows: Mapping[str, Any]) -> bytes:
    """Rows by name as bytes. Of more than there is room for, the last."""
    kept: dict[str, Any] = {}
    room = MOST_PLAIN - 1000  # for what they are about
    for name in reversed([*rows]):
        room -= len(json.dumps([name, rows[name]])) + 1
        if room < 0 or len(kept) == MOST:
            break
        kept[name] = rows[name]
    payload = {"format": _FORMAT, **about, what: dict(reversed(kept.items()))}
    body = zlib.compress(json.dumps(payload, separators=(",", ":")).encode())
    return hashlib.sha256(body).digest() + body


def unpack(data: bytes, about: Mapping[str, str], what: str) -> tuple[object, dict[str, Any]] | None:
    """The tag that the bytes name, and the rows; None where they are damaged, too large or about another."""
    body = data[_DIGEST:]
    if len(data) > MOST_PACKED or hashlib.sha256(body).digest() != data[:_DIGEST]:
        return None
    try:
        inflate = zlib.decompressobj()
        plain = inflate.decompress(body, MOST_PLAIN)
        told = dict(read_json(plain) if inflate.eof else {})
        rows, tag = told.pop(what), told.pop("tag", None)
        if told != {"format": _FORMAT, **about} or len(rows) > MOST:
            return None
        return tag, dict(rows)
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError):
        return None


def file_in(folder: Path | None, what: str, place: Mapping[str, str | None]) -> Path | None:
    """Where in the user's cache it is kept; each place has a file of its own. None: nowhere."""
    if folder is None:
        return None
    name = hashlib.sha256(json.dumps([*place.values()]).encode()).hexdigest()[:16]
    return folder / f"{what}-{name}.bin"


def text(value: Any) -> str:
    """A value of a row that has to be text. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is no text")
    return value


def read(path: Path) -> bytes:
    """The file's bytes; none where it is not there, or larger than any of ours."""
    with contextlib.suppress(OSError):
        if path.stat().st_size <= MOST_PACKED:
            return path.read_bytes()
    return b""


def write(path: Path, data: bytes) -> None:
    """Replace a file in one step, with mode 0600."""
    import tempfile  # takes 10 ms, and most runs write nothing

    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
