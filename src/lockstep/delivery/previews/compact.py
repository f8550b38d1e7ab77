"""``preview compact``: the branch of previews begins anew with one commit of what it holds.

Previews come and go all day and nobody asks later; so their history is dropped, and that of the branch
that is deployed from never had them.
"""

from collections.abc import Mapping
from dataclasses import replace

from lockstep.config.load import read_project_file
from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.joined import check_is_theirs, is_of_preview
from lockstep.delivery.places.workspace import PROJECT_FILE, Subtree, Where, open_tree
from lockstep.errors import BadInput, Rejected
from lockstep.git.commits import commit_tree
from lockstep.git.refs import RefUpdate, branch_ref
from lockstep.git.remote import Remote, default_branch, fetch, list_refs, open_remote, push
from lockstep.git.tree import CommitTree
from lockstep.git.writing import head, write
from lockstep.model import Project
from lockstep.model.tree import Tree
from lockstep.values import dataclass

__all__ = ["Compacted", "compact"]

_ATTEMPTS = 20
_README = b"""\
# Previews

Each folder `pr-N` here is the preview of a pull request. `lockstep preview` writes and removes them, and
drops the history of this branch now and then: nothing else belongs on it.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compacted:
    """What became of the branch of previews."""

    branch: str
    commit: str
    before: int  # commits that it had; 0: it was begun now
    is_new: bool


def compact(where: Where, credentials: Credentials) -> Compacted:
    """Make the branch of previews one commit; begin it, with the previews of the other, when it is not there.

    Compare and swap: what is pushed meanwhile is part of the commit. BadInput when the project gives
    previews no branch, or one that holds the project itself.
    """
    if where.rev is not None:
        raise BadInput(
            "this command works on the newest commit of the branch", where="--rev", fix="leave out --rev"
        )
    where = replace(where, access=credentials.access())
    remote = open_remote(where.repo or where.folder, where.cache, access=where.access)
    project, tree, prefix = _open(where, remote)
    branch = project.preview.branch
    if branch is None:
        raise BadInput(
            "previews have no branch of their own here, so there is nothing to compact",
            where=project.file,
            fix="add preview: {branch: previews} to it",
        )
    for attempt in range(_ATTEMPTS):
        if head(remote, branch) is None:
            return _begin(remote, project, tree, prefix)
        try:
            return _compact(remote, project)
        except Rejected:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the loop returns or raises")


def _open(where: Where, remote: Remote) -> tuple[Project, Tree, str]:
    """The project on the branch that is deployed from."""
    branch = default_branch(remote)
    project, tree, prefix = _read(where, remote, branch)
    named = project.sources.forge.branch
    return (project, tree, prefix) if named in (None, branch) else _read(where, remote, named)


def _read(where: Where, remote: Remote, branch: str | None) -> tuple[Project, Tree, str]:
    commit = head(remote, branch or "")
    if commit is None:
        raise BadInput(f"{remote} has no branch {branch}", fix="push the declarations to it first")
    whole, prefix, _ = open_tree(replace(where, rev=commit))
    tree: Tree = Subtree(whole, prefix) if prefix else whole
    return read_project_file(tree, PROJECT_FILE).project, tree, prefix


def _begin(remote: Remote, project: Project, tree: Tree, prefix: str) -> Compacted:
    """A first commit with the previews that lie on the branch that is deployed from."""
    branch = project.preview.branch or ""
    own = [path for path in tree.blobs if is_of_preview(path, project.folder)]
    contents = {f"{prefix}{path}": data for path, data in tree.read(sorted(own)).items()}

    def edit(there: Tree) -> Mapping[str, bytes | None]:
        return {} if there.blobs else {"README.md": _README, **contents}

    written = write(remote, branch, edit, "Previews begin", may_create=True)
    return Compacted(branch=branch, commit=written.commit, before=0, is_new=written.is_new)


def _compact(remote: Remote, project: Project) -> Compacted:
    branch = project.preview.branch or ""
    ref, repository = branch_ref(branch), remote.repository
    refs = list_refs(remote, ref)
    fetch(remote, refs)
    now = refs.get(ref)
    if now is None:
        raise Rejected(f"the branch {branch} went away meanwhile", fix="run again")
    check_is_theirs(CommitTree(repository, now), project)
    doing = f"compacting {branch}"
    count = int(repository.run("rev-list", "--count", now, doing=doing))
    if count == 1:
        return Compacted(branch=branch, commit=now, before=1, is_new=False)
    tree = repository.run("rev-parse", "--verify", f"{now}^{{tree}}", doing=doing).decode("ascii").strip()
    commit = commit_tree(repository, tree, parents=(), message=f"Previews, compacted from {count} commits")
    push(remote, RefUpdate(ref=ref, old=now, new=commit))
    return Compacted(branch=branch, commit=commit, before=count, is_new=True)
