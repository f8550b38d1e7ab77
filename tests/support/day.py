"""A day of a controller in seconds: a clock that passes while nobody works, a world that it looks at, events.

The controller is the real one with its threads, Git is real, and so is the store. AWS is what the verbs of a
sync would say of it, which nothing else of a controller asks.
"""

import contextlib
import datetime
import json
import os
import sqlite3
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.promotion.moving import Held, Moved
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import Synced
from lockstep.errors import MachineError
from lockstep.model import (
    Health,
    Outcome,
    Plan,
    Report,
    StatusRow,
    StepResult,
    SyncStatus,
    TargetPlan,
    Verb,
    select,
)
from lockstep.model.pull import Pull, PullState
from lockstep.model.rollout import Progress
from lockstep.model.status import Cause
from lockstep.serve.controller import Controller
from lockstep.serve.file import read_serve_file
from lockstep.serve.following import Follower
from lockstep.serve.messages.destinations import Deployments, Destination
from lockstep.serve.messages.message import Message, Rule
from lockstep.store.entries import RunState
from tests.support.quick_git import CONFIGURATION

__all__ = ["HOUR", "Day", "DayClock", "Ground", "Push", "Read", "Tried", "World", "controlled"]

HOUR = 3600.0
MIDNIGHT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
_STEP = 600.0  # seconds of a rollout's step
_TABLES = ("events", "runs", "steps", "drifts", "rollouts", "sent")
_GC = HOUR  # between two times that previews are removed
_SELDOM = 60.0  # seconds between looks of those that have nothing to do with AWS: each is a change of threads
_PROJECT = """\
project: day
folder: .
region: eu-west-1
environments: {staging: {}, production: {}, preview: {}}
packages: {bucket: day-packages}
artifacts: {source: directory, path: "packages/{version}.zip"}
functionDefaults: {role: day, runtime: python3.12, handler: app.handler}
"""


@dataclass
class _Sleeper:
    event: threading.Event
    until: float
    woken: threading.Event = field(default_factory=threading.Event)


