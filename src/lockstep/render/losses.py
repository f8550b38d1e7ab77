"""What a road cannot express: as terminal lines, JSON and Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lockstep.render.blocks import span
from lockstep.render.cells import hanging, printable
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.wire import dump

__all__ = ["LossRow", "losses_document", "losses_lines", "losses_markdown"]

LossRow = tuple[str, str, str, str, str, str]
"""Target, field, how bad it is, what cannot be expressed, what happens instead, and its ``file:line``."""

_FEW = 3  # targets that a line names


def losses_lines(rows: Iterable[LossRow], *, palette: Palette = PLAIN, columns: int = 80) -> list[str]:
    """What is the same of several targets is told once."""
    lines: list[str] = []
    paints = {"refused": palette.blocked, "lost": palette.warning}
    for (name, weight, problem, instead), targets in _grouped(rows).items():
        head = palette.paint(paints.get(weight, palette.dim), weight)
        lines.append(f"{head}  {palette.paint(palette.bold, printable(name))}  {printable(_named(targets))}")
        lines += hanging("    ", printable(problem), columns)
        for text in _places(targets) if weight == "refused" else ():
            lines += hanging("    at ", printable(text), columns)
        lines += hanging("    fix: " if weight == "refused" else "    instead: ", printable(instead), columns)
    return lines


def losses_markdown(rows: Iterable[LossRow]) -> str:
    """A table, which a comment or a job's summary can hold."""
    lines = [
        "| target | field | | what cannot be expressed | what happens instead |",
        "|---|---|---|---|---|",
    ]
    for (name, weight, problem, instead), targets in _grouped(rows).items():
        at = "".join(f"; at {text}" for text in _places(targets)) if weight == "refused" else ""
        cells = (span(_named(targets)), span(name), weight, _cell(f"{problem}{at}"), _cell(instead))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def losses_document(road: str, rows: Iterable[LossRow], files: Sequence[Mapping[str, Any]]) -> str:
    """``lockstep.render/1``: every loss of every target, and what became of each file."""
    keys = ("target", "field", "weight", "problem", "instead", "place")
    return dump(
        {
            "format": "lockstep.render/1",
            "road": road,
            "losses": [dict(zip(keys, row, strict=True)) for row in rows],
            "files": list(files),
        }
    )


def _grouped(rows: Iterable[LossRow]) -> dict[tuple[str, str, str, str], list[tuple[str, str]]]:
    """Targets with their places by what they have in common, the worst first."""
    order = ("refused", "lost", "differs")
    found: dict[tuple[str, str, str, str], list[tuple[str, str]]] = {}
    for target, *said, place in sorted(rows, key=lambda row: order.index(row[2])):
        name, weight, problem, instead = said
        found.setdefault((name, weight, problem, instead), []).append((target, place))
    return found


def _named(targets: Sequence[tuple[str, str]]) -> str:
    names = [target for target, _ in targets]
    if names == ["*"]:
        return "all targets"
    more = len(names) - _FEW
    return ", ".join(names[:_FEW]) + (f" and {more:,} more" if more > 0 else "")


def _places(targets: Sequence[tuple[str, str]]) -> list[str]:
    """Each place once, with its targets: somebody has to do something about all of them."""
    found: dict[str, list[tuple[str, str]]] = {}
    for target, place in targets:
        found.setdefault(place, []).append((target, place))
    return [f"{place} ({_named(some)})" for place, some in found.items()]


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|").replace("<", "&lt;")
