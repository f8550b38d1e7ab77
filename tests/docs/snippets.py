"""Snippets of a Markdown page, in order.

```console     commands after "$ ", each with the output that must appear; "..." stands for any lines
```yaml        a file when its first line is a comment with its path: "# syrf/.../config.yaml"
```text        output or pictures; not run

A comment line `<!-- not run: reason -->` before a block leaves it out, with the reason.
`<!-- exit N -->` says that the last command of the next block ends with exit code N.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Block", "Command", "blocks", "matches"]

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
        """Path of the file that a YAML block is."""
        first = self.lines[0] if self.lines else ""
        found = re.match(r"^# (\S+\.ya?ml)$", first)
        return found.group(1) if self.language == "yaml" and found else None


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
    command: str | None = None
    output: list[str] = []
    for line in lines:
        if line.startswith("$ "):
            if command is not None:
                yield Command(line=command, output=tuple(output))
            command, output = line[2:], []
        elif command is not None and command.endswith("\\"):
            command = f"{command[:-1]} {line.strip()}"
        else:
            output.append(line)
    if command is not None:
        yield Command(line=command, output=tuple(output))


def _steady(line: str) -> str:
    line = line.rstrip()
    for pattern, name in _VOLATILE:
        line = pattern.sub(name, line)
    return line