class DayClock:
    """Passes once all of so many threads wait; then one of them goes on, and all others still wait."""

    def __init__(self, threads: int) -> None:
        self.waits = 0
        self.offset = datetime.timedelta(0)  # of the wall, which somebody may set
        self._threads = threads
        self._ticks = 0.0
        self._lock = threading.Lock()
        self._asleep: dict[int, _Sleeper] = {}
        self._is_over = False

    def ticks(self) -> float:
        """Seconds since midnight."""
        return self._ticks

    def now(self) -> datetime.datetime:
        """What the wall says."""
        return MIDNIGHT + datetime.timedelta(seconds=self._ticks) + self.offset

    def wait(self, event: threading.Event, seconds: float | None = None) -> bool:
        """Let others go on until the event is set, or the time has come."""
        until = float("inf") if seconds is None else self._ticks + max(0.0, seconds)
        sleeper = _Sleeper(event, until)
        with self._lock:
            if self._is_over:
                return event.wait(0.01)
            self.waits += 1
            self._asleep[threading.get_ident()] = sleeper
            self._pass()
        sleeper.woken.wait()
        return event.is_set()

    def end(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._is_over = True
            for one in self._asleep.values():
                one.woken.set()

    def _pass(self) -> None:
        if len(self._asleep) < self._threads:
            return
        called = [key for key, one in self._asleep.items() if one.event.is_set()]
        chosen = called[0] if called else min(self._asleep, key=lambda key: self._asleep[key].until)
        sleeper = self._asleep.pop(chosen)
        if not called:
            self._ticks = max(self._ticks, sleeper.until)
        sleeper.woken.set()


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """One look at AWS."""

    at: float
    patterns: tuple[str, ...]  # none: all


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """One target in one sync."""

    at: float
    target: str
    version: str | None
    is_done: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """What somebody brought to Git, and which targets it is about."""

    at: float
    targets: tuple[str, ...]
    is_told: bool  # by a webhook


class Ground:
    """The repository."""

    def __init__(self, folder: Path, targets: int) -> None:
        self.folder = folder
        self.services = [f"svc-{number:05}" for number in range(targets // 2)]
        self.versions: dict[str, int] = {}  # by target
        self._files: dict[str, str] = {"lockstep.yaml": _PROJECT}
        for service in self.services:
            self._files[f"services/{service}/values.yaml"] = _values(256)
            for environment in ("staging", "production"):
                self.declare(f"{environment}/{service}", 1)
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.commit("First")

    def declare(self, target: str, version: int) -> None:
        """A version of a target, once it is committed."""
        environment, _, service = target.rpartition("/")
        self.versions[target] = version
        place = f"environments/{environment}/{service}/config.yaml"
        own = f"envName: {environment}\n"
        if environment.startswith("preview/"):
            place, own = f"environments/{environment}/services/{service}.values.yaml", ""
            number = environment.rpartition("-")[2]
            self._files[f"environments/{environment}/pr.yaml"] = f"number: {number}\n"
        name = f"{service}-{environment.replace('/', '-')}"
        self._files[place] = (
            f"serviceName: {service}\n{own}deploymentType: lambda\n"
            f"lambda: {{version: '{version}.0.0', functionName: {name}}}\n"
        )

    def write(self, path: str, text: str) -> None:
        """Any file."""
        self._files[path] = text

    def resize(self, service: str, memory: int) -> None:
        """Change what all targets of a service have in common."""
        self._files[f"services/{service}/values.yaml"] = _values(memory)

    def forget(self, environment: str) -> None:
        """A preview is not declared any more."""
        self.git("rm", "-rq", f"environments/{environment}")
        self.versions = {key: one for key, one in self.versions.items() if not key.startswith(environment)}

    def commit(self, words: str) -> None:
        """Everything that was changed."""
        for path, text in self._files.items():
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        if self._files:
            self.git("add", *(self._files if len(self._files) < 20 else ["-A"]))
        self._files = {}
        self.git("commit", "-qm", words)

    def git(self, *words: str) -> None:
        """As a person."""
        subprocess.run(["git", *words], cwd=self.folder, check=True, env=_GIT)


def _memory(target: Any) -> Any:
    return target.function.settings.get("memorySize") if target is not None else None


_ADA = {f"GIT_{role}_{what}": "Ada" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
_GIT = {"PATH": os.environ["PATH"], "GIT_CONFIG_SYSTEM": CONFIGURATION, "HOME": "/nonexistent", **_ADA}


def _values(memory: int) -> str:
    return f"deploymentType: lambda\nlambda: {{memorySize: {memory}}}\n"


class World:
    """AWS, the pull requests and whom people are told by."""

    can_change = True

    def __init__(self, clock: DayClock, ground: Ground) -> None:
        self.clock = clock
        self.ground = ground
        self.live: dict[str, str] = {}  # versions, by target
        self.memory: dict[str, Any] = {}
        self.drifted: set[str] = set()  # changed by hand
        self.failing: Counter[str] = Counter()  # syncs that are still to fail
        self.slow: set[str] = set()  # services that are rolled out in steps
        self.rolling: dict[str, tuple[int, float]] = {}  # step, and when it is over
        self.steps: list[tuple[float, str, int]] = []
        self.is_away = False
        self.soaks: dict[str, tuple[int, datetime.datetime]] = {}  # version, and when it may go on
        self.promoted: list[tuple[float, str]] = []
        self.previews: dict[str, datetime.datetime] = {}  # and when their time is over
        self.cleaned: list[tuple[float, tuple[str, ...]]] = []
        self.moved: list[float] = []
        self.reads: list[Read] = []
        self.tried: list[Tried] = []
        self.told: dict[str, list[str]] = {}  # of each message what it said
        self.arrived = threading.Event()
        self.letters: list[str] = []
        self._rows: dict[tuple[object, ...], StatusRow] = {}

    # what a follower asks

    def read_status(
        self, workspace: Workspace, options: Options, *, stop: threading.Event
    ) -> tuple[tuple[StatusRow, ...], tuple[str, ...]]:
        """All targets that are declared or live, of those that are asked for."""
        self.reads.append(Read(at=self.clock.ticks(), patterns=options.patterns))
        if self.is_away:
            raise MachineError("AWS does not answer", where="lambda")
        keys = dict.fromkeys((*workspace.fleet.targets, *self.live))
        chosen = select(keys, options.patterns) if options.patterns else keys
        return tuple(self._row(workspace, key) for key in chosen), ()

    def _row(self, workspace: Workspace, key: str) -> StatusRow:
        target = workspace.fleet.targets.get(key)
        declared = target.version if target is not None else None
        size = _memory(target)
        step = self.rolling.get(key)
        is_same = self.live.get(key) == declared and key not in self.drifted and step is None
        is_same &= size is None or self.memory.get(key) == size
        at = self.clock.ticks() if step is not None else 0.0
        known = (key, declared, self.live.get(key), key in self.drifted, step, is_same, at)
        if known not in self._rows:
            environment, _, service = key.rpartition("/")
            is_by_hand = key in self.drifted and self.live.get(key) == declared
            self._rows = {} if len(self._rows) > 50_000 else self._rows
            self._rows[known] = StatusRow(
                target=key,
                service=service,
                environment=environment,
                deployment_type="lambda",
                declared=declared,
                live=self.live.get(key),
                status=SyncStatus.SYNCED if is_same else SyncStatus.OUT_OF_SYNC,
                health=Health.HEALTHY if step is None else Health.PROGRESSING,
                cause=None if is_same else Cause.AWS if is_by_hand else Cause.GIT,
                progress=self._progress(declared, step) if step is not None else None,
            )
        return self._rows[known]

    def _progress(self, release: str | None, step: tuple[int, float]) -> Progress:
        due = self.clock.now() + datetime.timedelta(seconds=step[1] - self.clock.ticks())
        return Progress(
            health=Health.PROGRESSING,
            release=release or "",
            weight=0.1 * step[0],
            step=step[0],
            steps=3,
            due=due.isoformat(),
            at=self.clock.now().isoformat(),
        )

    def sync(
        self,
        workspace: Workspace,
        options: Options,
        credentials: Credentials,
        *,
        watcher: object,
        stop: threading.Event,
    ) -> Synced:
        """Bring what is asked for to what is declared, unless it has to fail."""
        plans, results = [], []
        for key in options.patterns:
            target = workspace.fleet.targets.get(key)
            declared = target.version if target is not None else None
            error = None
            if self.failing[key] > 0:
                self.failing[key] -= 1
                error = "AWS had a bad day"
            elif key.rpartition("/")[2] in self.slow and self.live.get(key) != declared:
                self._roll(key)
            if error is None and key not in self.rolling:
                self._bring(key, target)
            self.tried.append(
                Tried(at=self.clock.ticks(), target=key, version=declared, is_done=error is None)
            )
            verb = Verb.UPDATE if target is not None else Verb.DELETE
            progress = self._row(workspace, key).progress
            plans.append(TargetPlan(target=key, verb=verb, version=declared, progress=progress))
            outcome = Outcome.DONE if error is None else Outcome.FAILED
            results.append(StepResult(step=f"{key}:code", target=key, outcome=outcome, error=error))
        plan = Plan(engine="lambda-api", project="day", commit=workspace.tree.commit, targets=tuple(plans))
        return Synced(plan=plan, report=Report(results=tuple(results), calls=len(results)))

    def _roll(self, key: str) -> None:
        step, over = self.rolling.get(key, (0, 0.0))
        if self.clock.ticks() < over:
            return
        if step == 3:
            del self.rolling[key]
            return
        self.rolling[key] = (step + 1, self.clock.ticks() + _STEP)
        self.steps.append((self.clock.ticks(), key, step + 1))

    def _bring(self, key: str, target: Any) -> None:
        self.drifted.discard(key)
        if target is None:
            self.live.pop(key, None)
            return
        self.live[key] = target.version
        self.memory[key] = _memory(target)

    def move_on(
        self, gitops: Any, environments: Callable[[str], bool], options: Options, **more: Any
    ) -> Moved:
        """Promote what has soaked."""
        self.moved.append(self.clock.ticks())
        done = Moved()
        for target, (version, until) in [*self.soaks.items()]:
            if self.clock.now() < until:
                done.held.append(
                    Held(
                        target=target, version=f"{version}.0.0", why="it soaks", until=until, gates=("soak",)
                    )
                )
                continue
            del self.soaks[target]
            self.ground.declare(target, version)
            self.ground.commit(f"{target} {version}.0.0")
            self.promoted.append((self.clock.ticks(), target))
            pull = Pull(
                number=len(self.promoted),
                title=f"{target} {version}.0.0",
                body="",
                head="x",
                base="main",
                sha="a" * 40,
                state=PullState.MERGED,
                url="https://git.example.org/1",
                author="Ada",
                merge_commit="b" * 40,
            )
            done.merged.append(pull)
        return done

    def collect(self, ground: object, options: Options, *, now: datetime.datetime, **more: Any) -> Any:
        """Remove folders of previews whose time is over."""
        over = [name for name, ends in self.previews.items() if ends <= now]
        for name in over:
            del self.previews[name]
            self.ground.forget(name)
        if over:
            self.ground.commit("Previews that are over")
        self.cleaned.append((self.clock.ticks(), tuple(over)))
        judged = tuple(SimpleNamespace(preview=SimpleNamespace(environment=name)) for name in over)
        return SimpleNamespace(
            folders=SimpleNamespace(of=lambda fate: judged),
            commit="c" * 40 if over else None,
            notes=(),
            problems=(),
        )

    # who is told

    def tell(self, message: Message, *, remote: str, is_unsure: bool) -> str:
        """One more message, or another text of it."""
        if not remote:
            assert message.key not in self.told, f"told twice: {message.key}"
            self.told[message.key] = []
        self.told[message.key].append(message.state)
        return message.key

    # what AWS tells

    def receive(self) -> tuple[tuple[str, str], ...]:
        """Letters, which are waited for."""
        self.clock.wait(self.arrived, _SELDOM)
        self.arrived.clear()
        taken, self.letters = self.letters, []
        return tuple((body, str(number)) for number, body in enumerate(taken))

    def remove(self, handles: list[str]) -> None:
        """They are gone already."""

    def announce(self, function: str) -> None:
        """Somebody changed a function, says CloudTrail."""
        detail = {"requestParameters": {"functionName": function}}
        self.letters.append(json.dumps({"source": "aws.lambda", "detail": detail}))
        self.arrived.set()


class Day:
    """What happens on it, and what is expected of the controller."""

    def __init__(self, clock: DayClock, world: World, follower: Follower, history: Path) -> None:
        self.clock = clock
        self.world = world
        self.ground = world.ground
        self.follower = follower
        self.pushes: list[Push] = []
        self.healed: list[tuple[float, str]] = []  # what was changed by hand and told of
        self.failed = ""  # a target whose syncs fail for a while
        self.waits: list[
            tuple[float, float, int]
        ] = []  # of that: when it was seen, when it is tried, attempts
        self.sizes: list[int] = []  # rows of the history, by the hour
        self.sound: list[str] = []
        self._history = history
        self._never = threading.Event()

    def until(self, at: float) -> None:
        """Let the time pass."""
        self.clock.wait(self._never, at - self.clock.ticks())

    def target(self, number: int, environment: str = "staging") -> str:
        """One of them, another for each number."""
        return f"{environment}/{self.ground.services[number % len(self.ground.services)]}"

    def push(self, *targets: str, is_told: bool) -> None:
        """Somebody brings the next version of targets to Git, and perhaps a webhook tells of it."""
        for target in targets:
            self.ground.declare(target, self.ground.versions.get(target, 0) + 1)
        self.ground.commit("Next")
        self._pushed(targets, is_told=is_told)

    def resize(self, service: str) -> None:
        """Somebody changes what targets in all environments have in common."""
        self.ground.resize(service, 512)
        self.ground.commit("More memory")
        self._pushed([key for key in self.ground.versions if key.endswith(f"/{service}")], is_told=True)

    def _pushed(self, targets: Iterable[str], *, is_told: bool) -> None:
        self.pushes.append(Push(at=self.clock.ticks(), targets=tuple(sorted(targets)), is_told=is_told))
        if is_told:
            self.follower.hint()

    def drift(self, target: str, *, is_told: bool) -> None:
        """Somebody changes a function by hand, and perhaps AWS tells of it."""
        self.world.drifted.add(target)
        if is_told:
            environment, _, service = target.rpartition("/")
            self.healed.append((self.clock.ticks(), target))
            self.world.announce(f"{service}-{environment}")

    def count(self) -> None:
        """How much is remembered."""
        with contextlib.closing(sqlite3.connect(self._history)) as file:
            counted = " + ".join(f"(SELECT count(*) FROM {table})" for table in _TABLES)  # noqa: S608 - ours
            self.sizes.append(file.execute(f"SELECT {counted}").fetchone()[0])

    def run(self, pushes: int) -> None:
        """All of it, hour by hour; in each there are so many pushes beside what it is about."""
        self.until(1.0)
        for hour in range(24):
            start = hour * HOUR
            for number in range(pushes):
                self.until(start + 97 + number * 131)
                target = self.target(hour * pushes + number + 40)
                self.push(target, is_told=(hour + number) % 2 == 0)
            self.until(start + 1511)
            for words in _HOURS.get(hour, ()):
                getattr(self, words)(start)
            self.until(start + HOUR - 1)
            self.count()
        self.until(24 * HOUR)

    def check(self, *, poll: float, drift: float, said: Iterable[str]) -> None:
        """Everything that was due happened when it was, nothing twice, and nothing that was not due."""
        world = self.world
        assert not [words for words in said if "a fault of Lockstep's" in words]
        assert world.live == {key: f"{number}.0.0" for key, number in self.ground.versions.items()}
        waits = (world.drifted, world.rolling, world.soaks, world.previews)
        assert not any((*waits, self.follower.seen.targets, self.follower.seen.waiting))
        self._check_reads(poll, drift)
        self._check_syncs()
        self._check_waits()
        assert max(self.sizes[9:]) <= max(self.sizes[:9])  # what is older than six hours goes
        assert not [key for key, states in world.told.items() if states[-1] == RunState.RUNNING]
        assert sum(map(len, world.told.values())) <= 4 * len(world.told)

    def _check_reads(self, poll: float, drift: float) -> None:
        """A push wakes the targets that it is about; all are looked at so often; and nothing else is."""
        world = self.world
        everything = [one.at for one in world.reads if not one.patterns]
        for push in self.pushes:
            end = push.at + (1.0 if push.is_told else poll + 1.0)
            about = [one for one in world.reads if push.at <= one.at <= end and one.patterns == push.targets]
            assert about or (not push.is_told and any(push.at <= at <= end for at in everything)), push
        for at, target in self.healed:
            assert any(at <= one.at <= at + 1 and target in one.patterns for one in world.reads)
        ended = {name for _, names in world.cleaned for name in names}
        own = {push.targets for push in self.pushes} | {
            (target,) for _, target in (*self.healed, *world.promoted)
        }
        own.add(tuple(sorted(target for _, target in self.healed)))
        own |= {(one.target,) for one in world.tried if not one.is_done or one.target in self._slow}
        own |= {one.patterns for one in world.reads if one.at in everything}  # what came of it
        odd = {one.patterns for one in world.reads} - own
        assert all(name.rpartition("/")[0] in ended for names in odd for name in names), odd
        times, tries = 24 * HOUR / drift, 20  # of those that fail for half an hour
        assert times - tries < len(everything) < times + tries
        assert len(world.reads) - len(everything) <= 2 * len(world.tried) + len(self.pushes) + tries
        assert len(world.moved) <= 24 * HOUR / poll + 4 * len(self.pushes) + tries
        looks = 3 * 24 * HOUR / _SELDOM
        assert self.clock.waits < looks + 30 * len(self.pushes) + 24 * HOUR / poll + 24 * HOUR / drift + 1000

    @property
    def _slow(self) -> set[str]:
        return {key for key in self.ground.versions if key.rpartition("/")[2] in self.world.slow}

    def _check_syncs(self) -> None:
        """Each version came once, and once more what was changed besides; steps came when they were due."""
        world = self.world
        done = Counter((one.target, one.version) for one in world.tried if one.is_done)
        again = {f"{name}/{self.ground.services[3]}" for name in ("staging", "production")}
        again |= {self.target(4), self.target(6), *self._slow}
        assert {key for (key, _), count in done.items() if count > 1} <= again
        assert all(done[key, "1.0.0"] for key in self.ground.versions if not key.startswith("preview/"))
        steps = [at for at, _, _ in world.steps]
        assert [number for _, _, number in world.steps] == [1, 2, 3]
        assert [second - first for first, second in pairwise(steps)] == [_STEP, _STEP]
        assert [at for at, _ in world.promoted] == [11 * HOUR + 1511 + 1200]
        gone = [(name, at) for at, names in world.cleaned for name in names]
        assert sorted(name for name, _ in gone) == ["preview/pr-1", "preview/pr-2"]
        for name, at in gone:
            ended = 12 * HOUR + 1511 + 1800 * int(name[-1])
            assert ended <= at <= ended + _GC + 1

    def _check_waits(self) -> None:
        """What failed was tried later each time, and it was known when."""
        assert [count for _, _, count in self.waits] == [*range(1, 13)]
        for seen, at, count in self.waits:
            assert seen < at <= seen + min(300.0, 2.0**count)
        tried = [one for one in self.world.tried if one.target == self.failed]
        assert [one.is_done for one in tried if one.version == tried[-1].version] == [False] * 12 + [True]
        gaps = [at - seen for seen, at, _ in self.waits]
        assert all(second >= first for first, second in pairwise(gaps))

    # what an hour is about

    def _common(self, start: float) -> None:
        self.resize(self.ground.services[3])

    def _by_hand(self, start: float) -> None:
        self.drift(self.target(4), is_told=True)
        self.drift(self.target(5, "production"), is_told=True)
        self.drift(self.target(6), is_told=False)

    def _by_hand_again(self, start: float) -> None:
        assert self.world.drifted == {self.target(5, "production")}  # it is not healed there
        self.world.drifted.clear()

    def _failing(self, start: float) -> None:
        self.failed = self.target(7)
        self.world.failing[self.failed] = 12
        self.push(self.failed, is_told=True)
        self.until(start + 1511.5)
        while (one := self.follower.seen.targets.get(self.failed)) is not None and one.count < 13:
            if one.count != (self.waits[-1][2] if self.waits else 0):
                self.waits.append((self.clock.ticks(), one.at, one.count))
            self.until(self.clock.ticks() + 1)

    def _gone(self, start: float) -> None:
        away = self.ground.folder.with_name("away")
        self.ground.folder.rename(away)
        self.follower.hint()
        self.until(start + 2800)
        assert self.follower.seen.git is not None
        self.sound.append(f"{self.follower.seen.git.count} times")
        away.rename(self.ground.folder)

    def _unread(self, start: float) -> None:
        self.world.is_away = True
        self.until(start + 3300)
        assert self.follower.seen.aws is not None
        assert self.follower.seen.aws.at > self.clock.ticks()
        assert self.follower.seen.rows
        self.world.is_away = False

    def _database(self, start: float) -> None:
        parts = [self._history.with_name(self._history.name + part) for part in ("", "-wal", "-shm")]
        for one in parts:
            if one.exists():
                one.rename(one.with_name(f"away-{one.name}"))
        self._history.mkdir()
        self.push(self.target(8), is_told=True)
        self.until(start + 1571)
        self._history.rmdir()
        for one in parts:
            if (away := one.with_name(f"away-{one.name}")).exists():
                away.rename(one)
        self.push(self.target(9), is_told=True)

    def _set_back(self, start: float) -> None:
        self.clock.offset = -datetime.timedelta(hours=2)

    def _soak(self, start: float) -> None:
        target = self.target(10, "production")
        self.world.soaks[target] = (7, self.clock.now() + datetime.timedelta(minutes=20))
        self.follower.hint()

    def _previews(self, start: float) -> None:
        names = [f"preview/pr-{number}/{self.ground.services[number]}" for number in (1, 2)]
        for number in (1, 2):
            ends = self.clock.now() + datetime.timedelta(minutes=30 * number)
            self.world.previews[f"preview/pr-{number}"] = ends
        self.push(*names, is_told=True)

    def _rollout(self, start: float) -> None:
        target = self.target(11)
        self.world.slow.add(target.rpartition("/")[2])
        self.push(target, is_told=True)

    def _broken(self, start: float) -> None:
        self.ground.write("lockstep.yaml", f"{_PROJECT}environments: [\n")
        self.ground.commit("Broken")
        self.follower.hint()
        self.until(start + 2500)
        assert self.follower.seen.git is not None
        assert "lockstep.yaml:" in self.follower.seen.git.why
        assert self.follower.seen.rows
        self.ground.write("lockstep.yaml", _PROJECT)
        self.ground.commit("Mended")


_HOURS: Mapping[int, tuple[str, ...]] = {
    2: ("_common",),
    3: ("_by_hand",),
    5: ("_by_hand_again",),
    6: ("_failing",),
    7: ("_gone",),
    8: ("_unread",),
    9: ("_database",),
    10: ("_set_back",),
    11: ("_soak",),
    12: ("_previews",),
    15: ("_rollout",),
    17: ("_broken",),
}


@contextlib.contextmanager
def controlled(
    folder: Path, targets: int, *, poll: str, drift: str, history: str = "6h"
) -> Iterator[tuple[Day, list[str]]]:
    """A controller that runs, at midnight; everything has been looked at once when somebody waits."""
    clock = DayClock(threads=6)  # the controller, its project, its messenger, its file, its queue, and we
    world = World(clock, Ground(folder / "gitops", targets))
    path = folder / "lockstep-serve.yaml"
    path.write_text(
        f"poll: {poll}\ndrift: {drift}\nhistory: {history}\nprojects:\n  day:\n    repository: gitops\n"
        "    previewGc: 1h\n    events: ['arn:aws:sqs:eu-west-1:123456789012:events']\n    environments:\n"
        "      staging: {sync: true, selfHeal: true}\n      production: {sync: true}\n"
        "      preview: {sync: true}\n"
    )
    settings = read_serve_file(path, {})
    settings.data.mkdir()
    said: list[str] = []
    stop = threading.Event()
    told = Destination(name="all", way=Deployments(), rules=(Rule(),))
    ours: Mapping[str, Any] = {
        "read_status": world.read_status,
        "with_causes": lambda workspace, rows, credentials: rows,
        "sync": world.sync,
        "move_on": world.move_on,
        "open_ground": lambda gitops: gitops,
        "collect": world.collect,
        "clear": lambda found, **more: Report(),
    }
    with contextlib.ExitStack() as stack:
        for name, one in ours.items():
            stack.enter_context(patch(f"lockstep.serve.following.{name}", one))
        stack.enter_context(patch("lockstep.serve.messages.messenger._LOOK", _SELDOM))
        stack.enter_context(patch("lockstep.serve.rereading._LOOK", _SELDOM))
        stack.enter_context(patch("lockstep.serve.circles.Circles.free"))  # which costs what a day does
        stack.enter_context(patch("lockstep.serve.controller.open_queue", lambda arn, stop: world))
        stack.enter_context(patch("lockstep.serve.controller.teller_of", lambda *of: world))
        controller = Controller(
            replace(settings, destinations=(told,)),
            credentials=Credentials(cache=folder / "cache"),
            tell=lambda name, words: said.append(f"{clock.ticks():.0f} {name}: {words}"),
            stop=stop,
            environ={},
            clock=clock,
        )
        running = threading.Thread(target=controller.run)
        running.start()
        try:
            yield Day(clock, world, controller.followers[0], settings.data / "history.db"), said
        finally:
            stop.set()
            controller.followers[0].wake.set()
            clock.end()
            running.join(60)
            assert not running.is_alive()
