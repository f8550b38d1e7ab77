"""Several controllers on one database: who does what is due, and how the others see what was done.

A project's turn is one machine's at a time (``store.turns``); jobs (``store.jobs``) say when it is due, and
whoever takes one does all of it and leaves what it knows for the next turn, wherever that is. One machine
leads, which is a turn like any other: it makes the jobs, and removes those of the dead. Pages are of
followers that only look on; they hear from the history what was done.
"""

import json
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, field

from lockstep.errors import Interrupted, LockstepError, NotAllowed
from lockstep.fence import fenced
from lockstep.model.foreign import read_json
from lockstep.serve.circles import Circles
from lockstep.serve.clock import WALL, Clock
from lockstep.serve.following import Follower
from lockstep.serve.keeping import kept, left
from lockstep.serve.orders import Order, OrderVerb
from lockstep.serve.recording import Recorder, Running
from lockstep.store.entries import Happened
from lockstep.store.history import History
from lockstep.store.jobs import Jobs
from lockstep.store.server import Server
from lockstep.store.turns import Turn, Turns
from lockstep.values import dataclass

__all__ = ["Machines"]

_LEADER = ""  # whose turn it is to lead: no project has this name
_TELLER = "*"  # and to tell people
_TICK = 1.0  # seconds between two looks at what is due
_FEED = 0.25  # and at what was done
_AT_ONCE = 10  # projects
_DONE = (Happened.DEPLOYED, Happened.FAILED, Happened.REMOVED, Happened.DRIFTED, Happened.MENDED)

Tell = Callable[[str, str], None]


@dataclass(kw_only=True)
class _Held:
    """A turn that this process has."""

    turn: Turn
    renewed: float  # of our own clock, before it was asked for
    stop: threading.Event = field(default_factory=threading.Event)


