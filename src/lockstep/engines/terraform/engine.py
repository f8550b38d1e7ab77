"""The terraform engine: each run is planned by Terraform, read, guarded, and applied as it was shown."""

import contextlib
import hashlib
import json
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from lockstep.engines.base import Look
from lockstep.engines.terraform.applying import apply_run
from lockstep.engines.terraform.backends import Backends
from lockstep.engines.terraform.base import Cloud
from lockstep.engines.terraform.checks import checks_of
from lockstep.engines.terraform.command import Program
from lockstep.engines.terraform.files import Files, read_files
from lockstep.engines.terraform.hashes import carries_code, missing_hash
from lockstep.engines.terraform.live import live_targets
from lockstep.engines.terraform.looking import Looked, look
from lockstep.engines.terraform.made import Made
from lockstep.engines.terraform.marker import Marker, inputs_of
from lockstep.engines.terraform.operation import Operation
from lockstep.engines.terraform.plan_json import Planned
from lockstep.engines.terraform.rolled import alias_quarrels
from lockstep.engines.terraform.runs import Run, runs_of
from lockstep.engines.terraform.shares import Shares
from lockstep.engines.terraform.state import State, read_state
from lockstep.engines.terraform.summary import held_plans, package_quarrel, steps_of, target_plans
from lockstep.engines.terraform.variables import Fill
from lockstep.engines.terraform.ways_out import way_out
from lockstep.engines.terraform.workdir import Workdir, scratch_folder
from lockstep.errors import BadInput, Interrupted, LockstepError, NotAllowed, joined
from lockstep.model import (
    Change,
    Check,
    Fleet,
    Obstacle,
    Outcome,
    Plan,
    Report,
    Secret,
    StepResult,
    Target,
    TargetPlan,
    Verb,
    select,
)
from lockstep.model.engines import TERRAFORM
from lockstep.model.target import environment_of, is_preview
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.policy import Rules
from lockstep.planning.resources import resource_problems
from lockstep.values import dataclass

__all__ = ["TerraformEngine", "Ways"]

_WORKERS = 4  # runs at once; each keeps a processor busy and a provider in memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Ways:
    """How the engine looks at what is there."""

    locks: bool = True  # hold the state's lock while planning, because the plan will be applied
    skips: bool = True  # do not run Terraform when the same inputs were applied last
    refreshes: bool = True  # let Terraform read AWS, not only its state
    shows: bool = False  # read the state too when nothing would change, for what is live
    lock_pause: float = 2.0  # seconds


