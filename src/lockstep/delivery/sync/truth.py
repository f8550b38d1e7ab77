"""What targets of an engine that plans for itself really are: read from AWS, before and after.

Terraform compares with what it was given last, and a folder may take less than Git declares. So every
target is read and compared with its declaration, whatever Terraform says: in sync is only what was seen to
be; what Terraform would leave as it is, is told with the way out; and what it has done is looked at again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace

from lockstep.engines.aws import AwsEngine
from lockstep.engines.aws.observing import Observed
from lockstep.errors import Interrupted, LockstepError
from lockstep.model import (
    Change,
    Fleet,
    Health,
    Outcome,
    Plan,
    Report,
    SyncStatus,
    Target,
    TargetPlan,
    Verb,
)
from lockstep.planning import beside
from lockstep.planning.compared import differences, runs_as_declared
from lockstep.planning.diff import is_named_by_tag, unread_in
from lockstep.planning.policy import may_adopt
from lockstep.values import dataclass

__all__ = ["Seen", "judged", "look", "mismatches"]

_DOING = (Verb.CREATE, Verb.UPDATE, Verb.ADOPT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Targets as they are declared, as they are, and what differs."""

    declared: Mapping[str, Target] = field(default_factory=dict)  # with roles and references resolved
    live: Mapping[str, Target] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)  # key -> why nobody knows
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)  # what is not as declared
    refused: Mapping[str, str] = field(default_factory=dict)  # key -> why nobody may make it as declared

    @property
    def outdated(self) -> dict[str, Target]:
        """Targets whose function is there and runs something else than is declared."""
        return {
            key: self.declared[key]
            for key, changes in self.changes.items()
            if any(change.path == "code" for change in changes)
        }

    @property
    def versions(self) -> dict[str, str | None]:
        """Live versions: of what is known to run the declared release, and of what is not there."""
        known = {key: one for key, one in self.declared.items() if key not in self.unread}
        return {
            key: one.version if key in self.live else None
            for key, one in known.items()
            if key not in self.live or runs_as_declared(one, self.live[key])
        }

    def without_aliases(self, keys: Collection[str]) -> "Seen":
        """The same, where nothing is said of some targets' aliases, which rollouts move."""
        left = {
            key: tuple(change for change in found if change.path != "alias" or key not in keys)
            for key, found in self.changes.items()
        }
        return replace(self, changes={key: found for key, found in left.items() if found})


def look(aws: AwsEngine, fleet: Fleet, keys: Iterable[str]) -> Seen:
    """Read what is live of some targets and compare it. Changes nothing.

    A target of which something cannot be read is unread; the others are seen all the same, and those that
    are not declared any more are left out.
    """
    wanted = [key for key in keys if key in fleet.targets and fleet.targets[key].function is not None]
    declared, unread = _resolved(aws, fleet, wanted)
    declared, nameless = _with_images(aws, fleet, declared)
    unread |= nameless
    observed: Observed = aws.observe(declared.values())
    unread = {**unread, **observed.unread}
    changes: dict[str, tuple[Change, ...]] = {}
    refused: dict[str, str] = {}
    for key, target in declared.items():
        live = observed.live.get(key)
        found = differences(target, live, observed.buckets)
        if live is not None and live.function is not None and (hidden := unread_in(live.function, found)):
            unread.setdefault(key, "; ".join(hidden))
        if found and key not in unread:
            changes[key] = found
        there = live or replace(target, function=None, resources=observed.taken.get(key, ()))
        if key not in unread and (why := _refused(aws, target, there)) is not None:
            refused[key] = why
    return Seen(declared=declared, live=observed.live, unread=unread, changes=changes, refused=refused)


def _refused(aws: AwsEngine, target: Target, live: Target) -> str | None:
    """Why what stands beside a function may not be made as declared: others have it, or something is lost."""
    assert target.function is not None  # noqa: S101 - only such targets are looked at
    found = beside.differences(target, live)
    return beside.replacement_problem(found, target.function.name) or beside.foreign_problem(
        found, may_adopt=may_adopt(aws.rules, target)
    )


def judged(plan: Plan, seen: Seen, way_out: Callable[[str, Sequence[Change]], str]) -> Plan:
    """An engine's plan with each target as it was seen. ``way_out`` says how a target's differences end."""
    return replace(
        plan,
        targets=tuple(
            _judged(one, seen, way_out) if one.target in seen.declared or one.target in seen.unread else one
            for one in plan.targets
        ),
    )


