"""Promotions that are open as pull requests: one at most for each service and environment.

What a branch brings is what its commit changes in the declarations: neither the text of a pull request
nor the commit's message, which anybody can write, is believed.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from lockstep.config.declaration import read_declarations
from lockstep.config.versions import Stated
from lockstep.delivery.places.gitops import GitOps
from lockstep.delivery.places.workspace import Subtree
from lockstep.errors import LockstepError, NotAllowed, Rejected
from lockstep.forge.base import Forge, Pull, PullState
from lockstep.git.commits import is_ours, parents_of
from lockstep.git.refs import RefUpdate
from lockstep.git.remote import fetch, list_refs, push
from lockstep.git.tree import CommitTree
from lockstep.model.labels import has_label
from lockstep.model.move import Move
from lockstep.model.tree import Tree
from lockstep.render.promotion import moves_noted
from lockstep.values import dataclass

__all__ = ["TRAILER", "Open", "branch_name", "check_not_closed", "find", "has_branches", "supersede"]

TRAILER = "Lockstep-Promotes"
SUPERSEDED = "lockstep-superseded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """One open promotion."""

    pull: Pull
    versions: Mapping[str, str]  # target -> version
    is_ours: bool = False  # its commit is signed as ours are, or by whom commits are made here


def branch_name(moves: Sequence[Move]) -> str:
    """The branch of a promotion: the same for the same services, whatever the versions."""
    first = moves[0]
    prefix = f"{_prefix(first.environment)}{first.service}"
    if len(moves) == 1:
        return prefix
    digest = hashlib.sha256("\n".join(sorted(move.target for move in moves)).encode()).hexdigest()[:8]
    return f"{prefix}-and-{len(moves) - 1}-more-{digest}"


def has_branches(gitops: GitOps, environment: str) -> bool:
    """Whether there may be open promotions to an environment; the forge need not be asked."""
    return bool(list_refs(gitops.remote, f"refs/heads/{_prefix(environment)}"))


def find(gitops: GitOps, forge: Forge, environment: str, targets: Iterable[str]) -> list[Open]:
    """Open promotions to an environment that bring one of the targets, the oldest first."""
    wanted = set(targets)
    versions = _versions(gitops, environment)
    if not versions:
        return []
    pulls = forge.pulls(head=_prefix(environment), base=gitops.branch)
    found = [
        Open(pull=pull, versions=versions[pull.head][0], is_ours=versions[pull.head][1])
        for pull in pulls
        if pull.head in versions
    ]
    return sorted(
        (one for one in found if not one.pull.is_fork and wanted & one.versions.keys()),
        key=lambda one: one.pull.number,
    )


def check_not_closed(gitops: GitOps, forge: Forge, environment: str, moves: Sequence[Move]) -> None:
    """NotAllowed when a person has closed the last pull request that brought just these versions."""
    branch = branch_name(moves)
    last = next(iter(forge.pulls(head=branch, base=gitops.branch, is_open=False)), None)
    if last is None or last.state is not PullState.CLOSED or has_label(last.labels, SUPERSEDED):
        return
    if moves_noted(last.body) == {move.target: move.text for move in moves}:
        who = f" by {last.closed_by}" if last.closed_by else ""
        raise NotAllowed(
            f"pull request #{last.number} brought this to {environment} and was closed{who}",
            where=last.url,
            fix="leave it at that, or say why it should be tried again: --override REASON",
        )


def supersede(gitops: GitOps, forge: Forge, opened: Iterable[Open], *, by: Pull) -> None:
    """Close other open promotions of the same targets, and remove their branches."""
    for one in opened:
        if one.pull.number == by.number:
            continue
        forge.label(one.pull.number, add=[SUPERSEDED])
        forge.close_pull(one.pull.number, comment=f"Superseded by #{by.number}.")
        ref = f"refs/heads/{one.pull.head}"
        with contextlib.suppress(Rejected):  # somebody else removed or moved it
            now = list_refs(gitops.remote, ref).get(ref)
            if now is not None:
                push(gitops.remote, RefUpdate(ref=ref, old=now, new=None))


def _prefix(environment: str) -> str:
    return f"lockstep/promote/{environment}/"


def _versions(gitops: GitOps, environment: str) -> Mapping[str, tuple[Mapping[str, str], bool]]:
    """What each branch to an environment brings, and whether its commit is one of ours."""
    refs = list_refs(gitops.remote, f"refs/heads/{_prefix(environment)}")
    fetch(gitops.remote, refs)
    repository = gitops.remote.repository
    parents = {ref: parents_of(repository, commit)[:1] for ref, commit in refs.items()}
    before = {f"{ref}^": found[0] for ref, found in parents.items() if found}
    with contextlib.suppress(Rejected):  # gone from the host: what such a branch changes is not known
        fetch(gitops.remote, before)
    return {
        ref.removeprefix("refs/heads/"): (
            _brought(gitops, environment, before.get(f"{ref}^"), commit),
            is_ours(repository, commit),
        )
        for ref, commit in refs.items()
    }


def _brought(gitops: GitOps, environment: str, before: str | None, commit: str) -> Mapping[str, str]:
    """The versions of an environment that a commit declares and the one before it does not.

    Nothing for a commit that cannot be read: a branch that somebody broke is no open promotion.
    """
    if before is None:
        return {}
    try:
        old, new = (_declared(gitops, environment, one) for one in (before, commit))
    except LockstepError:
        return {}
    return {
        key: one.version
        for key, one in new.items()
        if one.version is not None and (key not in old or _said(old[key]) != _said(one))
    }


def _said(stated: Stated) -> tuple[str | None, str | None]:
    return stated.version, stated.image


def _declared(gitops: GitOps, environment: str, commit: str) -> Mapping[str, Stated]:
    tree: Tree = CommitTree(gitops.remote.repository, commit)
    if prefix := gitops.workspace.prefix:
        tree = Subtree(tree, prefix)
    fleet = gitops.workspace.fleet
    keys = [key for key, target in fleet.targets.items() if target.environment == environment]
    return {key: one.stated for key, one in read_declarations(tree, keys).items()}
