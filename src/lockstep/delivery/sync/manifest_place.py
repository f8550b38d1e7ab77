"""Where manifests lie: among the declarations, or on a branch that nothing else is on."""

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.manifests import TreeFiles
from lockstep.errors import BadInput
from lockstep.git.remote import Remote, open_remote
from lockstep.git.tree import CommitTree
from lockstep.git.writing import EmptyTree, head, write
from lockstep.model import Project
from lockstep.model.tree import Tree
from lockstep.values import dataclass

__all__ = ["ManifestPlace", "begin_branch", "check_is_apart", "check_is_empty_of", "manifest_place"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestPlace:
    """The manifests of a project as they were read, and how their paths begin in the repository."""

    files: TreeFiles
    start: str  # ends in "/", or is ""
    branch: str | None = None  # of their own
    commit: str | None = None  # of that branch; None where it is not there yet


def manifest_place(workspace: Workspace, remote: Remote | None = None) -> ManifestPlace:
    """Read them where the project says that they lie: in its tree, or at the newest commit of their branch.

    A branch that is not there yet holds none. BadInput for one that holds declarations.
    """
    project = workspace.project
    branch = project.kubernetes.branch
    if branch is None:
        folder = "" if project.folder in ("", ".") else f"{project.folder}/"
        return ManifestPlace(
            files=TreeFiles(workspace.tree, project.folder), start=f"{workspace.prefix}{folder}"
        )
    check_is_apart(project, branch, None)
    where = workspace.where
    if remote is None:
        remote = open_remote(
            where.repo or where.folder, where.cache, access=where.access, deadline=where.deadline
        )
    commit = workspace.manifests or head(remote, branch)
    tree: Tree = CommitTree(remote.repository, commit) if commit is not None else EmptyTree()
    check_is_empty_of(project, branch, tree)
    return ManifestPlace(files=TreeFiles(tree, ""), start="", branch=branch, commit=commit)


def begin_branch(remote: Remote, project: Project, branch: str) -> None:
    """Make the branch where there is none, with a file that says what it is: a pull request needs a base."""
    about = (
        f"# Manifests of the project {project.name}\n\n"
        "Lockstep writes them, from what is declared on another branch of this repository. "
        "Nothing is declared here.\n"
    )
    if head(remote, branch) is None:
        write(
            remote,
            branch,
            lambda tree: {} if tree.blobs else {"README.md": about.encode()},
            f"Begin the manifests of {project.name}",
            may_create=True,
        )


def check_is_apart(project: Project, branch: str, deployed: str | None) -> None:
    """BadInput for the branch that is deployed from, and for that of previews."""
    others = {deployed: "what is declared", project.preview.branch: "the previews"}
    if branch in others:
        raise BadInput(
            f"the branch {branch} holds {others[branch]}, and manifests would lie among it",
            where=project.kubernetes.place if branch == project.kubernetes.branch else "--branch",
            fix="name another branch, which is made when there is none; or leave it out",
        )


def check_is_empty_of(project: Project, branch: str, tree: Tree) -> None:
    """BadInput for a branch of somebody's work: one that holds a project file."""
    found = next((path for path in tree.blobs if path.rpartition("/")[2] == project.file), None)
    if found is not None:
        raise BadInput(
            f"the branch {branch} holds {found}, so it is not the manifests' own",
            where=project.kubernetes.place if branch == project.kubernetes.branch else "--branch",
            fix="name another branch, which is made when there is none",
        )
