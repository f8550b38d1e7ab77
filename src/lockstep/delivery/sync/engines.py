"""Projects whose environments are not all applied by the aws engine: each engine plans and applies
its part, and the user sees one plan and one report.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.cloud import ProjectCloud, fill
from lockstep.delivery.sync.truth import Seen, judged, look, mismatches, way_out
from lockstep.engines.aws import AwsEngine
from lockstep.engines.base import Engine
from lockstep.engines.terraform import TerraformEngine, Ways, runs_of
from lockstep.errors import Interrupted, LockstepError, NotAllowed, joined
from lockstep.model import (
    Change,
    Fleet,
    Function,
    Obstacle,
    Plan,
    Project,
    Report,
    StepResult,
    Target,
    TargetPlan,
    Verb,
    select,
)
from lockstep.model.watching import Watcher
from lockstep.planning.policy import deletion_problem
from lockstep.planning.summary import summarise_held

if TYPE_CHECKING:
    from lockstep.artifacts.catalog import Catalog
    from lockstep.delivery.sync.options import Purpose

__all__ = ["Mixed", "aws_patterns"]


class Mixed:
    """The engines of one run. What ``aws`` is given keeps the whole fleet, with a selection of its own:
    it has to know every target to tell what is declared by nobody.
    """

    def __init__(
        self,
        workspace: Workspace,
        aws: AwsEngine,
        catalog: "Catalog",
        refresh: bool,
        purpose: "Purpose",
        stop: threading.Event | None,
        watcher: Watcher,
    ) -> None:
        self._project = workspace.project
        self._aws = aws
        self._runs = runs_of(workspace.project)
        self._terraform = TerraformEngine(
            aws.rules,
            ProjectCloud(workspace, aws, catalog),
            fill,
            cache=workspace.where.cache,
            ways=_ways(purpose, refresh),
            stop=stop,
            watcher=watcher,
        )
        self._made: tuple[Plan, list[tuple[Engine, Plan]]] | None = None
        self._seen = Seen()
        self._is_refreshed = refresh or purpose.value != "status"  # Terraform asks AWS, not only its state
        self._is_aws_read = False

    @property
    def stale(self) -> frozenset[str]:
        """Targets that changed while they were applied."""
        return self._aws.stale | self._terraform.stale

    @property
    def versions(self) -> dict[str, str | None]:
        """Live versions by target; a version is live when its release's digest is."""
        seen = self._seen
        versions = {
            key: version
            for key, version in self._terraform.versions.items()
            if key not in seen.unread and (key not in seen.declared or version != seen.declared[key].version)
        }
        versions |= seen.versions
        if self._is_aws_read:
            live = self._aws.live
            versions |= {key: t.version for key, t in live.targets.items() if not self._is_terraform(key)}
            versions |= {t.key: t.version for t in live.others.values()}
        return versions

    @property
    def live(self) -> dict[str, Function]:
        """Live functions by target, as far as AWS was asked."""
        found = {key: one.function for key, one in self._seen.live.items() if one.function is not None}
        if self._is_aws_read:
            live = self._aws.live
            found |= {
                target.key: target.function
                for target in (*live.targets.values(), *live.others.values())
                if target.function is not None and target.key not in found
            }
        return found

    @property
    def modified(self) -> dict[str, str | None]:
        """When each live function was changed last, as far as it is known."""
        modified = dict(self._terraform.modified)
        modified |= {key: one.function.modified for key, one in self._seen.live.items() if one.function}
        if self._is_aws_read:
            targets = self._aws.live.targets.items()
            modified |= {
                key: target.function.modified
                for key, target in targets
                if target.function is not None and not self._is_terraform(key)
            }
        return modified

    def needed(self, fleet: Fleet) -> tuple[str, ...]:
        """Patterns of targets whose packages have to be known: a run of Terraform needs all of its own."""
        if not fleet.selection:
            return ()
        runs = [run for run in self._runs if run.is_selected(fleet, fleet.selection)]
        return (*fleet.selection, *(environment.name for run in runs for environment in run.environments))

    def undeclared(self, fleet: Fleet) -> tuple[str, ...]:
        """Targets that a state of Terraform's holds and nobody declares."""
        return self._terraform.undeclared(fleet)

    def preview(self, fleet: Fleet) -> Plan:
        """One plan of all engines that the fleet's selection touches."""
        parts: list[tuple[Engine, Plan]] = []
        failures: dict[str, LockstepError] = {}
        patterns = aws_patterns(self._project, fleet)
        if patterns is not None:
            with _noting(failures, self._aws.name):
                parts.append((self._aws, self._aws.preview(replace(fleet, selection=patterns))))
                self._is_aws_read = True
        shown = [plan for _, plan in parts]
        if any(run.is_selected(fleet, fleet.selection) for run in self._runs):
            with _noting(failures, self._terraform.name):
                fleet, notes = self._look(fleet)
                parts.append((self._terraform, self._terraform.preview(fleet)))
                part = judged(parts[-1][1], self._seen, self._way_out)
                shown.append(replace(part, notes=(*part.notes, *notes)))
        if failures and not parts:
            raise joined(failures.values())
        plan = _joined_plan(fleet, shown, self._held(fleet, failures))
        if not plan.problems and len(parts) > 1:
            deletes = sum(target.verb is Verb.DELETE for target in plan.targets)
            guard = deletion_problem(self._aws.rules, deletes, fleet, deletes)
            plan = replace(plan, problems=(guard,) if guard else ())
        plan = replace(plan, notes=(*plan.notes, *_shared_buckets(self._project, fleet)))
        self._fleet = fleet
        self._made = (plan, parts)
        return plan

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Let each engine apply its part, one after the other; what fails in one does not stop the other."""
        if self._made is None or self._made[0] is not plan:
            raise NotAllowed("the plan was not made from what is live now", fix="plan again")
        if plan.problems:
            raise NotAllowed("; ".join(plan.problems))
        before = self._aws.calls.total()
        reports = [engine.apply(part, on_step) for engine, part in self._made[1]]
        if any(engine is self._terraform for engine, _ in self._made[1]):
            mine = replace(plan, targets=tuple(one for one in plan.targets if self._is_terraform(one.target)))
            found = mismatches(mine, reports[-1], lambda keys: look(self._aws, self._fleet, keys))
            reports[-1] = replace(reports[-1], mismatches=(*reports[-1].mismatches, *found))
        self._made = None
        return Report(
            results=tuple(result for report in reports for result in report.results),
            seconds=sum(report.seconds for report in reports),
            calls=self._aws.calls.total() - before,  # Terraform's own are not known
            interrupted=any(report.interrupted for report in reports),
            mismatches=tuple(text for report in reports for text in report.mismatches),
        )

    def _held(self, fleet: Fleet, failures: Mapping[str, LockstepError]) -> list[TargetPlan]:
        """What is selected of engines that could not plan at all."""
        chosen = [fleet.targets[key] for key in fleet.selected()]
        return [
            summarise_held(target, Obstacle.of(failures[engine]))
            for target in chosen
            if target.function is not None
            and (engine := self._project.environment(target.environment).engine) in failures
        ]

    def close(self) -> None:
        """Remove what was kept for an apply."""
        self._terraform.close()

    def _look(self, fleet: Fleet) -> tuple[Fleet, tuple[str, ...]]:
        """Read what is live of Terraform's part, and hold back what Terraform would not notice."""
        keys = [
            key
            for key in fleet.selected()
            if self._is_terraform(key) and fleet.targets[key].function and not fleet.targets[key].obstacle
        ]
        seen = self._seen = look(self._aws, fleet, keys)
        self._terraform.differing = frozenset(seen.changes)
        held: dict[str, Target] = {}
        notes: list[str] = []
        for key, fix in self._terraform.blind({key: fleet.targets[key] for key in keys}).items():
            target = fleet.targets[key]
            package = target.function.code.package if target.function else None
            place = f"s3://{package.bucket}/{package.key}" if package else ""
            if key in seen.outdated:
                why = f"it runs another package than is to lie at {place}, and Terraform gets no hash of it"
                why = f"{why}, so it would not be deployed\n  fix: {fix}"
                held[key] = replace(target, obstacle=Obstacle(text=why))
            else:
                why = f"Terraform gets no hash of its package, so another one at {place} will be held back"
                notes.append(f"{key}: {why}; {fix}")
        return replace(fleet, targets={**fleet.targets, **held}), tuple(notes)

    def _way_out(self, key: str, changes: Sequence[Change]) -> str:
        """Why differences of a target stay as they are, and what ends them."""
        settings = self._project.environment(key.rpartition("/")[0]).terraform
        return way_out(changes, settings.folder if settings else "", is_refreshed=self._is_refreshed)

    def _is_terraform(self, key: str) -> bool:
        return self._project.environment(key.rpartition("/")[0]).engine == "terraform"


