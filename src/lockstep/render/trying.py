"""Logs, answers and usage of live functions, as lines and as documents."""

import datetime
import json
from collections.abc import Sequence

from lockstep.model.foreign import read_json
from lockstep.model.trying import Invocation, LogLine, Usage
from lockstep.render.cells import columns_of, hanging, printable, printable_lines
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.wire import dump

__all__ = [
    "answer_text",
    "invocation_document",
    "invocation_lines",
    "log_document",
    "log_text",
    "top_document",
    "top_lines",
]


def log_text(line: LogLine, palette: Palette = PLAIN) -> list[str]:
    """A logged text under its time, which stands before its first line; nothing in it acts on a terminal."""
    moment = datetime.datetime.fromtimestamp(line.at / 1000, datetime.UTC)
    head = f"{moment:%H:%M:%S}.{line.at % 1000:03d}  "
    first, *others = printable_lines(line.text) or [""]
    return [palette.paint(palette.dim, head) + first, *(" " * len(head) + text for text in others)]


def log_document(target: str, lines: Sequence[LogLine]) -> str:
    """``lockstep.logs/1``: every line with its time in ISO 8601."""
    return dump(
        {
            "format": "lockstep.logs/1",
            "target": target,
            "lines": [{"at": _iso(line.at), "text": line.text} for line in lines],
        }
    )


def _iso(milliseconds: int) -> str:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC).isoformat(
        timespec="milliseconds"
    )


def answer_text(one: Invocation) -> list[str]:
    """What a function answered: JSON with indentation, another text as it is."""
    try:
        text = json.dumps(read_json(one.payload), indent=2, ensure_ascii=False)
    except ValueError:
        text = one.payload
    return printable_lines(text)


def invocation_lines(one: Invocation, palette: Palette = PLAIN, columns: int = 80) -> list[str]:
    """The end of its log, and one line on how it went."""
    lines = [palette.paint(palette.dim, f"  {text}") for entry in one.log for text in printable_lines(entry)]
    how = "answered" if one.error is None else "failed"
    colour = palette.good if one.error is None else palette.delete
    words = f"{printable(one.target)}: {printable(one.function)} ({printable(one.version)}) {how}"
    ended = hanging("", f"{words} after {one.seconds:.1f} s", columns, "  ")
    return [*lines, *(palette.paint(colour, line) for line in ended)]


def invocation_document(one: Invocation) -> str:
    """``lockstep.invocation/1``; ``payload`` is what the function answered, parsed where it is JSON."""
    try:
        payload = read_json(one.payload)
    except ValueError:
        payload = one.payload
    return dump(
        {
            "format": "lockstep.invocation/1",
            "target": one.target,
            "function": one.function,
            "version": one.version,
            "error": one.error,
            "payload": payload,
            "log": one.log,
            "seconds": round(one.seconds, 3),
        }
    )


def top_lines(
    rows: Sequence[Usage],
    *,
    minutes: int,
    palette: Palette = PLAIN,
    columns: int = 80,
    most: int | None = None,
) -> list[str]:
    """A table of targets, those with errors first, then the busiest; and the totals."""
    ordered = sorted(
        rows, key=lambda row: (-(row.errors or 0), -(row.throttles or 0), -(row.calls or 0), row.target)
    )
    shown = ordered if most is None else ordered[:most]
    head = ("TARGET", "CALLS", "ERRORS", "THROTTLED", "AVERAGE", "LONGEST")
    table = [head, *(_cells(row) for row in shown)]
    widths = [max(columns_of(text) for text in column) for column in zip(*table, strict=True)]
    lines = []
    for number, cells in enumerate(table):
        first, *numbers = cells
        text = first + " " * (widths[0] - columns_of(first))
        text += "".join(f"  {cell:>{width}}" for cell, width in zip(numbers, widths[1:], strict=True))
        row = shown[number - 1] if number else None
        lines.append(palette.paint(palette.bold if row is None else _colour(row, palette), text))
    if len(shown) < len(ordered):
        lines.append(palette.paint(palette.dim, f"and {len(ordered) - len(shown)} more; --all shows them"))
    calls, errors = sum(row.calls or 0 for row in rows), sum(row.errors or 0 for row in rows)
    share = f" ({errors / calls:.1%})" if calls else ""
    quiet = sum(row.calls is None and row.problem is None for row in rows)
    words = (
        f"Last {minutes} min: {calls:,} calls, {errors:,} errors{share}; {quiet} of {len(rows)} not called."
    )
    for row in rows:
        if row.problem is not None:
            lines += hanging("note: ", printable(f"{row.target}: {row.problem}"), columns)
    return [*lines, "", palette.paint(palette.bold, words)]


def top_document(rows: Sequence[Usage], *, minutes: int) -> str:
    """``lockstep.top/1``: durations in milliseconds; null where AWS has no figure."""
    return dump(
        {
            "format": "lockstep.top/1",
            "minutes": minutes,
            "targets": [
                {
                    "target": row.target,
                    "function": row.function,
                    "calls": row.calls,
                    "errors": row.errors,
                    "throttles": row.throttles,
                    "averageMs": row.average,
                    "longestMs": row.longest,
                    "problem": row.problem,
                }
                for row in rows
            ],
        }
    )


def _cells(row: Usage) -> tuple[str, ...]:
    if row.problem is not None:
        return (printable(row.target), "?", "?", "?", "?", "?")
    if row.calls is None:
        return (printable(row.target), "-", "-", "-", "-", "-")
    counts = (f"{count or 0:,}" for count in (row.calls, row.errors, row.throttles))
    return (printable(row.target), *counts, _ms(row.average), _ms(row.longest))


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.0f} s"


def _colour(row: Usage, palette: Palette) -> str:
    if row.errors or row.throttles:
        return palette.delete
    return palette.dim if row.calls is None else ""
