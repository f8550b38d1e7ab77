"""What happened, told to the history. That it cannot be written is said, and changes nothing else."""

import datetime
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.promotion.promote import Promoted
from lockstep.delivery.sync.records import records_of
from lockstep.delivery.sync.run import Synced
from lockstep.errors import BadInput, LockstepError
from lockstep.model import Health, Outcome, StatusRow, StepResult, SyncStatus
from lockstep.model.pull import Pull
from lockstep.model.record import Done
from lockstep.render.masks import Masks
from lockstep.render.outcome import outcome_lines
from lockstep.render.report import report_summary
from lockstep.render.steps import step_words
from lockstep.render.values import one_line
from lockstep.serve.clock import WALL
from lockstep.serve.deciding import drifted, named
from lockstep.serve.file import Followed
from lockstep.serve.orders import Order
from lockstep.store.entries import Event, Happened, Rollout, RolloutEnd, Run, RunState, StepEntry, new_run

if TYPE_CHECKING:
    from lockstep.store.history import History

__all__ = ["Recorder", "Running", "open_history", "state_of"]

_FILE = "history.db"
_DONE = {Done.DEPLOYED: Happened.DEPLOYED, Done.FAILED: Happened.FAILED, Done.REMOVED: Happened.REMOVED}
_PRUNED = datetime.timedelta(hours=1)  # between two times that what is old is forgotten
_SHOWN = 5  # differences of a target that are written down


def open_history(data: Path, tell: Callable[[str], None], database: str | None = None) -> "History | None":
    """The history in a data folder, or in the database that is named.

    None where what a file needs is not installed, which is told. BadInput where the same is so of a
    database: whoever names one wants it.
    """
    try:
        from lockstep.store.history import History

        if database is not None:
            from lockstep.store.server import Server

            return History(Server(database))
        from lockstep.store.database import Database
    except ImportError as error:
        extra = "serve" if database is None else "serve,postgres"
        fix = f"pip install 'lockstep-gitops[{extra}]'"
        if database is not None:
            raise BadInput(f"{error.name} is not installed", where="database", fix=fix) from None
        tell(f"none is kept: {error.name} is not installed ({fix})")
        return None
    return History(Database(data / _FILE, tell))