@contextlib.contextmanager
def _noting(failures: dict[str, LockstepError], engine: str) -> Iterator[None]:
    """Keep what goes wrong with one engine: the other one may go on."""
    try:
        yield
    except Interrupted:
        raise
    except LockstepError as error:
        failures[engine] = error


def aws_patterns(project: Project, fleet: Fleet) -> tuple[str, ...] | None:
    """The selection of the aws engine's part; None when nothing of it is selected.

    A selection that is empty would mean everything, so the engine's environments are named.
    """
    environments = {target.environment.partition("/")[0] for target in fleet.targets.values()}
    names = sorted(
        name for name in {*environments, *project.environments} if project.environment(name).engine == "aws"
    )
    if not names:
        return None
    if not fleet.selection:
        return tuple(names)
    patterns: list[str] = []
    for pattern in fleet.selection:
        first, slash, rest = pattern.partition("/")
        for name in names:
            if fnmatchcase(name, first):
                patterns.append(f"{name}{slash}{rest}")
                if first != name and name == "preview" and slash:
                    patterns.append(f"{name}/*/{rest}")
    # A glob may reach over a slash: what it selects is what counts.
    own = [key for key in select(fleet.targets, fleet.selection) if key.partition("/")[0] in names]
    missed = set(own) - set(select(own, patterns)) if patterns else set(own)
    return (*patterns, *sorted(missed)) or None


def _joined_plan(fleet: Fleet, plans: Sequence[Plan], held: list[TargetPlan]) -> Plan:
    order = {key: number for number, key in enumerate(fleet.targets)}
    targets = [*(target for plan in plans for target in plan.targets), *held]
    targets.sort(key=lambda target: order.get(target.target, len(order)))
    return Plan(
        engine="+".join(plan.engine for plan in plans) or "terraform",
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
        for trigger in target.triggers:
            writers.setdefault(trigger.bucket, Counter())[engine] += 1
    for bucket, engines in sorted(writers.items()):
        if len(engines) > 1:
            yield (
                f"the bucket {bucket} has triggers of environments with different engines: Terraform's "
                "notification of a bucket is the whole of it and removes what the aws engine writes; give "
                "all environments that share it one engine, or pass the others as foreign_notifications"
            )


def _ways(purpose: "Purpose", refresh: bool) -> Ways:
    match purpose.value:
        case "sync":
            return Ways(locks=True, skips=not refresh)
        case "status":
            return Ways(locks=False, skips=False, refreshes=refresh, shows=True)
        case _:
            return Ways(locks=False, skips=not refresh)
