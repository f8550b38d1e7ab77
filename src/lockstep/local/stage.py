"""Where a story is told: headings, sentences, and real commands with their real output."""

import os
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from lockstep.errors import LockstepError
from lockstep.render.cells import message_lines

__all__ = ["Stage"]

_WIDTH = 80


class Stage:
    """Runs commands in ``folder`` with ``environment`` and shows them on stdout.

    A step that does not show what it should ends the story with LockstepError.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        colour = {"FORCE_COLOR": "1"} if self._is_coloured else {"NO_COLOR": "1"}
        left_out = ("GITHUB_STEP_SUMMARY", "NO_COLOR", "FORCE_COLOR")
        self._environment = {k: v for k, v in environment.items() if k not in left_out} | {
            "COLUMNS": str(_WIDTH),
            **colour,
        }
        self._heading = ""
        self._number = 0
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the story began."""
        return time.monotonic() - self._start

    def heading(self, text: str) -> None:
        """Begin a step."""
        self._number += 1
        self._heading = f"{self._number}. {text}"
        self._write(f"\n{self._bold(self._heading)}\n")

    def say(self, text: str, *, indent: str = "") -> None:
        """Write a sentence or two, wrapped to 80 columns, after an empty line unless indented."""
        if not indent:
            self._write("\n")
        self._write(textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent) + "\n")

    def enter(self, folder: Path) -> None:
        """Run what follows in another folder, and show it."""
        self.folder = folder
        self._write(f"\n{self._bold(f'$ cd ../{folder.name}')}\n")

    def lockstep(
        self, *arguments: str, code: int = 0, shows: tuple[str, ...] = (), is_shown: bool = True
    ) -> str:
        """Run ``lockstep``; it has to exit with ``code`` and its output to hold all of ``shows``."""
        program = [sys.executable, "-m", "lockstep"]
        return self.run("lockstep", program, *arguments, code=code, shows=shows, is_shown=is_shown)

    def git(self, *arguments: str, is_shown: bool = True) -> str:
        """Run ``git``; it has to succeed."""
        found = shutil.which("git")
        if found is None:
            raise LockstepError(
                "git is not installed", doing="starting the demo", fix="install git 2.25 or newer"
            )
        return self.run("git", [found], *arguments, is_shown=is_shown)

    def run(
        self,
        name: str,
        program: list[str],
        *arguments: str,
        code: int = 0,
        shows: tuple[str, ...] = (),
        is_shown: bool = True,
    ) -> str:
        """Run a program under a name, show both what is typed and what comes, and return the output."""
        command = shlex.join((name, *arguments))
        if is_shown:
            self._write(f"\n{self._bold(f'$ {command}')}\n")
        with subprocess.Popen(
            [*program, *arguments],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            lines = []
            for line in process.stdout:
                lines.append(line)
                if is_shown:
                    self._write(self._as_on_a_terminal(line))
        output = "".join(lines)
        if process.returncode != code:
            if not is_shown:
                self._write(output)
            self.fail(f"`{command}` ended with exit code {process.returncode}, not {code}")
        flat = " ".join(output.split())
        for text in shows:
            self.expect(text in flat, f"`{command}` does not show {text!r}")
        return output

    def expect(self, is_so: object, otherwise: str) -> None:
        """Go on when it is so, else end the story."""
        if not is_so:
            self.fail(otherwise)

    def fail(self, problem: str) -> NoReturn:
        """End the story."""
        raise LockstepError(
            problem,
            doing=f"demo, step {self._heading}",
            fix="run it again with --keep to look around; when it fails again, please report it",
        )

    def _as_on_a_terminal(self, line: str) -> str:
        """A message that is not wrapped into a pipe, as it is on a terminal of the stage's width."""
        if len(line) <= _WIDTH or "\033" in line:
            return line
        return "".join(f"{part}\n" for part in message_lines(line.rstrip("\n"), _WIDTH))

    def _bold(self, text: str) -> str:
        return f"\033[1m{text}\033[0m" if self._is_coloured else text

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
