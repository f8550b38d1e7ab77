"""Rollouts of versions that another engine publishes: what of a plan Lockstep does itself."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from lockstep.model import (
    Change,
    Plan,
    PublishVersion,
    PutAlias,
    ShiftAlias,
    SmokeTest,
    Step,
    SyncStatus,
    TargetPlan,
    Verb,
)
from lockstep.values import dataclass

__all__ = ["RolloutSteps", "as_planned", "overlaid", "rollout_steps"]

_MOVED = ("alias", "version")  # paths of changes that a rollout makes


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutSteps:
    """What rollouts need: steps for versions that are there, and for those that are still to be published."""

    now: tuple[Step, ...] = ()
    later: tuple[Step, ...] = ()

    @property
    def awaiting(self) -> tuple[str, ...]:
        """Targets whose versions are to be published first."""
        return tuple(dict.fromkeys(step.target for step in self.later))

    def without(self, done: Collection[str]) -> set[str]:
        """Targets that wait for steps of another engine of which not all are done."""
        known = {*done, *(step.id for step in self.later)}
        return {step.target for step in self.later if not known.issuperset(step.needs)}


def rollout_steps(plan: Plan, keys: Collection[str]) -> RolloutSteps:
    """The writes of aliases of some targets, with the calls that try a version before.

    All else that the plan says is the other engine's: what waits for none of it but a version may go first.
    """
    late: set[str] = set()
    ours: list[Step] = []
    for step in plan.steps:
        if isinstance(step, PublishVersion) or late.intersection(step.needs):
            late.add(step.id)
        if isinstance(step, SmokeTest | ShiftAlias | PutAlias) and step.target in keys:
            ours.append(step)
    ids = {step.id for step in ours}
    ours = [replace(step, needs=tuple(need for need in step.needs if need in ids)) for step in ours]
    return RolloutSteps(
        now=tuple(step for step in ours if step.id not in late),
        later=tuple(step for step in ours if step.id in late),
    )


def as_planned(planned: Sequence[Step], now: Sequence[Step]) -> bool:
    """Whether steps are those that were shown, once the versions have numbers."""
    return list(_unnumbered(planned)) == list(_unnumbered(now))


def overlaid(by_other: TargetPlan, ours: TargetPlan) -> TargetPlan:
    """What is said of a target by the engine that publishes its versions, with how its alias is moved."""
    moved = tuple(change for change in ours.changes if change.path in _MOVED)
    others = tuple(change for change in by_other.changes if change.path not in _MOVED)
    progress, problem = ours.progress, by_other.problem or ours.problem
    is_idle = by_other.verb is Verb.NOTHING and bool(moved or ours.problem)
    is_told = progress is not None and bool(progress.step or progress.reason)
    return replace(
        by_other,
        verb=ours.verb if is_idle else by_other.verb,
        changes=(*moved, *others),
        status=_status(by_other, ours, moved),
        health=ours.health if is_told else by_other.health,
        problem=problem,
        progress=progress,
    )


def _status(by_other: TargetPlan, ours: TargetPlan, moved: Sequence[Change]) -> SyncStatus:
    """In sync is what both have seen to be."""
    if SyncStatus.UNKNOWN in (by_other.status, ours.status):
        return SyncStatus.UNKNOWN
    return SyncStatus.OUT_OF_SYNC if moved else by_other.status


def _unnumbered(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        match step:
            case ShiftAlias():
                yield replace(step, candidate=None, revision=None, needs=())
            case PutAlias():
                yield replace(step, version=None, revision=None, needs=())
            case SmokeTest():
                yield replace(step, version=None, needs=())
            case _:
                yield step
