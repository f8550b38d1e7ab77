"""Refs of a local repository: names, and moving several at once if all are where they were.

A branch that is checked out somewhere takes its work tree along, as ``git merge --ff-only`` would,
unless that holds changes of its own in the same files.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lockstep.errors import BadInput, Refused, Rejected
from lockstep.git.command import Ended, Repository, explain_failure, mask
from lockstep.git.repository import common_folder
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["RefUpdate", "branch_ref", "read_refs", "update_refs"]

# See git-check-ref-format(1).
_BAD = regex(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|[/.]$")
_BUSY = regex(
    r"but expected|reference already exists|unable to resolve reference|reference is missing"
    r"|\.lock': File exists"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RefUpdate:
    """Move one ref from ``old`` to ``new``: compare and swap. BadInput for a name git does not allow."""

    ref: str  # in full: refs/heads/main
    new: str | None  # None removes it
    old: str | None  # None: it must not exist yet

    def __post_init__(self) -> None:
        if not self.ref.startswith("refs/") or _BAD.search(self.ref):
            raise BadInput(
                f"{self.ref.removeprefix('refs/heads/')!r} is no name for a branch or ref",
                fix="use letters, digits, - and /",
            )


def branch_ref(branch: str) -> str:
    """Return the full name of a branch's ref."""
    return branch if branch.startswith("refs/") else f"refs/heads/{branch}"


def read_refs(repository: Repository, *patterns: str) -> Mapping[str, str]:
    """Return refs of this repository by full name: each pattern is a ref, or a prefix ending in ``/``."""
    listing = repository.run(
        *("for-each-ref", "--format=%(objectname) %(refname)"),
        *(pattern.rstrip("/") for pattern in patterns),
        doing="reading the refs",
    )
    return select_refs(listing, patterns, separator=" ")


def select_refs(listing: bytes, patterns: Sequence[str], *, separator: str) -> Mapping[str, str]:
    """Return name to id of the lines of a listing whose names match one of the patterns."""
    found: dict[str, str] = {}
    for line in listing.decode("utf-8", "surrogateescape").split("\n"):
        id_, _, ref = line.partition(separator)
        if any(ref == pattern or (pattern.endswith("/") and ref.startswith(pattern)) for pattern in patterns):
            found[ref] = id_
    return found


def update_refs(repository: Repository, updates: Sequence[RefUpdate]) -> None:
    """Make all updates or none of them.

    Raises Rejected when a ref is not where it was expected, Refused when a work tree that has a
    branch checked out holds changes that are in the way, or would lose its branch.
    """
    work_trees = _work_trees(repository)
    if not any(update.ref in work_trees for update in updates):
        return _transact(repository, updates)
    for update in updates:
        if update.ref in work_trees and update.new is None:
            raise Refused(
                f"{_short(update.ref)} is checked out, so it cannot be removed",
                where=str(work_trees[update.ref].folder),
                fix="check out another branch there",
            )
    with _alone(repository), contextlib.ExitStack() as undo:
        now = read_refs(repository, *(update.ref for update in updates))
        if moved := [update.ref for update in updates if now.get(update.ref) != update.old]:
            raise _moved(moved[0], "somebody else changed it meanwhile")
        for update in updates:
            if work := work_trees.get(update.ref):
                _switch(work, update)
                undo.callback(_switch, work, replace(update, old=update.new, new=update.old))
        _transact(repository, updates)
        undo.pop_all()
    return None


def _transact(repository: Repository, updates: Sequence[RefUpdate]) -> None:
    lines = []
    for update in updates:
        # An old value of nothing but zeros says that the ref must not exist.
        old = update.old or "0" * len(update.new or "")
        change = f"update {update.ref}\0{update.new}\0" if update.new else f"delete {update.ref}\0"
        lines.append(f"{change}{old}\0")
    doing = f"moving {', '.join(update.ref for update in updates[:3])}"
    outcome = repository.attempt(
        *("update-ref", "-m", "lockstep", "--stdin", "-z"),
        doing=doing,
        data="".join(lines).encode("utf-8", "surrogateescape"),
    )
    _check(outcome, updates[0].ref if len(updates) == 1 else "one of several refs", doing)


def _check(outcome: Ended, ref: str, doing: str) -> None:
    if not outcome.code:
        return
    if taken := re.search(r"'refs/[^']*' exists; cannot create", outcome.errors):
        raise Refused(
            f"{_short(ref)} clashes with another name ({mask(taken[0])})",
            fix="remove or rename one of the two",
        )
    if _BUSY.search(outcome.errors):
        raise _moved(ref, mask(outcome.errors.strip().splitlines()[0]))
    raise explain_failure(outcome.errors, doing=doing)


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


def _moved(ref: str, reason: str) -> Rejected:
    return Rejected(f"{ref} was not moved: {reason}", fix="run again")


def _work_trees(repository: Repository) -> Mapping[str, Repository]:
    """Return the work tree of each branch that is checked out, by the branch's ref."""
    listing = repository.run("worktree", "list", "--porcelain", doing="looking for work trees")
    found: dict[str, Repository] = {}
    for entry in os.fsdecode(listing).split("\n\n"):
        lines = entry.strip("\n").split("\n")
        folder = Path(lines[0].removeprefix("worktree "))
        branch = next((line.removeprefix("branch ") for line in lines if line.startswith("branch ")), None)
        if branch and "bare" not in lines and folder.is_dir():
            found[branch] = Repository(folder=folder)
    return found


def _switch(work: Repository, update: RefUpdate) -> None:
    """Bring index and files of a work tree from one commit to another, keeping changes in other files."""
    doing = f"updating the files of {work.folder}"
    work.run("update-index", "-q", "--refresh", doing=doing, allowed=(0, 1))
    empty = work.run("hash-object", "-t", "tree", "--stdin", doing=doing, data=b"").decode("ascii").strip()
    outcome = work.attempt("read-tree", "-m", "-u", update.old or empty, update.new or empty, doing=doing)
    if files := re.findall(r"(?:Entry|Updating|file) '(.*?)'", outcome.errors):
        raise Refused(
            f"{_short(update.ref)} is checked out, and changes there that are not committed are in the way: "
            + ", ".join(files[:3]),
            where=str(work.folder),
            fix="commit or stash them, or check out another branch there",
        )
    _check(outcome, update.ref, doing)


@contextlib.contextmanager
def _alone(repository: Repository) -> Iterator[None]:
    """Keep other runs of Lockstep out while files and refs move together; leaves no file behind."""
    lock = os.open(common_folder(repository), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
