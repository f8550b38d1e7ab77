"""What every command knows of its surroundings, and the only place that writes to them."""

import contextlib
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from lockstep.cli.results import note_result
from lockstep.errors import BadInput, LockstepError
from lockstep.settings import Settings
from lockstep.values import dataclass

if TYPE_CHECKING:
    from lockstep.delivery.places.forges import Credentials
    from lockstep.delivery.places.workspace import Where, Workspace
    from lockstep.model.watching import Watcher
    from lockstep.render.palette import Palette

__all__ = ["Output", "Shell", "WideOutput", "save"]

_LOCK = threading.Lock()


class Output(StrEnum):
    """Forms of a result."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


class WideOutput(StrEnum):
    """Forms of a status."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    MARKDOWN = "markdown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shell:
    """Global options and settings of one run, with the ways to speak to the user."""

    settings: Settings
    directory: Path
    repo: str | None = None
    rev: str | None = None
    no_color: bool = False
    verbosity: int = 0
    server: str | None = None  # URL of the one that is asked instead
    is_server_named: bool = False  # by --server, and not by LOCKSTEP_SERVER alone
    project: str | None = None  # of those that it follows
    may_be_plain: bool = False  # http to another machine than this one
    suggested: list[str] = field(default_factory=list)  # what to do next, the last one counting

    @property
    def where(self) -> "Where":
        """Where the desired state is read from; BadInput when the folder does not exist."""
        from lockstep.delivery.places.workspace import Where

        for name, value in (("--repo", self.repo), ("--rev", self.rev)):
            if value == "":  # an unset variable of a script: never read something else instead
                raise BadInput("the value is empty", where=name, fix=f"give a value, or leave out {name}")
        if self.repo is None and not _is_folder(self.directory):
            raise BadInput("there is no such folder", where=str(self.directory), fix="check -C")
        return Where(folder=self.directory, repo=self.repo, rev=self.rev, cache=self.settings.cache)

    @property
    def credentials(self) -> "Credentials":
        """What forges are opened with."""
        from lockstep.delivery.places.forges import Credentials

        return Credentials(
            cache=self.settings.cache,
            github_token=self.settings.github_token,
            github_app_key=self.settings.github_app_key,
        )

    def open_workspace(self, *, timeout: float | None = None) -> "Workspace":
        """Read the desired state, telling its warnings on stderr; reading may take ``timeout`` seconds."""
        from lockstep.delivery.places.workspace import open_workspace

        workspace = open_workspace(replace(self.where, timeout=timeout))
        for warning in workspace.warnings:
            self.log(f"warning: {warning}")
        return workspace

    @property
    def watcher(self) -> "Watcher":
        """Who tells the user what a verb does meanwhile."""
        from lockstep.cli.watching import Teller

        return Teller(self)

    @property
    def is_live(self) -> bool:
        """Whether rows may move: a terminal, outside CI."""
        return sys.stdout.isatty() and not self.settings.is_ci and os.environ.get("TERM") != "dumb"

    @property
    def palette(self) -> "Palette":
        """Colours for stdout."""
        from lockstep.render.palette import COLOUR, PLAIN

        wanted = self.settings.colour
        if self.no_color:
            wanted = False
        return COLOUR if (sys.stdout.isatty() if wanted is None else wanted) else PLAIN

    @property
    def columns(self) -> int:
        """Width for text: the terminal's, else 80."""
        if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
            return 80
        return max(shutil.get_terminal_size((80, 24)).columns, 40)

    @property
    def lines(self) -> int:
        """Lines for a text that is to be seen at once: the terminal's but for the prompt; 50 elsewhere."""
        return max(shutil.get_terminal_size((80, 24)).lines - 3, 12) if self.is_live else 50

    def emit(self, lines: Iterable[str] | str) -> None:
        """Write a result to stdout: lines, or a text that ends its last line itself.

        Nothing in it is a command to a CI system, whoever wrote it.
        """
        self.emit_pieces([lines] if isinstance(lines, str) else (f"{line}\n" for line in lines))

    def emit_pieces(self, pieces: Iterable[str]) -> None:
        """Write a result to stdout that is made while it is written."""
        from lockstep.render.cells import harmless

        with _LOCK:
            note_result()
            sys.stdout.writelines(harmless(line) for line in _lines_of(pieces))
            sys.stdout.flush()

    def log(self, message: str) -> None:
        """Write a message to stderr, wrapped on a terminal; nothing in it can act on that."""
        from lockstep.render.cells import message_lines

        columns = self.columns if sys.stderr.isatty() else None
        text = "".join(f"{line}\n" for line in message_lines(message, columns))
        with _LOCK:
            sys.stdout.flush()
            sys.stderr.write(text)
            sys.stderr.flush()

    def warn(self, message: str) -> None:
        """Tell on stderr of something to think about: wrapped, and in colour on a terminal."""
        from lockstep.render.cells import message_lines
        from lockstep.render.palette import PLAIN

        palette = self.palette if sys.stderr.isatty() else PLAIN
        with _LOCK:
            sys.stdout.flush()
            told = message_lines(f"warning: {message}", self.columns)
            lines = (palette.paint(palette.warning, line) for line in told)
            sys.stderr.write("".join(f"{line}\n" for line in lines))
            sys.stderr.flush()

    @property
    def can_hint(self) -> bool:
        """Whether a person reads both streams: what to do next is for nobody else."""
        return self.is_live and sys.stderr.isatty()

    @property
    def can_ask(self) -> bool:
        """Whether a person can answer: the keyboard and the messages are on a terminal, outside CI."""
        return (
            sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty() and not self.settings.is_ci
        )

    def ask(self, question: str) -> bool:
        """Ask on the terminal; only y and yes agree. Raises KeyboardInterrupt."""
        from lockstep.cli.stopping import raising
        from lockstep.render.cells import printable

        answer = ""
        try:
            with raising():  # before there is a question that somebody may answer with Ctrl-C
                with _LOCK:
                    sys.stdout.flush()
                    sys.stderr.write(f"{printable(question)} [y/N] ")
                    sys.stderr.flush()
                answer = sys.stdin.readline()
        finally:
            if not answer.endswith("\n"):
                sys.stderr.write("\n")
        return answer.strip().lower() in ("y", "yes")

    def summarise(self, markdown: Callable[[], str]) -> None:
        """Add Markdown to the job's summary where GitHub asks for one; a failure to is only told."""
        path = self.settings.job_summary
        if path is None:
            return
        try:
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(markdown() + "\n")
        except OSError as error:
            self.log(f"warning: the job summary could not be written: {error}")

    def hand_on(self, name: str, value: str) -> None:
        """Give later steps and jobs a value of one line, where GitHub asks for such; LockstepError if not.

        Not only told, unlike a summary: those that come would take the value for empty.
        """
        path = self.settings.job_output
        if path is None:
            return
        if "\n" in value or "\r" in value:  # would be read as more values
            raise LockstepError(f"the value of {name} has more than one line", where=str(path))
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{name}={value}\n")
        except OSError as error:
            raise LockstepError(
                f"cannot hand on {name} to later steps: {error.strerror}",
                where=str(path),
                fix="run it again; the file is the one that GITHUB_OUTPUT names",
            ) from None

    def progress(self, words: str) -> None:
        """Show what is being done: one changing line on a terminal, a log line with -v, else nothing."""
        from lockstep.render.cells import columns_of, printable

        if self.verbosity:
            self.log(words)
        elif sys.stderr.isatty() and self.is_live:
            text = printable(words)
            if columns_of(text) >= self.columns:
                text = text[: self.columns // 2]
            with _LOCK:
                sys.stderr.write(f"\r\x1b[K{text}")
                sys.stderr.flush()

    def end_progress(self) -> None:
        """Clear the changing line."""
        if not self.verbosity and sys.stderr.isatty() and self.is_live:
            with _LOCK:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()


def _is_folder(path: Path) -> bool:
    """Whether a folder is there; the working folder itself may have been removed."""
    try:
        return path.resolve().is_dir()
    except OSError:
        return False


def save(path: Path, pieces: Iterable[str]) -> None:
    """Write a file whole or not at all, for its owner only; BadInput when it cannot be written."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        partial.unlink(missing_ok=True)  # of a run that was killed, or somebody's link
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(pieces)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise BadInput(
            f"cannot write the plan: {error.strerror}",
            where=str(path),
            fix="name a file in a folder that exists, that you may write to and that has room",
        ) from None


def _lines_of(pieces: Iterable[str]) -> Iterator[str]:
    """The lines as ``splitlines`` tells them, one after the other: a plan may have a million."""
    rest = ""
    for piece in pieces:
        start = 0
        while end := piece.find("\n", start) + 1:
            yield from (rest + piece[start:end]).splitlines(keepends=True)
            rest, start = "", end
        rest += piece[start:]
    yield from rest.splitlines(keepends=True)
