"""Text on a terminal: what may be printed, how wide it is, where it wraps."""

import re
import unicodedata

from lockstep.regexes import regex

__all__ = [
    "columns_of",
    "fit",
    "hanging",
    "harmless",
    "message_lines",
    "printable",
    "printable_lines",
    "wrap",
]

_NOT_ASCII = regex(r"[^\x00-\x7f]")
_COMMAND = regex(r"^(?P<before>\s*):(?=:)|##(?=\w*\[)")

_LABEL = regex(r"\s*((error|warning|note|fix|because|at):\s)?")


def printable(text: str) -> str:
    """The text on one line with every control, format and unassigned character escaped.

    A value from a repository or from AWS can so never move the cursor, change colours, reorder
    the line or hide something.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    if named:
        return named
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable_lines(text: str) -> list[str]:
    """The lines of a message, each printable.

    A line that a CI system would take for a command of its own loses that meaning: see ``harmless``.
    """
    return [harmless(printable(line.expandtabs(4))) for line in text.splitlines()]


def message_lines(text: str, columns: int | None) -> list[str]:
    """The lines of a message, each printable, wrapped to ``columns`` where a terminal is that wide.

    What is wrapped goes on below the words of its line, or below what follows a label such as ``fix:``.
    """
    if columns is None:
        return printable_lines(text)
    lines: list[str] = []
    for line in printable_lines(text):
        label = _LABEL.match(line)
        start = label[0] if label else ""
        lines += hanging(start, line.removeprefix(start), columns)
    return lines


def harmless(line: str) -> str:
    """The line without a command to the CI system that reads it.

    GitHub's runner obeys ``::name::`` at the beginning of a line, and in its older form ``##[name]``
    anywhere in one (actions/runner, ``ActionCommand.cs``); Azure Pipelines obeys ``##vso[...]``,
    TeamCity ``##teamcity[...]``.
    """
    return _COMMAND.sub(_defused, line) if ":" in line or "##" in line else line


def _defused(found: re.Match[str]) -> str:
    before = found["before"]
    return r"#\x23" if before is None else rf"{before}\x3a"


def columns_of(text: str) -> int:
    """Columns that printable text takes on a terminal: 2 for wide characters, 0 for combining ones."""
    return len(text) + sum(_columns(c) - 1 for c in _NOT_ASCII.findall(text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, columns: int) -> str:
    """The text filled up with spaces to a number of columns; longer text stays whole."""
    return text + " " * (columns - columns_of(text))


def wrap(text: str, columns: int) -> list[str]:
    """Lines of at most ``columns`` columns, broken at spaces; a longer word, such as a path, stays whole."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if columns_of(joined) <= columns or not line.strip():
            line = joined
            continue
        lines.append(line)
        line = word
    return [*lines, line] if line or not lines else lines


def hanging(first: str, text: str, columns: int, rest: str | None = None) -> list[str]:
    """Wrapped text: ``first`` stands before the first line, spaces (or ``rest``) before the others."""
    rest = " " * columns_of(first) if rest is None else rest
    room = max(columns - max(columns_of(first), columns_of(rest)), 20)
    head, *tail = wrap(text, room)
    return [first + head, *(rest + harmless(line) for line in tail)]