class TerraformEngine:
    """Makes AWS match a desired fleet by way of Terraform. One engine serves one run of Lockstep."""

    name = TERRAFORM.name
    title = "Terraform"

    def __init__(
        self,
        rules: Rules,
        cloud: Cloud,
        fill: Fill,
        *,
        cache: Path,
        ways: Ways | None = None,
        stop: threading.Event | None = None,
        watcher: Watcher = SILENT,
    ) -> None:
        """``fill`` fills in templates of variables; ``stop`` ends what runs gently when it is set."""
        self.rules = rules
        self.stale: frozenset[str] = frozenset()  # targets of runs whose state changed under the last apply
        self.differing: frozenset[str] = frozenset()  # targets seen to differ: their runs are not skipped
        self._cloud = cloud
        self._fill = fill
        self._cache = cache
        self._ways = ways or Ways()
        self._stop = stop or threading.Event()
        self._watcher = watcher
        self._programs: dict[str, Program] = {}
        self._made: tuple[Plan, list[Made]] | None = None
        self._scratch = ExitStack()
        weakref.finalize(self, self._scratch.close)

    def close(self) -> None:
        """Remove plans and variables from this machine."""
        self._made = None
        self._scratch.close()

    @property
    def calls(self) -> Counter[str]:
        """None that are known: Terraform makes its own."""
        return Counter()

    def part(self, desired: Fleet) -> Fleet | None:
        """The whole fleet, when a run's target is selected, or a preview that may be gone from Git."""
        runs = runs_of(self.rules.project)
        return desired if any(run.is_selected(desired, desired.selection) for run in runs) else None

    def wants(self, desired: Fleet) -> tuple[str, ...]:
        """All targets of the runs that the selection touches: each is planned as a whole."""
        runs = [run for run in runs_of(self.rules.project) if run.is_selected(desired, desired.selection)]
        return tuple(environment.name for run in runs for environment in run.environments)

    def preview(self, desired: Fleet) -> Look:
        """Let Terraform plan every run that the fleet's selection touches. Changes nothing in AWS."""
        self.close()
        runs = [run for run in runs_of(self.rules.project) if run.is_selected(desired, desired.selection)]
        desired = self._cloud.resolve(desired, frozenset(key for run in runs for key in run.targets(desired)))
        declared = {run.name: run.targets(desired) for run in runs}
        planned = self._plan_all(runs, declared, desired.selection)
        plans: list[TargetPlan] = []
        made: list[Made] = []
        notes: list[str] = []
        versions: dict[str, str | None] = {}  # live ones
        modified: dict[str, str | None] = {}
        for run in runs:
            one = planned[run.name]
            known = one.targets if isinstance(one, Made) else declared[run.name]
            stuck = {key: each for key, each in known.items() if each.obstacle is not None}
            targets = {key: each for key, each in known.items() if key not in stuck}
            plans += held_plans(stuck)
            if isinstance(one, LockstepError):
                plans += held_plans(targets, Obstacle.of(one))
                if not targets:
                    notes.append(f"{run.name} was not planned: {one}")
            elif one is None:
                plans += target_plans(targets, Planned())
                versions |= {key: target.version for key, target in targets.items()}
                notes.append(
                    f"{run.name}: just this was applied last, so Terraform was not run; --refresh runs it"
                )
            else:
                made.append(one)
                plans += target_plans(targets, one.planned)
                notes += one.notes
                versions |= one.planned.versions
                modified |= {key: function.modified for key, function in one.planned.live.items()}
                if one.is_unchanged:
                    versions |= {key: one.targets[key].version for key in one.changing & one.targets.keys()}
        problems = resource_problems(
            [resource for one in made for resource in one.planned.resources],
            {key: target for targets in declared.values() for key, target in targets.items()},
            desired,
            self.rules,
            strays=[key for one in made for key in one.strays],
        )
        steps = [step for one in made for step in steps_of(one)]
        plan = Plan(
            engine=self.name,
            project=desired.project,
            commit=desired.commit,
            previews=desired.previews,
            fingerprint=_fingerprint(made),
            targets=tuple(one for one in plans if _concerns(one, desired.selection)),
            steps=tuple(steps),
            problems=problems,
            notes=tuple(notes),
            selection=desired.selection,
        )
        self._made = (plan, made)
        return Look(plan=plan, versions=versions, modified=modified)

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Apply the plans that Terraform has just made. Only a plan of this engine's own is applied."""
        if self._made is None or self._made[0] is not plan:
            raise NotAllowed("the plan was not made from what is live now", fix="plan again")
        if plan.problems:
            raise NotAllowed("; ".join(plan.problems))
        _, made = self._made
        begun = time.monotonic()
        stale: set[str] = set()
        results: list[StepResult] = []

        lock = threading.Lock()

        def tell(result: StepResult) -> None:
            with lock:
                if result.outcome not in (Outcome.STARTED, Outcome.WAITING):
                    results.append(result)
                on_step(result)

        def do(one: Made) -> None:
            if one.is_unchanged:
                if not self._stop.is_set():
                    with contextlib.suppress(LockstepError):  # it would save a run that does nothing
                        one.end()
            elif apply_run(one, steps_of(one), self._cloud, tell, self._stop):
                stale.update(one.targets)

        with ThreadPoolExecutor(_WORKERS) as pool:
            list(pool.map(do, made))
        self.stale = frozenset(stale)
        self.close()
        return Report(
            results=tuple(results),
            seconds=time.monotonic() - begun,
            interrupted=self._stop.is_set(),
        )

    def look(self, run: Run) -> State:
        """What the state of a run manages, without planning. Raises LockstepError when it cannot be read."""
        files = read_files(self._cloud.source(run.settings), run.settings.place)
        operation = self._operation(run, files)
        operation.prepare()
        return read_state(operation.pull(), operation.program.version)

    def blind(self, targets: Mapping[str, Target]) -> dict[str, str]:
        """Targets of which Terraform would not notice another package, and what mends that."""
        found: dict[str, str] = {}
        for run in runs_of(self.rules.project):
            mine = {key: one for key, one in targets.items() if one.function is not None and run.has(key)}
            if not mine:
                continue
            files = read_files(self._cloud.source(run.settings), run.settings.place)
            for key, target in mine.items():
                with contextlib.suppress(BadInput):  # which is told when Terraform is to run
                    if not carries_code(run, target, files.variables, self._fill):
                        found[key] = missing_hash(run, target)
        return found

    def way_out(self, key: str, changes: Sequence[Change]) -> str:
        """Why differences of a target stay when Terraform has done its work, and what ends them."""
        settings = self.rules.project.environment(environment_of(key)).terraform
        return way_out(changes, settings.folder if settings else "", is_refreshed=self._ways.refreshes)

    def checks(self, desired: Fleet) -> Iterator[Check]:
        """Each run's program, folder and state, and functions that two masters claim."""
        return checks_of(self, self._cloud, desired)

    def leftovers(self, desired: Fleet) -> tuple[str, ...]:
        """Previews of which a state holds a function and that nobody declares.

        Raises LockstepError when a state cannot be read.
        """
        self._watcher.progress("reading the state of Terraform")
        found: set[str] = set()
        for run in runs_of(self.rules.project):
            files = read_files(self._cloud.source(run.settings), run.settings.place)
            found |= self._undeclared(run, files, run.targets(desired))
        return tuple(sorted(key for key in found if is_preview(key)))

    def pull(self, run: Run) -> str:
        """The state of a run as its backend keeps it. It holds secrets."""
        return self._pull(run, read_files(self._cloud.source(run.settings), run.settings.place))

    def _undeclared(self, run: Run, files: Files, declared: Mapping[str, Target]) -> set[str]:
        live = live_targets(self._pull(run, files), run, declared, hides=True)
        return {key for key in live if run.has(key) and key not in declared}

    def _pull(self, run: Run, files: Files) -> str:
        operation = self._operation(run, files.to_read_the_state())
        operation.prepare()
        return operation.pull()

    def _plan_all(
        self, runs: Sequence[Run], declared: Mapping[str, Mapping[str, Target]], selection: tuple[str, ...]
    ) -> dict[str, Made | LockstepError | None]:
        """Plans of the runs by name, several at once. What goes wrong with a run holds back that one.

        Raises LockstepError when it is so of all.
        """

        def plan(run: Run) -> Made | LockstepError | None:
            try:
                return self._plan(run, declared[run.name], selection)
            except Interrupted:
                raise
            except LockstepError as error:
                return error

        with ThreadPoolExecutor(_WORKERS) as pool:
            found = list(pool.map(plan, runs))
        failures = [one for one in found if isinstance(one, LockstepError)]
        if failures and len(failures) == len(runs):
            raise joined(failures)
        return {run.name: one for run, one in zip(runs, found, strict=True)}

    def _plan(self, run: Run, targets: Mapping[str, Target], selection: tuple[str, ...]) -> Made | None:
        """One run's plan; None when Terraform need not be run."""
        settings = run.settings
        if quarrel := package_quarrel(targets):
            raise BadInput(quarrel, where=settings.place)

        def may_change(key: str) -> bool:
            is_stuck = key in targets and targets[key].obstacle is not None
            return run.has(key) and not is_stuck and bool(select([key], selection))

        project = self.rules.project.name
        files = read_files(self._cloud.source(settings), settings.place)
        marker = Marker.read(run, project, self._cloud)
        shares = Shares(
            run=run,
            targets=targets,
            variables=files.variables,
            project=project,
            fill=self._fill,
            applied=marker.applied,
            may_change=may_change,
            is_part=bool(selection),
        )
        declared = shares.declared()
        inputs = inputs_of(run, files, declared) if declared is not None else None
        may_skip = self._ways.skips and not self.differing & targets.keys()
        is_current = may_skip and inputs is not None and marker.is_current(inputs)
        # The marker does not know what others have put into the state meanwhile.
        if is_current and not any(may_change(key) for key in self._undeclared(run, files, targets)):
            return None
        operation = self._operation(run, files)
        operation.secrets = _secrets(targets)
        operation.prepare()
        ways = self._ways
        looked = look(operation, shares, files, locks=ways.locks, refreshes=ways.refreshes, shows=ways.shows)
        if self._stop.is_set():
            raise Interrupted("stopped before anything was changed", where=run.name)
        if quarrels := alias_quarrels(run, looked.planned, targets):
            held = {key: replace(targets[key], obstacle=why) for key, why in quarrels.items()}
            return self._plan(run, {**targets, **held}, selection)
        if targets:
            backends = Backends(self._cache, project)
            backends.check(run, files, is_empty=looked.is_empty_state)
        is_whole = not looked.left and shares.joined(looked.shares) == declared
        kept = {key: one for key, one in looked.shares.items() if key not in looked.left}
        return Made(
            run=run,
            targets=targets,
            planned=looked.planned,
            operation=operation,
            marker=marker,
            is_unchanged=not looked.has_changes,
            applied=shares.keep(kept, looked.live),
            inputs=inputs if is_whole else None,
            changing=frozenset(key for key in {*targets, *marker.applied} if may_change(key)),
            strays=looked.strays,
            notes=(
                *_left(run, looked),
                *(
                    f"{key} runs another package than was deployed, which Terraform does not notice; deploy "
                    f"another version, or `{settings.binary} apply -replace` its function"
                    for key in looked.planned.drifted
                ),
            ),
        )

    def _operation(self, run: Run, files: Files) -> Operation:
        settings = run.settings
        program = self._programs.get(settings.binary)
        if program is None:
            program = Program(settings.binary, stop=self._stop, place=settings.place)
            self._programs[settings.binary] = program
        scratch = self._scratch.enter_context(scratch_folder(self._cache))
        backend = json.dumps([settings.binary, dict(settings.backend)], sort_keys=True)
        return Operation(
            run=run,
            program=program,
            files=files,
            workdir=Workdir(self._cache, files, backend),
            scratch=scratch,
            environment=self._cloud.variables_of(run.environments),
            stopped=self._stop.wait,
            watcher=self._watcher,
            lock_pause=self._ways.lock_pause,
        )


def _left(run: Run, looked: Looked) -> tuple[str, ...]:
    """What Terraform would do besides, and was told to leave."""
    if not looked.left:
        return ()
    return (
        f"{run.name}: {', '.join(looked.left)} would change as well, which shares the state and is not to be "
        "applied; Terraform is told to leave it (-target)",
    )


def _concerns(one: TargetPlan, selection: tuple[str, ...]) -> bool:
    """A run plans more than what is selected; of the rest only what would change is told."""
    return one.verb not in (Verb.NOTHING, Verb.BLOCKED, Verb.UNKNOWN) or bool(select([one.target], selection))


def _secrets(targets: Mapping[str, Target]) -> frozenset[str]:
    found: set[str] = set()
    for target in targets.values():
        variables = target.function.settings.get("environment") if target.function else None
        for value in variables.values() if isinstance(variables, Mapping) else ():
            if isinstance(value, Secret) and value.value:
                found.add(value.value)
    return frozenset(found)


def _fingerprint(made: list[Made]) -> str:
    """A digest of what Terraform would do, without values: those show in the targets' changes."""
    state = [
        [one.run.name, [[r.address, r.action] for r in one.planned.resources], one.planned.outputs]
        for one in made
    ]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()
