"""A command in a pseudo-terminal, as a person at a keyboard sees it: 80 columns, keys, Ctrl-C."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CTRL_C", "Seen", "Terminal", "at_terminal", "run"]

CTRL_C = "\x03"
FRESH = (sys.executable, "-m", "lockstep")
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>78]")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came on the screen, and the exit code."""

    code: int
    raw: str

    @property
    def text(self) -> str:
        """Without colours and movements of the cursor."""
        return plain(self.raw)

    @property
    def lines(self) -> list[str]:
        """What each line shows in the end: what a carriage return begins again is written over."""
        return [line.rstrip("\r").rpartition("\r")[2] for line in self.text.split("\n")]


def plain(raw: str) -> str:
    """A terminal's text without its sequences."""
    return _SEQUENCE.sub("", raw)


class Terminal:
    """A process on a pseudo-terminal of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", master: int) -> None:
        self.process = process
        self._master = master
        self.raw = ""
        self._mark = 0  # of the text that was looked at already

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def until(self, text: str, seconds: float = 60) -> None:
        """Read until a text comes on the screen, after those that were waited for before."""
        end = time.monotonic() + seconds
        while (found := plain(self.raw).find(text, self._mark)) < 0:
            if not self._read(end):
                raise AssertionError(f"{text!r} does not come:\n{plain(self.raw)}")
        self._mark = found + len(text)

    def finish(self, seconds: float = 60) -> Seen:
        """Read to the end."""
        end = time.monotonic() + seconds
        while self._read(end):
            pass
        try:
            code = self.process.wait(timeout=max(end - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{plain(self.raw)}") from None
        return Seen(code=code, raw=self.raw)

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(end - time.monotonic(), 0))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux tells so of a terminal that nobody has open any more
            return False
        self.raw += data.decode("utf-8", "replace")
        return bool(data)


@contextlib.contextmanager
def at_terminal(
    words: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    *,
    program: Sequence[str] = FRESH,
    columns: int = 80,
    rows: int = 24,
) -> Iterator[Terminal]:
    """``lockstep`` with these words, on a terminal of this size."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [*program, *words],
        cwd=folder,
        env={"TERM": "xterm-256color", **{k: v for k, v in env.items() if k not in ("COLUMNS", "LINES")}},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)


def run(
    words: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    *keys: tuple[str, str],
    program: Sequence[str] = FRESH,
    columns: int = 80,
    seconds: float = 60,
) -> Seen:
    """Run to the end; each of ``keys`` is what has to be on the screen first, and what is typed then."""
    with at_terminal(words, folder, env, program=program, columns=columns) as terminal:
        for text, typed in keys:
            terminal.until(text, seconds)
            terminal.type(typed)
        return terminal.finish(seconds)
