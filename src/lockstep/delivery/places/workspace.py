"""Opening a project: the folder or commit that a command works on, read and validated."""

import datetime
import os
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path

from lockstep.config.cache import Cache
from lockstep.config.load import load
from lockstep.errors import BadInput
from lockstep.git.access import Access
from lockstep.git.command import NETWORK_SECONDS, Repository, mask
from lockstep.git.history import changed_paths
from lockstep.git.remote import Remote, open_remote
from lockstep.git.repository import open_commit, open_worktree, worktree_root
from lockstep.git.tree import CommitTree, WorkTree
from lockstep.model import Fleet, Project
from lockstep.model.kubernetes import MANIFESTS
from lockstep.model.tree import Tree
from lockstep.values import dataclass
from lockstep.waiting import Deadline

__all__ = ["PROJECT_FILE", "Subtree", "Where", "Workspace", "declarations_in", "open_tree", "open_workspace"]

PROJECT_FILE = "lockstep.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Which tree to read: a folder as it lies on disk, or a commit of a repository."""

    folder: Path
    repo: str | None = None  # path or URL; with ``rev``
    rev: str | None = None
    cache: Path
    access: Access | None = None  # for the host of ``repo``, or of the folder's remote
    about: str | None = None  # what ``rev`` is, for messages; None: the commit says enough
    previews: str | None = None  # commit of the branch of previews, where they have one; None: its newest
    timeout: float | None = None  # seconds that reading may take; None: by what there is to read
    deadline: Deadline = field(default_factory=Deadline, repr=False, compare=False)  # of Git and packages


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """A project that was read and found valid."""

    project: Project
    fleet: Fleet
    tree: Tree
    where: Where
    root: Path | None  # folder of the project file on disk; None for a remote repository
    warnings: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]]  # target -> every file that contributes to it
    repository: Repository | None = None  # with the tree's history; None outside Git
    prefix: str = ""  # of the project's folder in the repository, ending in "/"
    whole: WorkTree | CommitTree  # the repository's tree, of which ``tree`` is the project's part
    previews: CommitTree | None = None  # the whole branch of previews, where they have one of their own
    uncommitted: tuple[str, ...] = ()  # files of the declaration that are not as in the commit
    manifests: str | None = None  # commit to take for the newest of their own branch; None: what it is at

    def remote(self, access: Access | None) -> Remote:
        """Where the repository's refs are shared, as ``open_remote`` finds it; asked with ``access``."""
        where = self.where
        return open_remote(where.repo or self.repository or where.folder, where.cache, access=access)


