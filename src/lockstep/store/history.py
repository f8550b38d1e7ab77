"""What is written to the history and read from it. Each method is one transaction; all raise StoreError."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    delete,
    distinct,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    true,
    update,
)

from lockstep.store.base import Transactions
from lockstep.store.entries import Drift, Event, Happened, Rollout, Run, RunState, Scope, StepEntry, key_of
from lockstep.store.outbox import Outbox, rollout_of
from lockstep.store.sessions import Sessions
from lockstep.store.tables import DRIFTS, EVENTS, ROLLOUTS, RUNS, SENT, STEPS

__all__ = ["History"]

_RECORDS = (Happened.DEPLOYED, Happened.FAILED, Happened.REMOVED)
_MANY = 500  # values in one statement
_OF_DRIFTS = ("target", "cause", "words")  # that are searched
_UNFINISHED = (RunState.FAILED, RunState.STOPPED, RunState.LOST)


class History:
    """The history in one database."""

    def __init__(self, database: Transactions) -> None:
        self._database = database
        self.sessions = Sessions(database)
        self.outbox = Outbox(database)
        self._changes = 0
        self._counting = threading.Lock()  # each project writes in a thread of its own

    @property
    def where(self) -> str:
        """The database, without a password."""
        return self._database.where

    @property
    def changes(self) -> int:
        """How often something was written, as far as this process knows."""
        return self._changes

    def changed(self) -> None:
        """Something was written, by whomever."""
        with self._counting:
            self._changes += 1

    def check(self) -> None:
        """Raise StoreError while nothing can be read."""
        self._database.run(lambda to: to.execute(text("SELECT 1")))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _write(self, work: Callable[[Connection], object]) -> None:
        self._database.run(work)
        self.changed()

    def begin(self, run: Run, *, is_attempt: bool = False) -> None:
        """A run has begun; an attempt goes on with the last one of the same, where that came to nothing."""

        def work(to: Connection) -> None:
            first = None
            if is_attempt:
                same = and_(
                    RUNS.c.project == run.project,
                    RUNS.c.targets == run.targets,
                    RUNS.c.commit == run.commit,
                    RUNS.c.actor == run.actor,
                )
                columns = select(RUNS.c.id, RUNS.c.first, RUNS.c.state).where(same)
                last = to.execute(columns.order_by(RUNS.c.began.desc()).limit(1)).first()
                if last is not None and last.state in _UNFINISHED:
                    first = last.first or last.id
            to.execute(insert(RUNS).values({**asdict(run), "first": first}))

        self._write(work)

    def add_step(self, run: str, step: StepEntry) -> None:
        """A step of it has ended."""
        self._write(lambda to: to.execute(insert(STEPS).values(run=run, **asdict(step))))

    def end(
        self,
        run: str,
        *,
        at: str,
        state: RunState,
        words: str,
        calls: int,
        events: Sequence[Event],
        pull: str | None = None,
    ) -> None:
        """It has ended, and this is what became of its targets."""

        def work(to: Connection) -> None:
            query = select(RUNS.c.state).where(RUNS.c.id == run)
            if to.execute(query).scalar() == RunState.LOST:
                return  # who stood still for too long has no say any more
            ended = {"ended": at, "state": state, "words": words, "calls": calls, "pull": pull}
            to.execute(update(RUNS).where(RUNS.c.id == run).values(ended))
            _add_events(to, events)

        self._write(work)

    def add(self, event: Event) -> None:
        """Something happened."""
        self._write(lambda to: _add_events(to, [event]))

    def drift(
        self,
        project: str,
        at: str,
        differing: Mapping[str, tuple[str, str]],
        is_settled: Callable[[str], bool],
    ) -> None:
        """What differs now, by target with its cause and words; ``is_settled`` when another one was read."""

        def work(to: Connection) -> None:
            query = select(DRIFTS.c.id, DRIFTS.c.target).where(
                DRIFTS.c.project == project, DRIFTS.c.mended.is_(None)
            )
            known = {target: number for number, target in to.execute(query)}
            new = [target for target in differing if target not in known]
            mended = [target for target in known if target not in differing and is_settled(target)]
            if new:
                rows = [
                    {"project": project, "target": key, "seen": at, "cause": cause, "words": words}
                    for key in new
                    for cause, words in (differing[key],)
                ]
                to.execute(insert(DRIFTS), rows)
            for start in range(0, len(mended), _MANY):
                ids = [known[target] for target in mended[start : start + _MANY]]
                to.execute(update(DRIFTS).where(DRIFTS.c.id.in_(ids)).values(mended=at))
            told = [
                *(_event(project, at, Happened.DRIFTED, key, ": ".join(differing[key])) for key in new),
                *(_event(project, at, Happened.MENDED, key, "is as Git says again") for key in mended),
            ]
            _add_events(to, told)

        self._write(work)

    def roll(
        self,
        project: str,
        at: str,
        going: Mapping[str, Rollout],
        end_of: Callable[[Rollout], Rollout | None],
    ) -> None:
        """Rollouts that go on now, by target; ``end_of`` gives one that does not as it ended, or None where
        that is not known.
        """

        def work(to: Connection) -> bool:
            query = select(ROLLOUTS).where(ROLLOUTS.c.project == project, ROLLOUTS.c.ended.is_(None))
            known = [rollout_of(row) for row in to.execute(query).mappings()]
            is_known = {one.target for one in known if one.release == _release(going.get(one.target))}
            changed = [one for target, one in going.items() if target not in is_known]
            for one in changed:
                row = {**asdict(one), "began": at}
                del row["id"]
                to.execute(insert(ROLLOUTS).values(row))
            for one in known:
                now = going[one.target] if one.target in is_known else end_of(one)
                if now is not None and (now.state, now.words, now.ended) != (one.state, one.words, one.ended):
                    values = {"state": now.state, "words": now.words, "ended": now.ended}
                    to.execute(update(ROLLOUTS).where(ROLLOUTS.c.id == one.id).values(values))
                    changed.append(now)
            return bool(changed)

        if self._database.run(work):
            self.changed()

    def lose_running(self, at: str, *, project: str | None = None, but: Sequence[str] = ()) -> None:
        """Runs that did not end with their process never will: all, or those of a project but some."""
        query = update(RUNS).where(RUNS.c.state == RunState.RUNNING, RUNS.c.id.not_in(but))
        if project is not None:
            query = query.where(RUNS.c.project == project)
        words = "ended with its process; the next run went on with it"
        self._write(lambda to: to.execute(query.values(state=RunState.LOST, ended=at, words=words)))

    def prune(self, before: str) -> None:
        """Forget what ended before a time. What still differs is kept."""

        def work(to: Connection) -> None:
            to.execute(delete(RUNS).where(RUNS.c.began < before))
            to.execute(delete(STEPS).where(STEPS.c.at < before))
            to.execute(delete(EVENTS).where(EVENTS.c.at < before))
            to.execute(delete(DRIFTS).where(DRIFTS.c.mended < before))
            to.execute(delete(ROLLOUTS).where(ROLLOUTS.c.ended < before))
            open_drifts = select(DRIFTS).where(DRIFTS.c.mended.is_(None))
            kept = {key_of(Drift(**row)) for row in to.execute(open_drifts).mappings()}
            old = to.execute(select(SENT.c.key).where(SENT.c.at < before, SENT.c.key != "")).scalars()
            gone = [key for key in {*old} if key not in kept]
            for start in range(0, len(gone), _MANY):
                to.execute(delete(SENT).where(SENT.c.key.in_(gone[start : start + _MANY])))

        self._write(work)

    def runs(
        self, *, project: str = "", query: str = "", limit: int = 50, skip: int = 0, scope: Scope = None
    ) -> list[Run]:
        """Runs, the newest first, that hold all words of a query and lie in a scope."""
        chosen = select(RUNS).where(
            _matches(RUNS, project, query, ("why", "actor", "targets", "state", "words", "commit")),
            _within(RUNS, RUNS.c.targets, scope),
        )
        chosen = chosen.order_by(RUNS.c.began.desc(), RUNS.c.id).limit(limit).offset(skip)
        return [Run(**{**row, "state": RunState(row["state"])}) for row in self._rows(chosen)]

    def run(self, number: str, *, scope: Scope = None) -> tuple[Run, list[StepEntry]] | None:
        """One run with its steps as they ended; None for one that is not known (any more) in the scope."""
        found = self._rows(select(RUNS).where(RUNS.c.id == number, _within(RUNS, RUNS.c.targets, scope)))
        if not found:
            return None
        columns = [column for column in STEPS.c if column.name not in ("id", "run")]
        steps = self._rows(select(*columns).where(STEPS.c.run == number).order_by(STEPS.c.id))
        state = RunState(found[0]["state"])
        return Run(**{**found[0], "state": state}), [StepEntry(**step) for step in steps]

    def go_on(self, run: str) -> None:
        """A run that waited is begun by somebody else than who was asked for it."""
        values = {"state": RunState.RUNNING, "ended": None}
        self._write(lambda to: to.execute(update(RUNS).where(RUNS.c.id == run).values(values)))

    def latest(self) -> tuple[int, int, str, str]:
        """Another value when anything was written, by whomever; its first is the last event's id."""
        query = select(
            select(func.coalesce(func.max(EVENTS.c.id), 0)).scalar_subquery(),
            select(func.coalesce(func.max(STEPS.c.id), 0)).scalar_subquery(),
            select(func.coalesce(func.max(RUNS.c.began), "")).scalar_subquery(),
            select(func.coalesce(func.max(RUNS.c.ended), "")).scalar_subquery(),
        )
        event, step, began, ended = self._database.run(lambda to: tuple(to.execute(query).one()))
        return int(event), int(step), str(began), str(ended)

    def since(self, event: int, *, limit: int = 1000) -> list[Event]:
        """What happened after an event, the newest first."""
        chosen = select(EVENTS).where(EVENTS.c.id > event).order_by(EVENTS.c.id.desc()).limit(limit)
        return [Event(**{**row, "kind": Happened(row["kind"])}) for row in self._rows(chosen)]

    def events(
        self,
        *,
        project: str = "",
        target: str = "",
        query: str = "",
        kinds: Sequence[Happened] = (),
        limit: int = 50,
        before: int | None = None,
        scope: Scope = None,
    ) -> list[Event]:
        """Events with all words of a query, the newest first; ``before`` is the id of the last one seen."""
        names = ("target", "words", "actor", "kind", "version", "commit", "run")
        chosen = select(EVENTS).where(
            _matches(EVENTS, project, query, names), _within(EVENTS, EVENTS.c.target, scope)
        )
        if target:
            chosen = chosen.where(EVENTS.c.target == target)
        if kinds:
            chosen = chosen.where(EVENTS.c.kind.in_(kinds))
        if before is not None:
            chosen = chosen.where(EVENTS.c.id < before)
        chosen = chosen.order_by(EVENTS.c.id.desc()).limit(limit)
        return [Event(**{**row, "kind": Happened(row["kind"])}) for row in self._rows(chosen)]

    def records(self, project: str, target: str, *, limit: int = 200) -> list[Event]:
        """What became of a target in its last syncs, the oldest first."""
        found = self.events(project=project, target=target, kinds=_RECORDS, limit=limit)
        return found[::-1]

    def drifts(
        self, *, project: str = "", query: str = "", limit: int = 50, skip: int = 0, scope: Scope = None
    ) -> list[Drift]:
        """What differed, the last that was seen first; what differs still comes before all that does not."""
        chosen = select(DRIFTS).where(
            _matches(DRIFTS, project, query, _OF_DRIFTS),
            _within(DRIFTS, DRIFTS.c.target, scope),
        )
        chosen = chosen.order_by(DRIFTS.c.mended.is_not(None), DRIFTS.c.seen.desc(), DRIFTS.c.id.desc())
        return [Drift(**row) for row in self._rows(chosen.limit(limit).offset(skip))]

    def drift_by_day(
        self, days: Sequence[str], *, project: str = "", query: str = "", scope: Scope = None
    ) -> list[tuple[str, int]]:
        """How many targets differed at some time of each day in UTC, ``2026-01-01``, within what is kept."""
        named = DRIFTS.c.project + literal(" ") + DRIFTS.c.target
        counts = [
            func.count(distinct(named)).filter(
                DRIFTS.c.seen < f"{day}U",  # which is behind every time of the day, as T is before U
                or_(DRIFTS.c.mended.is_(None), DRIFTS.c.mended >= day),
            )
            for day in days
        ]
        chosen = select(*counts).where(
            _matches(DRIFTS, project, query, _OF_DRIFTS), _within(DRIFTS, DRIFTS.c.target, scope)
        )
        found = self._database.run(lambda to: tuple(to.execute(chosen).one()))
        return [(day, int(count)) for day, count in zip(days, found, strict=True)]

    def _rows(self, query: Select[Any]) -> list[dict[str, Any]]:
        return self._database.run(lambda to: [dict(row) for row in to.execute(query).mappings()])


