"""What a road cannot express: as terminal lines, JSON and Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lockstep.render.blocks import span
from lockstep.render.cells import hanging, printable
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.wire import dump

__all__ = ["LossRow", "losses_document", "losses_lines", "losses_markdown"]

LossRow = tuple[str, str, str, str, str]
"""Target, field, how bad it is, what cannot be expressed, what happens instead."""

_FEW = 3  # targets that a line names


def losses_lines(rows: Iterable[LossRow], *, palette: Palette = PLAIN, columns: int = 80) -> list[str]:
    """What is the same of several targets is told once."""
    lines: list[str] = []
    paints = {"refused": palette.blocked, "lost": palette.warning}
    for (name, weight, problem, instead), targets in _grouped(rows).items():
        head = palette.paint(paints.get(weight, palette.dim), weight)
        lines.append(f"{head}  {palette.paint(palette.bold, printable(name))}  {printable(_named(targets))}")
        lines += hanging("    ", printable(problem), columns)
        lines += hanging("    instead: ", printable(instead), columns)
    return lines


def losses_markdown(rows: Iterable[LossRow]) -> str:
    """A table, which a comment or a job's summary can hold."""
    lines = [
        "| target | field | | what cannot be expressed | what happens instead |",
        "|---|---|---|---|---|",
    ]
    for (name, weight, problem, instead), targets in _grouped(rows).items():
        cells = (span(_named(targets)), span(name), weight, _cell(problem), _cell(instead))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def losses_document(road: str, rows: Iterable[LossRow], files: Sequence[Mapping[str, Any]]) -> str:
    """``lockstep.render/1``: every loss of every target, and what became of each file."""
    keys = ("target", "field", "weight", "problem", "instead")
    return dump(
        {
            "format": "lockstep.render/1",
            "road": road,
            "losses": [dict(zip(keys, row, strict=True)) for row in rows],
            "files": list(files),
        }
    )


def _grouped(rows: Iterable[LossRow]) -> dict[tuple[str, str, str, str], list[str]]:
    """Targets by what they have in common, the worst first."""
    order = ("refused", "lost", "differs")
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for target, *said in sorted(rows, key=lambda row: order.index(row[2])):
        name, weight, problem, instead = said
        found.setdefault((name, weight, problem, instead), []).append(target)
    return found


def _named(targets: Sequence[str]) -> str:
    if list(targets) == ["*"]:
        return "all targets"
    more = len(targets) - _FEW
    return ", ".join(targets[:_FEW]) + (f" and {more:,} more" if more > 0 else "")


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|").replace("<", "&lt;")
