"""Blobs of a commit, read in one go, fetched first when the mirror does not have them yet."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from string import hexdigits
from typing import Generic, TypeVar

from lockstep.errors import GitError
from lockstep.git.command import NETWORK_SECONDS, Repository
from lockstep.git.settings import settings

__all__ = ["fetch_blobs", "keep_blobs", "list_tree", "read_blobs"]


def read_blobs(
    repository: Repository, ids: Iterable[str], *, commit: str | Sequence[str]
) -> dict[str, bytes]:
    """Return the contents of blobs of one or several commits with one ``git cat-file --batch``.

    In a mirror or a partial clone those missing are fetched together before that: git by itself
    would fetch them one at a time. Raises GitError when a blob cannot be had.
    """
    ids = list(dict.fromkeys(ids))
    contents = _KNOWN.of(repository.folder, ids)
    wanted = [blob for blob in ids if blob not in contents]
    if not wanted:
        return contents
    commits = [commit] if isinstance(commit, str) else list(commit)
    fetch_blobs(repository, wanted, commits)
    doing = f"reading files of commit {commits[0][:12]}"
    stream = repository.run("cat-file", "--batch", doing=doing, data=("\n".join(wanted) + "\n").encode())
    position = 0
    for blob in wanted:
        end = stream.find(b"\n", position)
        parts = stream[position:end].split()
        if end < 0 or len(parts) != 3 or parts[1] != b"blob":
            raise GitError(
                f"object {blob} is missing from the repository",
                doing=doing,
                fix="git fsck, or clone the repository anew",
            )
        size = int(parts[2])
        contents[blob] = stream[end + 1 : end + 1 + size]
        position = end + size + 2
    _KNOWN.keep(repository.folder, {blob: contents[blob] for blob in wanted})
    return contents


def list_tree(repository: Repository, commit: str, *prefixes: str) -> bytes:
    """What ``git ls-tree`` lists of a commit: everything below some folders, or all."""
    is_lasting = len(commit) >= _SHORTEST and all(digit in hexdigits for digit in commit)
    known = _LISTED.of(repository.folder, [(commit, *prefixes)] if is_lasting else [])
    if known:
        return known[commit, *prefixes]
    listing = repository.run(
        *("ls-tree", "-r", "-z", "--full-tree", commit, "--", *prefixes),
        doing=f"listing commit {commit[:12]}",
    )
    if is_lasting:
        _LISTED.keep(repository.folder, {(commit, *prefixes): listing})
    return listing


_SHORTEST = 40  # digits of an id; a name of fewer may be another commit's tomorrow


_Name = TypeVar("_Name", bound=Hashable)


class _Known(Generic[_Name]):
    """What was read of repositories, by ids of objects, which name their contents: the last few megabytes."""

    def __init__(self, most: int) -> None:
        self._most = most  # bytes
        self._size = 0
        self._contents: OrderedDict[tuple[Path, _Name], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, folder: Path, names: Iterable[_Name]) -> dict[_Name, bytes]:
        """Those that are known."""
        found: dict[_Name, bytes] = {}
        with self._lock:
            for name in names:
                if (folder, name) in self._contents:
                    self._contents.move_to_end((folder, name))
                    found[name] = self._contents[folder, name]
        return found

    def keep(self, folder: Path, contents: Mapping[_Name, bytes]) -> None:
        """Keep what was read, and forget what was used longest ago."""
        with self._lock:
            for name, content in contents.items():
                self._size += len(content) - len(self._contents.pop((folder, name), b""))
                self._contents[folder, name] = content
            while self._size > self._most:
                self._size -= len(self._contents.popitem(last=False)[1])


_KNOWN: _Known[str] = _Known(8_000_000)
_LISTED: _Known[tuple[str, ...]] = _Known(8_000_000)


def fetch_blobs(repository: Repository, ids: Sequence[str], commits: Sequence[str]) -> None:
    """Fetch the blobs of commits that a mirror or a partial clone does not have yet, all in one request."""
    # A partial clone says which remote it has its missing objects from.
    if host := "origin" if repository.url else settings(repository).get("extensions.partialclone"):
        _fetch_missing(repository, host, ids, commits)


def keep_blobs(repository: Repository, contents: Mapping[str, bytes]) -> None:
    """Keep what git was just given, by the ids that it gave to it."""
    _KNOWN.keep(repository.folder, contents)


def _fetch_missing(repository: Repository, host: str, wanted: Sequence[str], commits: Sequence[str]) -> None:
    doing = "fetching files from the repository's host"
    listing = repository.run(
        *("rev-list", "--objects", "--no-walk", "--missing=print", "--stdin"),
        doing=doing,
        data=("\n".join(commits) + "\n").encode(),
    )
    absent = {line[1:] for line in listing.decode("ascii", "replace").splitlines() if line.startswith("?")}
    missing = [blob for blob in wanted if blob in absent]
    if missing:
        repository.run(
            *("-c", "fetch.negotiationAlgorithm=noop"),
            *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"),
            *("--filter=blob:none", "--stdin", host),
            doing=doing,
            data=("\n".join(missing) + "\n").encode(),
            seconds=NETWORK_SECONDS,
        )
