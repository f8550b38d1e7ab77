"""A forge with one repository, and a clone of it, as a test uses them."""

from dataclasses import dataclass
from typing import Protocol

from lockstep.forge.base import Forge
from tests.functional.git.conftest import Work

__all__ = ["Ground", "push"]


class Ground(Protocol):
    """One repository on one forge."""

    work: Work  # a clone; its origin is the forge's repository, whose main has one commit

    def open(self) -> Forge:
        """Another client of the forge."""
        ...

    def comments(self, number: int) -> list[str]:
        """The comments of a pull request or issue, oldest first, as a person reads them."""
        ...


@dataclass(frozen=True, kw_only=True)
class Change:
    """A head branch with one commit."""

    head: str
    sha: str


def push(work: Work, head: str, *, start: str = "origin/main", **files: str) -> Change:
    """Push a branch that changes files (``__`` in a name stands for ``/``) from ``start``."""
    work.git("fetch", "-q", "origin")
    work.git("checkout", "-q", "--detach", start)
    sha = work.commit(f"Change of {head}", **(files or {"version": f"{head}\n"}))
    work.git("push", "-q", "-f", "origin", f"{sha}:refs/heads/{head}")
    return Change(head=head, sha=sha)


def content(work: Work, path: str, *, branch: str = "main") -> str:
    """A file on a branch of the forge's repository."""
    work.git("fetch", "-q", "--prune", "origin")
    return work.git("show", f"origin/{branch}:{path}")


def branches(work: Work) -> set[str]:
    """The branches of the forge's repository."""
    listing = work.git("ls-remote", "--heads", "origin")
    return {line.partition("refs/heads/")[2] for line in listing.splitlines()}