def _release(rollout: Rollout | None) -> str | None:
    return rollout.release if rollout is not None else None


def _add_events(to: Connection, events: Sequence[Event]) -> None:
    rows = [asdict(event) for event in events]
    for row in rows:
        del row["id"]
    if rows:
        to.execute(insert(EVENTS), rows)


def _event(project: str, at: str, kind: Happened, target: str, words: str) -> Event:
    return Event(at=at, project=project, kind=kind, target=target, words=words)


def _matches(table: Table, project: str, query: str, names: Sequence[str]) -> ColumnElement[bool]:
    """Rows of a project, or of all, in one of whose columns each word of a query is."""
    words = [
        or_(*(table.c[name].icontains(word, autoescape=True) for name in names)) for word in query.split()
    ]
    return and_(True, *([table.c.project == project] if project else []), *words)


def _within(table: Table, target: ColumnElement[Any], scope: Scope) -> ColumnElement[bool]:
    """Rows that somebody may see: of some environments of a project only those that name a target there."""
    if scope is None:
        return true()
    seen = []
    for project, environments in scope.items():
        there = [func.substr(target, 1, len(name) + 1) == f"{name}/" for name in sorted(environments or ())]
        of_project = table.c.project == project
        seen.append(of_project if environments is None else and_(of_project, or_(false(), *there)))
    return or_(false(), *seen)