class Recorder:
    """Writes to one history what followers tell; ``keep`` is how many seconds of it are kept."""

    def __init__(
        self,
        history: "History | None" = None,
        *,
        keep: float = 0,
        tell: Callable[[str], None] | None = None,
        now: Callable[[], datetime.datetime] = WALL.now,
    ) -> None:
        self._history = history
        self._keep = datetime.timedelta(seconds=keep)
        self._tell = tell
        self._now = now
        self._lock = threading.Lock()
        self._problem = ""
        self._pruned: datetime.datetime | None = None

    def start(self) -> None:
        """Say of what was under way that it is not any more; only one controller has this history."""
        self._write(lambda to: to.lose_running(self._at()))

    def pushed(self, project: str, branch: str, commit: str) -> None:
        """The branch is at another commit than it was."""
        words = f"{branch} is at {commit[:8]}"
        self._add(Event(at=self._at(), project=project, kind=Happened.PUSHED, words=words, commit=commit))

    def failed(self, project: str, why: str) -> None:
        """Git or AWS could not be read."""
        self._add(Event(at=self._at(), project=project, kind=Happened.UNREADABLE, words=why))

    def merged(self, project: str, pull: Pull, *, order: Order | None = None, run: str | None = None) -> None:
        """A pull request that waited was merged: by itself, or because somebody ordered it."""
        words = f"pull request #{pull.number}: {pull.title} ({pull.url})"
        actor = pull.author if order is None else order.by
        event = Event(at=self._at(), project=project, kind=Happened.MERGED, words=words, actor=actor)
        target = None if order is None else named(order.target)
        self._add(replace(event, commit=pull.merge_commit, target=target, run=run))

    def promoted(self, project: str, promoted: Promoted) -> None:
        """Versions were brought on their way."""
        words = " ".join(outcome_lines((), promoted.outcome.arrival, columns=1000))
        for move in promoted.moves:
            event = Event(at=self._at(), project=project, kind=Happened.PROMOTED, words=words)
            self._add(replace(event, target=move.target, version=move.new, commit=promoted.outcome.commit))

    def cleaned(self, project: str, words: str, commit: str | None) -> None:
        """What previews left behind was removed."""
        self._add(Event(at=self._at(), project=project, kind=Happened.CLEANED, words=words, commit=commit))

    def read(self, project: Followed, patterns: tuple[str, ...], rows: Sequence[StatusRow]) -> None:
        """AWS was read for the targets that the patterns select: all where there are none."""
        masks = Masks()
        differing = {
            row.target: (str(row.cause or "it differs from Git"), _differences(row, masks))
            for row in drifted(rows, project)
        }
        unknown = {row.target for row in rows if row.status is SyncStatus.UNKNOWN}
        read = {row.target for row in rows} | {named(pattern) for pattern in patterns}

        def is_settled(target: str) -> bool:
            return target not in unknown and (not patterns or target in read)

        self._write(lambda to: to.drift(project.name, self._at(), differing, is_settled))
        self._roll(project, rows, is_settled)

    def _roll(self, project: Followed, rows: Sequence[StatusRow], is_settled: Callable[[str], bool]) -> None:
        """Rollouts that go on, and what became of those that do not any more."""
        at, by_target = self._at(), {row.target: row for row in rows}
        going = {
            row.target: Rollout(
                project=project.name,
                target=row.target,
                release=row.progress.release,
                began=at,
                state=RolloutEnd.WAITING if row.progress.is_asked else RolloutEnd.RUNNING,
                words=replace(row.progress, due=None, late=0).words,  # without what each look changes
            )
            for row in rows
            if row.progress is not None and row.progress.is_under_way
        }

        def end_of(one: Rollout) -> Rollout | None:
            if not is_settled(one.target):
                return None
            return replace(one, ended=at, **ending(one, by_target.get(one.target)))

        self._write(lambda to: to.roll(project.name, at, going, end_of))

    def run(
        self,
        project: str,
        *,
        why: str,
        actor: str,
        commit: str,
        targets: Sequence[str],
        is_attempt: bool = False,
    ) -> "Running":
        """A sync begins; an attempt is tried for as long as it comes to nothing."""
        return Running(
            self,
            Run(
                id=new_run(),
                project=project,
                began=self._at(),
                why=why,
                actor=actor,
                commit=commit,
                targets=", ".join(targets),
            ),
            is_attempt=is_attempt,
        )

    def asked(self, project: str, order: Order, commit: str) -> "Running":
        """Somebody wants something of a target, which is a run from then on."""
        targets = (named(order.target),)
        running = self.run(project, why=order.words, actor=order.by, commit=commit, targets=targets)
        event = Event(at=self._at(), project=project, kind=Happened.ASKED, words=order.words)
        self._add(replace(event, target=order.target, version=order.version, actor=order.by, run=running.id))
        return running

    def again(self, project: str, id: str) -> "Running | None":  # noqa: A002 - the column's name
        """A run that was begun elsewhere, to go on with; None where it is not known."""
        found: list[Run] = []

        def work(to: "History") -> None:
            to.go_on(id)
            known = to.run(id)
            found.extend([known[0]] if known is not None and known[0].project == project else [])

        self._write(work)
        return Running(self, found[0], is_new=False) if found else None

    def lose(self, project: str, but: Sequence[str] = ()) -> None:
        """Whoever had the project has it no more: say so of its runs, but of those that wait."""
        self._write(lambda to: to.lose_running(self._at(), project=project, but=but))

    def _add(self, event: Event) -> None:
        self._write(lambda to: to.add(event))

    def _at(self) -> str:
        return self._now().astimezone(datetime.UTC).isoformat(timespec="milliseconds")

    def _write(self, work: Callable[["History"], object]) -> None:
        if self._history is None:
            return
        try:
            work(self._history)
            self._prune(self._history)
        except LockstepError as error:
            self._say(f"not written: {error}")
        else:
            self._say("")

    def _prune(self, history: "History") -> None:
        now = self._now()
        with self._lock:
            if self._pruned is not None and now - self._pruned < _PRUNED:
                return
            self._pruned = now
        with suppress(OverflowError):  # longer than there is time
            history.prune((now - self._keep).astimezone(datetime.UTC).isoformat(timespec="milliseconds"))

    def _say(self, problem: str) -> None:
        with self._lock:
            if problem == self._problem:
                return
            before, self._problem = self._problem, problem
        if self._tell is not None and (problem or before):
            self._tell(problem or "written again; what happened meanwhile is missing")


