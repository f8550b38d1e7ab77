"""Issues that a program keeps, each known by its marker."""

from collections.abc import Iterable
from dataclasses import replace

from lockstep.forge.base import Issue, PullState
from lockstep.forge.local.board import Board
from lockstep.forge.local.desk import PULLS, Desk, Edit, Snapshot
from lockstep.forge.local.records import Ending, Note, Thread

__all__ = ["close_issue", "find_issue", "put_issue"]


def find_issue(desk: Desk, marker: str) -> Issue | None:
    """The open issue of a marker."""
    thread = _find(Board(snapshot=desk.look(PULLS)), marker)
    return _shown(desk, thread) if thread else None


def put_issue(desk: Desk, marker: str, *, title: str, body: str, labels: Iterable[str]) -> Issue:
    """Open an issue, or change the open one of the same marker."""
    wanted = tuple(labels)
    line = " ".join(title.split())

    def decide(snapshot: Snapshot) -> tuple[Edit | None, Issue]:
        board = Board(snapshot=snapshot)
        before = _find(board, marker)
        if before is None:
            number = board.next_number
            made = Thread(
                number=number, title=line, body=body, author=desk.who, created=desk.now, marker=marker
            ).labelled(wanted)
            return board.edit(f"Open issue {number}: {line}", [made]), _shown(desk, made)
        made = replace(before, title=line, body=body).labelled(wanted)
        edit = board.edit(f"Change issue {made.number}", [made]) if made != before else None
        return edit, _shown(desk, made)

    return desk.change(PULLS, decide)


def close_issue(desk: Desk, marker: str, *, comment: str) -> None:
    """Close the open issue of a marker with a last word; nothing when there is none."""

    def decide(snapshot: Snapshot) -> tuple[Edit | None, None]:
        board = Board(snapshot=snapshot)
        thread = _find(board, marker)
        if thread is None:
            return None, None
        note = Note(marker="closed", body=comment, author=desk.who, written=desk.now)
        ending = Ending(state=PullState.CLOSED, at=desk.now, by=desk.who)
        return board.edit(f"Close issue {thread.number}", [thread.noted(note).ended(ending)]), None

    desk.change(PULLS, decide)


def _find(board: Board, marker: str) -> Thread | None:
    """The oldest one, should there be several."""
    return next((thread for thread in reversed(board.issues()) if thread.marker == marker), None)


def _shown(desk: Desk, thread: Thread) -> Issue:
    return Issue(
        number=thread.number,
        title=thread.title,
        body=thread.body,
        url=f"{desk.address}#{thread.number}",
        is_open=thread.ending is None,
        labels=thread.labels,
    )
