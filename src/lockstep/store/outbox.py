"""What there is to tell, and what was told where. Who loses it tells once more what goes on then."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select

from lockstep.store.base import Transactions
from lockstep.store.entries import Drift, News, Rollout, RolloutEnd, Run, RunState, Sent
from lockstep.store.tables import DRIFTS, ROLLOUTS, RUNS, SENT, STEPS

__all__ = ["Outbox", "rollout_of"]

_MOST = 500  # of each kind
_MARK = ""  # key of the row that says since when a destination is told


class Outbox:
    """The rows in one database. Each method is one transaction; all raise StoreError."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    def since(self, destination: str, now: str) -> str:
        """When a destination was told something for the first time: now, where it never was."""

        def work(to: Connection) -> str:
            mark = select(SENT.c.at).where(SENT.c.key == _MARK, SENT.c.destination == destination)
            found = to.execute(mark).scalar()
            if found is None:
                _put(to, Sent(key=_MARK, destination=destination, at=now))
            return found or now

        return self._database.run(work)

    def news(self, since: str) -> News:
        """What goes on, what ended since, and the runs that rollouts among it began with."""

        def work(to: Connection) -> News:
            rolled = select(ROLLOUTS).where(or_(ROLLOUTS.c.ended.is_(None), ROLLOUTS.c.ended >= since))
            rollouts = [rollout_of(row) for row in _newest(to, rolled, ROLLOUTS.c.began)]
            oldest = min([since, *(one.began for one in rollouts)])
            ran = select(RUNS).where(or_(RUNS.c.state == RunState.RUNNING, RUNS.c.ended >= oldest))
            runs = [Run(**{**row, "state": RunState(row["state"])}) for row in _newest(to, ran, RUNS.c.began)]
            off = select(DRIFTS).where(or_(DRIFTS.c.mended.is_(None), DRIFTS.c.mended >= since))
            drifts = [Drift(**row) for row in _newest(to, off, DRIFTS.c.seen)]
            running = [one.id for one in runs if one.state is RunState.RUNNING]
            counts = select(STEPS.c.run, func.count()).where(STEPS.c.run.in_(running)).group_by(STEPS.c.run)
            steps = {row[0]: row[1] for row in to.execute(counts)} if running else {}
            return News(runs=tuple(runs), steps=steps, drifts=tuple(drifts), rollouts=tuple(rollouts))

        return self._database.run(work)

    def sent(self, destination: str) -> dict[str, Sent]:
        """What a destination was told last, by key."""
        query = select(SENT).where(SENT.c.destination == destination, SENT.c.key != _MARK)
        rows = self._database.run(lambda to: [dict(row) for row in to.execute(query).mappings()])
        return {row["key"]: Sent(**row) for row in rows}

    def put(self, sent: Sent) -> None:
        """This was told, or is about to be."""
        self._database.run(lambda to: _put(to, sent))


def _put(to: Connection, sent: Sent) -> None:
    is_it = (SENT.c.key == sent.key) & (SENT.c.destination == sent.destination)
    to.execute(delete(SENT).where(is_it))
    to.execute(insert(SENT).values(asdict(sent)))


def _newest(to: Connection, query: Any, at: Any) -> list[Any]:
    return [dict(row) for row in to.execute(query.order_by(at.desc()).limit(_MOST)).mappings()]


def rollout_of(row: Any) -> Rollout:
    """A row as a value."""
    return Rollout(**{**row, "state": RolloutEnd(row["state"])})
