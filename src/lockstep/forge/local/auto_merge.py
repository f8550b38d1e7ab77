"""Merging: now, or when checks allow it.

There is no server that waits. A pull request that waits is merged by the next call that looks at it
or sets a status of its commit, whoever makes it.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from lockstep.errors import ForgeError, Refused
from lockstep.forge.base import CheckState, MergeMethod, Merging, PullState
from lockstep.forge.local.ledger import BRANCHES, PULLS, STATUSES, Edit, Ledgers, Snapshot
from lockstep.forge.local.merging import conflicts_of, merge
from lockstep.forge.local.reconcile import reconcile
from lockstep.forge.local.records import Auto, Branches, Ending, Thread, check_branch
from lockstep.forge.local.statuses import read_checks
from lockstep.forge.local.threads import Threads
from lockstep.git.refs import RefUpdate

__all__ = ["carry_out", "in_the_way", "merge_pull", "merge_when_ready", "require_checks"]

_OURS = "lockstep/"  # are deleted once they are merged


class InTheWay(ForgeError):
    """Something that only a person, or another commit, takes out of the way."""


def states(ledgers: Ledgers, known: Threads, about: Branches) -> Mapping[str, CheckState]:
    """The state of each check of a head; one that its base requires and that is not there is pending."""
    checks = read_checks(ledgers.beside(known.snapshot, STATUSES), about.sha)
    found = {check.name: check.state for check in checks}
    return {**dict.fromkeys(known.required(about.base), CheckState.PENDING), **found}


def in_the_way(ledgers: Ledgers, known: Threads, thread: Thread) -> tuple[bool | None, bool | None]:
    """Whether it conflicts with its base, and whether checks keep it from being merged."""
    about = thread.branches
    if thread.ending is not None or about is None:
        return None, None
    conflict = bool(conflicts_of(ledgers.repository, base=known.branches[about.base], head=about.sha))
    return conflict, any(state is not CheckState.SUCCESS for state in states(ledgers, known, about).values())


def require_checks(ledgers: Ledgers, base: str, names: tuple[str, ...]) -> None:
    """Say which checks a head needs before it is merged into a branch."""
    check_branch(base)

    def decide(snapshot: Snapshot) -> tuple[Edit | None, None]:
        known = Threads(snapshot=snapshot)
        if known.required(base) == names:
            return None, None
        return known.edit_required(
            f"Require checks for {base}: {', '.join(names) or 'none'}", base, names
        ), None

    ledgers.change(PULLS, decide)


def merge_pull(ledgers: Ledgers, number: int, *, sha: str, method: MergeMethod, title: str | None) -> None:
    """Merge now, if the head still is ``sha``; nothing when that was merged.

    Of the checks only those matter that the base requires.
    """
    doing = f"merging pull request {number}"

    def decide(snapshot: Snapshot) -> tuple[Edit | None, None]:
        known = Threads(snapshot=snapshot)
        (thread,) = reconcile(ledgers, snapshot.branches, [known.pull(number)])
        about = _checked(thread, sha, doing)
        if thread.ending is not None:
            return None, None
        _check_required(ledgers, known, about, doing)
        return _merging(ledgers, known, thread, about, method=method, title=title, doing=doing), None

    ledgers.change(PULLS, decide)


def _merging(
    ledgers: Ledgers,
    known: Threads,
    thread: Thread,
    about: Branches,
    *,
    method: MergeMethod,
    title: str | None,
    doing: str,
) -> Edit:
    """The edit that merges a pull request; InTheWay when its branches are in conflict."""
    tip = known.branches[about.base]
    made = merge(
        ledgers.repository,
        base=tip,
        head=about.sha,
        method=method,
        number=thread.number,
        name=about.head,
        title=thread.title,
        subject=title,
    )
    if made.commit is None:
        raise InTheWay(
            f"{about.head} and {about.base} are in conflict: {', '.join(made.conflicts[:10])}",
            doing=doing,
            fix=f"merge {about.base} into {about.head}, or make the change again from {about.base}",
        )
    ending = Ending(state=PullState.MERGED, at=ledgers.now, by=_by(ledgers, thread), commit=made.commit)
    moves = (RefUpdate(ref=BRANCHES + about.base, old=tip, new=made.commit), *_removal(known, about))
    return known.edit(f"Merge pull request {thread.number}", [thread.ended(ending)], moves=moves)


def merge_when_ready(ledgers: Ledgers, number: int, *, sha: str, method: MergeMethod) -> Merging:
    """Merge when every status of the head is a success, which it is when there are none.

    WAITING while one is pending. BLOCKED when one failed, by a conflict, by a draft, and where the
    repository does not let the merge in.
    """
    doing = f"merging pull request {number} when it is ready"
    is_ready = False

    def decide(snapshot: Snapshot) -> tuple[Edit | None, Merging]:
        nonlocal is_ready
        is_ready = False
        known = Threads(snapshot=snapshot)
        before = known.pull(number)
        (thread,) = reconcile(ledgers, snapshot.branches, [before])
        about = _checked(thread, sha, doing, may_be_draft=True)
        if thread.ending is not None:
            return None, Merging.MERGED
        found = states(ledgers, known, about).values()
        if about.is_draft or CheckState.FAILURE in found:
            return None, Merging.BLOCKED
        if conflicts_of(ledgers.repository, base=snapshot.branches[about.base], head=sha):
            return None, Merging.BLOCKED
        if CheckState.PENDING not in found:
            is_ready = True
            edit = _merging(ledgers, known, thread, about, method=method, title=None, doing=doing)
            return edit, Merging.MERGED
        thread = replace(thread, auto=Auto(sha=sha, method=method, by=ledgers.who))
        edit = known.edit(f"Merge pull request {number} when it is ready", [thread])
        return (edit if thread != before else None), Merging.WAITING

    try:
        return ledgers.change(PULLS, decide)
    except (InTheWay, Refused):
        if not is_ready:
            raise
        return Merging.BLOCKED


def carry_out(ledgers: Ledgers, known: Threads, thread: Thread) -> bool:
    """Merge a pull request that waits, when it need not wait any more; say whether it was merged."""
    auto = thread.auto
    if auto is None or thread.ending is not None or thread.branches is None:
        return False
    if any(state is not CheckState.SUCCESS for state in states(ledgers, known, thread.branches).values()):
        return False
    with contextlib.suppress(ForgeError, Refused):  # it stays open, and shows what is in the way
        merge_pull(ledgers, thread.number, sha=auto.sha, method=auto.method, title=None)
        return True
    return False


def _checked(thread: Thread, sha: str, doing: str, *, may_be_draft: bool = False) -> Branches:
    """What it would merge; ForgeError when it cannot be merged as ``sha``, or was not."""
    about = thread.branches
    assert about is not None  # noqa: S101 - a pull request has branches
    if thread.ending is not None and thread.ending.state is PullState.CLOSED:
        raise InTheWay("it is closed", doing=doing, fix="open a new one")
    if about.sha != sha:
        raise InTheWay(
            f"its head is {about.sha[:12]} now, not {sha[:12]}",
            doing=doing,
            fix="look at the new commits first",
        )
    if about.is_draft and thread.ending is None and not may_be_draft:
        raise InTheWay("it is a draft", doing=doing, fix="close it, and open a new one when it is ready")
    return about


def _check_required(ledgers: Ledgers, known: Threads, about: Branches, doing: str) -> None:
    required = known.required(about.base)
    if not required:
        return
    found = states(ledgers, known, about)
    missing = [name for name in required if found[name] is not CheckState.SUCCESS]
    if missing:
        raise InTheWay(
            f"{about.base} requires {missing[0]}, which is {found[missing[0]]}",
            doing=doing,
            fix="merge it when its checks have succeeded",
        )


def _by(ledgers: Ledgers, thread: Thread) -> str:
    """Who merges: the one who wished for it when it had to wait."""
    return thread.auto.by if thread.auto else ledgers.who


def _removal(known: Threads, about: Branches) -> tuple[RefUpdate, ...]:
    """The deletion of a head branch that Lockstep made and that nothing else uses."""
    users = [
        other.branches
        for other in known.pulls()
        if other.branches and about.head in (other.branches.head, other.branches.base)
    ]
    if not about.head.startswith(_OURS) or len(users) > 1:
        return ()
    return (RefUpdate(ref=BRANCHES + about.head, old=about.sha, new=None),)
