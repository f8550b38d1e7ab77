"""Running the ``terraform`` (or ``tofu``) program.

It gets an environment without surprises: no TF_CLI_ARGS, no TF_VAR_..., no TF_LOG that would show
secrets, no credentials but those of its providers (``children``). Its output goes to a file that is
read while it grows, so that a Lockstep that is killed leaves a Terraform that can finish and give its
lock back. It runs in a session of its own: a Ctrl-C reaches Lockstep, which passes it on once.
"""

import contextlib
import logging
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from lockstep.children import Child, credentials_of, environment_of
from lockstep.errors import BadInput
from lockstep.model.foreign import read_json
from lockstep.values import dataclass

__all__ = ["Output", "Program"]

log = logging.getLogger(__name__)

LEAST = {"terraform": (1, 5), "tofu": (1, 6)}
_WHERE = {
    "terraform": "https://developer.hashicorp.com/terraform/install",
    "tofu": "https://opentofu.org/docs/intro/install",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """What a command came to."""

    code: int
    text: str  # stdout
    errors: str  # stderr

    @property
    def said(self) -> str:
        """Both, for looking for what went wrong."""
        return f"{self.errors}\n{self.text}".strip()


class Program:
    """One program, found on PATH. ``stop`` makes it end gently."""

    def __init__(self, name: str, *, stop: threading.Event, place: str) -> None:
        self.name = name
        self._stop = stop
        self._place = place
        self._version: str | None = None

    @property
    def version(self) -> str:
        """Its version, as it says. Raises BadInput when there is no such program, or it is too old."""
        if self._version is None:
            self._version = self._ask_version()
        return self._version

    @property
    def credentials(self) -> frozenset[str]:
        """Values of its environment that its files can read, and nobody may see."""
        return credentials_of(_environment())

    def run(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        scratch: Path,
        variables: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Output:
        """Run one command in ``folder`` and return what it came to.

        ``scratch`` is a private folder for its output; ``on_line`` is told each line as it comes.
        """
        verb = arguments[0]
        out, err = scratch / f"{verb}.out", scratch / f"{verb}.err"
        begun = time.monotonic()
        with _private(out) as stdout, _private(err) as stderr, out.open("rb") as reading:
            process = self._start(arguments, folder, variables or {}, stdout, stderr)
            self._follow(process, reading, on_line)
        # Neither arguments nor output: both may hold what nobody may see.
        log.debug("%s %s: exit %d, %.1f s", self.name, verb, process.returncode, time.monotonic() - begun)
        return Output(
            code=process.returncode,
            text=out.read_text(encoding="utf-8", errors="replace"),
            errors=err.read_text(encoding="utf-8", errors="replace"),
        )

    def _start(
        self,
        arguments: Sequence[str],
        folder: Path,
        variables: Mapping[str, str],
        stdout: int,
        stderr: int,
    ) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(
                [self._path(), *arguments],
                cwd=folder,
                env={**_environment(), **variables},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except OSError as error:
            raise BadInput(
                f"{self.name} cannot be run: {error.strerror}",
                where=self._place,
                fix=f"install it again from {_WHERE[self.name]}",
            ) from error

    def _follow(
        self,
        process: "subprocess.Popen[bytes]",
        reading: IO[bytes],
        on_line: Callable[[str], None] | None,
    ) -> None:
        rest = b""
        is_told = False
        while True:
            try:
                process.wait(timeout=0.05)
                is_over = True
            except subprocess.TimeoutExpired:
                is_over = False
            if self._stop.is_set() and not is_told and not is_over:
                is_told = True
                process.send_signal(signal.SIGINT)  # once: a second one would make it drop what it does
            if on_line is not None:
                *lines, rest = (rest + reading.read()).split(b"\n")
                for line in lines:
                    on_line(line.decode("utf-8", "replace"))
            if is_over:
                return

    def _path(self) -> str:
        path = shutil.which(self.name)
        if path is None:
            raise BadInput(
                f"there is no {self.name} on PATH",
                where=self._place,
                fix=f"install it ({_WHERE[self.name]}), or name the other program with `binary:`",
            )
        return path

    def _ask_version(self) -> str:
        try:
            done = subprocess.run(
                [self._path(), "version", "-json"],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=60,
                check=False,
                start_new_session=True,
            )
            version = str(read_json(done.stdout)["terraform_version"])
            numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
        except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
            raise BadInput(
                f"{self.name} does not tell its version",
                where=self._place,
                fix=f"see what `{self.name} version -json` says; install it from {_WHERE[self.name]}",
            ) from error
        least = LEAST[self.name]
        if numbers < least:
            raise BadInput(
                f"this is {self.name} {version}, and Lockstep needs {'.'.join(map(str, least))} or newer",
                where=self._place,
                fix=f"install a newer one from {_WHERE[self.name]}",
            )
        return version


def _environment() -> dict[str, str]:
    own = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1", "NO_COLOR": "1"}
    return environment_of(Child.TERRAFORM, own)


@contextlib.contextmanager
def _private(path: Path) -> Iterator[int]:
    """A new file that only its owner may read, open for writing."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
