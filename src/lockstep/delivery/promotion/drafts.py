"""A change of versions tried out before anybody sees it: edited, validated, its packages found.

The draft is a commit that no ref reaches. What cannot be read after the edit, or has no package, is an
error before anything is pushed.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lockstep.config.declaration import HoldChange, apply_edits, read_declarations, version_edits
from lockstep.delivery.places.gitops import GitOps
from lockstep.delivery.places.proposal import signed
from lockstep.delivery.places.workspace import Subtree, Workspace
from lockstep.delivery.releases.images import with_images
from lockstep.delivery.sync.digests import with_digests
from lockstep.delivery.sync.options import Options
from lockstep.engines.aws.connection import Connections
from lockstep.errors import LockstepError, NotAllowed
from lockstep.forge.base import Forge
from lockstep.git.commits import Made, make_commit
from lockstep.git.writing import Edit
from lockstep.model import Hold, Target
from lockstep.model.move import Move
from lockstep.model.paths import value_at
from lockstep.model.tree import Tree
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.gates import is_backwards
from lockstep.values import dataclass

__all__ = ["Draft", "make_draft", "make_hold_edit"]

_WORKERS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A change that can be made. ``edit`` makes it again on a newer head."""

    moves: tuple[Move, ...]  # with what was found out about them
    message: str  # of its commit
    made: Made  # its commit, which becomes the branch's where nobody is faster
    workspace: Workspace  # the project at that commit, read and validated
    edit: Edit
    source_forge: Forge | None


def make_draft(
    gitops: GitOps,
    moves: Sequence[Move],
    options: Options,
    *,
    words: Callable[[Sequence[Move]], str],
    hold: Hold | None = None,
    connections: Connections | None = None,
    watcher: Watcher = SILENT,
) -> Draft:
    """Try a change of versions, and with ``hold`` hold the targets at them; ``words`` are the commit's.

    Raises BadInput for a project that is not valid with the change, ArtifactError for a package that
    is not there or is not the one that was pinned.
    """
    forge = gitops.source_forge()
    watcher.progress("looking up releases")
    moves = _with_commits(gitops, moves, forge)
    sources = gitops.workspace.project.sources.services
    # A rollback brings back what ran under a version, whatever its tag names by now.
    moves = with_images(sources, moves, lambda: forge, is_back=hold is not None)
    whole = gitops.workspace.whole
    changes, message = _edit_of(gitops, moves, hold)(whole), words(moves)
    made = _commit(gitops, changes, message)
    workspace = gitops.at(made.commit)
    watcher.progress("finding packages")
    moves = with_digests(workspace, moves, options, connections)
    edit = _edit_of(gitops, moves, hold)
    if (edit(whole), words(moves)) != (changes, message):
        message = words(moves)
        made = _commit(gitops, edit(whole), message)
        workspace = gitops.at(made.commit)
    return Draft(moves=moves, message=message, made=made, workspace=workspace, edit=edit, source_forge=forge)


def make_hold_edit(gitops: GitOps, target: Target, hold: Hold | None) -> Edit:
    """An edit that sets the hold of one target, or with None lifts it."""
    return _edit_of(gitops, (), None, {target.key: HoldChange(hold=hold)})


def _edit_of(
    gitops: GitOps,
    moves: Sequence[Move],
    hold: Hold | None,
    holds: Mapping[str, HoldChange] | None = None,
) -> Edit:
    """The edit of the whole repository's tree."""
    prefix = gitops.workspace.prefix
    changed = dict(holds or {})
    if hold is not None:
        changed |= {move.target: HoldChange(hold=hold) for move in moves}

    def edit(tree: Tree) -> Mapping[str, bytes | None]:
        project: Tree = Subtree(tree, prefix) if prefix else tree
        if hold is None and tree.commit != gitops.workspace.tree.commit:
            _check_again(project, moves)
        edits = version_edits(project, moves, holds=changed, add_commit=True)
        return {f"{prefix}{path}": data for path, data in apply_edits(project, edits).items()}

    return edit


def _check_again(project: Tree, moves: Sequence[Move]) -> None:
    """What somebody has declared meanwhile must not be undone: NotAllowed for a hold or a newer version."""
    if not moves:
        return
    for key, declaration in read_declarations(project, [move.target for move in moves]).items():
        move = next(one for one in moves if one.target == key)
        if value_at(declaration.stack.values, ("lockstep", "hold")):
            raise NotAllowed(
                "it was put on hold meanwhile", where=key, fix=f"lockstep release-hold {key}, then again"
            )
        there = declaration.version
        is_newer = there is not None and there != move.old and is_backwards(there, move.new)
        if is_newer and not is_backwards(move.old, move.new):
            raise NotAllowed(
                f"somebody has declared {there} meanwhile, which is newer than {move.new}",
                where=key,
                fix="nothing, when that is right; else promote again",
            )


def _commit(gitops: GitOps, changes: Mapping[str, bytes | None], message: str) -> Made:
    return make_commit(
        gitops.remote.repository,
        parent=gitops.workspace.whole.commit,
        changes=changes,
        message=signed(message),
    )


def _with_commits(gitops: GitOps, moves: Sequence[Move], forge: Forge | None) -> tuple[Move, ...]:
    """The moves with their tags, and the source's commit where a release of the tag says it."""
    sources = gitops.workspace.project.sources.services
    tags = {name: source.tag for name, source in sources.items()}
    artifacts = gitops.workspace.project.artifacts
    default = str(artifacts.get("tag") or "{service}-v{version}")

    def look_up(move: Move) -> Move:
        pattern = tags.get(move.service, default).replace("{service}", move.service)
        tag = pattern.replace("{version}", move.new)
        old = pattern.replace("{version}", move.old) if move.old else None
        move = replace(move, tag=tag, old_tag=old)
        if move.commit is not None or forge is None:
            return move
        try:
            release = forge.release(tag)
        except LockstepError:
            return move  # the package's source says what is wrong, if anything is
        return replace(move, commit=release.commit) if release is not None else move

    with ThreadPoolExecutor(max_workers=max(1, min(_WORKERS, len(moves)))) as pool:
        return tuple(pool.map(look_up, moves))
