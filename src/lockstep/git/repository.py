"""Opening a repository: the files on disk, or any commit of a local or remote repository."""

import os
from dataclasses import replace
from pathlib import Path

from lockstep.errors import BadInput, GitError
from lockstep.git.access import Access
from lockstep.git.command import Repository, check_revision, run_git
from lockstep.git.facts import Facts
from lockstep.git.mirror import is_url, open_mirror
from lockstep.git.tree import CommitTree, WorkTree
from lockstep.suggest import suggestion
from lockstep.waiting import Deadline

__all__ = [
    "common_folder",
    "find_repository",
    "is_bare",
    "is_shallow",
    "open_commit",
    "open_worktree",
    "resolve_commit",
    "worktree_root",
]


def open_worktree(folder: Path, *, under: tuple[str, ...] = ()) -> WorkTree:
    """Open the repository around a folder as its files lie on disk.

    A folder outside Git is opened too; its ``commit`` is None. Raises BadInput when there is no such
    folder or the repository is bare, GitError when git cannot read it.
    """
    top, repository = _around(folder)
    return WorkTree(top, repository=repository, under=under)


def worktree_root(folder: Path) -> tuple[Path, bool]:
    """The root of the work tree that a folder lies in, itself outside Git; and whether it lies in Git.

    Raises as ``open_worktree``, and looks at no file.
    """
    top, repository = _around(folder)
    return top, repository is not None


def _around(folder: Path) -> tuple[Path, Repository | None]:
    """The work tree that a folder lies in, as its root and as a repository; itself and None outside Git."""
    root = _existing(folder)
    try:
        is_bare, is_inside, up, git = _looked_up(root, doing=f"opening {folder}")
    except (BadInput, GitError):
        if _lies_in_git(root):
            raise
        return root, None
    if not is_inside:
        what = "is a bare repository" if is_bare else "lies inside a .git folder"
        raise BadInput(
            f"{folder} {what}: no files are checked out there",
            fix="name a revision to read, for example --rev main, or a clone",
        )
    top = (root / up).resolve()
    return top, _opened(top, git, is_bare=False)


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
        return _opened(git, git, is_bare=True)
    if is_inside:
        return _opened((place / up).resolve(), git, is_bare=False)
    top = run_git(("-C", str(place), "rev-parse", "--show-toplevel"), doing=doing)  # which says what is wrong
    return Repository(folder=Path(os.fsdecode(top).removesuffix("\n")))


def _opened(folder: Path, git: Path, *, is_bare: bool) -> Repository:
    """The repository with what its opening told; ``git`` is where git keeps it."""
    facts = Facts()
    facts.once("is bare", lambda: is_bare)
    facts.once("common folder", lambda: _common(git))
    return Repository(folder=folder, facts=facts)


def _common(git: Path) -> Path:
    """Where several work trees of one repository keep what they share.

    Source: gitrepository-layout(5), "commondir".
    """
    try:
        return git / os.fsdecode((git / "commondir").read_bytes()).removesuffix("\n")
    except FileNotFoundError:
        return git


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
    if revision in repository.facts.commits:
        return revision
    doing = f"looking up {revision}"
    output = repository.run(
        *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"),
        doing=doing,
        allowed=(0, 1, 128),
    )
    if commit := output.decode("ascii").strip():
        repository.facts.commits.add(commit)
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
    """Say whether the repository lacks older commits. Source: gitrepository-layout(5), "shallow"."""
    return (common_folder(repository) / "shallow").exists()


def is_bare(repository: Repository) -> bool:
    """Say whether the repository has no work tree."""

    def ask() -> bool:
        answer = repository.run("rev-parse", "--is-bare-repository", doing="opening the repository")
        return answer.strip() == b"true"

    return repository.facts.once("is bare", ask)


def common_folder(repository: Repository) -> Path:
    """Where git keeps the repository, for all of its work trees."""
    if repository.url:
        return repository.folder

    def ask() -> Path:
        answer = repository.run("rev-parse", "--git-common-dir", doing="opening the repository")
        return repository.folder / os.fsdecode(answer).removesuffix("\n")

    return repository.facts.once("common folder", ask)


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
