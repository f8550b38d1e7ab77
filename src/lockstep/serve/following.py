"""One project that is followed: asks Git, looks at AWS and syncs, as ``deciding`` says when."""

import datetime
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from lockstep.config.preview_tree import read_previews
from lockstep.delivery.places.actor import acting_for, find_actor
from lockstep.delivery.places.forges import Credentials, as_app
from lockstep.delivery.places.gitops import GitOps, open_gitops
from lockstep.delivery.places.selection import changed_since
from lockstep.delivery.places.timeline import read_timeline
from lockstep.delivery.places.workspace import Where, Workspace, open_workspace
from lockstep.delivery.previews.ground import open_ground
from lockstep.delivery.previews.waste import clear, collect
from lockstep.delivery.promotion.moving import Held, move_on
from lockstep.delivery.setup.calling import declared_calls, live_calls
from lockstep.delivery.setup.explain import explain_target
from lockstep.delivery.sync.causes import with_causes
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.records import read_records
from lockstep.delivery.sync.run import sync
from lockstep.delivery.sync.status import read_status
from lockstep.delivery.trying.logs import read_logs
from lockstep.errors import BadInput, Interrupted, LockstepError, NotAllowed
from lockstep.forge.base import Forge
from lockstep.git.refs import branch_ref
from lockstep.git.remote import Remote, default_branch, fetch, list_refs, open_remote
from lockstep.model import Explained, Fleet, Outcome, Plan, StatusRow, StepResult, SyncStatus
from lockstep.model.calling import CallGraph
from lockstep.model.era import Era
from lockstep.model.preview import Preview
from lockstep.model.record import Record
from lockstep.model.target import environment_of
from lockstep.model.trying import LogLine
from lockstep.model.watching import Silent
from lockstep.planning.eras import deployments_of, in_order
from lockstep.planning.heard import concerned
from lockstep.planning.previews import Fate, ends_at
from lockstep.render.outcome import outcome_lines
from lockstep.render.report import report_summary, result_lines
from lockstep.render.status import status_summary
from lockstep.render.steps import words_by_step
from lockstep.serve.clock import WALL
from lockstep.serve.counting import Counted
from lockstep.serve.deciding import (
    Ask,
    Clean,
    Heads,
    Look,
    MoveOn,
    Seen,
    Wait,
    Waiting,
    asked,
    cleaned,
    due,
    failed,
    heard,
    left_alone,
    listened,
    looked,
    moved,
    named,
    read,
    wanted,
)
from lockstep.serve.file import Followed
from lockstep.serve.orders import Order, OrderVerb, TooMany, carry_out, look_ahead
from lockstep.serve.recording import Recorder, Running, state_of
from lockstep.store.entries import RunState
from lockstep.tracing import span

__all__ = ["Elsewhere", "Follower"]

Tell = Callable[[str], None]
_AGAIN: Mapping[type[Ask | Look | MoveOn | Clean], str] = {
    Ask: "Git can be read again",
    Look: "AWS can be read again",
    MoveOn: "promotions can be looked at again",
    Clean: "what previews leave behind can be removed again",
}
_SPANS: Mapping[type[Ask | Look | MoveOn | Clean], str] = {
    Ask: "lockstep.git",
    Look: "lockstep.look",
    MoveOn: "lockstep.promotions",
    Clean: "lockstep.previews",
}
_WAITING = 100  # orders
_HEARD = 1000  # announcements of AWS; what more would tell is found later
_REMEMBERED = 5000  # things of which it is known what was said last
_LOGGED = 900.0  # seconds of logs that are shown
_DAYS = 90  # after which a staged package goes that nothing declares, as of ``preview gc``


class Elsewhere(Protocol):
    """Those that do what is due, where a follower only looks on."""

    def hint(self, project: str) -> None:
        """Somebody says that Git has moved; returns at once."""

    def order(self, project: str, order: Order, running: Running, *, most: int) -> None:
        """Somebody wants something. NotAllowed while so many wait already."""