def mismatches(
    plan: Plan, report: Report, again: Callable[[Sequence[str]], Seen], rolled: Collection[str] = ()
) -> tuple[str, ...]:
    """What a run says that it did and that is not so when it is read.

    ``plan`` is what was applied, judged; ``rolled`` are targets to whose calls a release comes by itself. A
    text that begins with a target says that its release is not known to be live.
    """
    troubled = {one.target for one in report.results if one.outcome is not Outcome.DONE}
    done = {one.target: one for one in plan.targets if one.verb in _DOING and one.target not in troubled}
    if not done or not any(one.outcome is Outcome.DONE for one in report.results):
        return ()
    try:
        seen = again(sorted(done))
    except Interrupted:
        return tuple(f"{key}: applied, and not looked at again, since the run was stopped" for key in done)
    found: list[str] = []
    for key, one in done.items():
        left = [change for change in seen.changes.get(key, ()) if change not in one.changes]
        if key in seen.unread:
            found.append(f"{key}: applied, and nobody knows whether it is live: {seen.unread[key]}")
        elif (
            key in seen.declared
            and key not in rolled
            and not runs_as_declared(seen.declared[key], seen.live.get(key))
        ):
            found.append(f"{key}: applied, and {one.function} does not run what is declared")
        elif left:
            found.append(f"{', '.join(change.path for change in left)} of {key} is still not as declared")
    return tuple(found)


def _resolved(aws: AwsEngine, fleet: Fleet, keys: list[str]) -> tuple[dict[str, Target], dict[str, str]]:
    """The targets with roles and references, and why the others have none."""
    whole = aws.resolve(fleet, keys)
    targets = {key: whole.targets[key] for key in keys}
    unread = {key: one.obstacle.text for key, one in targets.items() if one.obstacle is not None}
    return {key: one for key, one in targets.items() if key not in unread}, unread


def _with_images(
    aws: AwsEngine, fleet: Fleet, declared: Mapping[str, Target]
) -> tuple[dict[str, Target], dict[str, str]]:
    """The targets with what tags of images name now, and those of which nobody knows it."""
    tagged = [key for key, one in declared.items() if one.function and is_named_by_tag(one.function.code)]
    if not tagged:
        return dict(declared), {}
    try:
        named, why = aws.with_images(replace(fleet, targets=declared, selection=tuple(tagged)))
        found = dict(named.targets)
    except Interrupted:
        raise
    except LockstepError as error:
        found, why = {}, (str(error),)
    unread: dict[str, str] = {}
    for key in tagged:
        target = found.get(key, declared[key])
        if target.function is not None and target.function.code.sha256 is None:
            said = target.obstacle.text if target.obstacle is not None else "; ".join(why)
            unread[key] = said or "what its image's tag names was not read"
    return {**declared, **found}, unread


def _judged(one: TargetPlan, seen: Seen, way_out: Callable[[str, Sequence[Change]], str]) -> TargetPlan:
    key = one.target
    if key in seen.unread:
        is_idle = one.verb is Verb.NOTHING
        return replace(
            one,
            verb=Verb.UNKNOWN if is_idle else one.verb,
            status=SyncStatus.UNKNOWN if is_idle else one.status,
            problem=one.problem or (seen.unread[key] if is_idle else None),
        )
    live = seen.live.get(key)
    health = live.function.health if live is not None and live.function is not None else Health.MISSING
    # What Terraform changes is told as it says; whether it came to that is looked at afterwards.
    mended = {change.path for change in one.changes} if one.verb in _DOING else set()
    left = [change for change in seen.changes.get(key, ()) if change.path not in mended]
    if not left or one.verb is Verb.CREATE:
        return replace(one, health=health)
    stays = one.verb is Verb.NOTHING and any(change.path in ("code", "function", "alias") for change in left)
    told = one.changes if one.verb is not Verb.NOTHING else ()
    return replace(
        one,
        verb=Verb.BLOCKED if stays else one.verb,
        changes=(*told, *left),
        status=SyncStatus.OUT_OF_SYNC,
        health=health,
        problem=one.problem or way_out(key, left),
    )
