"""Aliases that rollouts move, where another engine publishes the versions: by the aws engine's own writes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace

from lockstep.engines.aws import AwsEngine
from lockstep.engines.base import Look
from lockstep.errors import Interrupted, LockstepError
from lockstep.model import Fleet, Obstacle, Outcome, Plan, Report, StepResult, TargetPlan
from lockstep.planning.rolled import RolloutSteps, as_planned, rollout_steps
from lockstep.values import dataclass

__all__ = ["RolledAliases", "Rollouts"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RolledAliases:
    """Aliases as they were looked at, with what rollouts do about them."""

    look: Look | None = None  # None: there are none, or nothing could be read
    made: Plan | None = None  # of the look, as the aws engine made it
    steps: RolloutSteps = field(default_factory=RolloutSteps)
    unread: Mapping[str, Obstacle] = field(default_factory=dict)  # why nothing is known of those there are

    @property
    def notes(self) -> tuple[str, ...]:
        """What else was seen of them."""
        return self.look.plan.notes if self.look is not None else ()

    @property
    def targets(self) -> dict[str, TargetPlan]:
        """What is said of each."""
        return {one.target: one for one in self.look.plan.targets} if self.look is not None else {}


class Rollouts:
    """Looks at aliases and moves them, and does nothing else of what the aws engine would do."""

    def __init__(self, aws: AwsEngine, title: str) -> None:
        self._aws = aws
        self._title = title  # of the engine that publishes the versions

    @property
    def stale(self) -> frozenset[str]:
        """Targets whose aliases changed while they were moved."""
        return self._aws.stale

    def look(self, desired: Fleet, keys: Sequence[str]) -> RolledAliases:
        """How rollouts of some targets stand. Changes nothing."""
        if not keys:
            return RolledAliases()
        try:
            look = self._aws.preview(replace(desired, selection=tuple(keys)))
        except Interrupted:
            raise
        except LockstepError as error:
            return RolledAliases(unread=dict.fromkeys(keys, Obstacle.of(error)))
        return RolledAliases(look=self._noted(look), made=look.plan, steps=rollout_steps(look.plan, keys))

    def alone(self, desired: Fleet, keys: Sequence[str]) -> RolledAliases:
        """Likewise, where nothing but rollouts is looked at: a version that is not there is in the way.

        Raises LockstepError when nothing could be read.
        """
        look = self._aws.preview(replace(desired, selection=tuple(keys)))
        steps = rollout_steps(look.plan, keys)
        why = f"{self._title} has not published what is declared; it does with lockstep sync"
        targets = tuple(
            replace(one, problem=one.problem or f"{why} {one.target}")
            if one.target in steps.awaiting
            else one
            for one in look.plan.targets
        )
        plan = replace(look.plan, targets=targets, steps=steps.now)
        look, made = replace(look, plan=plan), look.plan
        return RolledAliases(look=self._noted(look), made=made, steps=replace(steps, later=()))

    def _noted(self, look: Look) -> Look:
        """The look with what was seen of AWS alone: what the aws engine would leave is the other engine's."""
        return replace(look, plan=replace(look.plan, notes=self._aws.live.notes))

    def move(self, rolled: RolledAliases, on_step: Callable[[StepResult], None]) -> Report:
        """Take the steps of the last look whose versions are there."""
        steps = rolled.steps.now
        return self._aws.roll(rolled.made, steps, on_step) if rolled.made is not None and steps else Report()

    def follow(
        self,
        desired: Fleet,
        planned: RolloutSteps,
        failed: Iterable[str],
        on_step: Callable[[StepResult], None],
    ) -> Report:
        """Take the steps that waited for versions, which are there now; not those of targets that failed.

        What would be done is what was shown, or nothing is.
        """
        lost = set(failed)
        keys = [key for key in planned.awaiting if key not in lost]
        again = self.look(desired, keys)
        found, wrong = again.steps, {key: one.text for key, one in again.unread.items()}
        for key in keys:
            shown, now = ([one for one in each if one.target == key] for each in (planned.later, found.now))
            if not as_planned(shown, now):
                told = again.targets.get(key)
                said = told.problem if told is not None and told.problem else "run again"
                wrong.setdefault(
                    key, f"{self._title} is done, and the alias is not as it was planned from: {said}"
                )
        good = RolloutSteps(now=tuple(step for step in found.now if step.target not in wrong))
        report = self.move(replace(again, steps=good), on_step)
        left = [
            StepResult(
                step=step.id,
                target=step.target,
                outcome=Outcome.FAILED if step.target in wrong else Outcome.NOT_TRIED,
                error=wrong.get(step.target),
            )
            for step in planned.later
            if step.target in lost or step.target in wrong
        ]
        for one in left:
            on_step(one)
        return replace(report, results=(*report.results, *left))
