"""An engine that plans for itself, beside what is read of AWS before and after."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from lockstep.delivery.sync.truth import Seen, judged, look, mismatches
from lockstep.engines.aws import AwsEngine
from lockstep.engines.base import Look, SelfPlanning
from lockstep.errors import NotAllowed
from lockstep.model import Check, Fleet, Obstacle, Plan, Report, StepResult, Target

__all__ = ["Witnessed"]


class Witnessed:
    """Its plan with each target as AWS shows it, and its report with what is not so when it is read."""

    def __init__(self, engine: SelfPlanning, aws: AwsEngine) -> None:
        self.name = engine.name
        self._engine = engine
        self._aws = aws
        self._made: tuple[Plan, Plan, Fleet] | None = None  # as judged, as the engine made it, and of what

    @property
    def stale(self) -> frozenset[str]:
        """Targets that changed while they were applied."""
        return self._engine.stale

    @property
    def calls(self) -> Counter[str]:
        """How often AWS was asked; the calls of another program are not known."""
        return self._aws.calls

    def part(self, desired: Fleet) -> Fleet | None:
        """As the engine says."""
        return self._engine.part(desired)

    def wants(self, desired: Fleet) -> tuple[str, ...]:
        """As the engine says."""
        return self._engine.wants(desired)

    def preview(self, desired: Fleet) -> Look:
        """Look at AWS, hold back what the engine would not notice, let it plan, and judge its plan."""
        desired, seen, notes = self._look(desired)
        self._engine.differing = frozenset(seen.changes)
        made = self._engine.preview(desired)
        plan = judged(made.plan, seen, self._engine.way_out)
        order = {key: number for number, key in enumerate(desired.targets)}
        targets = sorted(plan.targets, key=lambda one: order.get(one.target, len(order)))
        plan = replace(plan, targets=tuple(targets), notes=(*plan.notes, *notes))
        self._made = (plan, made.plan, desired)
        versions = {
            key: version
            for key, version in made.versions.items()
            if key not in seen.unread and (key not in seen.declared or version != seen.declared[key].version)
        }
        live = {key: called for key, one in seen.live.items() if (called := one.called) is not None}
        modified = {key: seen.live[key].modified for key in live}
        aliases = {
            key: f"{alias.name}:{alias.version}"
            for key, one in seen.live.items()
            if (alias := one.live_alias) is not None
        }
        return Look(
            plan=plan,
            versions=versions | seen.versions,
            live=live,
            modified={**made.modified, **modified},
            aliases=aliases,
        )

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Let the engine apply its plan, and look at what it says that it did."""
        if self._made is None or self._made[0] is not plan:
            raise NotAllowed("the plan was not made from what is live now", fix="plan again")
        _, own, desired = self._made
        self._made = None
        before = self.calls.total()
        report = self._engine.apply(own, on_step)
        found = mismatches(plan, report, lambda keys: look(self._aws, desired, keys))
        return replace(
            report, mismatches=(*report.mismatches, *found), calls=report.calls + self.calls.total() - before
        )

    def leftovers(self, desired: Fleet) -> tuple[str, ...]:
        """As the engine says."""
        return self._engine.leftovers(desired)

    def checks(self, desired: Fleet) -> Iterator[Check]:
        """The engine's."""
        return self._engine.checks(desired)

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()

    def _look(self, desired: Fleet) -> tuple[Fleet, Seen, tuple[str, ...]]:
        """What is live of the engine's part, and the fleet without what it would not notice."""
        keys = self._keys(desired)
        seen = look(self._aws, desired, keys)
        title = self._engine.title
        held: dict[str, Target] = {}
        notes: list[str] = []
        for key, fix in self._engine.blind({key: desired.targets[key] for key in keys}).items():
            target = desired.targets[key]
            package = target.function.code.package if target.function else None
            place = f"s3://{package.bucket}/{package.key}" if package else ""
            if key in seen.outdated:
                why = f"it runs another package than is to lie at {place}, and {title} gets no hash of it"
                why = f"{why}, so it would not be deployed\n  fix: {fix}"
                held[key] = replace(target, obstacle=Obstacle(text=why))
            else:
                why = f"{title} gets no hash of its package, so another one at {place} will be held back"
                notes.append(f"{key}: {why}; {fix}")
        return replace(desired, targets={**desired.targets, **held}), seen, tuple(notes)

    def _keys(self, desired: Fleet) -> Sequence[str]:
        project = self._aws.rules.project
        return [
            key
            for key in desired.selected()
            if project.environment(desired.targets[key].environment).engine == self.name
            and desired.targets[key].function
            and not desired.targets[key].obstacle
        ]
