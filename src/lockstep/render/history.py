"""Which versions a target ran over time: a table, Markdown and JSON."""

import datetime
from collections.abc import Collection, Sequence

from lockstep.model.era import Era
from lockstep.planning.gates import duration
from lockstep.render.blocks import span
from lockstep.render.cells import printable
from lockstep.render.table import table_lines
from lockstep.render.wire import dump

__all__ = ["history_document", "history_lines", "history_markdown"]

_HEAD = ("VERSION", "SINCE", "RAN", "COMMIT", "BY", "PULL", "")


def history_lines(
    eras: Sequence[Era], bad: Collection[str], now: datetime.datetime, *, columns: int = 80
) -> list[str]:
    """One line for each version, newest first."""
    rows = [_HEAD, *(_cells(era, bad, now) for era in eras)]
    return table_lines(rows, columns=columns, cut=(0, 4))


def history_markdown(target: str, eras: Sequence[Era], bad: Collection[str], now: datetime.datetime) -> str:
    """The same as a table of GitHub Markdown."""
    lines = [f"### {span(target)}", "", "| version | since | ran | commit | by | pull | |", "|---" * 7 + "|"]
    for era in eras:
        cells = (span(cell) if cell else "" for cell in _cells(era, bad, now))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def history_document(target: str, eras: Sequence[Era], bad: Collection[str], now: datetime.datetime) -> str:
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
                    "seconds": _seconds(era, now),
                    "commit": era.sha,
                    "author": era.author,
                    "subject": era.subject,
                    "pull": era.pull,
                    "sourceCommit": era.said.commit,
                    "sha256": era.said.sha256,
                    "takenBack": era.version in bad,
                    "mayBeOlder": era.is_oldest_known,
                }
                for era in eras
            ],
        }
    )


def _cells(era: Era, bad: Collection[str], now: datetime.datetime) -> tuple[str, ...]:
    notes = [
        "declared now" if era.until is None else "",
        "taken back" if era.version in bad else "",
        "or earlier" if era.is_oldest_known else "",
    ]
    return (
        printable(era.version or "(not declared)"),
        _moment(era.since),
        duration(_seconds(era, now)),
        era.sha[:8],
        printable(era.author),
        f"#{era.pull}" if era.pull is not None else "",
        ", ".join(note for note in notes if note),
    )


def _seconds(era: Era, now: datetime.datetime) -> int:
    end = datetime.datetime.fromisoformat(era.until) if era.until else now
    return max(int((end - datetime.datetime.fromisoformat(era.since)).total_seconds()), 0)


def _moment(text: str) -> str:
    return f"{datetime.datetime.fromisoformat(text).astimezone(datetime.UTC):%Y-%m-%d %H:%M}"
