"""The engines of one run: each plans and applies its part, and the user sees one plan and one report."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.options import Options, Purpose
from lockstep.engines.aws import AwsEngine
from lockstep.engines.base import Engine, Look
from lockstep.errors import Interrupted, LockstepError, NotAllowed, joined
from lockstep.model import (
    Check,
    Fleet,
    Function,
    Obstacle,
    Plan,
    Project,
    Report,
    StepResult,
    TargetPlan,
    Verb,
)
from lockstep.model.engines import AWS, ENGINES, TERRAFORM, EngineTraits
from lockstep.model.target import environment_of
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.parts import engine_names
from lockstep.planning.policy import Rules, deletion_problem
from lockstep.planning.summary import summarise_held
from lockstep.values import dataclass

if TYPE_CHECKING:
    from lockstep.artifacts.catalog import Catalog
    from lockstep.engines.terraform import TerraformEngine

__all__ = ["FACTORIES", "Engines", "Means", "applied_here", "make_terraform", "open_engines"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What the engines of a run are made with. ``aws`` also reads and stages for the others."""

    workspace: Workspace
    aws: AwsEngine
    catalog: "Catalog"
    options: Options
    purpose: Purpose = Purpose.PLAN
    stop: threading.Event | None = None
    watcher: Watcher = SILENT
    credentials: Credentials | None = None  # of Git and its host, for what is written there
    another: Callable[[], AwsEngine] | None = None  # by the same connections, for a part of its own


def make_terraform(means: Means) -> "TerraformEngine":
    """Terraform, with what it needs besides by way of Git and of the aws engine's calls."""
    from lockstep.delivery.sync.cloud import ProjectCloud
    from lockstep.delivery.sync.folders import fill
    from lockstep.engines.terraform import TerraformEngine, Ways

    refresh = means.options.refresh
    match means.purpose:
        case Purpose.SYNC:
            ways = Ways(locks=True, skips=not refresh)
        case Purpose.STATUS:
            ways = Ways(locks=False, skips=False, refreshes=refresh, shows=True)
        case Purpose.PLAN:
            ways = Ways(locks=False, skips=not refresh)
    return TerraformEngine(
        means.aws.rules,
        ProjectCloud(means.workspace, means.aws, means.catalog),
        fill,
        cache=means.workspace.where.cache,
        ways=ways,
        stop=means.stop,
        watcher=means.watcher,
    )


def _aws(means: Means) -> Engine:
    return means.aws


def _terraform(means: Means) -> Engine:
    from lockstep.delivery.sync.witness import Witnessed

    aws = means.another() if means.another is not None else means.aws
    return Witnessed(make_terraform(means), means.aws, aws, is_rollouts_only=means.options.rollouts)


def _handing(traits: EngineTraits) -> Callable[[Means], Engine]:
    def make(means: Means) -> Engine:
        from lockstep.delivery.sync.handing import Handing
        from lockstep.roads.table import ROADS

        aws = means.another() if means.another is not None else means.aws
        return Handing(traits, ROADS[str(traits.road)], means, aws)

    return make


FACTORIES: Mapping[str, Callable[[Means], Engine]] = {
    AWS.name: _aws,
    TERRAFORM.name: _terraform,
    **{name: _handing(traits) for name, traits in ENGINES.items() if traits.road is not None},
}
"""How each engine is made, by the name that ``engine:`` of an environment gives it."""


def applied_here(workspace: Workspace) -> Workspace:
    """The project as it is in a cluster that runs Lockstep: what is left to that, is applied."""
    environments = {
        name: replace(one, engine=one.traits.runs) if one.traits.runs is not None else one
        for name, one in workspace.project.environments.items()
    }
    return replace(workspace, project=replace(workspace.project, environments=environments))


def open_engines(means: Means) -> "Engines":
    """The engines that the project's environments name; the code of others is not even loaded."""
    workspace = means.workspace
    names = engine_names(workspace.project, workspace.fleet)
    return Engines(means.aws.rules, {name: FACTORIES[name](means) for name in names})


