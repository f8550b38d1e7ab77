"""What a row found, as one table and as JSON."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from benchmarks.measure import Summary

__all__ = ["Goal", "Result", "as_json", "as_lines", "faster"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """One goal and how it came out. ``is_met`` None: it could not be measured here."""

    text: str
    found: str
    is_met: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One row: the tools' figures, the goals, and what else there is to know."""

    row: str
    title: str
    tools: dict[str, Summary] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
    notes: tuple[str, ...] = ()


def faster(tools: dict[str, Summary], other: str, goal: float) -> Goal:
    """The goal that Lockstep is so many times faster than another tool, by medians of wall time."""
    text = f"{goal:g} times faster than {other}"
    if other not in tools:
        return Goal(text=text, found="not measured", is_met=None)
    ratio = tools[other].wall / tools["lockstep"].wall
    return Goal(text=text, found=f"{ratio:.1f} times", is_met=ratio >= goal)


def as_lines(results: Sequence[Result]) -> list[str]:
    """The table."""
    head = f"{'row':<20}{'tool':<17}{'median':>9}{'range':>17}{'cpu':>9}{'peak':>9}{'runs':>6}"
    lines = [head, "-" * len(head)]
    for result in results:
        for name, found in result.tools.items():
            span = f"{found.fastest:.2f}-{found.slowest:.2f} s"
            lines.append(
                f"{result.row:<20}{name:<17}{found.wall:>7.2f} s{span:>17}{found.cpu:>7.2f} s"
                f"{found.peak:>6.0f} MB{found.runs:>6}"
            )
        lines.append(f"  {result.title}")
        for goal in result.goals:
            verdict = {True: "met", False: "MISSED", None: "skipped"}[goal.is_met]
            lines.append(f"  {verdict:<8}{goal.text}: {goal.found}")
        lines += [f"  {note}" for note in result.notes]
    return lines


def as_json(results: Sequence[Result]) -> str:
    """The same for programs; seconds and MB (10^6 bytes)."""
    about = {"machine": platform.machine(), "python": platform.python_version()}
    return json.dumps({"about": about, "rows": [asdict(result) for result in results]}, indent=2) + "\n"
