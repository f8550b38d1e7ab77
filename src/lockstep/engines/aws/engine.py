"""The aws engine: read, plan, apply, read back."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from lockstep.engines.aws import layers as layers_of
from lockstep.engines.aws.connection import Connection, Connections
from lockstep.engines.aws.layers import Shelf
from lockstep.engines.aws.observing import Observed, observe
from lockstep.engines.aws.pace import Pace, present
from lockstep.engines.aws.read import (
    read_live,
    read_policies_again,
    read_versions,
    without_variables,
)
from lockstep.engines.aws.references import find_versions, resolve
from lockstep.engines.aws.remembered import Memories
from lockstep.engines.aws.resolving import resolve_targets, with_images
from lockstep.engines.base import Look
from lockstep.errors import NotAllowed
from lockstep.model import (
    AddPermission,
    Check,
    Fleet,
    Package,
    Plan,
    Project,
    PublishVersion,
    RemovePermission,
    Report,
    StagePackage,
    Step,
    StepResult,
    Target,
)
from lockstep.model.engines import AWS
from lockstep.model.layer import BuiltLayer
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.parts import part_of
from lockstep.planning.planner import make_plan
from lockstep.planning.policy import Rules
from lockstep.planning.previews import leftovers

__all__ = ["AwsEngine"]


class AwsEngine:
    """Makes Lambda match a desired fleet, through the API.

    ``fetch`` gives a verified local file of a package; ``stop`` ends a run cleanly when it is set;
    ``full`` reads every function by itself, and with ``beside`` what may stand beside each; one that
    ``recalls`` believes the health and the policies that are remembered; ``vouch``
    says of a function that nothing declares whether it was this project's once, without which it is not
    deleted; without ``values`` a preview reads neither variables of functions nor what references name;
    ``cache`` is the user's folder, where what is read of AWS is remembered. Reading may take
    ``timeout`` seconds (None: by what there is to read); ``clock`` tells the time by which rollouts go.
    One engine serves one run.
    """

    name = AWS.name

    def __init__(
        self,
        rules: Rules,
        fetch: Callable[[Package], Path],
        *,
        full: bool = False,
        beside: bool = True,
        recalls: bool = False,
        values: bool = True,
        timeout: float | None = None,
        connections: Connections | None = None,
        stop: threading.Event | None = None,
        watcher: Watcher = SILENT,
        pace: Pace | None = None,
        vouch: Callable[[Target], bool] = lambda _: False,
        cache: Path | None = None,
        clock: Callable[[], datetime] = present,
    ) -> None:
        self.rules = rules
        self._clock = clock
        self.stale: frozenset[str] = frozenset()  # targets of the last apply that changed under it
        self._fetch = fetch
        self._full = full
        self._beside = beside
        self._recalls = recalls
        self._values = values
        self._vouch = vouch
        self._timeout = timeout
        self._stop = stop or threading.Event()
        self._watcher = watcher
        self._pace = pace or Pace()
        self._connections = connections or Connections(self._stop, self._pace.patience)
        self._memories = Memories(rules.project, cache)
        self._made: list[Plan] = []
        self._live: Fleet | None = None
        self._declared: Mapping[str, Target] = {}
        self._releases: dict[str, str] = {}  # ARN of a version of a layer that is built here -> its release

    def part(self, desired: Fleet) -> Fleet | None:
        """The fleet with what is selected of the environments that this engine applies."""
        return part_of(self._project, desired, self.name)

    def wants(self, desired: Fleet) -> tuple[str, ...]:
        """Just what is selected."""
        return desired.selection

    def leftovers(self, desired: Fleet) -> tuple[str, ...]:
        """Previews' functions and entries of buckets that carry this project's marks and are undeclared."""
        self.preview(replace(desired, selection=("preview",)))
        return leftovers(desired, self.live)

    def checks(self, desired: Fleet) -> Iterator[Check]:
        """None: the accounts are all that it needs."""
        return iter(())

    def close(self) -> None:
        """Nothing is kept."""

    @property
    def calls(self) -> Counter[str]:
        """How often each AWS operation was called."""
        return self._connections.calls

    @property
    def live(self) -> Fleet:
        """The live fleet as the last preview read it."""
        if self._live is None:
            raise NotAllowed("nothing was read yet", fix="call preview first")
        return self._live

    def preview(self, desired: Fleet) -> Look:
        """Read what is live and say what would be done. Changes nothing."""
        with self._reading(len(desired.selected())):
            plan = self._preview(desired)
        named = dict(self.live.targets) | {target.key: target for target in self.live.others.values()}
        return Look(
            plan=plan,
            versions={key: target.version for key, target in named.items()},
            live={key: called for key, one in named.items() if (called := one.called) is not None},
            modified={key: target.modified for key, target in self.live.targets.items()},
            aliases={
                key: f"{alias.name}:{alias.version}"
                for key, target in self.live.targets.items()
                for alias in target.aliases
                if alias.name == target.alias
            },
            well=dict(self._memories.well),
        )

    def _preview(self, desired: Fleet) -> Plan:
        look = resolve if self._values else find_versions
        desired = resolve_targets(desired, desired.selected(), self.connection, look, self._shelf)
        desired, notes = self.with_images(desired)
        self._declared = desired.targets
        live = read_live(
            desired,
            self._project,
            self._connections,
            self._memories,
            full=self._full,
            beside=self._beside,
            recalls=self._recalls,
            watcher=self._watcher,
            vouch=self._vouch,
        )
        self._live = replace(live, notes=(*live.notes, *notes), at=self._clock())
        if any(alias.weights for one in live.targets.values() for alias in one.aliases):
            from lockstep.engines.aws.trail import tell_writers

            told = tell_writers(desired, self._live, self.connection)
            self._live = replace(self._live, notes=(*self._live.notes, *told))
        if not self._values:
            self._live = without_variables(self._live)
        plan = make_plan(desired, self._live, self.rules, engine=self.name)
        while doubted := self._memories.believed & {one.target for one in plan.steps if _is_of_policy(one)}:
            # What is changed was read, not remembered.
            self._live = read_policies_again(self._live, sorted(doubted), self._memories, self.connection)
            plan = make_plan(desired, self._live, self.rules, engine=self.name)
        if watched := sorted(one.target for one in plan.targets if one.progress is not None):
            from lockstep.engines.aws.measuring import read_gates

            self._live = read_gates(desired, self._live, watched, self.connection)
            plan = make_plan(desired, self._live, self.rules, engine=self.name)
        if publishing := sorted({one.target for one in plan.steps if isinstance(one, PublishVersion)}):
            # Which of the versions go is known once another one comes: nothing else asks for them.
            self._live = read_versions(self._live, publishing, self.connection)
            plan = make_plan(desired, self._live, self.rules, engine=self.name)
        self._memories.save()
        plan = self._with_releases(plan)
        self._made = [plan]
        return plan

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Do what the plan says. Every step reads back what it wrote.

        Only a plan that this engine has just made is applied; anything else is stale by definition.
        """
        return self._apply(plan, plan.steps, on_step)

    def stage(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Of what the plan says, put only the packages where Lambda reads them: others do the rest."""
        return self._apply(plan, tuple(one for one in plan.steps if isinstance(one, StagePackage)), on_step)

    def roll(self, plan: Plan, steps: tuple[Step, ...], on_step: Callable[[StepResult], None]) -> Report:
        """Of what the plan says, do only these steps, which rollouts need: others do the rest."""
        return self._apply(plan, steps, on_step)

    def _apply(self, plan: Plan, steps: tuple[Step, ...], on_step: Callable[[StepResult], None]) -> Report:
        from lockstep.engines.aws.execute import execute
        from lockstep.engines.aws.running import Run

        if not any(plan is made for made in self._made):
            raise NotAllowed("the plan was not made from what is live now", fix="plan again")
        self._made = []
        if plan.problems:
            raise NotAllowed("; ".join(plan.problems))
        begun, before = time.monotonic(), sum(self.calls.values())
        lock = threading.Lock()

        def tell(result: StepResult) -> None:
            with lock:
                on_step(result)

        run = Run(
            plan,
            tell,
            project=self._project,
            live=self.live,
            declared=self._declared,
            connection=self.connection,
            fetch=self._fetch,
            memories=self._memories,
            pace=self._pace,
            clock=self._clock,
        )
        results, self.stale = execute(steps, run.do, tell, self._stop)
        if not self._stop.is_set():
            self._memories.share()
        self._memories.save()
        return Report(
            results=results,
            seconds=time.monotonic() - begun,
            calls=sum(self.calls.values()) - before,
            interrupted=self._stop.is_set(),
        )

    def observe(self, targets: Iterable[Target]) -> Observed:
        """What is live of targets that another engine applies. Changes nothing, and plans nothing."""
        wanted = list(targets)
        with self._reading(len(wanted)):
            return observe(wanted, self.connection)

    @contextlib.contextmanager
    def _reading(self, targets: int) -> Iterator[None]:
        """Bound what is read in the block together."""
        seconds = self._timeout or self._pace.patience.for_targets(targets)
        with self._connections.deadline.reading(seconds):
            yield

    @property
    def _project(self) -> Project:
        return self.rules.project

    def connection(self, environment: str) -> Connection:
        """The connection for an environment's targets."""
        return self._connections.get(self._project.environment(environment))

    def with_images(self, desired: Fleet) -> tuple[Fleet, tuple[str, ...]]:
        """Tags of images with what they name now, and notes on those of which nobody knows it."""
        return with_images(desired, self.connection)

    def resolve(self, desired: Fleet, keys: Iterable[str]) -> Fleet:
        """Role names to ARNs and references to values, for the targets that are named.

        A target of which something cannot be had keeps the reason as its ``obstacle``.
        """
        return resolve_targets(desired, keys, self.connection, resolve, self._shelf)

    def _shelf(self, connection: Connection, layers: Iterable[BuiltLayer]) -> Shelf:
        """What an account and Region has of layers that are built here."""
        shelf = layers_of.look(connection, layers, self._project.name)
        self._releases |= shelf.releases
        return shelf

    def _with_releases(self, plan: Plan) -> Plan:
        """The plan with notes on which releases the versions of our layers are that change."""
        notes = [
            f"{target.target}: {arn} is described as {self._releases[arn]}"
            for target in plan.targets
            for change in target.changes
            if change.path == "layers"
            for side in (change.old, change.new)
            for arn in (side if isinstance(side, tuple) else ())
            if isinstance(arn, str) and arn in self._releases
        ]
        return replace(plan, notes=(*plan.notes, *dict.fromkeys(notes))) if notes else plan


def _is_of_policy(step: Step) -> bool:
    return isinstance(step, AddPermission | RemovePermission)