class Engines:
    """An engine that gives each of several its part; with one, that is the whole."""

    def __init__(self, rules: Rules, engines: Mapping[str, Engine]) -> None:
        self.name = "+".join(engines)
        self._rules = rules
        self._project = rules.project
        self._engines = engines
        self._made: tuple[Plan, list[tuple[Engine, Plan]]] | None = None

    @property
    def stale(self) -> frozenset[str]:
        """Targets that changed while they were applied."""
        return frozenset[str]().union(*(engine.stale for engine in self._engines.values()))

    @property
    def calls(self) -> Counter[str]:
        """Of the first of them: all of them call AWS by the same connections."""
        return next(iter(self._engines.values())).calls

    def part(self, desired: Fleet) -> Fleet | None:
        """All of it."""
        return desired

    def wants(self, desired: Fleet) -> tuple[str, ...]:
        """What any of them wants; everything where one does."""
        if not desired.selection:
            return ()
        wanted = [pattern for engine in self._engines.values() for pattern in engine.wants(desired)]
        return tuple(dict.fromkeys((*desired.selection, *wanted)))

    def preview(self, desired: Fleet) -> Look:
        """One look of all engines that the fleet's selection touches."""
        looks: dict[str, Look] = {}
        failures: dict[str, LockstepError] = {}
        for engine, part in self._parts(desired):
            with _noting(failures, engine.name):
                looks[engine.name] = engine.preview(part)
        if failures and not looks:
            raise joined(failures.values())
        whole = self._joined(desired, looks, self._held(desired, failures))
        self._made = (whole.plan, [(self._engines[name], one.plan) for name, one in looks.items()])
        return whole

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Let each engine apply its part, one after the other; what fails in one does not stop the other."""
        if self._made is None or self._made[0] is not plan:
            raise NotAllowed("the plan was not made from what is live now", fix="plan again")
        if plan.problems:
            raise NotAllowed("; ".join(plan.problems))
        reports = [engine.apply(part, on_step) for engine, part in self._made[1]]
        self._made = None
        return Report(
            results=tuple(result for report in reports for result in report.results),
            seconds=sum(report.seconds for report in reports),
            calls=sum(report.calls for report in reports),
            interrupted=any(report.interrupted for report in reports),
            mismatches=tuple(text for report in reports for text in report.mismatches),
            pending=tuple(text for report in reports for text in report.pending),
        )

    def leftovers(self, desired: Fleet) -> tuple[str, ...]:
        """Of the engine that applies previews."""
        return self._engines[self._project.environment("preview").engine].leftovers(desired)

    def checks(self, desired: Fleet) -> Iterator[Check]:
        """Of each."""
        for engine in self._engines.values():
            yield from engine.checks(desired)

    def close(self) -> None:
        """Close each."""
        for engine in self._engines.values():
            engine.close()

    def _parts(self, desired: Fleet) -> Iterator[tuple[Engine, Fleet]]:
        """The engines that have something to do, each with the fleet that it is given."""
        for engine in self._engines.values():
            part = desired if len(self._engines) == 1 else engine.part(desired)
            if part is not None:
                yield engine, part

    def _held(self, desired: Fleet, failures: Mapping[str, LockstepError]) -> list[TargetPlan]:
        """What is selected of engines that could not plan at all."""
        chosen = [desired.targets[key] for key in desired.selected()]
        return [
            summarise_held(target, Obstacle.of(failures[engine]))
            for target in chosen
            if target.function is not None
            and (engine := self._project.environment(target.environment).engine) in failures
        ]

    def _joined(self, desired: Fleet, looks: Mapping[str, Look], held: list[TargetPlan]) -> Look:
        """One look of all. Of what is declared, only the word of its own engine counts."""
        if len(self._engines) == 1:
            return next(iter(looks.values()))

        def counts(key: str, engine: str) -> bool:
            is_own = self._project.environment(environment_of(key)).engine == engine
            return is_own or key not in desired.targets

        plan = _joined_plan(desired, [one.plan for one in looks.values()], held, self.name)
        if not plan.problems and len(looks) > 1:
            deletes = sum(target.verb is Verb.DELETE for target in plan.targets)
            guard = deletion_problem(self._rules, deletes, desired, deletes)
            plan = replace(plan, problems=(guard,) if guard else ())
        plan = replace(plan, notes=(*plan.notes, *_shared_buckets(self._project, desired)))
        versions: dict[str, str | None] = {}
        live: dict[str, Function] = {}
        modified: dict[str, str | None] = {}
        aliases: dict[str, str] = {}
        well: dict[str, str] = {}
        for name, one in looks.items():
            versions |= {key: value for key, value in one.versions.items() if counts(key, name)}
            live |= {key: value for key, value in one.live.items() if counts(key, name)}
            modified |= {key: value for key, value in one.modified.items() if counts(key, name)}
            aliases |= {key: value for key, value in one.aliases.items() if counts(key, name)}
            well |= {key: value for key, value in one.well.items() if counts(key, name)}
        return Look(plan=plan, versions=versions, live=live, modified=modified, aliases=aliases, well=well)


@contextlib.contextmanager
def _noting(failures: dict[str, LockstepError], engine: str) -> Iterator[None]:
    """Keep what goes wrong with one engine: the other one may go on."""
    try:
        yield
    except Interrupted:
        raise
    except LockstepError as error:
        failures[engine] = error


def _joined_plan(fleet: Fleet, plans: Sequence[Plan], held: list[TargetPlan], name: str) -> Plan:
    order = {key: number for number, key in enumerate(fleet.targets)}
    targets = [*(target for plan in plans for target in plan.targets), *held]
    targets.sort(key=lambda target: order.get(target.target, len(order)))
    return Plan(
        engine="+".join(plan.engine for plan in plans) or name,
        project=fleet.project,
        commit=fleet.commit,
        previews=fleet.previews,
        fingerprint="".join(plan.fingerprint for plan in plans),
        targets=tuple(targets),
        steps=tuple(step for plan in plans for step in plan.steps),
        problems=tuple(problem for plan in plans for problem in plan.problems),
        notes=tuple(note for plan in plans for note in plan.notes),
        selection=fleet.selection,
    )


def _shared_buckets(project: Project, fleet: Fleet) -> Iterable[str]:
    """Buckets that two engines write: Terraform's resource replaces what the other one wrote."""
    writers: dict[str, Counter[str]] = {}
    for target in fleet.targets.values():
        engine = project.environment(target.environment).engine
        for trigger in target.every_trigger:
            writers.setdefault(trigger.bucket, Counter())[engine] += 1
    for bucket, engines in sorted(writers.items()):
        if len(engines) > 1 and any(ENGINES[name].whole_buckets for name in engines):
            yield (
                f"the bucket {bucket} has triggers of environments with different engines: Terraform's "
                "notification of a bucket is the whole of it and removes what the aws engine writes; give "
                "all environments that share it one engine, or pass the others as foreign_notifications"
            )
