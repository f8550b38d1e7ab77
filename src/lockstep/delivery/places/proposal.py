"""Bringing a change of files to the branch that is deployed from, as an environment's policy wants it.

A commit, a pull request that merges itself, or one that a person merges. Everything can be repeated: a
branch that holds the commit already is not pushed again, an open pull request is updated.
"""

import re
from collections.abc import Callable

from lockstep.delivery.places.actor import asked_by
from lockstep.delivery.places.gitops import GitOps
from lockstep.forge.base import Forge, MergeMethod, Merging, Pull
from lockstep.git.commits import Identity, Made
from lockstep.git.writing import Edit, write
from lockstep.model import Merge
from lockstep.model.move import Arrival, Reached
from lockstep.values import dataclass

__all__ = ["Proposal", "Proposed", "merge_when_ready", "propose", "signed", "told"]

LABEL = "lockstep"
_ASKED = "Lockstep-Asked-By"
_WAITS = {Reached.OPEN: "waits for a person to merge it", Reached.WAITING: "merges itself after its checks"}
_OFF = (
    "auto-merge is switched off in the repository: switch it on (Settings, General, Allow auto-merge) and "
    "run the same command again, or merge it by hand"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A change of files with its words. ``edit`` is called again on a newer head of the branch."""

    branch: str  # of the pull request
    edit: Edit
    title: str
    message: str  # of the commit
    body: Callable[[], str]  # of the pull request, made when there is one
    author: Identity | None = None
    made: Made | None = None  # the change with its words, as a commit that nothing names yet
    labels: tuple[str, ...] = (LABEL,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposed:
    """What became of a proposal. ``commit`` is on the deployed branch when it was committed or merged."""

    reached: Reached
    commit: str | None = None
    pull: Pull | None = None
    why: str | None = None  # it is blocked, where that is known

    @property
    def arrival(self) -> Arrival:
        """For showing."""
        pull = self.pull
        return Arrival(
            reached=self.reached,
            commit=self.commit,
            number=pull.number if pull else None,
            url=pull.url if pull else None,
            why=self.why,
        )


def propose(gitops: GitOps, proposal: Proposal, merge: Merge, forge: Callable[[], Forge]) -> Proposed:
    """Commit, or open or update the pull request, and merge it where the policy says so.

    Raises Refused when the branch is protected, ForgeError when the forge says no.
    """
    message = signed(proposal.message)
    if merge is Merge.DIRECT:
        written = write(
            gitops.remote,
            gitops.branch,
            proposal.edit,
            message,
            author=proposal.author,
            made=proposal.made,
        )
        reached = Reached.COMMITTED if written.is_new else Reached.NOTHING
        return Proposed(reached=reached, commit=written.commit)
    written = write(
        gitops.remote,
        proposal.branch,
        proposal.edit,
        message,
        base=gitops.branch,
        author=proposal.author,
        made=proposal.made,
    )
    if written.commit == written.parent:
        return Proposed(reached=Reached.NOTHING, commit=written.commit)
    opened = forge()
    pull = opened.open_pull(
        head=proposal.branch,
        base=gitops.branch,
        title=proposal.title,
        body=proposal.body(),
        labels=proposal.labels,
    )
    if merge is Merge.REVIEW:
        return Proposed(reached=Reached.OPEN, commit=written.commit, pull=pull)
    return merge_when_ready(gitops, opened, pull, sha=written.commit)


def told(done: Proposed, branch: str) -> str:
    """What became of a proposal for a branch, in words."""
    pull = "the pull request" if done.pull is None else f"pull request #{done.pull.number} ({done.pull.url})"
    match done.reached:
        case Reached.COMMITTED:
            return f"committed to {branch} as {(done.commit or '')[:12]}"
        case Reached.NOTHING:
            return f"on {branch} already, as somebody else wrote it"
        case Reached.MERGED:
            return f"merged to {branch} by {pull}"
        case Reached.BLOCKED:
            return f"{pull} was to merge itself, and {done.why or 'cannot'}"
        case _:
            return f"{pull} {_WAITS[done.reached]}"


def signed(message: str) -> str:
    """The words of a commit, with who asked the controller for it: git knows the controller only."""
    name = asked_by()
    if name is None:
        return message
    text = message.rstrip()
    title, _, last = text.rpartition("\n\n")
    has_trailers = bool(title) and re.fullmatch(r"([A-Z][A-Za-z-]+: .*\n?)+", last) is not None
    gap = "\n" if has_trailers else "\n\n"
    return f"{text}{gap}{_ASKED}: {name}"


def merge_when_ready(gitops: GitOps, forge: Forge, pull: Pull, *, sha: str) -> Proposed:
    """Have the forge merge a pull request with this head as soon as it may."""
    method = gitops.workspace.project.sources.forge.method or MergeMethod.SQUASH
    merging = forge.merge_when_ready(pull.number, sha=sha, method=MergeMethod(method))
    now = forge.pull(pull.number)
    reached = {
        Merging.MERGED: Reached.MERGED,
        Merging.WAITING: Reached.WAITING,
        Merging.BLOCKED: Reached.BLOCKED,
        Merging.SWITCHED_OFF: Reached.BLOCKED,
    }[merging]
    why = _OFF if merging is Merging.SWITCHED_OFF else None
    return Proposed(reached=reached, commit=now.merge_commit or sha, pull=now, why=why)