class Machines:
    """This machine among the others. ``lasts`` is how many seconds a turn lasts without a sign of life."""

    def __init__(
        self,
        address: str,
        history: History,
        projects: Sequence[str],
        *,
        lasts: float,
        tell: Tell,
        stop: threading.Event,
        clock: Clock = WALL,
    ) -> None:
        self._server = Server(address)  # with connections of its own: no page keeps a turn from lasting
        self._history = history
        me = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
        self._turns = Turns(self._server, me, lasts)
        self._jobs = Jobs(address, sign=lasts)
        self._projects = tuple(projects)
        self._lasts = lasts
        self._tell = tell
        self._stop = stop
        self._clock = clock
        self._circles = Circles(clock.ticks)
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._hinted: set[str] = set()
        self._woken: set[str] = set()
        self._has_hints = threading.Event()
        self._problem = ""
        self._is_known = False
        self._telling: _Held | None = None
        self._threads: list[threading.Thread] = []

    @property
    def is_alive(self) -> bool:
        """Whether everything that began still goes on."""
        return all(thread.is_alive() for thread in self._threads)

    def may_tell(self) -> bool:
        """Whether it is this machine that tells people what happened; asked by any thread."""
        held = self._telling
        return held is not None and self._clock.ticks() < held.renewed + self._lasts

    def hint(self, project: str) -> None:
        """Somebody says that Git has moved: told to the others by a thread of its own, soon."""
        with self._lock:
            self._hinted.add(project)
        self._has_hints.set()

    def hear(self, project: str, names: frozenset[str]) -> None:
        """AWS tells of a change: looked at in the project's next turn. StoreError, and nobody knows."""
        self._turns.hear(project, names)
        with self._lock:
            self._woken.add(project)
        self._has_hints.set()

    def order(self, project: str, order: Order, running: Running, *, most: int) -> None:
        """Somebody wants something: done by whoever has the project's next turn."""
        try:
            if self._turns.order(project, running.id, json.dumps(asdict(order)), most=most):
                self.hint(project)
                return
        except LockstepError as error:
            running.fail(str(error))
            raise NotAllowed(f"it was not taken: {error.problem}", where=project, fix="try again") from None
        running.fail("too much was asked for at once")
        raise NotAllowed("too much is asked for at once", where=project, fix="wait a little")

    def run(
        self,
        doing: Mapping[str, Follower],
        watching: Mapping[str, Follower],
        recorder: Recorder,
        *,
        tells: bool,
    ) -> list[threading.Thread]:
        """Begin: take turns with ``doing``, tell ``watching`` what is done. The threads end by themselves."""
        work: list[Callable[[], object]] = [self._tell_hints]
        if watching:
            work.append(lambda: self._feed(watching))
        if tells:
            work.append(self._keep_telling)
        if doing:
            work += [self._lead, self._renew, lambda: self._work(doing, recorder)]
        threads = [threading.Thread(target=one, name=f"machines-{n}") for n, one in enumerate(work)]
        for thread in threads:
            thread.start()
        self._threads = threads
        return threads

    def close(self) -> None:
        """Let go of the database."""
        self._jobs.close()
        self._server.close()

    def _work(self, doing: Mapping[str, Follower], recorder: Recorder) -> None:
        """Take jobs until it is stopped; while there is no database, wait for it."""
        while not self._stop.is_set():
            with self._said():
                self._know()
                at_once = min(len(doing), _AT_ONCE)
                self._jobs.work(
                    lambda name: self._do(name, doing, recorder), at_once=at_once, stop=self._stop
                )
            self._clock.wait(self._stop, _TICK)

    def _do(self, project: str, doing: Mapping[str, Follower], recorder: Recorder) -> None:
        """One turn: everything that is due for a project."""
        follower = doing.get(project)
        if follower is None or self._stop.is_set():
            return
        with self._lock:
            if project in self._held:
                return  # we were too busy to renew it, and still are at it
        began = self._clock.ticks()
        try:
            turn = self._turns.take(project)
        except LockstepError as error:
            self._say(str(error))
            return
        if turn is None:
            return
        held = _Held(turn=turn, renewed=began)
        with self._lock:
            self._held[project] = held
        try:
            if not turn.is_next:
                with suppress(LockstepError):
                    recorder.lose(project, self._turns.waiting(project))
            with fenced(lambda: self._check(held)):
                due = self._steps(held, follower, recorder)
            with suppress(LockstepError):
                state = left(follower.seen)
                if not self._turns.end(turn, state=state, due=due, is_heard=follower.has_understood):
                    self._tell(project, "its turn was over before it was done: the next one goes on with it")
        finally:
            with self._lock:
                del self._held[project]
            self._circles.free()

    def _steps(self, held: _Held, follower: Follower, recorder: Recorder) -> float:
        """Do what is due; when something is due next."""
        turn, shift = held.turn, held.turn.now - held.renewed

        def clock() -> float:
            return self._clock.ticks() + shift

        follower.begin(kept(turn.state), clock, held.stop, is_next=turn.is_next)
        if turn.is_hinted:
            follower.hint()
        if turn.heard:
            follower.hear(frozenset(turn.heard.split("\n")) - {""})
        while not (held.stop.is_set() or self._stop.is_set()):
            if self._clock.ticks() > held.renewed + self._lasts:
                break  # and there is no database that could say otherwise
            try:
                self._take_order(turn, follower, recorder)
                until = follower.step()
            except Exception as error:  # a fault of ours must not end the other projects, nor this one
                words = f"a fault of Lockstep's: {type(error).__name__}: {error}"
                self._tell(follower.project.name, words)
                return clock() + follower.project.poll
            if until is not None:
                return until
        return clock()

    def _take_order(self, turn: Turn, follower: Follower, recorder: Recorder) -> None:
        if not follower.is_read:
            return  # it waits until Git has answered
        try:
            taken = self._turns.ordered(turn)
        except LockstepError:
            return  # what waits, waits on
        if taken is None:
            return
        run, said = taken
        words = read_json(said.encode())
        order = Order(**{**words, "verb": OrderVerb(words["verb"])})
        running = recorder.again(turn.project, run)
        if running is not None:
            follower.obey(order, running)

    def _check(self, held: _Held) -> None:
        """The fence: the database knows whose turn it is; while it is away, our own clock says it."""
        try:
            is_ours = self._turns.keep(held.turn.project, held.turn.token)
        except LockstepError:
            is_ours = self._clock.ticks() < held.renewed + self._lasts
        if not is_ours:
            held.stop.set()
            raise Interrupted(
                "this machine stood still for so long that its turn was over: nothing more is written",
                where=held.turn.project,
            )

    def _renew(self) -> None:
        """Let turns last while this process lives, to the end of what it finishes when it is stopped."""
        while True:
            is_over = self._clock.wait(self._stop, self._lasts / 4)
            with self._lock:
                held = [*self._held.values()]
            if is_over and not held:
                return
            for one in held:
                now = self._clock.ticks()
                if is_over:
                    one.stop.set()
                with suppress(LockstepError):
                    if self._turns.keep(one.turn.project, one.turn.token):
                        one.renewed = now
                    else:
                        one.stop.set()
            if is_over:
                self._clock.wait(threading.Event(), _FEED)  # which nothing cuts short

    def _lead(self) -> None:
        """Lead while it is this machine's turn: make jobs of what is due, remove those of the dead."""
        held: _Held | None = None
        reaped = 0.0
        since: dict[str, float] = {}  # when a project was due first, and nobody was at it
        while not self._clock.wait(self._stop, _TICK):
            with self._said():
                self._know()
                held = self._holding(_LEADER, held)
                if held is None:
                    continue
                now = self._clock.ticks()
                due = [name for name in self._turns.due() if name in self._projects]
                since = {name: since.get(name, now) for name in due}
                self._jobs.defer(due)
                if now - reaped > self._lasts / 2:
                    reaped = now
                    stuck = [name for name in due if now - since[name] > self._lasts]
                    if count := self._jobs.reap(stuck):
                        self._tell("", f"{count} turns of machines that are gone are given to others")
        self._let_go(held)

    def _keep_telling(self) -> None:
        """Be the one who tells people, while it is this machine's turn."""
        while not self._clock.wait(self._stop, min(_TICK, self._lasts / 4)):
            with suppress(LockstepError):
                self._know()
                self._telling = self._holding(_TELLER, self._telling)
        self._let_go(self._telling)

    def _holding(self, name: str, held: _Held | None) -> _Held | None:
        """A turn that is no project's, taken or kept; None while it is another machine's."""
        now = self._clock.ticks()
        if held is None:
            turn = self._turns.take(name)
            return _Held(turn=turn, renewed=now) if turn is not None else None
        if not self._turns.keep(name, held.turn.token):
            return None
        held.renewed = now
        return held

    def _let_go(self, held: _Held | None) -> None:
        """End a turn that is no project's, so that nobody waits for it to run out."""
        if held is not None:
            with suppress(LockstepError):
                self._turns.end(held.turn, state="", due=0.0)

    def _tell_hints(self) -> None:
        """Tell the others that a turn is due, and of what; what cannot be told now is told later."""
        while not self._stop.is_set():
            if not self._clock.wait(self._has_hints, _TICK):
                continue
            self._has_hints.clear()
            with self._lock:
                hinted, self._hinted = self._hinted, set()
                woken, self._woken = self._woken, set()
            try:
                if hinted:
                    self._turns.hint(sorted(hinted))
                self._jobs.defer(sorted(hinted | woken))
            except LockstepError:
                with self._lock:
                    self._hinted |= hinted
                    self._woken |= woken
                self._clock.wait(self._stop, _TICK)
                self._has_hints.set()

    def _feed(self, watching: Mapping[str, Follower]) -> None:
        """Tell those that look on what was done, by whomever."""
        last: tuple[int, int, str, str] | None = None
        versions: dict[str, int] = {}
        while not self._clock.wait(self._stop, _FEED):
            with suppress(LockstepError):
                now = self._history.latest()
                if last is not None and now[0] > last[0]:
                    self._show(watching, last[0])
                if now != last:
                    self._history.changed()
                    last = now
                for name, (version, text) in self._turns.states(versions).items():
                    versions[name] = version
                    if name in watching and text:
                        shift = self._clock.ticks() - self._turns.now()
                        watching[name].share(kept(text, shift=shift))

    def _show(self, watching: Mapping[str, Follower], after: int) -> None:
        for event in self._history.since(after):
            follower = watching.get(event.project)
            if follower is None:
                continue
            if event.kind in _DONE and event.target:
                follower.look_again([event.target])
            elif event.kind in (Happened.PUSHED, Happened.PROMOTED, Happened.MERGED, Happened.CLEANED):
                follower.notice()

    def _know(self) -> None:
        if not self._is_known:
            self._turns.know([_LEADER, _TELLER, *self._projects])
            self._is_known = True

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What keeps the database from being used is said once, and so is that it is over."""
        try:
            yield
        except LockstepError as error:
            self._say(str(error))
        else:
            self._say("")

    def _say(self, problem: str) -> None:
        with self._lock:
            before, self._problem = self._problem, problem
        if bool(problem) != bool(before):
            self._tell("", problem or "the database answers again")
