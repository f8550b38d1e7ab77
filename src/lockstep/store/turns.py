"""Whose turn it is on a project: one machine's at a time, for as long as it renews it.

Each turn has a token that is greater than that of the turn before. Whoever stood still for longer than its
turn lasts finds another token there, once somebody else goes on, and what it would write is not written.
Times are those of the database's clock, so machines need not agree on theirs.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Update,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from lockstep.store.server import Server
from lockstep.store.tables import ORDERS, TURNS
from lockstep.values import dataclass

__all__ = ["Turn", "Turns"]

_NOW: ColumnElement[float] = literal_column("extract(epoch from clock_timestamp())::double precision")
_SOON = 0.0
_MOST = 1_000_000  # characters of names that wait; what more would tell is found later
_Q = TypeVar("_Q", Select[Any], Update)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One that was given."""

    project: str
    token: int
    now: float  # when it began
    is_next: bool  # the one before was this machine's, too
    is_hinted: bool  # somebody said since that Git has moved
    heard: str  # names of what AWS says that somebody changed, one a line
    state: str  # what the one before left; "" at first


class Turns:
    """The turns in one database. Each method is one transaction; all raise StoreError."""

    def __init__(self, server: Server, worker: str, lasts: float) -> None:
        self._server = server
        self._worker = worker
        self._lasts = lasts  # seconds, when it is not renewed

    def know(self, projects: Sequence[str]) -> None:
        """Give each project a row."""
        rows = [
            {"project": name, "token": 0, "worker": "", "until": 0.0, "due": _SOON}
            | {"hinted": False, "version": 0, "state": ""}
            for name in projects
        ]
        self._server.run(lambda to: to.execute(upsert(TURNS).values(rows).on_conflict_do_nothing()))

    def take(self, project: str) -> Turn | None:
        """Begin a turn; None while another one's lasts."""

        def work(to: Connection) -> Turn | None:
            query = select(TURNS, _NOW.label("now")).where(TURNS.c.project == project).with_for_update()
            row = to.execute(query).mappings().first()
            if row is None or row["until"] > row["now"]:
                return None
            token = row["token"] + 1
            values = {"token": token, "worker": self._worker, "until": row["now"] + self._lasts}
            to.execute(update(TURNS).where(TURNS.c.project == project).values(**values, hinted=False))
            return Turn(
                project=project,
                token=token,
                now=row["now"],
                is_next=row["worker"] == self._worker,
                is_hinted=row["hinted"],
                heard=row["heard"],
                state=row["state"],
            )

        return self._server.run(work)

    def keep(self, project: str, token: int) -> bool:
        """Let a turn last on; False when somebody else's has begun.

        One that nobody renewed in time is still whose it was, until somebody else takes the next.
        """
        query = _ours(update(TURNS), project, token).values(until=_NOW + self._lasts)
        return self._server.run(lambda to: to.execute(query).rowcount) > 0

    def end(self, turn: Turn, *, state: str, due: float, is_heard: bool = True) -> bool:
        """End it, and say when the next one is due; False when another one has begun, and nothing is left.

        What AWS told before it waits for the next one unless it ``is_heard``; what it told since then does.
        """
        ours = _ours(update(TURNS), turn.project, turn.token)
        over = {"token": turn.token + 1, "until": 0.0}  # so that nobody makes it last on by mistake
        values = {"due": due, "state": state, "version": TURNS.c.version + 1}
        if is_heard:
            values["heard"] = func.substr(TURNS.c.heard, len(turn.heard) + 1)
        query = ours.values(**over, **values)
        return self._server.run(lambda to: to.execute(query).rowcount) > 0

    def waiting(self, project: str) -> list[str]:
        """Runs that were ordered and not begun."""
        query = select(ORDERS.c.run).where(ORDERS.c.project == project)
        return [str(run) for (run,) in self._server.run(lambda to: to.execute(query).all())]

    def due(self) -> list[str]:
        """Projects that nobody has, and for which something is due or was asked."""
        asked = select(ORDERS.c.id).where(ORDERS.c.project == TURNS.c.project).exists()
        query = select(TURNS.c.project).where(
            TURNS.c.until <= _NOW, (TURNS.c.due <= _NOW) | TURNS.c.hinted | (TURNS.c.heard != "") | asked
        )
        return [str(name) for (name,) in self._server.run(lambda to: to.execute(query).all())]

    def hint(self, projects: Sequence[str]) -> None:
        """Somebody says that Git has moved."""
        query = update(TURNS).where(TURNS.c.project.in_(projects)).values(hinted=True)
        self._server.run(lambda to: to.execute(query))

    def hear(self, project: str, names: Iterable[str]) -> None:
        """AWS says that somebody changed things of these names."""
        lines = "".join(f"{name}\n" for name in sorted(names))
        query = update(TURNS).where(TURNS.c.project == project, func.length(TURNS.c.heard) < _MOST)
        self._server.run(lambda to: to.execute(query.values(heard=TURNS.c.heard + lines)))

    def states(self, after: Mapping[str, int]) -> Mapping[str, tuple[int, str]]:
        """What turns have left since these versions, by project, with its version."""
        query = select(TURNS.c.project, TURNS.c.version)
        found = dict(self._server.run(lambda to: [tuple(row) for row in to.execute(query)]))
        new = [name for name, version in found.items() if version > after.get(name, 0)]
        if not new:
            return {}
        wanted = select(TURNS.c.project, TURNS.c.version, TURNS.c.state).where(TURNS.c.project.in_(new))
        return {
            name: (version, state)
            for name, version, state in self._server.run(
                lambda to: [tuple(row) for row in to.execute(wanted)]
            )
        }

    def now(self) -> float:
        """The time, in seconds."""
        return float(self._server.run(lambda to: to.execute(select(_NOW)).scalar_one()))

    def order(self, project: str, run: str, said: str, *, most: int) -> bool:
        """Somebody wants something, which is a run; False while so many wait already."""

        def work(to: Connection) -> bool:
            query = select(func.count()).select_from(ORDERS).where(ORDERS.c.project == project)
            if to.execute(query).scalar_one() >= most:
                return False
            to.execute(insert(ORDERS).values(project=project, run=run, said=said))
            return True

        return self._server.run(work)

    def ordered(self, turn: Turn) -> tuple[str, str] | None:
        """Take what was asked for first: its run and what was said. It is done once, or not at all."""

        def work(to: Connection) -> tuple[str, str] | None:
            ours = _ours(select(TURNS.c.token), turn.project, turn.token)
            if to.execute(ours.with_for_update()).first() is None:
                return None
            query = select(ORDERS).where(ORDERS.c.project == turn.project).order_by(ORDERS.c.id).limit(1)
            row = to.execute(query).mappings().first()
            if row is None:
                return None
            to.execute(delete(ORDERS).where(ORDERS.c.id == row["id"]))
            return str(row["run"]), str(row["said"])

        return self._server.run(work)


def _ours(query: _Q, project: str, token: int) -> _Q:
    """Of the row of a turn, as long as no other one has begun."""
    return query.where(TURNS.c.project == project, TURNS.c.token == token)
