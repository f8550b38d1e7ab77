"""Results of a sync as terminal lines: one for each step while it runs, and the final report."""

from collections.abc import Mapping

from lockstep.model import Outcome, Report, StepResult
from lockstep.render.cells import hanging, printable_lines
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.steps import step_words

__all__ = ["report_lines", "report_summary", "result_lines"]


def result_lines(
    result: StepResult, words: Mapping[str, str], *, palette: Palette = PLAIN, columns: int = 80
) -> list[str]:
    """One step's outcome while the sync runs; ``words`` are those of ``steps.words_by_step``."""
    what = step_words(result, words)
    match result.outcome:
        case Outcome.STARTED:
            return hanging("  ...       ", what, columns)
        case Outcome.WAITING:
            return hanging("  waiting   ", f"{what}: for {result.waits_for}", columns)
        case Outcome.DONE:
            return hanging("  done      ", f"{what} ({_seconds(result.seconds)})", columns)
        case Outcome.FAILED:
            lines = hanging("  FAILED    ", what, columns)
            lines += _error_lines(result.error, "            ", columns)
            return [palette.paint(palette.blocked, lines[0]), *lines[1:]]
        case Outcome.NOT_TRIED:
            return [palette.paint(palette.dim, line) for line in hanging("  not tried ", what, columns)]


def report_lines(
    report: Report, words: Mapping[str, str], *, palette: Palette = PLAIN, columns: int = 80
) -> list[str]:
    """The final report: what failed and how to mend it, what was not tried, what still differs."""
    failed = [result for result in report.results if result.outcome is Outcome.FAILED]
    left = [result for result in report.results if result.outcome in (Outcome.NOT_TRIED, Outcome.STARTED)]
    lines: list[str] = []
    if failed:
        lines.append(palette.paint(palette.blocked, "Failed:"))
        for result in failed:
            lines += hanging("  ", step_words(result, words), columns, rest="      ")
            lines += _error_lines(result.error, "      ", columns)
    if left:
        lines.append(palette.paint(palette.bold, "Left to do:" if report.interrupted else "Not tried:"))
        for result in left:
            lines += hanging("  ", step_words(result, words), columns, rest="      ")
    if report.mismatches:
        lines.append(palette.paint(palette.blocked, "Still different after it was written:"))
        for text in report.mismatches:
            for line in printable_lines(text):
                lines += hanging("  ", line, columns, rest="      ")
    is_whole = not lines
    if report.pending:
        lines.append(palette.paint(palette.bold, "Handed over, and not applied by this run:"))
        for text in report.pending:
            for line in printable_lines(text):
                lines += hanging("  ", line, columns, rest="      ")
        lines += [""] if is_whole else []
    if not is_whole:
        lines += ["", "Run the same command again to finish: what is done is not repeated.", ""]
    colour = palette.good if report.is_success else palette.blocked
    return [*lines, palette.paint(colour, report_summary(report))]


def report_summary(report: Report) -> str:
    """``Sync: 5 done, 1 failed, 2 not tried in 3.4 s with 41 API calls.``"""
    count = dict.fromkeys(Outcome, 0)
    for result in report.results:
        count[result.outcome] += 1
    left = count[Outcome.NOT_TRIED] + count[Outcome.STARTED]
    words = [f"{count[Outcome.DONE]} done"]
    if count[Outcome.FAILED]:
        words.append(f"{count[Outcome.FAILED]} failed")
    if left:
        words.append(f"{left} {'left' if report.interrupted else 'not tried'}")
    if report.mismatches:
        words.append(f"{len(report.mismatches)} still different")
    name = "Sync stopped" if report.interrupted else "Sync"
    calls = "1 API call" if report.calls == 1 else f"{report.calls:,} API calls"
    return f"{name}: {', '.join(words)} in {_seconds(report.seconds)} with {calls}."


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _error_lines(error: str | None, indent: str, columns: int) -> list[str]:
    lines: list[str] = []
    for line in printable_lines(error or "no reason was given"):
        lines += hanging(indent, line.strip(), columns)
    return lines
