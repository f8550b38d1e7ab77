"""Which versions a target declared over time, and when each was deployed: a table, Markdown and JSON."""

import datetime
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from lockstep.model.era import Era
from lockstep.model.record import Done, Record
from lockstep.planning.eras import seconds_of
from lockstep.render.blocks import span
from lockstep.render.cells import printable
from lockstep.render.table import table_lines
from lockstep.render.wire import dump

__all__ = ["history_document", "history_lines", "history_markdown"]

Deployed: TypeAlias = Mapping[str, Record]
"""What is written down of an era, by the commit that began it."""

_HEAD = ("VERSION", "DECLARED", "DEPLOYED", "COMMIT", "BY", "PULL", "")


def history_lines(eras: Sequence[Era], deployed: Deployed, *, columns: int = 80) -> list[str]:
    """One line for each version, newest first."""
    rows = [_HEAD, *(_cells(era, deployed) for era in eras)]
    return table_lines(rows, columns=columns, cut=(0, 4))


def history_markdown(target: str, eras: Sequence[Era], deployed: Deployed) -> str:
    """The same as a table of GitHub Markdown."""
    head = " | ".join(name.lower() for name in _HEAD)
    lines = [f"### {span(target)}", "", f"| {head}|", "|---" * 7 + "|"]
    for era in eras:
        cells = (span(cell) if cell else "" for cell in _cells(era, deployed))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def history_document(target: str, eras: Sequence[Era], deployed: Deployed, now: datetime.datetime) -> str:
    """``lockstep.history/1``: versions, newest first; ``seconds`` is how long each was declared."""
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
                    "sha256": era.said.sha256 or era.said.image,
                    "takenBack": era.undone is not None,
                    "takenBackWhy": era.undone,
                    "mayBeOlder": era.is_oldest_known,
                    "deployment": _document(deployed[era.sha]) if era.sha in deployed else None,
                }
                for era in eras
            ],
        }
    )


def _document(record: Record) -> dict[str, str | None]:
    return {
        "done": record.done.value,
        "at": record.at,
        "by": record.by,
        "commit": record.commit,
        "run": record.run,
    }


def _cells(era: Era, deployed: Deployed) -> tuple[str, ...]:
    notes = [
        "declared now" if era.until is None else "",
        "taken back" if era.undone else "",
        "or earlier" if era.is_oldest_known else "",
    ]
    return (
        printable(era.version or "(not declared)"),
        _moment(era.since),
        _deployed(era, deployed.get(era.sha)),
        era.sha[:8],
        printable(era.author),
        f"#{era.pull}" if era.pull is not None else "",
        ", ".join(note for note in notes if note),
    )


def _deployed(era: Era, record: Record | None) -> str:
    if era.version is None:
        return "-"
    if record is None:
        return "no record"
    return _moment(record.at) if record.done is Done.DEPLOYED else "failed"


def _moment(text: str) -> str:
    return f"{datetime.datetime.fromisoformat(text).astimezone(datetime.UTC):%Y-%m-%d %H:%M}"
