"""The contents of two packages side by side: files, and lines of short texts."""

import difflib
import hashlib
import zipfile
from pathlib import Path

from lockstep.artifacts.checks import check_zip
from lockstep.model.differing import FileChange, How

__all__ = ["compare_packages"]

_LONGEST_TEXT = 200_000  # bytes of a file whose lines are compared
_MOST_LINES = 400  # of one file's difference
_CHUNK = 1 << 20


def compare_packages(old: Path, new: Path) -> tuple[tuple[FileChange, ...], int]:
    """The files that differ, by name, and how many are alike. Raises ArtifactError for what is no zip.

    Bytes count, not times or the order in the zip: packages that unpack alike have no difference.
    """
    for path in (old, new):
        check_zip(path, origin=path.name)
    with zipfile.ZipFile(old) as before, zipfile.ZipFile(new) as after:
        first, second = _digests(before), _digests(after)
        changes = [
            _change(name, before, after, first.get(name, ""), second.get(name, ""))
            for name in sorted({*first, *second})
            if first.get(name) != second.get(name)
        ]
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


def _change(name: str, before: zipfile.ZipFile, after: zipfile.ZipFile, old: str, new: str) -> FileChange:
    how = How.ADDED if not old else How.REMOVED if not new else How.CHANGED
    size = (after if new else before).getinfo(name).file_size
    lines: tuple[str, ...] = ()
    if how is How.CHANGED:
        first, second = _text(before, name), _text(after, name)
        if first is not None and second is not None:
            told = list(difflib.unified_diff(first, second, lineterm="", n=2))[2:]
            if len(told) > _MOST_LINES:
                told = [*told[:_MOST_LINES], f"... {len(told) - _MOST_LINES} more lines"]
            lines = tuple(told)
    return FileChange(path=name, how=how, old=old, new=new, size=size, lines=lines)


def _text(archive: zipfile.ZipFile, name: str) -> list[str] | None:
    """The lines of a short text; None for others."""
    if archive.getinfo(name).file_size > _LONGEST_TEXT:
        return None
    data = archive.read(name)
    try:
        return None if b"\0" in data else data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return None
