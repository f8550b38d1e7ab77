"""A database of PostgreSQL, which several controllers share.

While it cannot be reached each transaction says so at once; when it answers again everything goes on.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from lockstep.errors import BadInput
from lockstep.store.base import StoreError
from lockstep.store.revisions import bring_up

__all__ = ["Server", "url_of"]

_T = TypeVar("_T")
_PATIENCE = 5  # seconds for a connection
_LONGEST = 30_000  # milliseconds of one statement
_QUIET = 1.0  # seconds after it could not be reached in which it is not tried again
_BRINGING_UP = 0x10C4_57E9  # of two controllers that begin together one brings the tables up
_FIX = "look whether the database runs, and at LOCKSTEP_SERVE__DATABASE; it is tried again by itself"


def url_of(address: str) -> URL:
    """The URL of a database of PostgreSQL. BadInput, without what may be a password, where it is none."""
    try:
        url = make_url(address)
        if url.drivername in ("postgresql", "postgres") and url.database:
            return url.set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        pass
    raise BadInput(
        "it is no URL of a database of PostgreSQL",
        where="database",
        fix="write postgresql://USER:PASSWORD@HOST/NAME, with what is odd in a password as %40 and the like",
    )


class Server:
    """The database. Any thread may use it."""

    def __init__(self, address: str) -> None:
        url = url_of(address)
        self.where = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
        self.engine = _engine(url)
        self._lock = threading.Lock()
        self._is_ready = False  # it has today's tables
        self._quiet = (0.0, "")  # until when it is not tried, and why

    def run(self, work: Callable[[Connection], _T]) -> _T:
        """Do some work in a transaction of its own; raises StoreError, and nothing of it was written then."""
        until, why = self._quiet
        if time.monotonic() < until:
            raise StoreError(why, where=self.where, fix=_FIX)
        with self._told():
            if not self._is_ready:
                with self._lock, self.engine.begin() as connection:
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_BRINGING_UP})"))
                    bring_up(connection, self.where)
                self._is_ready = True
            with self.engine.begin() as connection:
                return work(connection)

    def close(self) -> None:
        """Let go of its connections."""
        self.engine.dispose()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout:
            raise StoreError("all connections are in use", where=self.where, fix=_FIX) from None
        except DBAPIError as error:
            why = " ".join(str(error.orig).split())
            if getattr(error.orig, "sqlstate", None) is None:  # nobody answered
                self._is_ready = False  # it may be another one that answers next
                self._quiet = time.monotonic() + _QUIET, why
            raise StoreError(why, where=self.where, fix=_FIX) from None
        except SQLAlchemyError as error:
            raise StoreError(str(error), where=self.where, fix=_FIX) from None


def _engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        pool_pre_ping=True,  # after it was away
        pool_timeout=_PATIENCE,
        connect_args={
            "connect_timeout": _PATIENCE,
            "options": f"-c statement_timeout={_LONGEST} -c client_encoding=utf8",
            "application_name": "lockstep",
        },
    )

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def bound(_: object, __: object, statement: str, given: Any, *___: object) -> tuple[str, Any]:
        """Its texts hold no NUL, and nothing that is no Unicode."""
        rows = given if isinstance(given, list | tuple) else [given]
        clean = [{key: _clean(value) for key, value in row.items()} for row in rows if row]
        return statement, (clean if isinstance(given, list | tuple) else clean[0] if clean else given)

    return engine


def _clean(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
