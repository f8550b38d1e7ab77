"""Snippets of a Markdown page, in order.

```console     commands after "$ ", each with the output that must appear; "..." stands for any lines
```yaml        a file when its first line is a comment with its path: "# syrf/.../config.yaml"
```python      likewise: "# prepare.py"
```text        output or pictures; not run

A comment line `<!-- not run: reason -->` before a block leaves it out, with the reason.
`<!-- exit N -->` says that the last command of the next block ends with exit code N.
`<!-- start: empty -->` anywhere says that the page begins in an empty folder.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Block", "Command", "blocks", "is_empty_start", "matches"]

_FENCE = re.compile(r"^```(\w*)\s*$")
_REASON = re.compile(r"^<!-- not run: (.+) -->$")
_EXIT = re.compile(r"^<!-- exit (\d+) -->$")
_VOLATILE = (
    (re.compile(r"\b\d+(\.\d+)? s\b"), "N s"),
    (re.compile(r"\b\d+ API calls?\b"), "N API calls"),
    (re.compile(r"\b[0-9a-f]{7,64}\b…?"), "HEX"),
)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line and the output that must appear."""

    line: str
    output: tuple[str, ...] = ()
    source: tuple[str, ...] = ()  # as the page writes it, over several lines where it ends in a backslash


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block."""

    page: Path
    number: int  # line of its fence, from 1
    language: str
    lines: tuple[str, ...]
    skipped: str | None = None
    exit_code: int = 0
    commands: tuple[Command, ...] = field(default=())

    @property
    def file(self) -> str | None:
        """Path of the file that a YAML or Python block is."""
        first = self.lines[0] if self.lines else ""
        found = re.match(r"^# (\S+\.(?:ya?ml|py))$", first)
        return found.group(1) if self.language in ("yaml", "python") and found else None


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page."""
    skipped: str | None = None
    exit_code = 0
    language: str | None = None
    content: list[str] = []
    start = 0
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if language is None:
            if fence:
                language, content, start = fence.group(1), [], number
            elif reason := _REASON.match(line):
                skipped = reason.group(1)
            elif code := _EXIT.match(line):
                exit_code = int(code.group(1))
            elif line.strip():
                skipped, exit_code = None, 0
        elif line.startswith("```"):
            yield Block(
                page=page,
                number=start,
                language=language,
                lines=tuple(content),
                skipped=skipped,
                exit_code=exit_code,
                commands=tuple(_commands(content)) if language == "console" else (),
            )
            language, skipped, exit_code = None, None, 0
        else:
            content.append(line)


def matches(expected: tuple[str, ...], got: str) -> bool:
    """Say whether the output shows the expected lines in order, times and digests apart."""
    wanted = [_steady(line) for line in expected if line.strip()]
    lines = [_steady(line) for line in got.splitlines() if line.strip()]
    position = 0
    loose = False
    for want in wanted:
        if want.strip() == "...":
            loose = True
            continue
        if loose:
            while position < len(lines) and lines[position] != want:
                position += 1
            loose = False
        if position >= len(lines) or lines[position] != want:
            return False
        position += 1
    return loose or position == len(lines)


def _commands(lines: list[str]) -> Iterator[Command]:
    source: list[str] = []
    output: list[str] = []
    for line in lines:
        if line.startswith("$ "):
            if source:
                yield _command(source, output)
            source, output = [line[2:]], []
        elif source and not output and source[-1].endswith("\\"):
            source.append(line)
        else:
            output.append(line)
    if source:
        yield _command(source, output)


def _command(source: list[str], output: list[str]) -> Command:
    line = " ".join(part.strip().removesuffix("\\").rstrip() for part in source)
    return Command(line=line, output=tuple(output), source=tuple(source))


def is_empty_start(page: Path) -> bool:
    """Say whether a page begins in an empty folder instead of the example project."""
    return "<!-- start: empty -->" in page.read_text(encoding="utf-8").splitlines()


def _steady(line: str) -> str:
    line = line.rstrip()
    for pattern, name in _VOLATILE:
        line = pattern.sub(name, line)
    return line