class Running:
    """One sync that is written down."""

    def __init__(
        self, recorder: Recorder, run: Run, *, is_attempt: bool = False, is_new: bool = True
    ) -> None:
        self._recorder = recorder
        self._run = run
        if is_new:
            recorder._write(lambda to: to.begin(run, is_attempt=is_attempt))

    @property
    def id(self) -> str:
        """Its id."""
        return self._run.id

    def step(self, result: StepResult, words: Mapping[str, str]) -> None:
        """A step has ended."""
        if result.outcome in (Outcome.STARTED, Outcome.WAITING):
            return
        step = StepEntry(
            at=self._recorder._at(),
            target=result.target,
            words=step_words(result, words),
            outcome=result.outcome.value,
            seconds=result.seconds,
            error=result.error or "",
            requests=" ".join(result.requests),
        )
        self._recorder._write(lambda to: to.add_step(self._run.id, step))

    def finish(self, words: str, pull: str | None = None) -> None:
        """It ended well; ``words`` say what came of it, ``pull`` is the URL of its pull request."""
        self._end(RunState.DONE, words, 0, [], pull)

    def fail(self, why: str) -> None:
        """It ended with an error, before anything or in the middle."""
        self._end(RunState.FAILED, why, 0, [])

    def end(self, workspace: Workspace, done: Synced, rows: Mapping[str, StatusRow]) -> None:
        """It ended; ``rows`` are its targets as they were seen before."""
        at = self._recorder._at()
        now = datetime.datetime.fromisoformat(at)
        records = records_of(workspace, done.plan, done.report, actor=self._run.actor, run=None, now=now)
        events = [
            Event(
                at=at,
                project=self._run.project,
                kind=_DONE[record.done],
                words=_declared(rows.get(target)),
                target=target,
                version=record.version,
                actor=record.by,
                commit=record.commit,
                source=record.source,
                run=self._run.id,
            )
            for target, record in records.items()
        ]
        problems = [*done.plan.problems, *(one.problem for one in done.plan.blocked if one.problem)]
        words = "; ".join([report_summary(done.report), *problems])
        self._end(state_of(done), words, done.report.calls, events)

    def _end(
        self, state: RunState, words: str, calls: int, events: Sequence[Event], pull: str | None = None
    ) -> None:
        at, run = self._recorder._at(), self._run.id
        self._recorder._write(
            lambda to: to.end(run, at=at, state=state, words=words, calls=calls, events=events, pull=pull)
        )


def state_of(done: Synced) -> RunState:
    """How a sync ended."""
    if done.report.interrupted:
        return RunState.STOPPED
    return RunState.DONE if done.is_success else RunState.FAILED


class _Ending(TypedDict):
    state: RolloutEnd
    words: str


def ending(one: Rollout, row: StatusRow | None) -> _Ending:
    """What became of a rollout that does not go on, by its target as it was read now."""
    if row is None:
        return {"state": RolloutEnd.LEFT, "words": f"{one.target} is not declared any more"}
    progress = row.progress
    if progress is not None and progress.release == one.release and progress.health is Health.DEGRADED:
        return {"state": RolloutEnd.FAILED, "words": progress.words}
    if row.live == one.release:
        return {"state": RolloutEnd.DONE, "words": f"{one.release} has all calls"}
    return {"state": RolloutEnd.LEFT, "words": f"it does not go on: {row.live or 'another version'} is live"}


def _declared(row: StatusRow | None) -> str:
    if row is None or row.commit is None:
        return ""
    return f"declared by {row.author or 'somebody'} in {row.commit[:8]}"


def _differences(row: StatusRow, masks: Masks) -> str:
    lines = [one_line(change, masks) for change in row.changes]
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "; ".join([*lines[:_SHOWN], *more]) or row.problem or f"it is {row.health}"
