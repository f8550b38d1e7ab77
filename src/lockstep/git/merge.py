"""Merging two commits without a work tree: file by file, and line by line where both changed a file.

Like Git's strategy ``resolve``: three-way, no detection of renames (a file that one side moved and
the other changed is a conflict). ``git merge-tree --write-tree`` would do, but needs Git 2.38.
"""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from lockstep.errors import GitError
from lockstep.git.command import Repository
from lockstep.git.objects import read_blobs
from lockstep.values import dataclass

__all__ = ["Entry", "Merge", "combine", "three_way"]

_FILES = {"100644", "100755"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One file of a tree."""

    mode: str  # "100644", "100755", "120000" (link), "160000" (submodule)
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """What one side did to a path; None is absence."""

    before: Entry | None
    after: Entry | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """What has to change in our tree to hold their changes too; None removes a path."""

    changes: Mapping[str, Entry | None]
    conflicts: tuple[str, ...] = ()  # paths that a person has to look at


def three_way(repository: Repository, *, base: str, ours: str, theirs: str) -> Merge:
    """Bring what changed from ``base`` to ``theirs`` into ``ours``; all are commits or trees.

    Merged files are written as blobs. Raises GitError when git cannot read the repository.
    """
    changes, both, conflicts = combine(_moves(repository, base, ours), _moves(repository, base, theirs))
    merged: dict[str, Entry | None] = dict(changes)
    contents = read_blobs(
        repository,
        [entry.id for sides in both.values() for entry in sides],
        commit=theirs,
    )
    for path, (old, our, their) in both.items():
        text = _merge_file(repository, contents[old.id], contents[our.id], contents[their.id])
        if text is None:
            conflicts.append(path)
            continue
        blob = repository.run("hash-object", "-w", "--stdin", doing="merging", data=text).decode().strip()
        merged[path] = Entry(mode=_of_either(old.mode, our.mode, their.mode), id=blob)
    return Merge(changes=merged, conflicts=tuple(sorted(conflicts)))


def combine(
    ours: Mapping[str, Move], theirs: Mapping[str, Move]
) -> tuple[dict[str, Entry | None], dict[str, tuple[Entry, Entry, Entry]], list[str]]:
    """What to take over as it is, files that both changed, and paths that nobody can decide."""
    changes: dict[str, Entry | None] = {}
    both: dict[str, tuple[Entry, Entry, Entry]] = {}
    conflicts: list[str] = []
    our_files = {path for path, move in ours.items() if move.after}
    our_folders = {folder for path in our_files for folder in _folders(path)}
    for path, yours in theirs.items():
        mine = ours.get(path)
        is_blocked = path in our_folders or any(folder in our_files for folder in _folders(path))
        if mine is not None and mine.after == yours.after:
            continue
        if yours.after is not None and is_blocked:
            conflicts.append(path)  # a file of one side is a folder of the other
        elif mine is None:
            changes[path] = yours.after
        elif sides := _text_sides(mine.before, mine.after, yours.after):
            if entry := _without_lines(*sides):
                changes[path] = entry
            else:
                both[path] = sides
        else:
            conflicts.append(path)
    return changes, both, conflicts


def _text_sides(*sides: Entry | None) -> tuple[Entry, Entry, Entry] | None:
    """Before, ours and theirs, when all are files whose lines may be merged."""
    files = [entry for entry in sides if entry is not None and entry.mode in _FILES]
    return (files[0], files[1], files[2]) if len(files) == 3 else None


def _without_lines(old: Entry, our: Entry, their: Entry) -> Entry | None:
    """The merged file where one side, or both alike, changed its bytes, which may be no text."""
    if old.id in (our.id, their.id) or our.id == their.id:
        mode = _of_either(old.mode, our.mode, their.mode)
        return Entry(mode=mode, id=_of_either(old.id, our.id, their.id))
    return None


def _of_either(old: str, ours: str, theirs: str) -> str:
    """What one side changed, theirs where both did."""
    return theirs if theirs != old else ours


def _folders(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def _moves(repository: Repository, before: str, after: str) -> dict[str, Move]:
    """Every path that differs between two trees."""
    output = repository.run(
        *("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--ignore-submodules=none"),
        *(f"{before}^{{tree}}", f"{after}^{{tree}}"),
        doing="comparing two commits",
    )
    fields = output.decode("utf-8", "surrogateescape").split("\0")
    moves: dict[str, Move] = {}
    for about, path in zip(fields[::2], fields[1::2], strict=False):
        old_mode, new_mode, old_id, new_id, _ = about.removeprefix(":").split(" ")
        moves[path] = Move(before=_entry(old_mode, old_id), after=_entry(new_mode, new_id))
    return moves


def _entry(mode: str, blob: str) -> Entry | None:
    return None if mode == "000000" else Entry(mode=mode, id=blob)


def _merge_file(repository: Repository, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """The merged text; None where lines are in conflict or it is no text."""
    if b"\0" in base + ours + theirs:
        return None
    with tempfile.TemporaryDirectory(prefix="lockstep-merge-") as folder:
        paths = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for path, data in zip(paths, (ours, base, theirs), strict=True):
            path.write_bytes(data)
        try:
            return repository.run("merge-file", "-p", "-q", *map(str, paths), doing="merging")
        except GitError:
            return None  # its exit code is the number of conflicts
