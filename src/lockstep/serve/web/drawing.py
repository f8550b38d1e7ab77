"""Charts as what a template draws: paths in a box of 100 by 40, which is stretched to the page's width.

So no word is in the picture: words stand beside it, at the size that readers chose, and in a table.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from lockstep.model.chart import Chart, Line

__all__ = ["HIGH", "WIDE", "bars", "drawn"]

WIDE, HIGH = 100.0, 40.0
_MARGIN = 2.0  # below the highest value and above the lowest
_GAP = timedelta(minutes=1)  # what is further apart is not joined: nothing was measured between


def drawn(chart: Chart) -> Mapping[str, Any]:
    """Lines over time; without a value there is nothing to draw, and ``lines`` are empty."""
    times = sorted({at for line in chart.lines for at, _ in line.points})
    values = [value for line in chart.lines for _, value in line.points]
    most, least = max([*values, *chart.bounds], default=0.0), min([0.0, *values, *chart.bounds])
    span = (most - least) or 1.0

    def high(value: float) -> float:
        return round(HIGH - _MARGIN - (value - least) / span * (HIGH - 2 * _MARGIN), 2)

    def across(at: datetime) -> float:
        whole = (times[-1] - times[0]) / _GAP
        return round(WIDE * ((at - times[0]) / _GAP) / whole, 2) if whole else WIDE / 2

    lines = [
        {"name": line.name, "path": _path(line, across, high), "last": _told(line.points[-1][1], chart.unit)}
        for line in chart.lines
        if line.points
    ]
    by_time = [dict(line.points) for line in chart.lines]
    return {
        "name": chart.name,
        "lines": lines,
        "bounds": [{"y": high(bound), "words": _told(bound, chart.unit)} for bound in chart.bounds],
        "most": _told(most, chart.unit),
        "begins": times[0].isoformat() if times else "",
        "ends": times[-1].isoformat() if times else "",
        "names": [line.name for line in chart.lines],
        "table": [
            (at.isoformat(), [_told(one[at], chart.unit) if at in one else "-" for one in by_time])
            for at in reversed(times)
        ],
    }


def _path(line: Line, across: Any, high: Any) -> str:
    parts: list[str] = []
    before: datetime | None = None
    for at, value in line.points:
        is_joined = before is not None and at - before <= _GAP
        parts.append(
            f"{'L' if is_joined else 'M'} {across(at):g} {high(value):g}" + ("" if is_joined else " h 0")
        )
        before = at
    return " ".join(parts)


def _told(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}" if unit else f"{value:.6g}"


def bars(counts: Sequence[tuple[str, int]]) -> Mapping[str, Any]:
    """A bar for each day with its count, the first day first."""
    most = max((count for _, count in counts), default=0)
    step = WIDE / max(len(counts), 1)
    return {
        "most": most,
        "bars": [
            {
                "x": round(number * step + step * 0.15, 2),
                "width": round(step * 0.7, 2),
                "y": round(HIGH - tall, 2),
            }
            | {"height": round(tall, 2)}
            for number, (_, count) in enumerate(counts)
            if (tall := (HIGH - _MARGIN) * count / most if most else 0.0)
        ],
        "table": list(_newest(counts)),
    }


def _newest(counts: Iterable[tuple[str, int]]) -> Iterable[tuple[str, int]]:
    return reversed([*counts])