class Follower:
    """Follows one project. ``seen`` is a value that is replaced whole, so that other threads may read it."""

    def __init__(
        self,
        project: Followed,
        *,
        data: Path,
        credentials: Credentials,
        tell: Tell,
        clock: Callable[[], float],
        stop: threading.Event,
        recorder: Recorder | None = None,
        elsewhere: Elsewhere | None = None,
        now: Callable[[], datetime.datetime] = WALL.now,
    ) -> None:
        self.project = project
        self.seen = Seen()
        self.counted = Counted()  # likewise
        self.under_way = ""  # what is being synced
        self.wake = threading.Event()
        self.is_alive = True  # until its thread ends
        self._where = Where(
            folder=data, repo=project.repository, cache=credentials.cache, access=credentials.access()
        )
        self._credentials = credentials
        self._tell = tell
        self._clock = clock
        self._now = now
        self._stop = stop
        self._recorder = recorder or Recorder()
        self._elsewhere = elsewhere
        # Who only looks on does nothing, and what it sees was written down by who does.
        self._doing = project if elsewhere is None else replace(project, environments={}, clean=None)
        self._telling = self._recorder if elsewhere is None else Recorder()
        self._shared: deque[Seen] = deque(maxlen=1)  # what those know who do what is due
        self._again: deque[str] = deque()  # targets of which something was said elsewhere
        self._opened: Heads | None = None  # what the workspace is at
        self._branch = project.branch
        self._workspace: Workspace | None = None  # at ``seen.heads``
        self._is_hinted = False
        self._heard: deque[frozenset[str]] = deque(maxlen=_HEARD)  # names
        self._orders: deque[tuple[Order, Running]] = deque()  # what people want, in turn
        self._notes: Mapping[str, str] = {}  # what was said of targets
        self._drawing = threading.Lock()
        self._drawn: tuple[object, CallGraph, str] | None = None  # at what was seen
        self._told: dict[str, str] = {}  # what was said of a thing last: it is not said again

    def step(self) -> float | None:
        """Do the one thing that is due, or nothing: then the time of the clock at which something will be.

        That somebody sets ``wake`` says that there is something new: see ``hint``, ``hear`` and ``ask``.
        """
        if self.wake.is_set():
            self.wake.clear()  # before what it is about is taken: what comes meanwhile sets it anew
            if self._is_hinted:
                self._is_hinted = False
                self.seen = replace(self.seen, is_hinted=True)
        if self._heard and self._workspace is not None:
            self._understand(self._workspace.fleet)
        if self._shared:
            self._take_over(self._shared.pop())
        if self._orders:
            self._obey(*self._orders.popleft())
            return None
        if self._again and self._workspace is not None:
            self._look_again()
            return None
        match due(self.seen, self._doing, self._clock()):
            case Wait(until=until):
                return until
            case Ask() as what:
                self.seen = replace(self.seen, is_hinted=False)  # what is announced meanwhile counts anew
                self._trying(what, self._ask)
            case Look() as look:
                if look.is_heard:
                    self.seen = listened(self.seen, self._clock())
                self._trying(look, lambda: self._look(look))
            case MoveOn() as what:
                self._trying(what, self._move_on)
            case Clean() as what:
                self._trying(what, self._clean)
        return None

    def hint(self) -> None:
        """Somebody says that Git has moved; any thread may say so."""
        self.notice()
        if self._elsewhere is not None:
            self._elsewhere.hint(self.project.name)

    def notice(self) -> None:
        """Git may have moved, as those know already who do what is due."""
        self._is_hinted = True
        self.wake.set()

    def hear(self, names: frozenset[str]) -> None:
        """Somebody changed things of these names in AWS, says AWS; any thread may say so.

        Which targets that concerns is known once the project was read.
        """
        self._heard.append(names)
        self.wake.set()

    @property
    def has_understood(self) -> bool:
        """Whether it is known which targets everything concerns that AWS said."""
        return not self._heard

    def _understand(self, fleet: Fleet) -> None:
        while self._heard:
            self.seen = heard(self.seen, concerned(fleet, self._heard.popleft()))

    def look_ahead(self, order: Order) -> list[str]:
        """What would come of an order, in lines; any thread may ask. Raises LockstepError."""
        with acting_for(order.by):
            return look_ahead(order, self._gitops(), self._options(()), now=self._now())

    def explained(self, target: str) -> tuple[Explained, ...]:
        """The values of a target with where they come from; none for what is not declared (any more)."""
        workspace = self._workspace
        if workspace is None or target not in workspace.fleet.targets:
            return ()
        return explain_target(workspace, target, None)

    def is_held(self, target: str) -> bool | None:
        """Whether nothing may be promoted to a target; None where that is not known."""
        workspace = self._workspace
        found = workspace.fleet.targets.get(target) if workspace is not None else None
        return found.hold is not None if found is not None else None

    def calls(self) -> tuple[CallGraph, str]:
        """Who calls which functions, and why AWS's part of it is missing, if it is; any thread may ask.

        AWS is read for it at most once for each time that all of it was looked at, and that Git has moved.
        """
        workspace = self._project()
        with self._drawing:
            of = (self.seen.at, self.seen.looked)
            if self._drawn is None or self._drawn[0] != of:
                problem = ""
                try:
                    graph = live_calls(workspace, replace(self._options(()), full=False, recalls=True))
                except LockstepError as error:
                    graph, problem = declared_calls(workspace, ()), str(error)
                self._drawn = of, graph, problem
            _, graph, problem = self._drawn
        return graph, problem

    def previews(self) -> tuple[tuple[Preview, datetime.datetime | None], ...]:
        """Previews that Git records, each with when it ends where its time is limited."""
        workspace = self._workspace
        if workspace is None:
            return ()
        project = workspace.project
        recorded = read_previews(workspace.tree, project.folder)
        return tuple((one, ends_at(one, project.preview)) for one in recorded.values())

    def logs(self, target: str, *, since: float = _LOGGED) -> tuple[LogLine, ...]:
        """What a target has logged in the last so many seconds, without secrets. Raises LockstepError."""
        return read_logs(self._project(), target, since=since, now=self._now().timestamp())

    def history(
        self, target: str, remembered: Iterable[Record]
    ) -> tuple[tuple[Era, ...], Mapping[str, Record]]:
        """The versions that a declared target had, and what is written down of each; any thread may ask.

        Besides what is ``remembered`` that is what Git holds. Raises LockstepError.
        """
        workspace = self._project()
        if target not in workspace.fleet.targets:
            raise BadInput("it is not declared (any more)", where=target)
        found = read_timeline(workspace, workspace.fleet.targets[target])
        records, _ = read_records(workspace, [target], self._credentials)
        return found.eras, deployments_of(found.eras, in_order((*records[target], *remembered)))

    def forge(self) -> Forge:
        """Where the repository is; any thread may ask. Raises LockstepError, also before it was read."""
        return self._gitops().forge()

    def ask(self, order: Order) -> str:
        """Take an order, which is done in its turn; the id of its run. NotAllowed while too many wait."""
        heads = self.seen.heads
        if heads is None:
            raise NotAllowed("the project was not read yet", where=self.project.name, fix="wait for it")
        if len(self._orders) >= _WAITING:
            raise TooMany("too much is asked for at once", where=self.project.name, fix="wait a little")
        running = self._recorder.asked(self.project.name, order, heads.commit)
        if self._elsewhere is not None:
            self._elsewhere.order(self.project.name, order, running, most=_WAITING)
        else:
            self.obey(order, running)
        return running.id

    @property
    def is_read(self) -> bool:
        """Whether the project is at hand as Git was seen last."""
        return self._workspace is not None and self._opened == self.seen.heads

    def obey(self, order: Order, running: Running) -> None:
        """Do what somebody wants next."""
        self._orders.append((order, running))
        self.wake.set()

    def look_again(self, targets: Iterable[str]) -> None:
        """Something was done elsewhere about these."""
        self._again.extend(named(target) for target in targets)
        self.wake.set()

    def share(self, seen: Seen) -> None:
        """What those know who do what is due: why they wait, and what they try again."""
        self._shared.append(seen)
        self.wake.set()

    def _take_over(self, shared: Seen) -> None:
        own = {key: one for key, one in self.seen.targets.items() if key not in shared.targets}
        unknown = {key: one for key, one in own.items() if _is_unknown(self.seen, key)}
        self.seen = replace(
            self.seen,
            targets={**shared.targets, **unknown},
            waiting=shared.waiting,
            moved=shared.moved,
            moving=shared.moving,
            cleaned=shared.cleaned,
            cleaning=shared.cleaning,
        )

    def begin(self, seen: Seen, clock: Callable[[], float], stop: threading.Event, *, is_next: bool) -> None:
        """Go on from what was seen elsewhere, on that clock, until ``stop``.

        What was read of AWS is kept where nobody else was there meanwhile.
        """
        self._clock, self._stop = clock, stop
        self.seen = replace(seen, rows=self.seen.rows if is_next else {})
        if not self.is_read:
            self.seen = replace(self.seen, asked=None)

    def _look_again(self) -> None:
        taken = [self._again.popleft() for _ in range(len(self._again))]  # what is said meanwhile counts anew
        patterns = tuple(sorted({*taken}))
        try:
            rows = self._read(self._project(), patterns)
        except LockstepError as error:
            self._say(f"what was done elsewhere was not read: {error}", about="elsewhere")
            return
        self.seen = read(self.seen, patterns, rows, self._clock())
        self._say(status_summary(self.seen.rows.values()), about="status")

    def _obey(self, order: Order, running: Running) -> None:
        """Do what somebody wants, by the verbs that this does by itself, and look what came of it."""
        with span(
            f"lockstep.{order.verb}", lockstep__project=self.project.name, lockstep__target=order.target
        ):
            self._carry_out(order, running)

    def _carry_out(self, order: Order, running: Running) -> None:
        pattern = named(order.target)
        self.under_way = f"{self.project.name}: {order.verb} {order.target}"
        try:
            with acting_for(order.by):
                if order.verb is OrderVerb.SYNC:
                    self._sync_asked(pattern, running)
                else:
                    done = carry_out(
                        order,
                        self._gitops(),
                        self._options(()),
                        now=self._now(),
                        watcher=_Steps(self._tell, running),
                        stop=self._stop,
                    )
                    self._tell(f"{order.target}: {done.words}")
                    if done.merged is not None:
                        self._recorder.merged(self.project.name, done.merged, order=order, run=running.id)
                    running.finish(done.words, done.pull)
        except LockstepError as error:
            running.fail(str(error))
            self._tell(f"{order.target}: {order.words}: {error}")
            return
        finally:
            self.under_way = ""
        try:
            rows = self._read(self._project(), (pattern,))
        except LockstepError as error:
            self._tell(f"{order.target}: what came of it was not read: {error}")
            return
        self.seen = replace(read(self.seen, (pattern,), rows, self._clock()), is_hinted=True)
        self._telling.read(self.project, (pattern,), rows)

    def _sync_asked(self, pattern: str, running: Running) -> None:
        workspace = self._project()
        before = {row.target: row for row in self._read(workspace, (pattern,))}
        watcher, began = _Steps(self._tell, running), self._clock()
        done = sync(workspace, self._options((pattern,)), self._credentials, watcher=watcher, stop=self._stop)
        running.end(workspace, done, before)
        self.counted = self.counted.run(state_of(done), self._clock() - began, done.report.calls)

    def _project(self) -> Workspace:
        if self._workspace is None:
            raise NotAllowed("the project was not read yet", where=self.project.name, fix="wait for it")
        return self._workspace

    def _gitops(self) -> GitOps:
        workspace = self._project()
        assert self._branch is not None  # noqa: S101 - Git was read
        remote = open_remote(self.project.repository, self._where.cache, access=self._where.access)
        return GitOps(
            remote=as_app(remote, workspace.project.sources.forge, self._credentials),
            branch=self._branch,
            workspace=workspace,
            credentials=self._credentials,
        )

    def _trying(self, what: Ask | Look | MoveOn | Clean, work: Callable[[], None]) -> None:
        try:
            with span(_SPANS[type(what)], lockstep__project=self.project.name):
                work()
        except _Stopped:
            return  # whoever starts again looks at everything
        except LockstepError as error:
            self.seen = failed(self.seen, what, str(error), self._doing, self._clock())
            if self._say(str(error), about=type(what).__name__):
                self._telling.failed(self.project.name, str(error))
        else:
            if self._told.pop(type(what).__name__, None) is not None:
                self._tell(_AGAIN[type(what)])

    def _ask(self) -> None:
        where, before = self._where, self._workspace
        remote = open_remote(self.project.repository, where.cache, access=where.access)
        branch = self._branch or default_branch(remote)
        # As far as the last project that was read has previews on a branch of their own.
        heads = _heads(remote, branch, before.project.preview.branch if before else None)
        if before is None or heads != self._opened:
            before = open_workspace(replace(where, rev=heads.commit, previews=heads.previews))
            named = before.project.sources.forge.branch
            if self.project.branch is None and named not in (None, branch):
                branch = str(named)
                heads = replace(heads, commit=_heads(remote, branch, None).commit)
                before = open_workspace(replace(where, rev=heads.commit, previews=heads.previews))
            heads = replace(heads, previews=before.previews.commit if before.previews else None)
            self._opened = heads
            if self.seen.heads is None or heads.commit != self.seen.heads.commit:
                self._tell(f"{branch} is at {heads.commit[:8]}")
                self._telling.pushed(self.project.name, branch, heads.commit)
            for warning in before.warnings:
                self._say(f"warning: {warning}", about=warning)
        self._branch, self._workspace = branch, before
        self.seen = asked(self.seen, heads, self._clock())

    def _look(self, what: Look) -> None:
        workspace, heads = self._workspace, self.seen.heads
        assert workspace is not None  # noqa: S101 - nothing is looked at before Git was read
        assert heads is not None  # noqa: S101
        patterns = what.targets if what.since is None else self._changed(workspace, what.since, heads)
        if patterns == ():
            self.seen = replace(self.seen, at=heads)
            return
        patterns = tuple(map(named, patterns or ()))
        rows = self._read(workspace, patterns)
        self.seen = read(self.seen, patterns, rows, self._clock())
        self._telling.read(self.project, patterns, rows)
        chosen = wanted(rows, self._doing)
        by_key = {row.target: row for row in rows}
        why: dict[str, str] = {}
        for environment in dict.fromkeys(environment_of(key) for key in chosen):
            if not self._stop.is_set():
                own = tuple(key for key in chosen if environment_of(key) == environment)
                why |= self._sync(workspace, heads, _reason(what, heads), [by_key[key] for key in own])
        if self._stop.is_set():
            return
        if chosen:
            kept = [row for row in rows if row.target not in chosen]
            rows = (*kept, *self._read(workspace, tuple(map(named, chosen))))
            self._telling.read(self.project, patterns, rows)
        self.seen = looked(self.seen, heads, patterns, rows, why, self._doing, self._clock())
        self._say(status_summary(self.seen.rows.values()), about="status")
        notes = {key: one.why for key, one in self.seen.targets.items()} | left_alone(self.seen, self.project)
        for key in notes.items() - self._notes.items():
            self._tell(": ".join(key))
        self._notes = notes

    def _move_on(self) -> None:
        """Promotions: those that wait are merged when they may be, and what nothing holds back begins."""
        began, gitops = self._clock(), self._gitops()
        waiting, now = self.seen.waiting, self._now()
        done = move_on(
            gitops,
            lambda environment: self.project.leave(environment).syncs,
            self._options(()),
            now=now,
            is_put_off=lambda key, version: key in waiting and waiting[key].is_put_off(version, began),
            stop=self._stop,
        )
        for pull in done.merged:
            self._tell(f"merged pull request #{pull.number}: {pull.title}")
            self._recorder.merged(self.project.name, pull)
        for promoted in done.promoted:
            for line in outcome_lines(promoted.moves, promoted.outcome.arrival, columns=200):
                if line:
                    self._tell(line)
            self._recorder.promoted(self.project.name, promoted)
        if done.merged or done.promoted:
            self.seen = replace(self.seen, is_hinted=True)  # Git has moved, as far as anybody knows
        for one in done.held:
            if self._is_news(f"{one.version}: {one.reason}", about=f"waits: {one.target}"):
                self._tell(f"{one.target}: {one.version} waits: {one.why}")
        held = (
            (one.target, _waiting(one), (one.until - now).total_seconds() if one.until else None)
            for one in done.held
        )
        self.seen = moved(self.seen, held, done.put_off, self._clock())

    def _clean(self) -> None:
        """What previews have left behind goes, as by ``preview gc --apply``."""
        gitops = open_gitops(self._where, self._credentials)
        if gitops.branch != self._branch:
            raise BadInput(
                f"previews are removed from {gitops.branch}, and {self._branch} is followed here",
                where=self.project.name,
                fix="follow that branch, or leave previewGc out",
            )
        self.under_way = f"{self.project.name}: what previews left behind"
        watcher = _Steps(self._tell, None)
        try:
            found = collect(
                open_ground(gitops),
                self._options(()),
                is_applied=True,
                now=self._now(),
                days=_DAYS,
                watcher=watcher,
            )
            report = clear(found, watcher=watcher, stop=self._stop)
        finally:
            self.under_way = ""
        gone = [one.preview.environment for one in found.folders.of(Fate.REMOVE) if found.commit is not None]
        if found.commit is not None:
            self._tell(f"previews: {', '.join(gone) or 'told that they end'} ({found.commit[:8]})")
            self.seen = replace(self.seen, is_hinted=True)
        if gone or report.results:
            words = "; ".join([*gone, report_summary(report)])
            self._recorder.cleaned(self.project.name, words, found.commit)
        for note in (*found.notes, *found.problems):
            self._say(f"previews: {note}", about=f"previews: {note}")
        if not report.is_success:
            raise NotAllowed(f"what previews left behind was not removed: {report_summary(report)}")
        self.seen = cleaned(self.seen, self._clock())

    def _changed(self, workspace: Workspace, since: Heads, now: Heads) -> tuple[str, ...] | None:
        """Targets that changed on either branch, by the code of ``--since``; None for all."""
        found: set[str] = set()
        for before, after in ((since.commit, now.commit), (since.previews, now.previews)):
            if before == after:
                continue
            changed = changed_since(workspace, before) if before is not None else None
            if changed is None:
                return None
            found.update(changed)
        return tuple(sorted(found))

    def _read(self, workspace: Workspace, patterns: tuple[str, ...]) -> tuple[StatusRow, ...]:
        """Rows of targets, as they are now. Raises LockstepError, _Stopped soon after a stop."""
        try:
            rows, _ = read_status(workspace, self._options(patterns), stop=self._stop)
        except Interrupted as error:
            raise _Stopped(error.problem) from None
        if self._stop.is_set():  # what was not read by then is told as unknown, and would be written down so
            raise _Stopped("AWS was not read to the end")
        return with_causes(workspace, rows, self._credentials)

    def _options(self, patterns: tuple[str, ...]) -> Options:
        token = self._credentials.github_token
        return Options(patterns=patterns, checked=False, full=True, github_token=token)

    def _sync(
        self, workspace: Workspace, heads: Heads, reason: str, rows: Sequence[StatusRow]
    ) -> Mapping[str, str]:
        """Sync targets of one environment; why those failed that did."""
        before = {row.target: row for row in rows}
        keys = tuple(before)
        patterns = tuple(map(named, keys))
        self.under_way = f"{self.project.name}: {', '.join(patterns)}"
        causes = sorted({str(row.cause) for row in rows if row.cause is not None})
        running = self._recorder.run(
            self.project.name,
            why=": ".join([reason, *causes]),
            actor=find_actor(workspace.repository).name if workspace.repository else "lockstep",
            commit=heads.commit,
            targets=patterns,
            is_attempt=True,
        )
        watcher, began = _Steps(self._tell, running), self._clock()
        try:
            with span("lockstep.sync", lockstep__targets=", ".join(patterns), lockstep__run=running.id):
                done = sync(
                    workspace, self._options(patterns), self._credentials, watcher=watcher, stop=self._stop
                )
        except LockstepError as error:
            running.fail(str(error))
            self.counted = self.counted.run(RunState.FAILED, self._clock() - began, 0)
            return dict.fromkeys(keys, str(error))
        finally:
            self.under_way = ""
        running.end(workspace, done, before)
        self.counted = self.counted.run(state_of(done), self._clock() - began, done.report.calls)
        if done.report.results:
            self._tell(report_summary(done.report))
        failures = [(one.target, one.error) for one in done.report.results if one.error]
        blocked = [(one.target, one.problem) for one in done.plan.blocked if one.problem]
        for_all = "; ".join(done.plan.problems)
        return {**(dict.fromkeys(keys, for_all) if for_all else {}), **dict(failures), **dict(blocked)}

    def _say(self, words: str, *, about: str) -> bool:
        """Say something of a thing, unless it was said last."""
        if not self._is_news(words, about=about):
            return False
        self._tell(words)
        return True

    def _is_news(self, words: str, *, about: str) -> bool:
        if self._told.get(about) == words:
            return False
        self._told.pop(about, None)
        self._told[about] = words
        if len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]
        return True


