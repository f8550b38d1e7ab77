"""Issues that a program keeps, each known by its marker."""

from collections.abc import Iterable
from dataclasses import replace

from lockstep.forge.base import Issue, PullState
from lockstep.forge.local.ledger import PULLS, Edit, Ledgers, Snapshot
from lockstep.forge.local.records import Ending, Note, Thread
from lockstep.forge.local.threads import Threads

__all__ = ["close_issue", "find_issue", "put_issue"]


def find_issue(ledgers: Ledgers, marker: str) -> Issue | None:
    """The open issue of a marker."""
    thread = _find(Threads(snapshot=ledgers.look(PULLS)), marker)
    return _shown(ledgers, thread) if thread else None


def put_issue(ledgers: Ledgers, marker: str, *, title: str, body: str, labels: Iterable[str]) -> Issue:
    """Open an issue, or change the open one of the same marker."""
    wanted = tuple(labels)
    line = " ".join(title.split())

    def decide(snapshot: Snapshot) -> tuple[Edit | None, Issue]:
        known = Threads(snapshot=snapshot)
        before = _find(known, marker)
        if before is None:
            number = known.next_number
            made = Thread(
                number=number, title=line, body=body, author=ledgers.who, created=ledgers.now, marker=marker
            ).labelled(wanted)
            return known.edit(f"Open issue {number}: {line}", [made]), _shown(ledgers, made)
        made = replace(before, title=line, body=body).labelled(wanted)
        edit = known.edit(f"Change issue {made.number}", [made]) if made != before else None
        return edit, _shown(ledgers, made)

    return ledgers.change(PULLS, decide)


def close_issue(ledgers: Ledgers, marker: str, *, comment: str) -> None:
    """Close the open issue of a marker with a last word; nothing when there is none."""

    def decide(snapshot: Snapshot) -> tuple[Edit | None, None]:
        known = Threads(snapshot=snapshot)
        thread = _find(known, marker)
        if thread is None:
            return None, None
        note = Note(marker="closed", body=comment, author=ledgers.who, written=ledgers.now)
        ending = Ending(state=PullState.CLOSED, at=ledgers.now, by=ledgers.who)
        return known.edit(f"Close issue {thread.number}", [thread.noted(note).ended(ending)]), None

    ledgers.change(PULLS, decide)


def _find(known: Threads, marker: str) -> Thread | None:
    """The oldest one, should there be several."""
    return next((thread for thread in reversed(known.issues()) if thread.marker == marker), None)


def _shown(ledgers: Ledgers, thread: Thread) -> Issue:
    return Issue(
        number=thread.number,
        title=thread.title,
        body=thread.body,
        url=f"{ledgers.address}#{thread.number}",
        is_open=thread.ending is None,
        labels=thread.labels,
    )
