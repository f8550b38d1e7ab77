"""Ledgers: files on refs of the repository, changed by compare and swap.

    refs/lockstep/pulls         pull requests and issues
    refs/lockstep/statuses      commit statuses
    refs/lockstep/deployments   deployments by environment

Every change is a commit on top of the one before, so each ledger keeps its own history.
"""

import contextlib
import fcntl
import hashlib
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from lockstep.errors import ForgeError, GitError, Rejected
from lockstep.git.command import NETWORK_SECONDS, Repository, mask
from lockstep.git.commits import author_of, commit_files
from lockstep.git.mirror import fetch_history
from lockstep.git.objects import list_tree, read_blobs
from lockstep.git.refs import RefUpdate
from lockstep.git.remote import Remote, fetch, list_refs, push
from lockstep.git.repository import is_shallow
from lockstep.git.settings import url_of
from lockstep.values import dataclass

__all__ = ["BRANCHES", "DEPLOYMENTS", "PULLS", "STATUSES", "Edit", "Ledgers", "Snapshot"]

_T = TypeVar("_T")

BRANCHES = "refs/heads/"
PULLS = "refs/lockstep/pulls"
STATUSES = "refs/lockstep/statuses"
DEPLOYMENTS = "refs/lockstep/deployments"
_ATTEMPTS = 40  # each is lost to somebody whose own change went in
_MOST_WAITS = 4  # times what an attempt takes


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """A ledger, and all refs that matter as they were at one time."""

    repository: Repository
    commit: str | None  # of the ledger; None: it has not been begun
    blobs: Mapping[str, str]  # path -> blob
    refs: Mapping[str, str]  # of ledgers and branches

    @property
    def branches(self) -> Mapping[str, str]:
        """The branches, name to commit."""
        heads = ((ref, commit) for ref, commit in self.refs.items() if ref.startswith(BRANCHES))
        return {ref.removeprefix(BRANCHES): commit for ref, commit in heads}

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of files that are there, by path."""
        wanted = {path: self.blobs[path] for path in paths if path in self.blobs}
        if self.commit is None:
            return {}
        contents = read_blobs(self.repository, wanted.values(), commit=self.commit)
        return {path: contents[blob] for path, blob in wanted.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A change of a ledger: contents by path (None removes), and refs that have to move with it."""

    message: str
    changes: Mapping[str, bytes | None]
    moves: tuple[RefUpdate, ...] = ()


def address_of(remote: Remote) -> str:
    """Where a remote's refs are, as people may see it: a URL or a folder."""
    if remote.name is None:
        return str(remote.repository.folder)
    if remote.repository.url:
        return mask(remote.repository.url)
    return mask(url_of(remote.repository, remote.name))


