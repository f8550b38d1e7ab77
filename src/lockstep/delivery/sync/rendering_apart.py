"""``render --branch``: manifests on a branch that nothing else is on, made of what is declared for all.

What lies in a work tree does not count. The declarations are read after the branch, each time it is edited:
so of two that write it at once the one that is later has read what is declared later.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lockstep.delivery.places.gitops import GitOps
from lockstep.delivery.places.selection import check_patterns
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.manifest_place import check_is_apart, check_is_empty_of
from lockstep.delivery.sync.manifests import Fate, TreeFiles
from lockstep.delivery.sync.rendering import Rendered, compare, ground_of
from lockstep.git.tree import CommitTree
from lockstep.git.writing import EmptyTree, Written, head, write
from lockstep.model.tree import Tree
from lockstep.model.watching import SILENT, Watcher
from lockstep.roads.base import Road

__all__ = ["render_to_branch"]


def render_to_branch(
    gitops: GitOps,
    road: Road,
    patterns: tuple[str, ...],
    branch: str,
    *,
    is_check: bool = False,
    force: bool = False,
    crds: Path | None = None,
    token: str | None = None,
    watcher: Watcher = SILENT,
) -> tuple[Rendered, Written | None]:
    """Render what the deployed branch declares, and commit what differs to the branch, made if there is none.

    ``is_check`` writes nothing, and then there is no commit; nor is there where no branch is and nothing to
    put on it. BadInput for a branch that holds declarations; Refused and Rejected as of every push.
    """
    check_is_apart(gitops.workspace.project, branch, gitops.branch)
    check_patterns(gitops.workspace, patterns)
    done: list[Rendered] = []

    def edit(tree: Tree) -> Mapping[str, bytes | None]:
        workspace = _newest(gitops)
        check_is_empty_of(workspace.project, branch, tree)
        ground = replace(
            ground_of(workspace, road, None, token=token, watcher=watcher), folder=".", branch=branch
        )
        found = compare(workspace, road, ground, TreeFiles(tree, ""), patterns, force=force, crds=crds)
        done[:] = [found]
        files: dict[str, bytes | None] = {}
        for one in found.changes:
            if one.fate is Fate.WRITTEN:
                files[one.path] = one.text.encode()
            elif one.fate is Fate.REMOVED:
                files[one.path] = None
        return files

    now = head(gitops.remote, branch)
    tree: Tree = CommitTree(gitops.remote.repository, now) if now is not None else EmptyTree()
    if not edit(tree) or is_check:
        return done[0], None
    title = f"Manifests for {road.name}"
    written = write(gitops.remote, branch, edit, title, may_create=True)
    return done[0], written


def _newest(gitops: GitOps) -> Workspace:
    commit = head(gitops.remote, gitops.branch)
    if commit is None or commit == gitops.workspace.tree.commit:
        return gitops.workspace
    return gitops.at(commit)
