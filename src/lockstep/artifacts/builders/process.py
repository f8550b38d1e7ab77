"""Running the tools that build: alike on every machine, ended whole, their output without secrets."""

import contextlib
import logging
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from lockstep.children import Child, credentials_of, environment_of, hint
from lockstep.errors import ArtifactError, Interrupted
from lockstep.git.command import mask
from lockstep.model import looks_secret
from lockstep.model.blotting import blotted

__all__ = ["ask", "environment", "run", "without_secrets"]

log = logging.getLogger(__name__)

_SECONDS = 3600.0  # a build may take so long
_ASK_SECONDS = 60.0
_GRACE = 5.0  # seconds between asking a tool to end and ending it
_TICK = 0.05  # seconds
_TOLD_LINES = 15  # of a tool's output that an error shows
_TAIL = 65_536  # bytes


def environment(epoch: int, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Of the user's variables what tools that build read; time zone, language and time are alike everywhere.

    Colours and whatever is not on the list are left out; credentials of package registries stay.
    """
    kept = {key: value for key, value in environment_of(Child.BUILD).items() if key[:3] != "LC_"}
    return kept | {
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(epoch),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        "TERM": "dumb",
        **(extra or {}),
    }


def ask(arguments: Sequence[str], env: Mapping[str, str], cwd: Path) -> str | None:
    """What a tool answers on stdout; None when there is no such tool or it says no."""
    try:
        done = subprocess.run(
            arguments,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_SECONDS,
            check=False,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stop: threading.Event,
    doing: str,
    fix: str,
    allowed: tuple[int, ...] = (0,),
    seconds: float = _SECONDS,
) -> tuple[int, str]:
    """Run a tool to its end and return its exit code and the last 64 KB of what it wrote.

    It gets no input and a process group of its own, whose every process is ended with it. Raises
    ArtifactError, with the last lines and ``fix``, for an exit code that is not allowed, and
    Interrupted soon after ``stop`` is set.
    """
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                arguments,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o022,
            )
        except OSError as error:
            raise ArtifactError(
                f"{arguments[0]} cannot be started: {error.strerror}", doing=doing, fix=fix
            ) from None
        follower = _Follower(output)
        try:
            is_late = _wait(process, follower, stop, seconds)
        finally:
            _end(process)
        follower.follow()
        text = _tail(output)
    if stop.is_set():
        raise Interrupted("the build was stopped", doing=doing, fix="run the same command again")
    if is_late:
        problem = f"{_name(arguments)} did not end within {seconds / 60:.0f} minutes"
        raise ArtifactError(problem + _last_lines(text), doing=doing, fix=fix)
    if process.returncode not in allowed:
        problem = f"{_name(arguments)} ended with {_ending(process.returncode)}{_last_lines(text)}"
        raise ArtifactError(
            problem, doing=doing, fix="; ".join(filter(None, (fix, hint(Child.BUILD, problem))))
        )
    return process.returncode, text


def _wait(
    process: "subprocess.Popen[bytes]", follower: "_Follower", stop: threading.Event, seconds: float
) -> bool:
    """Wait for the end, the stop or the time; say whether the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_TICK)
            return False
        follower.follow()
        if stop.is_set():
            return False
    return True


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End every process of the group, gently first."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Follower:
    """Writes what a tool says to the log, line by line, when anybody listens."""

    def __init__(self, output: IO[bytes]) -> None:
        self._output = output
        self._place = 0

    def follow(self) -> None:
        """Log the lines that are new."""
        if not log.isEnabledFor(logging.INFO):
            return
        data = os.pread(self._output.fileno(), 1 << 20, self._place)
        end = data.rfind(b"\n") + 1
        self._place += end
        for line in without_secrets(data[:end].decode("utf-8", "replace")).splitlines():
            log.info("%s", "".join(c if c.isprintable() else " " for c in line))


def _tail(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(size - _TAIL, 0))
    return output.read().decode("utf-8", "replace")


def without_secrets(text: str) -> str:
    """The text with credentials in URLs, secret environment variables and tokens hidden."""
    shown = mask(blotted(text, credentials_of(os.environ)))
    return re.sub(r"[^\s'\"=]+", lambda word: "***" if looks_secret("", word[0]) else word[0], shown)


def _last_lines(text: str) -> str:
    lines = [line for line in without_secrets(text).splitlines() if line.strip()][-_TOLD_LINES:]
    if not lines:
        return " and said nothing"
    return "; its last lines:\n" + "\n".join(f"    {line}" for line in lines)


def _name(arguments: Sequence[str]) -> str:
    """The program, and the first words that say what it is asked for."""
    words = [Path(arguments[0]).name]
    for word in arguments[1:]:
        if not re.fullmatch(r"[a-z]+", word) or len(words) == 3:
            break
        words.append(word)
    return " ".join(words)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
