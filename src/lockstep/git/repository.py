"""Opening a repository: the files on disk, or any commit of a local or remote repository."""

import os
from dataclasses import replace
from pathlib import Path

from lockstep.errors import BadInput, GitError
from lockstep.git.access import Access
from lockstep.git.command import Repository, check_revision, run_git
from lockstep.git.mirror import is_url, open_mirror
from lockstep.git.tree import CommitTree, WorkTree
from lockstep.suggest import suggestion
from lockstep.waiting import Deadline

__all__ = ["find_repository", "open_commit", "open_worktree", "resolve_commit", "worktree_root"]


def open_worktree(folder: Path, *, under: tuple[str, ...] = ()) -> WorkTree:
    """Open the repository around a folder as its files lie on disk.

    A folder outside Git is opened too; its ``commit`` is None. Raises BadInput when there is no such
    folder or the repository is bare, GitError when git cannot read it.
    """
    top, is_in_git = worktree_root(folder)
    return WorkTree(top, repository=Repository(folder=top) if is_in_git else None, under=under)


def worktree_root(folder: Path) -> tuple[Path, bool]:
    """The root of the work tree that a folder lies in, itself outside Git; and whether it lies in Git.

    Raises as ``open_worktree``, and looks at no file.
    """
    root = _existing(folder)
    try:
        is_bare, is_inside, up, _ = _looked_up(root, doing=f"opening {folder}")
    except (BadInput, GitError):
        if _lies_in_git(root):
            raise
        return root, False
    if not is_inside:
        what = "is a bare repository" if is_bare else "lies inside a .git folder"
        raise BadInput(
            f"{folder} {what}: no files are checked out there",
            fix="name a revision to read, for example --rev main, or a clone",
        )
    return (root / up).resolve(), True


def open_commit(
    repo: str | None,
    rev: str,
    cache: Path,
    *,
    under: tuple[str, ...] = (),
    access: Access | None = None,
    deadline: Deadline | None = None,
) -> CommitTree:
    """Open one commit without a checkout.

    ``repo`` is a folder, the URL of a remote repository (mirrored below ``cache``), or None for the
    current folder; ``access`` is used where its host is asked, in the time of ``deadline``. Raises
    BadInput for a revision or repository that is not there, GitError when git or the network fails.
    """
    check_revision(rev)
    if repo is not None and is_url(repo):
        mirror, commit = open_mirror(repo, rev, cache, access=access, deadline=deadline)
        return CommitTree(mirror, commit, under=under)
    repository = replace(find_repository(Path(repo or ".")), access=access, deadline=deadline)
    return CommitTree(repository, resolve_commit(repository, rev), under=under)


def find_repository(folder: Path) -> Repository:
    """Return the local repository that a folder lies in, bare or not; BadInput when there is none."""
    place = _existing(folder)
    doing = f"opening {folder}"
    is_bare, is_inside, up, git = _looked_up(place, doing=doing)
    if is_bare:
        return Repository(folder=git)
    if is_inside:
        return Repository(folder=(place / up).resolve())
    top = run_git(("-C", str(place), "rev-parse", "--show-toplevel"), doing=doing)  # which says what is wrong
    return Repository(folder=Path(os.fsdecode(top).removesuffix("\n")))


def _looked_up(place: Path, *, doing: str) -> tuple[bool, bool, str, Path]:
    """Whether a folder's repository is bare, whether the folder lies in its work tree, the way up to the
    root of that, and the folder of the repository itself.
    """
    asked = ("--is-bare-repository", "--is-inside-work-tree", "--absolute-git-dir", "--show-cdup")
    answer = os.fsdecode(run_git(("-C", str(place), "rev-parse", *asked), doing=doing))
    is_bare, is_inside, rest = answer.split("\n", 2)
    git, up = rest.removesuffix("\n"), ""
    if is_inside == "true":  # elsewhere there is no last line
        git, _, up = git.rpartition("\n")
    return is_bare == "true", is_inside == "true", up, Path(git)


def resolve_commit(repository: Repository, revision: str) -> str:
    """Return the commit id of a revision; BadInput when there is none, naming what is near."""
    check_revision(revision)
    doing = f"looking up {revision}"
    output = repository.run(
        *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"),
        doing=doing,
        allowed=(0, 1, 128),
    )
    if commit := output.decode("ascii").strip():
        return commit
    listing = repository.run("for-each-ref", "--format=%(refname:short)", "--count=5000", doing=doing)
    names = listing.decode("utf-8", "replace").split()
    if not names and not _has_head(repository):
        raise BadInput(
            "the repository has no commits yet", where=str(repository.folder), fix="commit your files first"
        )
    if is_shallow(repository):
        raise BadInput(
            f"{revision} is not in this shallow clone, which holds only the newest commits",
            where=str(repository.folder),
            fix="git fetch --unshallow, or in GitHub Actions: actions/checkout with fetch-depth: 0",
        )
    near = next((name for name in names if name.endswith("/" + revision)), None)
    otherwise = "name a branch, a tag or a commit; git fetch if it is new"
    raise BadInput(
        f"the repository has no revision {revision}",
        where=str(repository.folder),
        fix=f"did you mean {near}?" if near else suggestion(revision, names, otherwise),
    )


def is_shallow(repository: Repository) -> bool:
    """Say whether the repository lacks older commits."""
    answer = repository.run("rev-parse", "--is-shallow-repository", doing="opening the repository")
    return answer.strip() == b"true"


def _has_head(repository: Repository) -> bool:
    allowed = (0, 1, 128)
    head = repository.run("rev-parse", "--verify", "--quiet", "HEAD", doing="opening", allowed=allowed)
    return bool(head.strip())


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise BadInput(f"{folder} {what}", fix="name the folder of a repository")
    return folder.resolve()


def _lies_in_git(folder: Path) -> bool:
    return any((place / ".git").exists() for place in (folder, *folder.parents))
