"""The checks of ``doctor`` as terminal lines."""

from collections import Counter
from collections.abc import Iterable

from lockstep.model import Check, Verdict
from lockstep.render.cells import hanging, printable_lines
from lockstep.render.palette import PLAIN, Palette

__all__ = ["check_lines", "doctor_summary"]

_WORDS = {
    Verdict.OK: "ok",
    Verdict.WARNING: "WARNING",
    Verdict.FAILED: "FAILED",
    Verdict.SKIPPED: "skipped",
}


def check_lines(check: Check, *, palette: Palette = PLAIN, columns: int = 80) -> list[str]:
    """One check with what was found, and what to do about it."""
    word = f"{_WORDS[check.verdict]:<8}"
    first, *others = printable_lines(f"{check.name}: {check.detail}") or [check.name]
    lines = hanging(word, first, columns)
    for other in others:
        lines += hanging(" " * 10, other.strip(), columns)
    for number, line in enumerate(printable_lines(check.fix or "")):
        lines += hanging("        fix: " if number == 0 else " " * 13, line.strip(), columns)
    colour = _colour(check.verdict, palette)
    return [palette.paint(colour, lines[0][: len(word)]) + lines[0][len(word) :], *lines[1:]]


def doctor_summary(checks: Iterable[Check]) -> str:
    """``Doctor: 8 ok, 1 warning, 0 failed, 2 skipped.``"""
    count = Counter(check.verdict for check in checks)
    return f"Doctor: {', '.join(f'{count[verdict]} {verdict}' for verdict in Verdict)}."


def _colour(verdict: Verdict, palette: Palette) -> str:
    match verdict:
        case Verdict.OK:
            return palette.good
        case Verdict.WARNING:
            return palette.update
        case Verdict.FAILED:
            return palette.blocked
        case Verdict.SKIPPED:
            return palette.dim