@dataclass(frozen=True, slots=True)
class Subtree:
    """The part of a tree below a folder, with that folder as its root."""

    tree: Tree
    prefix: str  # ends in "/"

    @property
    def commit(self) -> str | None:
        """As the whole tree's."""
        return self.tree.commit

    @property
    def is_dirty(self) -> bool:
        """As the whole tree's."""
        return self.tree.is_dirty

    @property
    def blobs(self) -> Mapping[str, str]:
        """Files below the folder."""
        return _below(self.tree.blobs, self.prefix)

    @property
    def links(self) -> Mapping[str, str]:
        """Symbolic links below the folder."""
        return _below(self.tree.links, self.prefix)

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Contents by path below the folder."""
        found = self.tree.read([self.prefix + path for path in paths])
        return {path.removeprefix(self.prefix): data for path, data in found.items()}


def open_workspace(
    where: Where, *, today: datetime.date | None = None, opened: CommitTree | None = None
) -> Workspace:
    """Read the project and check all that can be checked without AWS, as of today or of another day.

    ``opened`` is the tree of the revision, where it was opened before.
    Raises BadInput or BadInputs with file and line; GitError when git cannot read the tree.
    """
    with where.deadline.reading(where.timeout or NETWORK_SECONDS):
        return _open_workspace(where, today, opened)


def _open_workspace(where: Where, today: datetime.date | None, opened: CommitTree | None) -> Workspace:
    whole, prefix, root = open_tree(where, opened)
    tree: Tree = Subtree(whole, prefix) if prefix else whole
    previews: CommitTree | None = None
    leftover: list[str] = []

    def widen(project: Project) -> Tree:
        """With the previews, where those have a branch of their own."""
        nonlocal tree, previews, leftover
        if project.preview.branch is not None:
            from lockstep.delivery.places.joined import Joined, left_over, open_previews

            remote = open_remote(
                where.repo or whole.repository or where.folder,
                where.cache,
                access=where.access,
                deadline=where.deadline,
            )
            previews = open_previews(remote, project, where.previews)
            leftover = left_over(tree, project)
            tree = Joined(tree, Subtree(previews, prefix) if prefix else previews, project.folder)
        return tree

    loaded = load(tree, project_file=PROJECT_FILE, cache=Cache(where.cache), widen=widen, today=today)
    changed = _uncommitted(whole, prefix, loaded.project.folder)
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        about = f"not as in commit {(whole.commit or '')[:8]}; what is on disk counts"
        leftover.append(f"{changed[0]}{more}: {about}")
    return Workspace(
        project=loaded.project,
        fleet=replace(loaded.fleet, previews=previews.commit if previews is not None else None),
        previews=previews,
        tree=tree,
        where=where,
        root=root,
        warnings=(*loaded.warnings, *leftover),
        uncommitted=tuple(changed),
        repository=whole.repository,
        whole=whole,
        prefix=prefix,
        files=loaded.files,
    )


def _uncommitted(tree: WorkTree | CommitTree, prefix: str, folder: str) -> list[str]:
    """Files of the declaration whose content on disk is not what the commit holds that a plan names."""
    if not tree.is_dirty or tree.commit is None or tree.repository is None:
        return []
    return declarations_in(changed_paths(tree.repository, tree.commit) or set(), prefix, folder)


def declarations_in(paths: Iterable[str], prefix: str, folder: str) -> list[str]:
    """The paths among some of a repository's that declare something of the project, without its prefix."""
    base = f"{prefix}{folder}/" if folder not in {"", "."} else prefix
    return sorted(
        path.removeprefix(prefix)
        for path in paths
        if path == f"{prefix}{PROJECT_FILE}"
        or (path.startswith(base) and path.endswith((".yaml", ".yml")) and _name(path) not in MANIFESTS)
    )


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def open_tree(
    where: Where, opened: CommitTree | None = None
) -> tuple[WorkTree | CommitTree, str, Path | None]:
    """The repository's tree, the prefix of the project's folder in it, and that folder on disk.

    The project file is looked for in the folder and in those above it, up to the repository's root.
    """
    if where.repo is not None or where.rev is not None:
        repo = where.repo or str(where.folder)
        tree: WorkTree | CommitTree = opened or open_commit(
            repo, where.rev or "HEAD", where.cache, access=where.access, deadline=where.deadline
        )
        local = Path(repo) if Path(repo).is_dir() else None
        top = _top(tree.repository, local) if local is not None and where.repo is None else local
    else:
        # Without a project file near, only that is looked for: outside Git the folder could be a home.
        work = open_worktree(where.folder, under=() if _is_near(where.folder) else (PROJECT_FILE,))
        tree, top = work, work.root
    inside = ""
    if top is not None and where.repo is None:
        inside = where.folder.resolve().relative_to(top.resolve()).as_posix()
    parts = [] if inside in {"", "."} else inside.split("/")
    for depth in range(len(parts), -1, -1):
        prefix = "".join(f"{part}/" for part in parts[:depth])
        if f"{prefix}{PROJECT_FILE}" in tree.blobs or f"{prefix}{PROJECT_FILE}" in tree.links:
            root = top / prefix if top is not None else None
            return tree, prefix, root
    if any(path.startswith(f"{PROJECT_FILE}/") for path in tree.blobs):
        raise BadInput(f"{PROJECT_FILE} is a folder", where=PROJECT_FILE, fix="put the project's file there")
    raise BadInput(
        f"there is no {PROJECT_FILE}",
        where=mask(where.repo) if where.repo else str(where.folder.resolve()),
        fix="run `lockstep init` there, or name the project's folder with -C",
    )


def _top(repository: Repository | None, local: Path) -> Path:
    """The root of the work tree around ``local``, which the repository tells where it is not a bare one."""
    if repository is not None and os.path.lexists(repository.folder / ".git"):
        return repository.folder
    return worktree_root(local)[0]


def _is_near(folder: Path) -> bool:
    """Whether a project file lies in the folder or in one above it."""
    here = folder.resolve()
    return any(os.path.lexists(place / PROJECT_FILE) for place in (here, *here.parents))


def _below(files: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {path.removeprefix(prefix): value for path, value in files.items() if path.startswith(prefix)}
