"""A PostgreSQL of a test run, from the programs of this machine, with a database for each test."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until

__all__ = ["Cluster", "needs_postgres", "postgres_cluster"]

_USER = "postgres"  # whom its programs want to be, where this is root
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}


def _programs() -> Path | None:
    """The folder of initdb and postgres: on PATH, or the newest that Debian has."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: one.parent.name, reverse=True
    )
    return next((one for one in folders if (one / "initdb").exists() and (one / "postgres").exists()), None)


needs_postgres = pytest.mark.skipif(
    _programs() is None, reason="PostgreSQL is not installed (Debian's package postgresql)"
)


class Cluster:
    """One PostgreSQL, which can be ended and started again."""

    def __init__(self, folder: Path) -> None:
        programs = _programs()
        assert programs is not None
        self._programs, self._folder = programs, folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            shutil.chown(folder, _USER)
            self._as = {"user": _USER, "group": _USER, "extra_groups": []}
        words = ["--auth=trust", f"--username={_USER}", "--no-sync", "--encoding=UTF8", "--locale=C"]
        self._run("initdb", "--pgdata", str(folder / "data"), *words)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = ["-D", str(self._folder / "data"), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1"]
        words += ["-c", "unix_socket_directories="]
        for name, value in _SETTINGS.items():
            words += ["-c", f"{name}={value}"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", *words], stdout=log, stderr=log, cwd="/", **self._as
            )
        until(self._answers)

    def stop(self) -> None:
        """End it at once, with what is connected to it, as a crash would.

        It waits for nobody: what it has not ended within five seconds, it kills. A shutdown that lets each
        connection end by itself ("fast", SIGINT) was once not over after a minute.
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=60)

    def new(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{secrets.token_hex(6)}"
        self.do("postgres", f"CREATE DATABASE {name}")
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"

    def drop(self, url: str) -> None:
        """Let a database go, whoever is connected to it."""
        self.do("postgres", f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def do(self, database: str, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement by itself, as no product would; what it gives."""
        import psycopg

        name = database.rpartition("/")[2]
        address = f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"
        with psycopg.connect(address, autocommit=True) as connection:
            answer = connection.execute(statement.encode())
            return answer.fetchall() if answer.description else []

    def _answers(self) -> bool:
        import psycopg

        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            self.do("postgres", "SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self._programs / program, *words], capture_output=True, text=True, cwd="/", **self._as
        )
        assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def postgres_cluster() -> Iterator[Cluster]:
    """Run one until the block ends."""
    with tempfile.TemporaryDirectory(prefix="lockstep-postgres-", ignore_cleanup_errors=True) as name:
        cluster = Cluster(Path(name))
        try:
            yield cluster
        finally:
            cluster.stop()
