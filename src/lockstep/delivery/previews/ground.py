"""Where previews are: the branch that holds their folders, and the forge that holds their pull requests."""

from collections.abc import Mapping
from dataclasses import field, replace

from lockstep.delivery.places.gitops import GitOps, open_gitops
from lockstep.delivery.places.joined import Joined
from lockstep.delivery.places.workspace import Subtree, Workspace
from lockstep.errors import GitError
from lockstep.forge.base import Forge
from lockstep.git.commits import commit_files
from lockstep.git.tree import CommitTree
from lockstep.git.writing import Edit, Written, head, write
from lockstep.model.preview import PreviewPolicy
from lockstep.model.tree import Tree
from lockstep.values import dataclass

__all__ = ["Ground", "open_ground"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """The previews of a project as everybody sees them, and the way to change them."""

    gitops: GitOps
    opened: list[Forge] = field(default_factory=list, repr=False, compare=False)

    @property
    def policy(self) -> PreviewPolicy:
        """What the project allows them."""
        return self.gitops.workspace.project.preview

    @property
    def folder(self) -> str:
        """Of the project, in its own tree."""
        return self.gitops.workspace.project.folder

    @property
    def branch(self) -> str:
        """That their folders are written to."""
        return self.policy.branch or self.gitops.branch

    @property
    def tree(self) -> Tree:
        """The project's files, previews included."""
        return self.gitops.workspace.tree

    def forge(self) -> Forge:
        """Where their pull requests are: at the services' source, which may be this repository."""
        if not self.opened:
            self.opened.append(self.gitops.source_forge() or self.gitops.forge())
        return self.opened[0]

    def own(self, tree: Tree) -> Tree:
        """The project's part of a tree of the branch."""
        prefix = self.gitops.workspace.prefix
        return Subtree(tree, prefix) if prefix else tree

    def project_of(self, tree: Tree) -> Tree:
        """The project's files when the branch of previews holds a tree; all others as they are now."""
        if self.policy.branch is None:
            return self.own(tree)
        commit = head(self.gitops.remote, self.gitops.branch)
        if commit is None:
            raise GitError(f"the branch {self.gitops.branch} is gone", where=str(self.gitops.remote))
        main = self.own(CommitTree(self.gitops.remote.repository, commit))
        return Joined(main, self.own(tree), self.folder)

    def written(self, files: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
        """Changed files of the project as the branch's."""
        prefix = self.gitops.workspace.prefix
        return {f"{prefix}{path}": data for path, data in files.items()}

    def write(self, edit: Edit, message: str) -> Written:
        """Commit an edit of the branch's files and push it, again and again while others are faster."""
        return write(self.gitops.remote, self.branch, edit, message)

    def draft(self, edit: Edit) -> Workspace:
        """The project as it would be with an edit: read and validated, seen by nobody else."""
        workspace, repository = self.gitops.workspace, self.gitops.remote.repository
        whole: Tree = workspace.previews or workspace.whole
        commit = commit_files(
            repository, parent=whole.commit, changes=edit(whole), message="a draft of Lockstep"
        )
        return self.at(commit)

    def now(self) -> Workspace:
        """The project as everybody sees it by now."""
        where = replace(self.gitops.workspace.where, rev=None, about=None, previews=None)
        return open_gitops(where, self.gitops.credentials, remote=self.gitops.remote).workspace

    def at(self, commit: str) -> Workspace:
        """The project as it is with a commit of the branch of previews."""
        workspace = self.gitops.workspace
        if workspace.previews is None:
            return self.gitops.at(commit)
        return self.gitops.at(workspace.whole.commit or "HEAD", previews=commit)


def open_ground(gitops: GitOps) -> Ground:
    """The previews of an opened repository."""
    return Ground(gitops=gitops)