def _waiting(one: Held) -> Waiting:
    return Waiting(
        version=one.version,
        count=int(one.has_failed),
        why=one.why,
        number=one.pull.number if one.pull is not None else None,
        url=one.pull.url if one.pull is not None else "",
    )


class _Stopped(Interrupted):
    """AWS was being read when this was stopped."""


def _is_unknown(seen: Seen, target: str) -> bool:
    row = seen.rows.get(target)
    return row is not None and row.status is SyncStatus.UNKNOWN


def _reason(what: Look, heads: Heads) -> str:
    if what.is_heard:
        return "AWS told of a change"
    if what.targets is not None:
        return "it is tried again"
    return f"{heads.commit[:8]} was pushed" if what.since is not None else "all of AWS was looked at"


def _heads(remote: Remote, branch: str, previews: str | None) -> Heads:
    """Where the branch that is deployed from is, and that of previews, at one time; both fetched."""
    refs = list_refs(remote, *(branch_ref(name) for name in (branch, previews) if name is not None))
    commit = refs.get(branch_ref(branch))
    if commit is None:
        raise BadInput(f"{remote} has no branch {branch}, or no commits yet", fix="push to it first")
    fetch(remote, refs)
    return Heads(commit=commit, previews=refs.get(branch_ref(previews)) if previews is not None else None)


class _Steps(Silent):
    """Tells of steps that have ended, and of what is worth knowing."""

    def __init__(self, tell: Tell, running: Running | None) -> None:
        self._tell = tell
        self._running = running
        self._words: Mapping[str, str] = {}

    def planned(self, plan: Plan) -> None:
        """Take the words of the steps."""
        self._words = words_by_step(plan)

    def stepped(self, result: StepResult) -> None:
        """Only its end is told."""
        if self._running is not None:
            self._running.step(result, self._words)
        if result.outcome not in (Outcome.STARTED, Outcome.WAITING):
            self._tell("\n".join(line.strip() for line in result_lines(result, self._words, columns=200)))

    def note(self, words: str) -> None:
        """As it is."""
        self._tell(words)
