"""Blocks of GitHub Markdown that hold what somebody else wrote.

Text of others stands inside code: a fenced block whose fence is longer than any run of backticks in
it, a code span, or an escaped ``<code>`` element. GitHub interprets no Markdown, HTML, mention or
issue reference there.
"""

import re
from collections.abc import Iterable, Sequence

from lockstep.render.cells import printable, printable_lines

__all__ = ["bounded", "details", "fence", "flat", "span"]

_CLOSING = 300  # characters kept free for the sentence that says what was left out


def flat(texts: Iterable[str]) -> list[str]:
    """Lines of texts, each printable."""
    return [line for text in texts for line in printable_lines(text)]


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def fence(language: str, lines: Sequence[str]) -> str:
    """A fenced block; the lines have to be printable."""
    text = "\n".join(lines)
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def span(text: str) -> str:
    """A code span that also stands in a table: pipes are escaped as GitHub's tables ask for."""
    text = printable(text).replace("|", "\\|")
    ticks = "`" * (_longest_run(text) + 1)
    space = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def details(title: str, body: str) -> str:
    """A section that opens when it is clicked."""
    import html  # its table of entities is only for what goes to GitHub

    summary = f"<summary><code>{html.escape(printable(title))}</code></summary>"
    return f"<details>{summary}\n\n{body}\n\n</details>"


def bounded(head: Sequence[str], sections: Sequence[str], longest: int) -> str:
    """As many whole sections as fit; what is left out is counted."""
    parts: list[str] = []
    room = longest - _CLOSING
    for part in head:
        part = part if len(part) <= room else fence("", [part[: max(room - 20, 0)].replace("`", "'")])
        parts.append(part)
        room -= len(part) + 2
    left = 0
    for section in sections:
        if len(section) + 2 <= room:
            parts.append(section)
            room -= len(section) + 2
        else:
            left += 1
    if left:
        noun = "section" if left == 1 else "sections"
        parts.append(f"_{left} more {noun} did not fit here; see the job's log or run the command yourself._")
    return "\n\n".join(parts) + "\n"
