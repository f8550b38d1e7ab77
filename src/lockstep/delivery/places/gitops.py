"""The GitOps repository as the verbs see it that write to it: its branch, its newest commit, its forge."""

from collections.abc import Mapping
from dataclasses import replace

from lockstep.delivery.places.forges import Credentials, as_app, open_forge, open_source_forge
from lockstep.delivery.places.workspace import Where, Workspace, open_workspace
from lockstep.errors import BadInput
from lockstep.forge.base import Forge
from lockstep.git.refs import branch_ref
from lockstep.git.remote import Remote, fetch, list_heads, open_remote
from lockstep.git.tree import CommitTree
from lockstep.values import dataclass

__all__ = ["GitOps", "open_gitops"]


@dataclass(frozen=True, kw_only=True, slots=True)
class GitOps:
    """A project on the branch that is deployed from, as everybody sees it.

    What lies in a work tree does not count: the verbs that write change what is shared.
    """

    remote: Remote
    branch: str
    workspace: Workspace  # at the branch's newest commit when it was opened
    credentials: Credentials

    def at(self, commit: str, *, previews: str | None = None) -> Workspace:
        """The project at another commit of the repository, read and validated.

        Previews that have a branch of their own are as at ``previews``, or as they are now.
        """
        where = replace(self.workspace.where, rev=commit, previews=previews)
        return open_workspace(where, opened=_opened(where, self.remote, commit))

    def forge(self) -> Forge:
        """Where its pull requests are."""
        return open_forge(self.workspace.project.sources.forge, self.remote, self.credentials)

    def source_forge(self) -> Forge | None:
        """Where its services come from."""
        return open_source_forge(self.workspace.project, self.forge, self.remote, self.credentials)


def open_gitops(where: Where, credentials: Credentials, *, remote: Remote | None = None) -> GitOps:
    """Fetch the branch that is deployed from and read the project there.

    ``remote`` is where it is shared, where that was opened before.
    The branch is the one that the project names under ``forge``, else the remote's default branch.
    BadInput for a folder outside Git, a branch that is not there and a project that is not valid.
    """
    if where.rev is not None:
        raise BadInput(
            "this command works on the newest commit of the branch", where="--rev", fix="leave out --rev"
        )
    where = replace(where, access=credentials.access())
    remote = remote or open_remote(where.repo or where.folder, where.cache, access=where.access)
    branch, heads = list_heads(remote)
    workspace = _read(where, remote, branch, heads)
    named = workspace.project.sources.forge.branch
    if named is not None and named != branch:
        branch = named
        workspace = _read(where, remote, branch, heads)
    remote = as_app(remote, workspace.project.sources.forge, credentials)
    return GitOps(remote=remote, branch=branch, workspace=workspace, credentials=credentials)


def _read(where: Where, remote: Remote, branch: str, heads: Mapping[str, str]) -> Workspace:
    """The project at the newest commit of a branch, of those that the remote has."""
    ref = branch_ref(branch)
    commit = heads.get(ref)
    if commit is None:
        raise BadInput(
            f"{remote} has no branch {branch}, or no commits yet", fix="push the declarations to it first"
        )
    fetch(remote, {ref: commit})
    # A change that is tried out is a commit of its own, which nobody knows: this is what it stands on.
    about = f"commit {commit[:8]} ({branch}) of {remote}"
    where = replace(where, rev=commit, about=about)
    return open_workspace(where, opened=_opened(where, remote, commit))


def _opened(where: Where, remote: Remote, commit: str) -> CommitTree | None:
    """The files of a commit that was just fetched or made here; None where a mirror may have to fetch it."""
    if remote.repository.url is not None:
        return None
    return CommitTree(replace(remote.repository, deadline=where.deadline), commit)
