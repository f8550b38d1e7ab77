"""Which versions a target ran over time: a table, Markdown and JSON."""

import datetime
from collections.abc import Sequence

from lockstep.model.era import Era
from lockstep.planning.eras import seconds_of
from lockstep.planning.gates import duration
from lockstep.render.blocks import span
from lockstep.render.cells import printable
from lockstep.render.table import table_lines
from lockstep.render.wire import dump

__all__ = ["history_document", "history_lines", "history_markdown"]

_HEAD = ("VERSION", "SINCE", "RAN", "COMMIT", "BY", "PULL", "")


def history_lines(eras: Sequence[Era], now: datetime.datetime, *, columns: int = 80) -> list[str]:
    """One line for each version, newest first."""
    rows = [_HEAD, *(_cells(era, now) for era in eras)]
    return table_lines(rows, columns=columns, cut=(0, 4))


def history_markdown(target: str, eras: Sequence[Era], now: datetime.datetime) -> str:
    """The same as a table of GitHub Markdown."""
    lines = [f"### {span(target)}", "", "| version | since | ran | commit | by | pull | |", "|---" * 7 + "|"]
    for era in eras:
        cells = (span(cell) if cell else "" for cell in _cells(era, now))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def history_document(target: str, eras: Sequence[Era], now: datetime.datetime) -> str:
    """``lockstep.history/1``: versions, newest first; ``seconds`` is how long each ran."""
    return dump(
        {
            "format": "lockstep.history/1",
            "target": target,
            "versions": [
                {
                    "version": era.version,
                    "since": era.since,
                    "until": era.until,
                    "seconds": seconds_of(era, now),
                    "commit": era.sha,
                    "author": era.author,
                    "subject": era.subject,
                    "pull": era.pull,
                    "sourceCommit": era.said.commit,
                    "sha256": era.said.sha256,
                    "takenBack": era.undone is not None,
                    "takenBackWhy": era.undone,
                    "mayBeOlder": era.is_oldest_known,
                }
                for era in eras
            ],
        }
    )


def _cells(era: Era, now: datetime.datetime) -> tuple[str, ...]:
    notes = [
        "declared now" if era.until is None else "",
        "taken back" if era.undone else "",
        "or earlier" if era.is_oldest_known else "",
    ]
    return (
        printable(era.version or "(not declared)"),
        _moment(era.since),
        duration(seconds_of(era, now)),
        era.sha[:8],
        printable(era.author),
        f"#{era.pull}" if era.pull is not None else "",
        ", ".join(note for note in notes if note),
    )


def _moment(text: str) -> str:
    return f"{datetime.datetime.fromisoformat(text).astimezone(datetime.UTC):%Y-%m-%d %H:%M}"
