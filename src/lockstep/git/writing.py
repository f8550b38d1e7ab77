"""Writing files to a branch: read its head, edit, commit, push; when somebody was faster, once more.

No work tree is needed and none is touched, but that of a repository without a remote that has the
branch checked out (see ``refs``). A run that was killed anywhere is finished by running it again.
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

from lockstep.errors import BadInput, Rejected
from lockstep.git.command import Repository
from lockstep.git.commits import Identity, Made, clean_message, commit_tree, write_tree
from lockstep.git.refs import RefUpdate, branch_ref
from lockstep.git.remote import Remote, fetch, list_refs, push
from lockstep.git.tree import CommitTree
from lockstep.model.tree import Tree
from lockstep.suggest import suggestion
from lockstep.values import dataclass

__all__ = ["Edit", "Written", "head", "write"]

# Path to new content, None removes the file; nothing to do when empty. Called again, on the new
# head, after a lost race: so it must depend on the tree alone.
Edit = Callable[[Tree], Mapping[str, bytes | None]]

_ATTEMPTS = 60
_LONGEST_WAIT = 8  # times what the attempt took


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """Where the branch is after ``write``."""

    commit: str
    is_new: bool  # made by this call; otherwise there was nothing to do
    parent: str | None  # the commit that was edited


@dataclass(frozen=True, kw_only=True, slots=True)
class EmptyTree:
    """The files before the first commit."""

    commit: str | None = None
    is_dirty: bool = False
    blobs: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Return the contents of no files; KeyError for any path."""
        for path in paths:
            raise KeyError(path)
        return {}


def head(remote: Remote, branch: str) -> str | None:
    """Return the commit that a branch is at now, fetched; None when there is no such branch."""
    ref = branch_ref(branch)
    refs = list_refs(remote, ref)
    fetch(remote, refs)
    return refs.get(ref)


def write(
    remote: Remote,
    branch: str,
    edit: Edit,
    message: str | Callable[[Tree], str],
    *,
    base: str | None = None,
    may_create: bool = False,
    author: Identity | None = None,
    made: Made | None = None,
    attempts: int = _ATTEMPTS,
) -> Written:
    """Commit what ``edit`` makes of a branch's files on top of its head, and push it.

    With ``base`` the branch is built on the head of that other branch instead: made when it is not
    there, and replaced when it holds anything else than this one commit. When the edit changes
    nothing, nothing is pushed and ``commit`` is the head that was edited. With ``made``, a commit of the
    edit that was looked at before, that one is pushed as long as it stands on the head.

    A push that came too late is no error: the head is read and edited again, up to ``attempts``
    times, after random waits that grow to a few times what an attempt takes: so many writers at once
    use most of the host's time and little of it in vain. Raises BadInput when the branch to edit is
    not there (unless ``may_create``: then it begins with this commit), Refused when the host does not
    allow the push, Rejected when others were faster every time, and whatever ``edit`` raises.
    """
    for attempt in range(1, attempts + 1):
        began = time.monotonic()
        try:
            return _write(
                remote, branch, edit, message, base=base, may_create=may_create, author=author, made=made
            )
        except Rejected as error:
            if attempt == attempts:
                raise Rejected(
                    f"others were faster {attempts} times in a row ({error.problem})",
                    doing=f"writing to {branch} of {remote}",
                    fix="run again when less is going on",
                ) from error
        longest = (time.monotonic() - began) * min(_LONGEST_WAIT, 2 ** (attempt - 1))
        time.sleep(random.uniform(0, longest))  # noqa: S311 - spreads the attempts, keeps no secret
    raise ValueError("attempts must be at least 1")


def _write(
    remote: Remote,
    branch: str,
    edit: Edit,
    message: str | Callable[[Tree], str],
    *,
    base: str | None,
    may_create: bool,
    author: Identity | None,
    made: Made | None,
) -> Written:
    repository = remote.repository
    target, start = branch_ref(branch), branch_ref(base or branch)
    refs = list_refs(remote, target, start)
    fetch(remote, refs)
    parent, now = refs.get(start), refs.get(target)
    if parent is None and not may_create:
        raise _unknown(remote, base or branch)
    if made is not None and parent is not None and made.parent == parent:
        files, said, author = made.tree, made.message, made.author
    else:
        made = None
        tree: Tree = CommitTree(repository, parent) if parent else EmptyTree()
        changes = edit(tree)
        files = write_tree(repository, parent, changes) if changes else None
        said = clean_message(message if isinstance(message, str) else message(tree)) if files else ""
    if files is None:
        if parent is None:
            raise BadInput("there is nothing to commit", doing=f"making the branch {branch}")
        return Written(commit=parent, is_new=False, parent=parent)
    if now and base and _is_made_of(repository, now, files, parent, said):
        return Written(commit=now, is_new=False, parent=parent)
    if made is not None:
        commit = made.commit
    else:
        parents = (parent,) if parent else ()
        commit = commit_tree(repository, files, parents=parents, message=said, author=author)
    push(remote, RefUpdate(ref=target, old=now, new=commit))
    return Written(commit=commit, is_new=True, parent=parent)


def _is_made_of(repository: Repository, commit: str, tree: str, parent: str | None, message: str) -> bool:
    """Say whether a commit is what would be made now, whoever made it and when."""
    text = repository.run("cat-file", "commit", commit, doing=f"reading commit {commit[:12]}")
    about, _, said = text.decode("utf-8", "replace").partition("\n\n")
    lines = about.split("\n")
    parents = [line for line in lines if line.startswith("parent ")]
    return (
        lines[0] == f"tree {tree}" and parents == ([f"parent {parent}"] if parent else []) and said == message
    )


def _unknown(remote: Remote, branch: str) -> BadInput:
    names = [ref.removeprefix("refs/heads/") for ref in list_refs(remote, "refs/heads/")]
    if not names:
        return BadInput(f"{remote} has no commits yet", fix="push a first commit")
    known = ", ".join(sorted(names)[:8]) + (", ..." if len(names) > 8 else "")
    return BadInput(
        f"{remote} has no branch {branch}",
        fix=suggestion(branch, names, f"push it first, or name one of: {known}"),
    )
