"""Whether what Terraform would do to resources may be done: the delete guards for engines that plan
for themselves.

A delete is explained when no target declares the function any more and its environment is pruned. A
function that is replaced is deleted first, so it counts as one. What follows from triggers
(permissions, notifications of buckets that still have some), and what stands beside a function by its
declaration, comes and goes without being asked.
"""

from collections.abc import Collection, Iterable, Mapping

from lockstep.model import Fleet, ResourceChange, Target, select
from lockstep.model.target import environment_of
from lockstep.planning.policy import Rules, deletion_problem, is_prunable

__all__ = ["GOING", "count_deletes", "resource_problems"]

_FOLLOWING = frozenset(
    {
        "aws_lambda_permission",
        "aws_s3_bucket_notification",
        "aws_s3_object",  # of a package
    }
)
GOING = ("delete", "replace")
"""What ends a resource that there is."""
_SHOWN = 5


def resource_problems(
    changes: Iterable[ResourceChange],
    declared: Mapping[str, Target],
    fleet: Fleet,
    rules: Rules,
    *,
    strays: Collection[str] = (),
) -> tuple[str, ...]:
    """Why the changes may not be applied; () when they may.

    ``declared`` are the targets of the run, ``fleet`` is the whole desired one with its selection,
    ``strays`` targets that would change and may not.
    """
    all_of_them = tuple(changes)
    going = _going(all_of_them, declared)
    explained = {
        target
        for target, _ in going
        if target is not None
        and target not in declared
        and is_prunable(rules.project, environment_of(target))
    }
    unexplained = [change for target, change in going if target not in explained]
    problems = [*_outside(strays, fleet), *_doubted(explained, fleet)]
    deletes = count_deletes(all_of_them, declared)
    if rules.allow_deletes is None and unexplained:
        shown = [_why(change, declared, rules) for change in unexplained[:_SHOWN]]
        more = len(unexplained) - len(shown)
        problems += [*shown, *([f"and {more} more resources would be deleted or replaced"] if more else [])]
        problems.append(
            f"nothing of it is done; look at the plan, then run again with --allow-deletes {deletes}"
        )
    elif guard := deletion_problem(rules, deletes, fleet, len(explained)):
        problems.append(guard)
    return tuple(problems)


def _doubted(going: Collection[str], fleet: Fleet) -> Iterable[str]:
    """Targets that would go and may be declared after all, in a file that is not read."""
    for pattern, why in fleet.doubts.items():
        if found := sorted(select(going, [pattern])):
            yield f"{_some(found)} would be deleted, and may be declared after all: {why}"


def count_deletes(changes: Iterable[ResourceChange], declared: Collection[str]) -> int:
    """How many deletes the changes come to: targets that go, and resources that go by themselves."""
    return len({target or change.address for target, change in _going(changes, declared)})


def _going(
    changes: Iterable[ResourceChange], declared: Collection[str]
) -> list[tuple[str | None, ResourceChange]]:
    """What is deleted or replaced and counts, each with its target."""
    return [
        (change.target, change)
        for change in changes
        if change.action in GOING
        and not change.is_beside
        and not (change.kind in _FOLLOWING and _follows(change, declared))
    ]


def _follows(change: ResourceChange, declared: Collection[str]) -> bool:
    """Whether triggers explain it. That nothing at all is declared explains no bucket's notifications."""
    is_whole = change.kind == "aws_s3_bucket_notification" and change.action == "delete"
    return not is_whole or bool(declared)


def _why(change: ResourceChange, declared: Mapping[str, Target], rules: Rules) -> str:
    what = f"{change.address} would be {'deleted' if change.action == 'delete' else 'replaced'}"
    if change.target is None:
        return f"{what}, and no removal in the repository explains it"
    if change.target in declared:
        place = declared[change.target].place
        return f"{what}, and {change.target} is still declared{f' ({place})' if place else ''}"
    name = change.target.partition("/")[0]
    return (
        f"{what}: {change.target} is not declared any more, and {name} has no `prune: true` "
        f"in {rules.project.file}"
    )


def _outside(strays: Collection[str], fleet: Fleet) -> Iterable[str]:
    """Terraform changes a whole state: what may not change must not change on the way."""
    apart = sorted(key for key in strays if fleet.selection and not select([key], fleet.selection))
    others = sorted({*strays} - {*apart})
    if apart:
        yield (
            f"Terraform would change {_some(apart)} as well, which shares the state and was not selected; "
            "select it too, or bring it in sync first"
        )
    if others:
        yield (
            f"Terraform would change {_some(others)} as well, which shares the state and is held back, or "
            "is declared elsewhere; look at the plan of Terraform itself"
        )


def _some(keys: list[str]) -> str:
    more = len(keys) - _SHOWN
    return ", ".join(keys[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
