"""Who is logged in. A session that is not here is none: removing the row, or the file, logs out."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Select, delete, insert, select, update

from lockstep.model.foreign import read_json
from lockstep.store.base import Transactions
from lockstep.store.entries import Session
from lockstep.store.tables import SESSIONS

__all__ = ["Sessions"]


class Sessions:
    """The sessions in one database. Each method is one transaction; all raise StoreError."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    def begin(self, session: Session, *, instead_of: str = "") -> None:
        """Somebody has logged in; the session with another id ends, and so do those whose time is over."""
        row = {**asdict(session), "groups": json.dumps(session.groups)}

        def work(to: Any) -> None:
            is_over = (SESSIONS.c.id == instead_of) | (SESSIONS.c.ends <= session.began)
            to.execute(delete(SESSIONS).where(is_over))
            to.execute(insert(SESSIONS).values(row))

        self._database.run(work)

    def find(self, id: str, now: str) -> Session | None:  # noqa: A002 - the column's name
        """A session that has not ended."""
        found = self._read(select(SESSIONS).where(SESSIONS.c.id == id, SESSIONS.c.ends > now))
        return found[0] if found else None

    def all(self, now: str, *, subject: str | None = None) -> list[Session]:
        """Sessions that have not ended, of one person or of all, the newest first."""
        chosen = select(SESSIONS).where(SESSIONS.c.ends > now).order_by(SESSIONS.c.began.desc())
        return self._read(chosen if subject is None else chosen.where(SESSIONS.c.subject == subject))

    def check(self, id: str, *, at: str, name: str, groups: Sequence[str], sealed: str) -> None:  # noqa: A002
        """The provider has said again who it is. A session that ended meanwhile stays so."""
        values = {"checked": at, "name": name, "groups": json.dumps(list(groups)), "sealed": sealed}
        self._database.run(lambda to: to.execute(update(SESSIONS).where(SESSIONS.c.id == id).values(values)))

    def end(self, id: str) -> None:  # noqa: A002
        """Log out."""
        self._database.run(lambda to: to.execute(delete(SESSIONS).where(SESSIONS.c.id == id)))

    def _read(self, query: Select[Any]) -> list[Session]:
        rows = self._database.run(lambda to: [dict(row) for row in to.execute(query).mappings()])
        return [Session(**{**row, "groups": tuple(read_json(row["groups"]))}) for row in rows]
