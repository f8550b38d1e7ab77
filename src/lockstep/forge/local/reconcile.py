"""What people did with plain Git: a head that was merged by hand, a head branch that was deleted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from lockstep.forge.base import PullState
from lockstep.forge.local.ledger import Ledgers
from lockstep.forge.local.records import Branches, Ending, Thread

__all__ = ["reconcile"]


def reconcile(ledgers: Ledgers, branches: Mapping[str, str], pulls: Iterable[Thread]) -> list[Thread]:
    """The open pull requests as their branches show them, in order; those that ended say how.

    Merged is one whose head the base has in its history. Closed is one whose head or base branch is
    gone without that. A head that moved takes the wish to merge it along: nobody saw the new one.
    """
    found = list(pulls)
    by_base: defaultdict[str, list[Thread]] = defaultdict(list)
    for thread in found:
        if thread.branches is not None and thread.ending is None:
            by_base[thread.branches.base].append(thread)
    settled: dict[int, Thread] = {}
    for base, threads in by_base.items():
        for thread in _settle_one_base(ledgers, branches, base, threads):
            settled[thread.number] = thread
    return [settled.get(thread.number, thread) for thread in found]


def _settle_one_base(
    ledgers: Ledgers, branches: Mapping[str, str], base: str, threads: list[Thread]
) -> Iterable[Thread]:
    tip = branches.get(base)
    pairs = [(thread, thread.branches) for thread in threads if thread.branches is not None]
    if tip is None:
        return [thread.ended(_closed(ledgers)) for thread, _ in pairs]
    heads = {about.head: branches[about.head] for _, about in pairs if about.head in branches}
    ledgers.fetch_branches({**heads, base: tip})
    ahead = ledgers.ahead_of(tip, heads.values())
    settled = []
    for thread, about in pairs:
        now = heads.get(about.head)
        if now is None:
            ending = _merged(ledgers, about.sha, tip) if ledgers.is_in(about.sha, tip) else _closed(ledgers)
            settled.append(thread.ended(ending))
        elif now not in ahead:
            settled.append(_at(thread, about, now).ended(_merged(ledgers, now, tip)))
        else:
            settled.append(_at(thread, about, now))
    return settled


def _at(thread: Thread, about: Branches, sha: str) -> Thread:
    if about.sha == sha:
        return thread
    auto = thread.auto if thread.auto and thread.auto.sha == sha else None
    return replace(thread, branches=replace(about, sha=sha), auto=auto)


def _closed(ledgers: Ledgers) -> Ending:
    return Ending(state=PullState.CLOSED, at=ledgers.now)


def _merged(ledgers: Ledgers, sha: str, tip: str) -> Ending:
    """Who brought a commit into a branch, and when: the first of the branch's own commits that has it."""
    doing = "looking for a merge"
    line = ledgers.repository.run(
        *("rev-list", "--first-parent", "--ancestry-path", f"{sha}..{tip}", "--"), doing=doing
    )
    *_, first = ["", *line.decode("ascii").split()]
    if first:
        parents = ledgers.repository.run("rev-parse", f"{first}^1", doing=doing).decode("ascii").split()
        commit = sha if parents == [sha] else first  # brought by moving the branch forward
    else:
        commit = sha
    about = ledgers.repository.run("show", "-s", "--format=%cn%n%cI", commit, "--", doing=doing)
    by, at, *_ = about.decode("utf-8", "replace").split("\n")
    return Ending(state=PullState.MERGED, at=at, by=by, commit=commit)
