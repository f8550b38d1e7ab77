"""An engine that plans for itself, beside what is read of AWS before and after."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from lockstep.delivery.sync.rolled import RolledAliases, Rollouts
from lockstep.delivery.sync.truth import Seen, judged, look, mismatches
from lockstep.engines.aws import AwsEngine
from lockstep.engines.base import Look, SelfPlanning
from lockstep.errors import NotAllowed
from lockstep.model import (
    ApplyResource,
    Check,
    Fleet,
    Obstacle,
    Outcome,
    Plan,
    Report,
    StepResult,
    TargetPlan,
    Verb,
)
from lockstep.planning.rolled import RolloutSteps, overlaid
from lockstep.values import dataclass

__all__ = ["Witnessed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """A plan as it was judged, as the engine made it (None: it was not asked), and of what."""

    plan: Plan
    own: Plan | None
    desired: Fleet
    rolled: RolledAliases


class Witnessed:
    """Its plan with each target as AWS shows it, and its report with what is not so when it is read."""

    def __init__(
        self, engine: SelfPlanning, aws: AwsEngine, mover: AwsEngine, *, is_rollouts_only: bool = False
    ) -> None:
        """``mover`` moves aliases by rollouts; ``is_rollouts_only``: nothing else is looked at or done."""
        self.name = engine.name
        self._engine = engine
        self._aws = aws
        self._rollouts = Rollouts(mover, engine.title)
        self._is_rollouts_only = is_rollouts_only
        self._made: _Made | None = None

    @property
    def stale(self) -> frozenset[str]:
        """Targets that changed while they were applied."""
        return self._engine.stale | self._rollouts.stale

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
        """Look at AWS, hold back what the engine would not notice, let it plan, and judge its plan.

        Aliases that rollouts move are planned apart, as the aws engine plans them.
        """
        if self._is_rollouts_only:
            return self._preview_rollouts(desired)
        desired, seen, notes = self._look(desired)
        rolled = self._rollouts.look(desired, self._rolled(desired, seen))
        keys = rolled.targets.keys() | rolled.unread.keys()
        seen = seen.without_aliases(keys)
        desired = _without_refused(desired, rolled, seen)
        self._engine.differing = frozenset(seen.changes)
        made = self._engine.preview(desired)
        plan = judged(made.plan, seen, self._engine.way_out)
        order = {key: number for number, key in enumerate(desired.targets)}
        targets = [
            overlaid(one, rolled.targets[one.target]) if one.target in rolled.targets else one
            for one in sorted(plan.targets, key=lambda one: order.get(one.target, len(order)))
        ]
        steps, waits = _with_needs(rolled.steps, plan, self._engine.title)
        targets = [replace(one, problem=one.problem or waits.get(one.target)) for one in targets]
        plan = replace(
            plan,
            targets=tuple(targets),
            steps=(*steps.now, *plan.steps, *steps.later),
            problems=(*plan.problems, *(rolled.look.plan.problems if rolled.look is not None else ())),
            notes=(*plan.notes, *notes, *rolled.notes, *self._sides(desired, targets)),
        )
        self._made = _Made(plan=plan, own=made.plan, desired=desired, rolled=replace(rolled, steps=steps))
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
        stable = rolled.look.versions if rolled.look is not None else {}
        return Look(
            plan=plan,
            versions=versions | seen.versions | {key: one for key, one in stable.items() if key in keys},
            live=live,
            modified={**made.modified, **modified},
            aliases=aliases,
        )

    def apply(self, plan: Plan, on_step: Callable[[StepResult], None]) -> Report:
        """Move aliases whose versions are there, let the engine apply its plan, look at what it says that it
        did, and move those whose versions came by it.
        """
        if self._made is None or self._made.plan is not plan:
            raise NotAllowed("the plan was not made from what is live now", fix="plan again")
        made, self._made = self._made, None
        if plan.problems:
            raise NotAllowed("; ".join(plan.problems))
        before = self.calls.total()
        rolled = made.rolled
        moved = self._rollouts.move(rolled, on_step)
        if made.own is None:
            return moved
        report = self._engine.apply(made.own, on_step)
        done = {one.step for one in report.results if one.outcome is Outcome.DONE}
        lost = set(rolled.steps.awaiting) if report.interrupted else rolled.steps.without(done)
        came = self._rollouts.follow(made.desired, rolled.steps, lost, on_step)
        found = mismatches(
            plan,
            report,
            lambda keys: look(self._aws, made.desired, keys).without_aliases(rolled.targets),
            rolled.targets,
        )
        return replace(
            report,
            results=(*moved.results, *report.results, *came.results),
            seconds=moved.seconds + report.seconds + came.seconds,
            mismatches=(*report.mismatches, *found),
            calls=report.calls + self.calls.total() - before,
            interrupted=report.interrupted or moved.interrupted or came.interrupted,
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
        held = {
            key: replace(desired.targets[key], obstacle=Obstacle(text=why))
            for key, why in seen.refused.items()
        }
        notes: list[str] = []
        for key, fix in self._engine.blind({key: desired.targets[key] for key in keys}).items():
            if key in held:
                continue
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

    def _preview_rollouts(self, desired: Fleet) -> Look:
        """How rollouts stand, and what is due about them."""
        keys = [key for key in self._keys(desired) if desired.targets[key].is_rolled]
        rolled = self._rollouts.alone(desired, keys)
        assert rolled.look is not None  # noqa: S101 - whatever cannot be read was raised
        plan = replace(rolled.look.plan, engine=self.name)
        self._made = _Made(plan=plan, own=None, desired=desired, rolled=rolled)
        return replace(rolled.look, plan=plan)

    def _rolled(self, desired: Fleet, seen: Seen) -> list[str]:
        """Targets whose aliases are there and ours to move; the others are made, or marked, by the engine."""
        return [
            key
            for key in self._keys(desired)
            if desired.targets[key].is_rolled
            and (live := seen.live.get(key)) is not None
            and live.live_alias is not None
            and live.function is not None
            and live.function.owner == (desired.project, key)
        ]

    def _sides(self, desired: Fleet, targets: Sequence[TargetPlan]) -> tuple[str, ...]:
        """Who writes what of aliases that rollouts move."""
        keys = [
            one.target
            for one in targets
            if one.target in desired.targets
            and desired.targets[one.target].is_rolled
            and one.verb in (Verb.CREATE, Verb.UPDATE)
        ]
        if not keys:
            return ()
        return (
            f"{self._engine.title} makes the alias of {', '.join(keys)} and publishes versions; the alias's "
            "version, weights and description are Lockstep's from then on",
        )

    def _keys(self, desired: Fleet) -> Sequence[str]:
        project = self._aws.rules.project
        return [
            key
            for key in desired.selected()
            if project.environment(desired.targets[key].environment).engine == self.name
            and desired.targets[key].function
            and not desired.targets[key].obstacle
        ]


def _without_refused(desired: Fleet, rolled: RolledAliases, seen: Seen) -> Fleet:
    """The fleet, where no version is published that could not come to calls, as far as anybody knows."""
    why = {
        key: Obstacle(text=one.problem, is_unread=one.verb is Verb.UNKNOWN)
        for key, one in rolled.targets.items()
        if one.problem is not None and key in seen.changes
    }
    held = {key: replace(desired.targets[key], obstacle=one) for key, one in {**why, **rolled.unread}.items()}
    return replace(desired, targets={**desired.targets, **held})


def _with_needs(steps: RolloutSteps, plan: Plan, title: str) -> tuple[RolloutSteps, dict[str, str]]:
    """The steps that wait for versions after the run that publishes them, and why others are not taken."""
    publishing: dict[str, tuple[str, ...]] = {}
    for one in plan.steps:
        if isinstance(one, ApplyResource) and one.action in ("create", "update", "replace"):
            publishing[one.target] = (*publishing.get(one.target, ()), one.id)
    waits = {
        key: f"no published version is as declared, and {title} would publish none"
        for key in steps.awaiting
        if key not in publishing
    }
    later = tuple(
        replace(step, needs=(*publishing[step.target], *step.needs))
        for step in steps.later
        if step.target not in waits
    )
    return replace(steps, later=later), waits
