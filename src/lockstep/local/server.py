"""A server program on loopback: started on a free port, awaited, stopped with everything it started.

The program runs in a process group of its own under ``launcher.py``, which ends the whole group and
removes its folder as soon as our end of its standard input closes: nothing stays behind, even when this
process is killed.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path

from lockstep.errors import LockstepError

__all__ = ["Server", "call", "free_port"]

_LAUNCHER = Path(__file__).with_name("launcher.py")
_ATTEMPTS = 5  # another program may take the free port first
_PATIENCE = 10.0  # seconds for the launcher to end the program
_POLL = 0.02  # seconds between two looks at whether the server answers
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """Return a loopback port that nobody listens on now (it may be taken a moment later)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(url: str, *, method: str = "GET", body: bytes | None = None, seconds: float = 10) -> bytes:
    """Make one HTTP request to loopback, past any configured proxy, and return the answer's body.

    Raises OSError when nobody answers or the answer is an error.
    """
    request = urllib.request.Request(url, data=body, method=method)  # noqa: S310 - loopback only
    with _DIRECT.open(request, timeout=seconds) as answer:
        return bytes(answer.read())


class Server:
    """One running program. ``folder`` is its temporary home and goes away with it."""

    def __init__(self, *, name: str, port: int, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.name = name
        self.port = port
        self.endpoint = f"http://127.0.0.1:{port}"
        self.folder = folder
        self.log = folder / "log.txt"
        self._process = process

    @classmethod
    def start(
        cls,
        *,
        name: str,
        command: Callable[[int], Sequence[str]],
        environment: Callable[[int, Path], Mapping[str, str]],
        is_ready: Callable[[str], bool],
        seconds: float = 60,
        detached: bool = False,
    ) -> "Server":
        """Start a program on a free port and wait until it answers.

        ``command`` and ``environment`` get the port (and the temporary folder); ``is_ready`` gets the
        endpoint and may raise OSError while the program is not up. ``detached`` leaves the program
        running when this process ends. Raises LockstepError, with the path of the log, when the
        program ends or does not answer within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        for attempt in range(1, _ATTEMPTS + 1):
            folder = Path(tempfile.mkdtemp(prefix=f"lockstep-{name}-"))
            port = free_port()
            server = cls._launch(name, port, folder, command(port), environment(port, folder), detached)
            try:
                problem = server._wait(is_ready, deadline)
            except BaseException:
                server.stop()
                raise
            if problem is None:
                return server
            server._end(keep_log=True)
            if "in use" in server.tail().lower() and attempt < _ATTEMPTS:
                shutil.rmtree(folder, ignore_errors=True)
                continue
            raise LockstepError(
                f"{name} {problem}",
                doing=f"starting {name}",
                fix=f"read its log: {server.log}\n{server.tail()}".rstrip(),
            )
        raise AssertionError("unreachable")

    @classmethod
    def _launch(
        cls,
        name: str,
        port: int,
        folder: Path,
        command: Sequence[str],
        environment: Mapping[str, str],
        detached: bool,
    ) -> "Server":
        with (folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                command if detached else [sys.executable, "-S", "-E", str(_LAUNCHER), str(folder), *command],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(name=name, port=port, folder=folder, process=process)

    def _wait(self, is_ready: Callable[[str], bool], deadline: float) -> str | None:
        while time.monotonic() < deadline:
            code = self._process.poll()
            if code is not None:
                return f"ended with exit code {code} before it answered"
            with contextlib.suppress(OSError, HTTPException, ValueError):
                if is_ready(self.endpoint):
                    return None
            time.sleep(_POLL)
        return "did not answer in time"

    @property
    def pid(self) -> int:
        """Process id: the program's, which leads its group, when detached; else the launcher's."""
        return self._process.pid

    def tail(self, lines: int = 20) -> str:
        """Return the last lines of the program's log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def stop(self) -> None:
        """End the program and all it started, and remove its folder. Can be repeated."""
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, *, keep_log: bool = False) -> None:
        pipe = self._process.stdin
        if pipe is not None:
            with contextlib.suppress(OSError):  # the launcher has ended before us
                pipe.write(b"k" if keep_log else b"")
                pipe.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
