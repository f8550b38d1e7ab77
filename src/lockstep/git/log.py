"""Histories read whole: the commits of a range with their messages, and a file's contents over time."""

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lockstep.git.command import Repository
from lockstep.git.history import shallow_boundary
from lockstep.git.mirror import fetch_history
from lockstep.git.objects import read_blobs
from lockstep.git.repository import find_repository, resolve_commit
from lockstep.model.commit import LogEntry
from lockstep.values import dataclass

__all__ = [
    "Commits",
    "FileChange",
    "FileHistory",
    "commits_between",
    "contents_over_time",
    "count_commits",
    "histories",
    "merge_base",
]

_MAX_CHANGES = 10_000
_KEPT = 3  # names at a path's end by which a file is known again elsewhere
_FEW = 100  # paths that are given to git one by one
_FIELDS = "%H%x00%P%x00%aN%x00%cI%x00%B"
_MESSAGE = 4  # the message's place among the fields
_DIFF = (
    "-z",
    "--no-renames",
    "--no-ext-diff",
    "--no-color",
    "--no-notes",
    "--root",
    "--ignore-submodules=dirty",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Commits:
    """A range of commits, newest first: no commit stands before one that was made on top of it."""

    entries: tuple[LogEntry, ...]
    is_cut: bool  # a shallow clone lacks commits that belong to the range


@dataclass(frozen=True, kw_only=True, slots=True)
class FileChange:
    """One commit that changed a file, and what the file holds since."""

    commit: LogEntry
    content: bytes | None  # None: it was removed, or is no regular file any more
    is_oldest_known: bool = False  # a shallow clone ends here: the content may be older than the commit


@dataclass(frozen=True, kw_only=True, slots=True)
class FileHistory:
    """The changes of one file, newest first."""

    changes: tuple[FileChange, ...]
    is_cut: bool  # a shallow clone does not hold what came before


def commits_between(repository: Path | Repository, base: str | None, until: str = "HEAD") -> Commits:
    """The commits that ``until`` has and ``base`` has not, in one ``git log``; base None means all.

    ``base`` and ``until`` are anything that names a commit; BadInput for what names none.
    """
    place = repository if isinstance(repository, Repository) else find_repository(repository)
    last = resolve_commit(place, until)
    first = resolve_commit(place, base) if base is not None else None
    if place.url:
        fetch_history(place, last)
    mark = secrets.token_hex(8)
    output = place.run(
        *("log", *_DIFF, "-c", "--name-only", "--topo-order", f"--format={mark}{_FIELDS}"),
        *((last, f"^{first}") if first else (last,)),
        "--",
        doing="reading the history",
    )
    entries = tuple(
        LogEntry(
            sha=sha,
            parents=tuple(parents.split()),
            author=author,
            date=date,
            message=message,
            paths=frozenset(path for path in rest if path),
        )
        for sha, parents, author, date, message, *rest in _records(output, mark)
    )
    boundary = shallow_boundary(place)
    return Commits(entries=entries, is_cut=any(entry.sha in boundary for entry in entries))


def count_commits(repository: Repository, until: str) -> int:
    """The number of commits that ``until`` has, itself included."""
    answer = repository.run("rev-list", "--count", until, "--", doing="counting the commits")
    return int(answer)


def merge_base(repository: Repository, first: str, second: str) -> str | None:
    """The commit where two histories parted; None when they share none, as far as this clone has them."""
    answer = repository.run(
        "merge-base", first, second, doing="looking for the common history", allowed=(0, 1)
    )
    return answer.decode("ascii").strip() or None


def contents_over_time(
    repository: Path | Repository, path: str, rev: str = "HEAD", *, max_changes: int = _MAX_CHANGES
) -> FileHistory:
    """What a file held over time along the main line; see ``histories``."""
    return histories(repository, [path], rev, max_commits=max_changes)[path]


def histories(
    repository: Path | Repository,
    paths: Iterable[str],
    rev: str = "HEAD",
    *,
    max_commits: int = _MAX_CHANGES,
) -> Mapping[str, FileHistory]:
    """What files held over time along the main line, in one ``git log`` and one ``git cat-file``.

    The main line is that of the first parents: a merged branch counts as its merge. A file is known by
    its path; where a folder above it was moved, what it held before belongs to it: see ``_moved``. Empty
    when no commit of the main line has the path.
    """
    wanted = list(dict.fromkeys(paths))
    place = repository if isinstance(repository, Repository) else find_repository(repository)
    commit = resolve_commit(place, rev)
    if place.url:
        fetch_history(place, commit)
    mark = secrets.token_hex(8)
    output = place.run(
        *("log", *_DIFF, "--raw", "--no-abbrev", "--first-parent", "-m", f"--max-count={max_commits}"),
        *(f"--format={mark}{_FIELDS}", commit, "--", *_pathspecs(wanted)),
        doing=f"reading the history of {', '.join(wanted[:2])}",
    )
    found: dict[str, list[tuple[LogEntry, str | None]]] = {path: [] for path in wanted}
    for sha, parents, author, date, message, *rest in _records(output, mark):
        entry = LogEntry(sha=sha, parents=tuple(parents.split()), author=author, date=date, message=message)
        for path, blob in _blobs_of(rest):
            if path in found:
                found[path].append((replace(entry, paths=frozenset({path})), blob))
    named = {blob: entry.sha for changes in found.values() for entry, blob in changes if blob}
    contents = read_blobs(place, list(named), commit=list(dict.fromkeys(named.values())))
    boundary = shallow_boundary(place)
    changes_of = {
        path: tuple(
            FileChange(
                commit=entry,
                content=contents[blob] if blob else None,
                is_oldest_known=entry.sha in boundary,
            )
            for entry, blob in changes
        )
        for path, changes in found.items()
    }
    first = {path: changes[-1] for path, changes in changes_of.items() if changes}
    added = {
        path: one.commit for path, one in first.items() if one.content is not None and not one.is_oldest_known
    }
    before = _before(place, added)
    return {
        path: FileHistory(changes=(*changes, *before.get(path, ())), is_cut=bool(boundary))
        for path, changes in changes_of.items()
    }


def _before(place: Repository, added: Mapping[str, LogEntry]) -> Mapping[str, tuple[FileChange, ...]]:
    """What files held before the folder that they are in was moved, by their present paths."""
    origins = _moved(place, {path: entry for path, entry in added.items() if entry.parents})
    earlier: dict[str, tuple[FileChange, ...]] = {}
    for parent in dict.fromkeys(parent for _, parent in origins.values()):
        names = {path: old for path, (old, where) in origins.items() if where == parent}
        found = histories(place, names.values(), parent)
        earlier |= {path: found[old].changes for path, old in names.items()}
    return earlier


def _moved(place: Repository, added: Mapping[str, LogEntry]) -> Mapping[str, tuple[str, str]]:
    """Where files were before the commits that added them: the old path, and the commit before.

    A file was moved when its commit removed exactly one of the same name in folders of the same two names,
    such as ``staging/api/config.yaml``. Another name would be another service or environment, whose
    versions are not this one's.
    """
    parents = {entry.sha: entry.parents[0] for entry in added.values()}
    if not parents:
        return {}
    output = place.run(
        *("diff-tree", "--stdin", "-r", "-z", "--no-renames", "--name-only", "--diff-filter=D", "--no-color"),
        doing="looking where files were before",
        data="".join(f"{sha} {parent}\n" for sha, parent in parents.items()).encode(),
    )
    removed: dict[str, dict[tuple[str, ...], list[str]]] = {sha: {} for sha in parents}
    current = ""
    for token in output.decode("utf-8", "surrogateescape").split("\0"):
        sha = token.strip()
        if sha in removed:
            current = sha
        elif token and current:
            removed[current].setdefault(_end(token), []).append(token)
    origins: dict[str, tuple[str, str]] = {}
    for path, entry in added.items():
        old = removed[entry.sha].get(_end(path), [])
        if len(old) == 1 and len(_end(path)) == _KEPT:
            origins[path] = (old[0], parents[entry.sha])
    return origins


def _end(path: str) -> tuple[str, ...]:
    return tuple(path.split("/")[-_KEPT:])


def _pathspecs(paths: Sequence[str]) -> Sequence[str]:
    """The paths themselves, or where they are many the folder that holds them all."""
    if len(paths) <= _FEW:
        return paths
    folder = os.path.commonpath([os.path.dirname(path) or "." for path in paths])  # noqa: PTH120
    return (folder or ".",)


def _records(output: bytes, mark: str) -> Iterator[list[str]]:
    """The fields of each commit. The mark is random, so that no message and no path can hold it."""
    for record in output.decode("utf-8", "surrogateescape").split(mark)[1:]:
        fields = record.split("\0")
        if len(fields) > _MESSAGE + 1:  # git writes a line feed before the first path
            fields[_MESSAGE + 1] = fields[_MESSAGE + 1].removeprefix("\n")
        yield fields


def _blobs_of(tokens: list[str]) -> Iterator[tuple[str, str | None]]:
    """Paths and blobs that a raw diff names; None for what was removed or is no regular file any more."""
    for about, name in zip(tokens[::2], tokens[1::2], strict=False):
        parts = about.removeprefix(":").split(" ")
        if len(parts) == 5:
            yield name, parts[3] if parts[1] in ("100644", "100755") else None
