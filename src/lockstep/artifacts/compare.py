"""The contents of two packages side by side: files, and lines of short texts."""

import difflib
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from lockstep.artifacts.checks import check_zip
from lockstep.model.differing import FileChange, How

__all__ = ["compare_packages"]

_LONGEST_TEXT = 200_000  # bytes of a file whose lines are compared
_MOST_LINES = 400  # of one file's difference
_LONGEST_FILE = 5_000  # lines of a file that are compared: the time grows with their square
_ROOM = 200_000  # lines of all files together
_CHUNK = 1 << 20


def compare_packages(old: Path, new: Path) -> tuple[tuple[FileChange, ...], int]:
    """The files that differ, by name, and how many are alike. Raises ArtifactError for what is no zip.

    Bytes count, not times or the order in the zip: packages that unpack alike have no difference. Lines are
    compared of texts that are not too long, and of so many in all that it takes seconds.
    """
    for path in (old, new):
        check_zip(path, origin=path.name)
    with zipfile.ZipFile(old) as before, zipfile.ZipFile(new) as after:
        first, second = _digests(before), _digests(after)
        changes: list[FileChange] = []
        room = _ROOM
        for name in sorted({*first, *second}):
            if first.get(name) != second.get(name):
                old_text, new_text = _texts(name, before, after, first, second) if room > 0 else (None, None)
                room -= len(old_text or ()) + len(new_text or ())
                archive = after if name in second else before
                gone = How.REMOVED if name not in second else How.CHANGED
                changes.append(
                    FileChange(
                        path=name,
                        how=How.ADDED if name not in first else gone,
                        old=first.get(name, ""),
                        new=second.get(name, ""),
                        size=archive.getinfo(name).file_size,
                        lines=_lines(old_text, new_text),
                    )
                )
        return tuple(changes), sum(first.get(name) == digest for name, digest in second.items())


def _digests(archive: zipfile.ZipFile) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in archive.infolist():
        if not entry.is_dir():
            digest = hashlib.sha256()
            with archive.open(entry) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
            found[entry.filename] = digest.hexdigest()
    return found


def _texts(
    name: str,
    before: zipfile.ZipFile,
    after: zipfile.ZipFile,
    first: Mapping[str, str],
    second: Mapping[str, str],
) -> tuple[list[str] | None, list[str] | None]:
    """The lines of both sides of a file that is on both."""
    if name not in first or name not in second:
        return None, None
    return _text(before, name), _text(after, name)


def _lines(old: list[str] | None, new: list[str] | None) -> tuple[str, ...]:
    if old is None or new is None:
        return ()
    if max(len(old), len(new)) > _LONGEST_FILE:
        return (f"... {len(old):,} and {len(new):,} lines, too many to compare",)
    told = list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]
    if len(told) > _MOST_LINES:
        told = [*told[:_MOST_LINES], f"... {len(told) - _MOST_LINES} more lines"]
    return tuple(told)


def _text(archive: zipfile.ZipFile, name: str) -> list[str] | None:
    """The lines of a short text; None for others."""
    if archive.getinfo(name).file_size > _LONGEST_TEXT:
        return None
    data = archive.read(name)
    try:
        return None if b"\0" in data else data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return None
