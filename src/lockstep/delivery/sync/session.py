"""One run for a workspace: what it is for, its engines and its packages."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from lockstep.delivery.places.selection import changed_since, check_patterns
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.options import Options, Purpose
from lockstep.delivery.sync.packages import open_catalog, with_packages
from lockstep.errors import LockstepError, joined
from lockstep.model import (
    Fleet,
    Function,
    Obstacle,
    Plan,
    Report,
    StepResult,
    select,
)
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.policy import Rules

if TYPE_CHECKING:
    from lockstep.delivery.sync.engines import Mixed

__all__ = ["Session", "patterns_of"]


class Session:
    """One run's engines and packages for a workspace.

    ``engine`` is the aws engine, which also stages packages and resolves references for the others.
    """

    def __init__(
        self,
        workspace: Workspace,
        options: Options,
        *,
        purpose: Purpose = Purpose.PLAN,
        stop: threading.Event | None = None,
        watcher: Watcher = SILENT,
    ) -> None:
        from lockstep.delivery.sync.vouching import Vouching
        from lockstep.engines.aws import AwsEngine
        from lockstep.engines.aws.connection import Connections

        self.workspace = workspace
        self.options = options
        self._watcher = watcher
        rules = Rules(project=workspace.project, adopt=options.adopt, allow_deletes=options.allow_deletes)
        connections = Connections(stop)
        self.catalog = open_catalog(workspace, connections, options.github_token)
        self.engine: AwsEngine = AwsEngine(
            rules,
            self.catalog.fetch,
            connections=connections,
            full=options.full,
            beside=purpose is not Purpose.STATUS or options.refresh,
            timeout=options.timeout,
            stop=stop,
            watcher=self._watcher,
            vouch=Vouching(workspace),
            cache=workspace.where.cache,
        )
        self.desired = workspace.fleet  # with packages, once a plan was made
        self._mixed = self._other_engines(purpose, stop)

    @property
    def stale(self) -> frozenset[str]:
        """Targets that changed while they were applied."""
        return self._mixed.stale if self._mixed else self.engine.stale

    @property
    def versions(self) -> dict[str, str | None]:
        """Versions by target that live functions are tagged with, as the last plan found them."""
        if self._mixed:
            return self._mixed.versions
        live = self.engine.live
        versions = {key: target.version for key, target in live.targets.items()}
        return versions | {target.key: target.version for target in live.others.values()}

    @property
    def live(self) -> dict[str, Function]:
        """Live functions by target, as far as the last plan read them."""
        if self._mixed:
            return self._mixed.live
        found = (*self.engine.live.targets.values(), *self.engine.live.others.values())
        return {target.key: target.function for target in found if target.function is not None}

    @property
    def modified(self) -> dict[str, str | None]:
        """When each live function was changed last, as far as the last plan read it."""
        if self._mixed:
            return self._mixed.modified
        targets = self.engine.live.targets.items()
        return {key: target.function.modified for key, target in targets if target.function is not None}

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Do what the session's last plan says."""
        return (self._mixed or self.engine).apply(plan, on_step)

    def _other_engines(self, purpose: Purpose, stop: threading.Event | None) -> "Mixed | None":
        """What joins the engines, where there is another one than aws; its code is loaded only then."""
        if all(one.engine == "aws" for one in self.workspace.project.environments.values()):
            return None
        from lockstep.delivery.sync.engines import Mixed

        refresh = self.options.refresh
        return Mixed(self.workspace, self.engine, self.catalog, refresh, purpose, stop, self._watcher)

    def plan(self, patterns: tuple[str, ...]) -> Plan:
        """Plan for the targets that the patterns select.

        What cannot be had of one target holds that one back, with the reason. Raises LockstepError when
        nothing could be read.
        """
        fleet = replace(self.workspace.fleet, selection=patterns)
        self._watcher.progress("finding packages")
        if self._mixed:
            fleet = replace(fleet, selection=self._mixed.needed(fleet))
        fleet, _ = with_packages(fleet, self.catalog, self.workspace.project)
        self.desired = fleet
        if self._mixed:
            return self._mixed.preview(replace(fleet, selection=patterns))
        return self.engine.preview(fleet)

    def undeclared(self) -> tuple[str, ...]:
        """Targets that a state of Terraform's holds and nobody declares."""
        return self._mixed.undeclared(self.workspace.fleet) if self._mixed else ()

    def resolved(self, patterns: tuple[str, ...]) -> Fleet:
        """The desired fleet with packages, roles and references, for the targets that are selected.

        Raises LockstepError when something cannot be had.
        """
        fleet = replace(self.workspace.fleet, selection=patterns)
        fleet, errors = with_packages(fleet, self.catalog, self.workspace.project)
        if errors:
            raise joined(errors.values())
        fleet = self.engine.resolve(fleet, fleet.selected())
        obstacles = Obstacle.all_of(fleet.targets[key].obstacle for key in fleet.selected())
        if obstacles is not None:
            raise LockstepError(obstacles.text)
        return fleet


def patterns_of(workspace: Workspace, options: Options) -> tuple[str, ...] | None:
    """The patterns that the options come to; None when nothing changed since ``since``."""
    check_patterns(workspace, options.patterns)
    if options.since is None:
        return options.patterns
    changed = changed_since(workspace, options.since)
    if changed is None:
        return options.patterns
    if options.patterns:
        changed = tuple(select(changed, options.patterns))
    return changed or None
