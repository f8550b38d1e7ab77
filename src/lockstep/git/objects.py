"""Blobs of a commit, read in one go, fetched first when the mirror does not have them yet."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from lockstep.errors import GitError
from lockstep.git.command import NETWORK_SECONDS, Repository

__all__ = ["fetch_blobs", "read_blobs"]


def read_blobs(
    repository: Repository, ids: Iterable[str], *, commit: str | Sequence[str]
) -> dict[str, bytes]:
    """Return the contents of blobs of one or several commits with one ``git cat-file --batch``.

    In a mirror or a partial clone those missing are fetched together before that: git by itself
    would fetch them one at a time. Raises GitError when a blob cannot be had.
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    commits = [commit] if isinstance(commit, str) else list(commit)
    fetch_blobs(repository, wanted, commits)
    doing = f"reading files of commit {commits[0][:12]}"
    stream = repository.run("cat-file", "--batch", doing=doing, data=("\n".join(wanted) + "\n").encode())
    contents: dict[str, bytes] = {}
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
    return contents


def fetch_blobs(repository: Repository, ids: Sequence[str], commits: Sequence[str]) -> None:
    """Fetch the blobs of commits that a mirror or a partial clone does not have yet, all in one request."""
    if host := "origin" if repository.url else _partial(repository.folder):
        _fetch_missing(repository, host, ids, commits)


@lru_cache(maxsize=64)
def _partial(folder: Path) -> str | None:
    """The remote that a partial clone has its missing objects from; None for any other clone.

    Clones are partial from their beginning, so each is asked once.
    """
    configured = Repository(folder=folder).run(
        *("config", "--get", "extensions.partialClone"), doing="opening the repository", allowed=(0, 1)
    )
    return configured.decode("utf-8", "replace").strip() or None


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
