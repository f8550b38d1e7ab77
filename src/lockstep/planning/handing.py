"""What becomes of a plan for AWS where a cluster applies it: what differs stays, other steps lead there."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace

from lockstep.model import Merge, Plan, Step, TargetPlan, Verb
from lockstep.model.engines import EngineTraits
from lockstep.model.target import is_preview

__all__ = ["handed_over", "strictest"]

_DOING = (Verb.CREATE, Verb.UPDATE, Verb.ADOPT, Verb.DELETE)
_NAMED = 5  # targets that a note names


def handed_over(
    made: Plan,
    traits: EngineTraits,
    *,
    steps: Iterable[Step],
    problems: Mapping[str, str],
    written: Set[str],
    notes: Iterable[str] = (),
) -> Plan:
    """The plan of an engine that hands over to a cluster, from what AWS was seen to lack.

    ``problems`` say by target why its manifests are left as they are, and ``written`` are the targets of
    which some are written: the others that differ wait for the cluster.
    """
    targets = tuple(_handed(one, traits, problems.get(one.target)) for one in made.targets)
    waiting = [
        one.target
        for one in targets
        if one.problem is None and one.verb in _DOING and one.target not in written
    ]
    return replace(
        made,
        engine=traits.name,
        targets=targets,
        steps=tuple(steps),
        notes=(*made.notes, *notes, *_waits(waiting, traits)),
    )


def strictest(merges: Iterable[Merge]) -> Merge:
    """The policy that lets the least through, of several that one change of files concerns."""
    order = (Merge.DIRECT, Merge.AUTO, Merge.REVIEW)
    return max(merges, key=order.index, default=Merge.REVIEW)


def _handed(one: TargetPlan, traits: EngineTraits, problem: str | None) -> TargetPlan:
    one = replace(one, progress=None)  # a cluster takes no steps
    if one.problem is not None:
        return one
    if problem is None and one.verb is Verb.DELETE and traits.keeps and not is_preview(one.target):
        problem = (
            f"the cluster keeps the function when its manifest goes: {traits.name} deletes previews only\n"
            f"  fix: delete {one.function or 'it'} in AWS, or declare {one.target} again"
        )
    return one if problem is None else replace(one, verb=Verb.BLOCKED, problem=problem)


def _waits(keys: list[str], traits: EngineTraits) -> Iterator[str]:
    if keys:
        names = ", ".join(keys[:_NAMED]) + (f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else "")
        yield (
            f"{names}: nothing is left to write, and AWS is not as declared yet; the cluster has to apply "
            f"the manifests ({traits.name})"
        )