class Ledgers:
    """Reads and changes the ledgers of one repository.

    ``locks`` is a folder for files that keep this machine's writers in a row.
    """

    def __init__(self, remote: Remote, locks: Path) -> None:
        self.remote = remote
        self.repository = remote.repository
        self.address = address_of(remote)
        self._lock = locks / f"{hashlib.sha256(self.address.encode()).hexdigest()[:32]}.lock"

    @property
    def who(self) -> str:
        """Whom changes are by: the name that Git would put into a commit."""
        return author_of(self.repository).name

    @property
    def now(self) -> str:
        """The time, ISO 8601."""
        return datetime.now(UTC).isoformat(timespec="seconds")

    def look(self, ledger: str, *others: str) -> Snapshot:
        """Read a ledger as it is now, with the branches and some other refs as they are now."""
        refs = list_refs(self.remote, ledger, PULLS, STATUSES, DEPLOYMENTS, BRANCHES, *others)
        return self._open(ledger, refs)

    def beside(self, snapshot: Snapshot, ledger: str) -> Snapshot:
        """Another ledger as it was when a snapshot was made."""
        return self._open(ledger, snapshot.refs)

    def _open(self, ledger: str, refs: Mapping[str, str]) -> Snapshot:
        commit = refs.get(ledger)
        blobs: dict[str, str] = {}
        if commit is not None:
            fetch(self.remote, {ledger: commit})
            listing = list_tree(self.repository, commit)
            for entry in listing.decode("utf-8", "surrogateescape").split("\0")[:-1]:
                about, _, path = entry.partition("\t")
                blobs[path] = about.split()[2]
        return Snapshot(repository=self.repository, commit=commit, blobs=blobs, refs=refs)

    def change(self, ledger: str, decide: Callable[[Snapshot], tuple[Edit | None, _T]]) -> _T:
        """Read a ledger, let ``decide`` say what to change, and push it; again while others are faster.

        ``decide`` also gives what is returned in the end. Without an edit nothing is pushed. Raises
        what ``decide`` raises, Refused when the host does not let the push in, and ForgeError when
        others were faster too often.
        """

        def attempt() -> _T:
            snapshot = self.look(ledger)
            edit, result = decide(snapshot)
            if edit is not None:
                self.write(ledger, snapshot, edit)
            return result

        with self._alone():
            return self.again(attempt)

    def again(self, attempt: Callable[[], _T]) -> _T:
        """Do something until no ref moves while it is done; ForgeError when that never happens.

        The waits between are random and grow to a few times what an attempt takes.
        """
        for number in range(_ATTEMPTS):
            began = time.monotonic()
            try:
                return attempt()
            except Rejected:
                longest = (time.monotonic() - began) * min(_MOST_WAITS, 2**number)
                time.sleep(random.uniform(0, longest))  # noqa: S311 - spreads the attempts, keeps no secret
        raise ForgeError(
            f"others changed refs {_ATTEMPTS} times meanwhile",
            where=self.address,
            fix="run again when less is going on",
        )

    def write(self, ledger: str, snapshot: Snapshot, edit: Edit) -> None:
        """Push one edit of what a snapshot shows; Rejected when somebody else was faster."""
        commit = commit_files(
            self.repository, parent=snapshot.commit, changes=edit.changes, message=edit.message
        )
        push(self.remote, RefUpdate(ref=ledger, new=commit, old=snapshot.commit), *edit.moves)

    def fetch_branches(self, commits: Mapping[str, str]) -> None:
        """Fetch commits of branches, by the branches' names, with the history before them."""
        self.fetch_history({BRANCHES + name: commit for name, commit in commits.items()})

    def fetch_history(self, refs: Mapping[str, str]) -> None:
        """Fetch what refs name, with the history before it."""
        if not refs:
            return
        fetch(self.remote, refs, with_history=True)
        if is_shallow(self.repository) and self.remote.name is not None:
            self._unshallow(refs)

    def ahead_of(self, base: str, commits: Iterable[str]) -> set[str]:
        """Those of some commits that a base does not have in its history, with what is before them."""
        wanted = "".join(f"{commit}\n" for commit in commits)

        def compare() -> set[str]:
            output = self.repository.run(
                "rev-list", "--stdin", doing="comparing branches", data=f"^{base}\n{wanted}".encode()
            )
            return set(output.decode("ascii").split())

        return self.repository.facts.once(("ahead", base, wanted), compare)

    def is_in(self, commit: str, branch: str) -> bool:
        """Say whether a branch's commit has another one in its history; it may be one that is gone."""
        try:
            self.repository.run("merge-base", "--is-ancestor", commit, branch, doing="comparing branches")
        except GitError:
            return False
        return True

    def _unshallow(self, refs: Mapping[str, str]) -> None:
        if self.repository.url:
            fetch_history(self.repository, next(iter(refs.values())))
            return
        self.repository.run(
            *("fetch", "--quiet", "--unshallow", "--no-tags", "--no-prune", "--no-write-fetch-head"),
            *("--no-recurse-submodules", str(self.remote.name), *refs.values()),
            doing=f"fetching the history from {self.remote}",
            seconds=NETWORK_SECONDS,
        )

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let the writers of this machine go one after the other: cheaper than losing races."""
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ForgeError(
                f"the cache {self._lock.parent} cannot be written: {error.strerror}",
                fix="name another folder in LOCKSTEP_CACHE",
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
