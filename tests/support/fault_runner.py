"""Syncs in processes of their own that can be killed.

Starting Python and loading the AWS SDK takes longer than a sync. So one process loads everything once
and forks for each sync: ``python -m tests.support.fault_runner`` reads jobs from its standard input and
answers with the child's process id when it begins and its exit code when it has ended.
"""

import contextlib
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

from tests.support.faults import Job, Killed, Point, sync
from tests.support.projects import fetch_into
from tests.support.warm import warm_up

__all__ = ["Runner", "Running", "Victim"]


class Running:
    """One sync in a process of its own. Somebody has to ``wait`` for it."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._ended = threading.Event()
        self.pid = int(self._line())

    def wait(self) -> int:
        """Wait for its end; exit code 0: in sync, 1: not, negative: the signal that killed it."""
        code = os.waitstatus_to_exitcode(int(self._line()))
        self._ended.set()
        return code

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Kill it and return once it is gone; another thread waits."""
        os.kill(self.pid, number)
        assert self._ended.wait(20), "the killed process did not end"

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that forks syncs has ended"
        return line


class Victim:
    """A sync that is killed at a call, before or after it; ``at`` is the rule that does it."""

    def __init__(self, point: Point, when: str) -> None:
        self.at = Killed(point, self._kill, when=when)
        self._point = point
        self._started = threading.Event()
        self._running: Running | None = None

    def run(self, runner: "Runner", job: Job) -> None:
        """Start it and see it killed."""
        self._running = runner.start(job)
        self._started.set()
        assert self._running.wait() == -signal.SIGKILL, self._point
        assert self.at.happened == 1, self._point

    def _kill(self) -> None:
        assert self._started.wait(20)
        assert self._running is not None
        self._running.kill()


class Runner:
    """The process that forks. ``with Runner() as runner: runner.start(job).wait()``, one at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fault_runner"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, job: Job) -> Running:
        """Begin a sync. The packages are written first: the other process does not know their source."""
        for target in job.fleet.targets.values():
            if target.function is not None and target.function.code.package is not None:
                fetch_into(job.folder, target.function.code.package)
        assert self._process.stdin is not None
        data = pickle.dumps(job)
        self._process.stdin.write(struct.pack("!I", len(data)) + data)
        self._process.stdin.flush()
        return Running(self._process)

    def close(self) -> None:
        """End the process, which ends when nobody can send it jobs any more."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait(20)


def _serve() -> None:
    warm_up()
    while head := sys.stdin.buffer.read(4):
        job: Any = pickle.loads(sys.stdin.buffer.read(struct.unpack("!I", head)[0]))  # noqa: S301 - our own
        child = os.fork()
        if child == 0:
            _run(job)
        _tell(child)
        _tell(os.waitpid(child, 0)[1])


def _tell(number: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(1, b"%d\n" % number)


def _run(job: Job) -> None:
    """Sync and end the process, whatever comes of it."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(job.environment)
        ran = sync(job)
        code = 0 if ran.is_success else 1
        if code:
            os.write(2, "\n".join(["sync failed:", *ran.errors, ""]).encode())
    except BaseException as error:
        os.write(2, f"sync failed: {error!r}\n".encode())
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve()
