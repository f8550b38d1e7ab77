"""Manifests in a folder: what is written, what goes, and what somebody else has a hand in.

A file is ours when its first line says so, and as we left it when its digest fits. Others are told and left
alone. What a road refused keeps the file that it has: it was not looked at to be gone.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from lockstep.delivery.places.writing import write_whole
from lockstep.errors import BadInput, MachineError
from lockstep.model import select
from lockstep.model.kubernetes import MANIFESTS
from lockstep.model.tree import Tree
from lockstep.roads.base import Manifest, Rendering, Road, is_chosen
from lockstep.roads.marks import Mark, as_file, mark_of
from lockstep.values import dataclass

__all__ = [
    "Fate",
    "FileChange",
    "Files",
    "FolderFiles",
    "TreeFiles",
    "apply_changes",
    "changes_in",
    "check_is_writable",
    "marked_in",
    "texts_of",
    "tidy",
]

_ROOMS = ("argocd", "buckets", "environments", "states")
"""Folders below that of the manifests in which roads put files."""


class Fate(StrEnum):
    """What becomes of a file."""

    WRITTEN = "written"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    EDITED = "edited"  # by hand since we wrote it: left alone
    FOREIGN = "foreign"  # not ours, and in the way: left alone
    LEAVING = "leaving"  # it lets go, as a hand-over to another engine wants it: left alone
    HELD = "held"  # its target was refused, or may be declared where nobody could read it


@dataclass(frozen=True, kw_only=True, slots=True)
class FileChange:
    """One file of a folder of manifests. ``text`` is to be written, in place of what was ``there``."""

    path: str
    owner: str
    fate: Fate
    text: str = ""
    there: str | None = None  # of a file that is written or removed


def texts_of(rendering: Rendering, project: str) -> Mapping[str, tuple[Manifest, str]]:
    """The manifests of a rendering by their paths, with the text of each file."""
    road = rendering.road
    return {one.path: (one, as_file(one, road, project)) for one in rendering.manifests}


class Files(Protocol):
    """What lies below the folder of the manifests."""

    def read(self, path: str) -> str | None:
        """The text of a file; None when there is none. BadInput when a link stands in the way."""
        ...

    def named(self, names: Iterable[str]) -> Iterator[str]:
        """Paths of files with these names in the folders that roads use."""
        ...


def marked_in(there: Files, project: str, names: Iterable[str] = MANIFESTS) -> Iterator[tuple[str, Mark]]:
    """The manifests of a project that lie there, each with what it says of itself."""
    for path in there.named(names):
        mark = mark_of(there.read(path) or "")
        if mark is not None and mark.project == project:
            yield path, mark


def changes_in(
    there: Files,
    road: Road,
    rendering: Rendering,
    project: str,
    *,
    patterns: tuple[str, ...] = (),
    declared: Iterable[str] = (),
    doubts: Iterable[str] = (),
    force: bool = False,
) -> list[FileChange]:
    """What would become of every file of a road in a folder, sorted by path. Changes nothing.

    ``patterns`` select targets (none: everything; what several share always counts), ``declared`` are all
    that there are, and ``doubts`` patterns of those that nobody could read. ``force`` takes over files that
    were edited and those of others. BadInput when a link lies in the way.
    """
    keys = set(declared)
    texts = texts_of(rendering, project)
    changes: list[FileChange] = []
    for path, (manifest, text) in texts.items():
        if is_chosen(manifest.owner, patterns):
            now = there.read(path)
            fate = _fate(now, text, project, force=force)
            before = now if fate is Fate.WRITTEN else None
            changes.append(FileChange(path=path, owner=manifest.owner, fate=fate, text=text, there=before))
    uncertain = tuple(doubts)
    for path in there.named(road.files):
        if path in texts:
            continue
        now = there.read(path)
        mark = mark_of(now or "")
        if (
            mark is None
            or mark.road != road.name
            or mark.project != project
            or not is_chosen(mark.owner, patterns)
        ):
            continue
        is_held = mark.owner in rendering.held or (
            mark.owner not in keys and bool(uncertain) and bool(select([mark.owner], uncertain))
        )
        stays = Fate.HELD if is_held else None if force else _fate_of(mark)
        fate = stays or Fate.REMOVED
        changes.append(FileChange(path=path, owner=mark.owner, fate=fate, there=now))
    return sorted(changes, key=lambda one: one.path)


def apply_changes(folder: Path, changes: Iterable[FileChange]) -> None:
    """Write and remove what is to be; folders that are empty then go too. MachineError when that fails.

    BadInput, before anything is written, where a folder cannot be written to or a file stands in its place.
    """
    todo = [one for one in changes if one.fate in (Fate.WRITTEN, Fate.REMOVED)]
    top = os.fspath(folder)
    checked: set[str] = set()
    for one in todo:
        check_is_writable(f"{top}/{one.path}".rpartition("/")[0], checked)
    try:
        for one in todo:
            if one.fate is Fate.WRITTEN:
                write_whole(f"{top}/{one.path}", one.text)
            elif one.fate is Fate.REMOVED:
                path = folder / one.path
                path.unlink(missing_ok=True)
                tidy(path.parent, folder)
    except OSError as error:
        raise MachineError.of(error) from error


def check_is_writable(folder: str, checked: set[str]) -> None:
    """BadInput for a folder that is none, or can neither be written to nor be made. Remembers ``checked``."""
    while folder not in checked:
        checked.add(folder)
        if not os.path.exists(folder):  # noqa: PTH110 - ten thousand of them, here and below
            folder = os.path.dirname(folder) or "."  # noqa: PTH120
        elif not os.path.isdir(folder):  # noqa: PTH112
            raise BadInput("it is no folder", where=folder, fix="name a folder with -o, or -")
        elif not os.access(folder, os.W_OK):
            raise BadInput(
                "the folder cannot be written to",
                where=folder,
                fix="mend its permissions, or name another one with -o",
            )


def _fate(there: str | None, text: str, project: str, *, force: bool) -> Fate:
    if there == text:
        return Fate.UNCHANGED
    if there is None or force:
        return Fate.WRITTEN
    mark = mark_of(there)
    if mark is None or mark.project != project:
        return Fate.FOREIGN
    return _fate_of(mark) or Fate.WRITTEN


def _fate_of(mark: Mark) -> Fate | None:
    """Why a file that is not as it should be stays as it is; None where nothing speaks for that."""
    if mark.is_edited:
        return Fate.EDITED
    return Fate.LEAVING if mark.lets_go else None


class FolderFiles:
    """The files of a folder, through no link, as they are when they are asked for the first time."""

    def __init__(self, folder: Path) -> None:
        self._folder = os.fspath(folder)
        self._plain: set[str] = set()  # folders that are no links
        self._absent: set[str] = set()  # what is not there

    def read(self, path: str) -> str | None:
        """The text of a file; None when there is none. BadInput when a link stands in the way."""
        if not self._may_be_there(path):
            return None
        try:
            with open(f"{self._folder}/{path}", "rb") as file:  # noqa: PTH123 - ten thousand of them
                return file.read().decode("utf-8", "replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except IsADirectoryError:
            raise BadInput(
                "a folder stands where a manifest would",
                where=f"{self._folder}/{path}",
                fix="move it away, or render into another folder",
            ) from None
        except OSError as error:
            raise MachineError.of(error) from error

    def named(self, names: Iterable[str]) -> Iterator[str]:
        """Paths of files with these names in the folders that roads use."""
        wanted = frozenset(names)
        for room in _ROOMS:
            yield from self._below(room, wanted)

    def _below(self, path: str, names: frozenset[str]) -> Iterator[str]:
        try:
            with os.scandir(f"{self._folder}/{path}") as entries:
                found = sorted(entries, key=lambda one: one.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise MachineError.of(error) from error
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                yield from self._below(f"{path}/{entry.name}", names)
            elif entry.name in names and entry.is_file(follow_symlinks=False):
                yield f"{path}/{entry.name}"

    def _may_be_there(self, path: str) -> bool:
        """Whether there may be a file. BadInput when a link stands in its way."""
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            at = "/".join(parts[:depth])
            if at in self._plain:
                continue
            if at in self._absent:
                return False
            try:
                mode = os.lstat(f"{self._folder}/{at}").st_mode
            except (FileNotFoundError, NotADirectoryError):
                self._absent.add(at)
                return False
            except OSError:
                return True  # opening it tells why it cannot be read
            if stat.S_ISLNK(mode):
                raise _linked(f"{self._folder}/{at}")
            if depth < len(parts):
                self._plain.add(at)
        return True


class TreeFiles:
    """The files of a folder in a commit, through no link."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self._tree = tree
        self._start = f"{folder}/" if folder not in ("", ".") else ""

    def read(self, path: str) -> str | None:
        """The text of a file; None when there is none. BadInput when a link stands in the way."""
        parts = f"{self._start}{path}".split("/")
        for depth in range(1, len(parts) + 1):
            if (at := "/".join(parts[:depth])) in self._tree.links:
                raise _linked(at)
        whole = "/".join(parts)
        if whole not in self._tree.blobs:
            return None
        return self._tree.read([whole])[whole].decode("utf-8", "replace")

    def named(self, names: Iterable[str]) -> Iterator[str]:
        """Paths of files with these names in the folders that roads use."""
        wanted = frozenset(names)
        for path in sorted(self._tree.blobs):
            below = path.removeprefix(self._start)
            room, slash, _ = below.partition("/")
            is_here = path.startswith(self._start) and room in _ROOMS and slash
            if is_here and path.rpartition("/")[2] in wanted:
                yield below


def _linked(path: str) -> BadInput:
    return BadInput(
        "it is a symbolic link, and manifests are not written through one",
        where=path,
        fix="remove the link, or render into another folder",
    )


def tidy(folder: Path, top: Path) -> None:
    """Remove folders that hold nothing any more, from ``folder`` up to ``top``, which stays."""
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
