"""Pull requests: opening, reading, changing and closing them."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from lockstep.errors import ForgeError, GitError
from lockstep.forge.base import Pull, PullState
from lockstep.forge.local.ledger import PULLS, Edit, Ledgers, Snapshot
from lockstep.forge.local.reconcile import reconcile
from lockstep.forge.local.records import Branches, Ending, Note, Thread, check_branch
from lockstep.forge.local.threads import Threads

__all__ = [
    "close_pull",
    "comment",
    "label",
    "list_pulls",
    "open_pull",
    "read_pull",
    "shown",
    "update_pull",
]


def read_pull(ledgers: Ledgers, number: int) -> tuple[Threads, Thread]:
    """A pull request as its branches show it now; its end by hand is written down where that is allowed."""

    def attempt() -> tuple[Threads, Thread]:
        known = Threads(snapshot=ledgers.look(PULLS))
        (thread,) = _settled(ledgers, known, [known.pull(number)])
        return known, thread

    return ledgers.again(attempt)


def list_pulls(
    ledgers: Ledgers, *, head: str | None, base: str | None, is_open: bool
) -> tuple[Threads, list[Thread]]:
    """Pull requests of a head (a prefix when it ends in ``/``) and a base, newest first; as ``read_pull``."""

    def attempt() -> tuple[Threads, list[Thread]]:
        known = Threads(snapshot=ledgers.look(PULLS))
        found = [thread for thread in known.pulls(is_open=is_open) if _is_of(thread, head, base)]
        settled = _settled(ledgers, known, found)
        return known, [thread for thread in settled if not is_open or thread.ending is None]

    return ledgers.again(attempt)


def open_pull(
    ledgers: Ledgers,
    *,
    head: str,
    base: str,
    title: str,
    body: str,
    labels: Iterable[str],
    is_draft: bool,
) -> Thread:
    """Open a pull request, or change the texts of the open one of the same branches."""
    wanted = tuple(labels)
    check_branch(head)
    check_branch(base)

    def decide(snapshot: Snapshot) -> tuple[Edit | None, Thread]:
        known = Threads(snapshot=snapshot)
        tips = {name: _tip(ledgers, snapshot.branches, name) for name in (head, base)}
        same = [thread for thread in known.pulls() if _is_of(thread, head, base)]
        settled = reconcile(ledgers, snapshot.branches, same)
        for thread in settled:
            if thread.ending is None:
                made = replace(thread, title=_line(title), body=body).labelled(wanted)
                return _edit(known, f"Change pull request {made.number}", made)
        ledgers.fetch_branches(tips)
        if tips[head] not in ledgers.ahead_of(tips[base], [tips[head]]):
            raise ForgeError(
                f"there are no commits in {head} that {base} does not have",
                doing="opening a pull request",
                fix=f"push a commit to {head} first",
            )
        made = Thread(
            number=known.next_number,
            title=_line(title),
            body=body,
            author=ledgers.who,
            created=ledgers.now,
            branches=Branches(head=head, base=base, sha=tips[head], is_draft=is_draft),
        ).labelled(wanted)
        message = f"Open pull request {made.number}: {made.title}"
        return known.edit(message, [*settled, made]), made

    return ledgers.change(PULLS, decide)


def update_pull(ledgers: Ledgers, number: int, *, title: str | None, body: str | None) -> Thread:
    """Change the texts that are given."""

    def changed(thread: Thread) -> Thread:
        return replace(
            thread,
            title=thread.title if title is None else _line(title),
            body=thread.body if body is None else body,
        )

    return _change(ledgers, number, f"Change pull request {number}", changed, is_pull=True)


def close_pull(ledgers: Ledgers, number: int, *, comment: str | None) -> None:
    """Close without merging; nothing when it is not open."""

    def changed(thread: Thread) -> Thread:
        if thread.ending is not None:
            return thread
        if comment is not None:
            thread = thread.noted(_note(ledgers, comment, "closed"))
        return thread.ended(Ending(state=PullState.CLOSED, at=ledgers.now, by=ledgers.who))

    _change(ledgers, number, f"Close pull request {number}", changed, is_pull=True)


def label(ledgers: Ledgers, number: int, *, add: Iterable[str], remove: Iterable[str]) -> None:
    """Add and remove labels of a pull request or an issue."""
    added, removed = tuple(add), tuple(remove)
    _change(ledgers, number, f"Label {number}", lambda thread: thread.labelled(added, removed))


def comment(ledgers: Ledgers, number: int, body: str, *, marker: str) -> None:
    """Write a comment, or put it in place of the one of the same marker."""

    def changed(thread: Thread) -> Thread:
        if any((note.marker, note.body) == (marker, body) for note in thread.notes):
            return thread
        return thread.noted(_note(ledgers, body, marker))

    _change(ledgers, number, f"Comment on {number}", changed)


def shown(
    ledgers: Ledgers, thread: Thread, *, conflict: bool | None = None, is_blocked: bool | None = None
) -> Pull:
    """The pull request as every forge gives it."""
    about, ending = thread.branches, thread.ending
    assert about is not None  # noqa: S101 - the caller's choice
    return Pull(
        number=thread.number,
        title=thread.title,
        body=thread.body,
        head=about.head,
        base=about.base,
        sha=about.sha,
        state=ending.state if ending else PullState.OPEN,
        url=f"{ledgers.address}#{thread.number}",
        author=thread.author,
        labels=thread.labels,
        is_draft=about.is_draft,
        conflict=conflict,
        is_blocked=is_blocked,
        merge_commit=ending.commit if ending else None,
        merged_by=ending.by if ending and ending.state is PullState.MERGED else None,
        closed_by=ending.by if ending and ending.state is PullState.CLOSED else None,
        created=thread.created,
        ended=ending.at if ending else None,
    )


def _settled(ledgers: Ledgers, known: Threads, threads: list[Thread]) -> list[Thread]:
    """Threads as their branches show them; those that ended are written down, if we may and are in time."""
    settled = reconcile(ledgers, known.branches, threads)
    ended = [
        now for before, now in zip(threads, settled, strict=True) if now.ending and before.ending is None
    ]
    if ended:
        numbers = ", ".join(str(thread.number) for thread in ended)
        edit = known.edit(f"See how pull request {numbers} ended", ended)
        with contextlib.suppress(GitError):  # whoever may write does it next time
            ledgers.write(PULLS, known.snapshot, edit)
    return settled


def _change(
    ledgers: Ledgers, number: int, message: str, changed: Callable[[Thread], Thread], *, is_pull: bool = False
) -> Thread:
    """Change one thread, a pull request or any; nothing is pushed when it stays the same."""

    def decide(snapshot: Snapshot) -> tuple[Edit | None, Thread]:
        known = Threads(snapshot=snapshot)
        thread = known.pull(number) if is_pull else known.thread(number)
        if thread is None:
            raise ForgeError(f"there is neither a pull request nor an issue {number}", fix="check the number")
        (settled,) = reconcile(ledgers, snapshot.branches, [thread])
        made = changed(settled)
        return (known.edit(message, [made]) if made != thread else None), made

    return ledgers.change(PULLS, decide)


def _edit(known: Threads, message: str, thread: Thread) -> tuple[Edit | None, Thread]:
    """The edit that writes a thread, unless it is written so already."""
    if known.thread(thread.number) == thread:
        return None, thread
    return known.edit(message, [thread]), thread


def _is_of(thread: Thread, head: str | None, base: str | None) -> bool:
    about = thread.branches
    if about is None or (base is not None and about.base != base):
        return False
    return head is None or about.head == head or (head.endswith("/") and about.head.startswith(head))


def _tip(ledgers: Ledgers, branches: Mapping[str, str], name: str) -> str:
    if name not in branches:
        raise ForgeError(
            f"{ledgers.address} has no branch {name}",
            doing="opening a pull request",
            fix=f"push {name} first",
        )
    return branches[name]


def _note(ledgers: Ledgers, body: str, marker: str) -> Note:
    return Note(marker=marker, body=body, author=ledgers.who, written=ledgers.now)


def _line(title: str) -> str:
    return " ".join(title.split())
