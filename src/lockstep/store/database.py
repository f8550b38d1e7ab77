"""One SQLite file that may go or break at any time: then it is begun anew, and what was in it is lost.

Every transaction is one of its own and takes its lock at its beginning: with SQLAlchemy's default a
transaction that reads first and writes later loses updates of others without a word.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from lockstep.store.base import StoreError
from lockstep.store.revisions import bring_up

__all__ = ["Database", "StoreError"]

_T = TypeVar("_T")
_PATIENCE = 5  # seconds for another process that writes
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_GONE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)
_PARTS = ("", "-wal", "-shm")


class Database:
    """The file. ``tell`` hears of what was lost."""

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        self.path = path
        self._tell = tell
        self._lock = threading.Lock()
        self._file: tuple[int, int] | None = None  # device and inode that are open, with today's tables
        self.engine = _engine(path)

    @property
    def where(self) -> str:
        """The file."""
        return str(self.path)

    def run(self, work: Callable[[Connection], _T]) -> _T:
        """Do some work in a transaction of its own; raises StoreError, and nothing of it was written then.

        A file that is broken is set aside, one that is gone is made anew; the work is done in the new one.
        """
        with self._lock:
            for attempt in (1, 2):
                try:
                    return self._once(work)
                except DBAPIError as error:
                    self._close()
                    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
                    if attempt == 1 and code in _BROKEN:
                        self._set_aside()
                    elif not (attempt == 1 and code in _GONE):
                        raise self._problem(code, error) from None
                except OSError as error:
                    raise StoreError(f"{error.strerror}", where=str(self.path)) from None
            raise AssertionError("unreachable")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._close()

    def _once(self, work: Callable[[Connection], _T]) -> _T:
        if self._file is None or self._file != _file_of(self.path):
            self._close()  # somebody removed it, or put another one there
            with self.engine.begin() as connection:
                bring_up(connection, self.where)
            self._file = _file_of(self.path)
        with self.engine.begin() as connection:
            return work(connection)

    def _close(self) -> None:
        self._file = None
        self.engine.dispose()

    def _set_aside(self) -> None:
        kept = self.path.with_name(f"{self.path.name}.broken-{int(time.time())}")
        for part in _PARTS:
            with contextlib.suppress(FileNotFoundError):
                self.path.with_name(self.path.name + part).rename(kept.with_name(kept.name + part))
        self._tell(
            f"{self.path} is broken: what happened up to now is not known any more. It was kept as "
            f"{kept.name}, and a new one is begun"
        )

    def _problem(self, code: int, error: DBAPIError) -> StoreError:
        said, fix = str(error.orig), "look at the folder; a file that is removed is begun anew"
        match code:
            case sqlite3.SQLITE_FULL:
                said, fix = "there is no room left", "make room on the disk"
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                said = f"another process has been writing to it for {_PATIENCE} s"
                fix = "end that one: each lockstep serve has a data folder of its own"
            case _:
                pass
        return StoreError(said, where=str(self.path), fix=fix)


def _file_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=StaticPool,  # one connection, which a lock of ours guards
        connect_args={"timeout": _PATIENCE, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: object) -> None:
        connection.isolation_level = None  # nothing begins a transaction but the line below
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
