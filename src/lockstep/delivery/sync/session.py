"""One run for a workspace: what it is for, its engines and its packages."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.selection import changed_since, check_patterns
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.clock import Clock
from lockstep.delivery.sync.engines import Means, open_engines
from lockstep.delivery.sync.options import Options, Purpose
from lockstep.delivery.sync.packages import open_catalog, with_packages
from lockstep.engines.base import Look
from lockstep.errors import LockstepError, joined
from lockstep.model import (
    Fleet,
    Obstacle,
    Plan,
    Report,
    StepResult,
    Target,
    select,
)
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.policy import Rules
from lockstep.tracing import span

if TYPE_CHECKING:
    from lockstep.delivery.sync.footing import Footing
    from lockstep.engines.aws.connection import Connections

__all__ = ["Session", "patterns_of"]


_RUNS = ("code", "handler", "runtime")  # changes after which other code runs, or is looked for elsewhere


class Session:
    """One run's engines and packages for a workspace."""

    def __init__(
        self,
        workspace: Workspace,
        options: Options,
        *,
        purpose: Purpose = Purpose.PLAN,
        clock: Clock | None = None,
        stop: threading.Event | None = None,
        watcher: Watcher = SILENT,
        credentials: Credentials | None = None,
        connections: "Connections | None" = None,
    ) -> None:
        from lockstep.delivery.sync.vouching import Vouching
        from lockstep.engines.aws import AwsEngine
        from lockstep.engines.aws.connection import Connections
        from lockstep.engines.aws.pace import present

        self.workspace = workspace
        self.desired = workspace.fleet  # with packages, once a plan was made
        self.look: Look | None = None  # of the last plan
        self._planned: Plan | None = None  # the same plan as the engines made it, before notes were added
        self._watcher = watcher
        rules = Rules(
            project=workspace.project,
            adopt=options.adopt,
            allow_deletes=options.allow_deletes,
            wish=options.wish,
        )
        connections = self._connections = connections or Connections(stop)
        self.catalog = open_catalog(workspace, connections, options.github_token)

        def make_aws() -> AwsEngine:
            return AwsEngine(
                rules,
                self.catalog.fetch,
                connections=connections,
                full=options.full,
                beside=purpose is not Purpose.STATUS or options.refresh,
                recalls=options.recalls,
                values=options.values,
                timeout=options.timeout,
                stop=stop,
                watcher=watcher,
                vouch=Vouching(workspace),
                cache=workspace.where.cache,
                clock=clock.now if clock is not None else present,
            )

        self._aws = make_aws()
        self.means = Means(
            workspace=workspace,
            aws=self._aws,
            catalog=self.catalog,
            options=options,
            purpose=purpose,
            stop=stop,
            watcher=watcher,
            credentials=credentials,
            another=make_aws,
        )
        self.engines = open_engines(self.means)

    @property
    def stale(self) -> frozenset[str]:
        """Targets that changed while they were applied."""
        return self.engines.stale

    @property
    def read(self) -> Fleet:
        """The live fleet as the aws engine read it. NotAllowed when it has read nothing."""
        return self._aws.live

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Do what the session's last plan says."""
        is_noted = self.look is not None and plan is self.look.plan
        return self.engines.apply(self._planned if is_noted and self._planned else plan, on_step)

    def plan(self, patterns: tuple[str, ...]) -> Plan:
        """Plan for the targets that the patterns select.

        What cannot be had of one target holds that one back, with the reason. Raises LockstepError when
        nothing could be read.
        """
        with span("lockstep.plan", lockstep__project=self.workspace.project.name):
            return self._plan(patterns)

    def _plan(self, patterns: tuple[str, ...]) -> Plan:
        fleet = replace(self.workspace.fleet, selection=patterns)
        self._watcher.progress("finding packages")
        fleet = replace(fleet, selection=self.engines.wants(fleet))
        fleet, _ = with_packages(fleet, self.catalog, self.workspace.project)
        self.desired = fleet
        look = self.engines.preview(replace(fleet, selection=patterns))
        footing = self._footing(look.plan)
        if footing.obstacles:  # they are known before the first call that changes anything
            fleet = replace(fleet, targets=_held(fleet.targets, footing.obstacles))
            self.desired = fleet
            look = self.engines.preview(replace(fleet, selection=patterns))
        noted = (*footing.notes, *self._handlers(look.plan))
        self._planned = look.plan
        self.look = (
            replace(look, plan=replace(look.plan, notes=(*look.plan.notes, *noted))) if noted else look
        )
        return self.look.plan

    def _footing(self, plan: Plan) -> "Footing":
        from lockstep.delivery.sync.footing import Footing, footing_of
        from lockstep.delivery.sync.unpacked import too_large

        if self.means.purpose is Purpose.STATUS:
            return Footing()
        targets = self.desired.targets
        found = footing_of(plan, targets, self.workspace.project, self._connections)
        large = too_large(plan, targets, self.catalog.at_hand)
        return replace(found, obstacles={**large, **found.obstacles})

    def _handlers(self, plan: Plan) -> Iterator[str]:
        """Notes about handlers whose file a package does not hold that is new there and at hand here."""
        from lockstep.artifacts.handlers import handler_problem

        for one in plan.targets:
            target = self.desired.targets.get(one.target)
            function = target.function if target is not None else None
            package = function.code.package if function is not None else None
            is_new = one.problem is None and any(change.path in _RUNS for change in one.changes)
            if function is None or package is None or not is_new or function.settings.get("layers"):
                continue
            path = self.catalog.at_hand(package)
            settings = function.settings
            runtime, handler = str(settings.get("runtime", "")), str(settings.get("handler", ""))
            found = handler_problem(path, runtime, handler) if path is not None else None
            if found is not None:
                yield f"{one.target}: {found[0]}; {found[1]}"

    def resolved(self, patterns: tuple[str, ...]) -> Fleet:
        """The desired fleet with packages, roles and references, for the targets that are selected.

        Raises LockstepError when something cannot be had.
        """
        fleet = replace(self.workspace.fleet, selection=patterns)
        fleet, errors = with_packages(fleet, self.catalog, self.workspace.project)
        if errors:
            raise joined(errors.values())
        fleet = self._aws.resolve(fleet, fleet.selected())
        obstacles = Obstacle.all_of(fleet.targets[key].obstacle for key in fleet.selected())
        if obstacles is not None:
            raise LockstepError(obstacles.text)
        return fleet


def _held(targets: Mapping[str, Target], obstacles: Mapping[str, Obstacle]) -> Mapping[str, Target]:
    """The targets, with what is in the way of some of them."""
    return {
        **targets,
        **{
            key: replace(targets[key], obstacle=Obstacle.all_of((targets[key].obstacle, one)))
            for key, one in obstacles.items()
        },
    }


def patterns_of(workspace: Workspace, options: Options) -> tuple[str, ...] | None:
    """The patterns that the options come to; None when nothing changed since ``since``."""
    if options.checked:
        check_patterns(workspace, options.patterns)
    if options.since is None:
        return options.patterns
    changed = changed_since(workspace, options.since)
    if changed is None:
        return options.patterns
    if options.patterns:
        changed = tuple(select(changed, options.patterns))
    return changed or None
