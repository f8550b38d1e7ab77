"""Promotions that are open as pull requests: one at most for each service and environment.

What a branch brings stands in the trailers of its commit, so that a pull request whose text somebody
edited is still recognised.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lockstep.delivery.places.gitops import GitOps
from lockstep.errors import NotAllowed, Rejected
from lockstep.forge.base import Forge, Pull, PullState
from lockstep.git.refs import RefUpdate
from lockstep.git.remote import fetch, list_refs, push
from lockstep.model.labels import has_label
from lockstep.model.move import Move
from lockstep.render.promotion import moves_noted

__all__ = ["TRAILER", "Open", "branch_name", "check_not_closed", "find", "supersede"]

TRAILER = "Lockstep-Promotes"
SUPERSEDED = "lockstep-superseded"
_LINE = re.compile(rf"^{TRAILER}: ([^\s@]+)@(\S+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """One open promotion."""

    pull: Pull
    versions: Mapping[str, str]  # target -> version


def branch_name(moves: Sequence[Move]) -> str:
    """The branch of a promotion: the same for the same services, whatever the versions."""
    first = moves[0]
    prefix = f"{_prefix(first.environment)}{first.service}"
    if len(moves) == 1:
        return prefix
    digest = hashlib.sha256("\n".join(sorted(move.target for move in moves)).encode()).hexdigest()[:8]
    return f"{prefix}-and-{len(moves) - 1}-more-{digest}"


def find(gitops: GitOps, forge: Forge, environment: str, targets: Iterable[str]) -> list[Open]:
    """Open promotions to an environment that bring one of the targets, the oldest first."""
    wanted = set(targets)
    versions = _versions(gitops, _prefix(environment))
    if not versions:
        return []
    pulls = forge.pulls(head=_prefix(environment), base=gitops.branch)
    found = [Open(pull=pull, versions=versions[pull.head]) for pull in pulls if pull.head in versions]
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
    if moves_noted(last.body) == {move.target: move.new for move in moves}:
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


def _versions(gitops: GitOps, prefix: str) -> Mapping[str, Mapping[str, str]]:
    """What each branch with a prefix brings, by its trailers."""
    refs = list_refs(gitops.remote, f"refs/heads/{prefix}")
    if not refs:
        return {}
    fetch(gitops.remote, refs)
    listing = gitops.remote.repository.run(
        *("log", "--no-walk=unsorted", "-z", "--format=%H%x0a%B", *dict.fromkeys(refs.values())),
        doing=f"reading what the branches below {prefix} bring",
    )
    texts = listing.decode("utf-8", "replace").split("\0")
    brings = {text.partition("\n")[0]: dict(_LINE.findall(text)) for text in texts}
    return {ref.removeprefix("refs/heads/"): brings.get(commit, {}) for ref, commit in refs.items()}
