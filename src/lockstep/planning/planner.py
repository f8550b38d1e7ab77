"""Desired and live fleet to Plan: which steps, in which order, and why some targets must wait.

The pipeline: assess each target (may it be touched? what differs?), find what is no longer
declared, work out one change for each bucket, then lay the steps out as a graph. A target that is
blocked anywhere contributes no step at all; the others go on.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lockstep.model import Fleet, Plan, PutAlias, ShiftAlias, Step, Target, Verb, select
from lockstep.model.engines import AWS
from lockstep.model.kinds import KINDS
from lockstep.model.rolling import RolloutState
from lockstep.model.rollout import Rollout
from lockstep.model.target import environment_of
from lockstep.planning.assess import Assessment, assess
from lockstep.planning.beside import contested, staying
from lockstep.planning.fingerprint import fingerprint
from lockstep.planning.graph import Graph
from lockstep.planning.groups import Member, said_together, together
from lockstep.planning.notifications import LAMBDA, function_of, owner_of
from lockstep.planning.policy import Rules, deletion_problem, is_prunable, may_adopt, remembered_buckets
from lockstep.planning.pruning import Pruned
from lockstep.planning.rollouts import Decision, Pause
from lockstep.planning.sharing import ALONE, Sharing, families, left_by, sharing_of
from lockstep.planning.summary import summarise, summarise_former, summarise_owner
from lockstep.planning.triggers import BucketChange, BucketWish, Parties, change_bucket
from lockstep.planning.undeclared import Undeclared, find_undeclared

__all__ = ["make_plan"]


def make_plan(desired: Fleet, live: Fleet, rules: Rules, *, engine: str = AWS.name) -> Plan:
    """Say what has to be done so that the live fleet becomes the desired one.

    ``desired`` is the whole project with references resolved and packages known; its ``selection``
    says what is to be compared. ``live`` holds what was read for it.
    """
    declared = {key: target for key, target in desired.targets.items() if target.function is not None}
    sharings = _sharings(desired, live, rules)
    assessed, follows = _assess(declared, desired, live, rules, sharings, {})
    spoken = frozenset({rules.wish.target}) if rules.wish is not None else None  # whose aliases are written
    groups = _groups(assessed)
    if groups:
        ruled = {key: one for keys in groups for key, one in _ruled(assessed, keys, live, rules).items()}
        if rules.wish is not None and any(rules.wish.target in keys for keys in groups):
            spoken = frozenset(key for key, one in ruled.items() if not isinstance(one, str))
        assessed, follows = _assess(declared, desired, live, rules, sharings, ruled)
    _block(assessed, quarrels := _quarrels(assessed, desired, live, sharings))
    _block(assessed, _overtaking(assessed, groups, quarrels))
    found = find_undeclared(desired, live, rules, declared)

    # A target that one bucket refuses is served by none, so the others are worked out again.
    held = _unreadable(found, live) | _doubted(found, desired)  # undeclared ones that have to stay -> why
    others = sum(other.obstacle is None for other in live.others.values())
    guard = deletion_problem(rules, found.without(held).count, desired, others)
    while True:
        # A former function goes once its successor is there, so not while that one is blocked.
        blocked = [key for key, one in assessed.items() if one.problem is not None]
        leaving = found.without([*held, *blocked])
        buckets = _change_buckets(desired, live, rules, declared, assessed, leaving, sharings)
        refused = {key: why for change in buckets for key, why in change.problems.items()}
        if not refused:
            break
        _block(assessed, {key: why for key, why in refused.items() if key in assessed})
        _block(assessed, _waiting(assessed, follows))
        _block(assessed, _overtaking(assessed, groups, refused))
        held.update({key: why for key, why in refused.items() if key not in assessed})

    graph = Graph()
    for those in _batches(assessed, groups):
        graph.add_targets(those, follows)
    graph.add_buckets(buckets, assessed)
    for former in leaving.functions:
        graph.add_delete(former, buckets)

    return Plan(
        engine=engine,
        project=desired.project,
        commit=desired.commit,
        previews=desired.previews,
        fingerprint=fingerprint(live),
        targets=(
            *(summarise(one, buckets) for one in assessed.values()),
            *(
                summarise_former(former, buckets, held.get(former.target.key))
                for former in found.functions
                if former in leaving.functions or former.target.key in held
            ),
            *(
                summarise_owner(key, buckets)
                for key in sorted(leaving.owners - {former.target.key for former in found.functions})
                if any(key in bucket.removed for bucket in buckets)
            ),
        ),
        steps=_only_aliases(graph.steps, spoken) if spoken is not None else tuple(graph.steps),
        problems=(guard,) if guard else (),
        notes=(
            *live.notes,
            *found.notes,
            *_kept_versions(assessed),
            *_deferred(assessed),
            *_staying(assessed, sharings, rules),
            *_needed(assessed, live, leaving),
        ),
        selection=desired.selection,
    )


def _sharings(desired: Fleet, live: Fleet, rules: Rules) -> Mapping[str, Sharing]:
    """What targets that have a function together are to each other, by key; ``ALONE`` is left out."""
    together = families(desired, rules.project)
    found: dict[str, Sharing] = {}
    for key in desired.selected():
        target, now = desired.targets[key], live.targets.get(key)
        if key in together or (now is not None and now.function is not None):
            one = sharing_of(target, now, together.get(key, ()), desired, rules.project)
            if one is not ALONE:
                found[key] = one
    return found


def _assess(
    declared: Mapping[str, Target],
    desired: Fleet,
    live: Fleet,
    rules: Rules,
    sharings: Mapping[str, Sharing],
    ruled: Mapping[str, Decision | str],
) -> tuple[dict[str, Assessment], dict[str, str]]:
    """Every target by itself, and which one comes after which other on the same function.

    A function is changed and published by one after the other: the next is compared with what the one before
    it leaves. ``ruled`` says what groups do about the rollouts of their members.
    """
    assessed: dict[str, Assessment] = {}
    follows: dict[str, str] = {}
    named: dict[str, list[Target]] = {}
    for target in declared.values():
        if target.alias is not None and target.function is not None:
            named.setdefault(target.function.name, []).append(target)
    last: dict[str, str] = {}  # target of a family -> the last one that writes the function
    for key in desired.selected():
        if key not in declared:
            continue
        target, found, sharing = declared[key], live.targets.get(key), sharings.get(key, ALONE)
        first = last.get(key)
        if first is not None and key not in live.unread:
            found = _left_behind(assessed[first], target, found, live)
            follows[key] = first
        namesakes = named.get(target.function.name, ()) if target.function is not None else ()
        one = assess(target, found, desired, live, rules, sharing, namesakes, ruled.get(key))
        if first is not None:
            one = replace(one, pruned=Pruned())  # the first has looked at all of them
        assessed[key] = one
        if sharing.family and one.problem is None and (one.live is None or one.writes or _is_tagged(one)):
            last |= dict.fromkeys(sharing.keys, key)
    return assessed, follows


def _groups(assessed: Mapping[str, Assessment]) -> list[tuple[str, ...]]:
    """Targets whose rollouts move as one, as far as they have each other."""
    found: dict[tuple[str, str], list[str]] = {}
    for key, one in assessed.items():
        if one.target.group is not None:
            found.setdefault(one.target.group, []).append(key)
    return [tuple(keys) for keys in found.values()]


def _ruled(
    assessed: Mapping[str, Assessment], keys: Sequence[str], live: Fleet, rules: Rules
) -> Mapping[str, Decision | str]:
    """What a group does about each of its members, or somebody with them; or why that cannot be."""
    members = {key: _member(assessed[key]) for key in keys}
    if rules.wish is not None and rules.wish.target in members:
        return said_together(members, rules.wish)
    return together(members, live.at or datetime.min.replace(tzinfo=UTC))


def _member(one: Assessment) -> Member:
    decision = one.shift.decision
    is_told = isinstance(decision, Pause) and (decision.is_bad or decision.is_foreign)
    return Member(
        policy=one.target.rollout or Rollout(),
        course=one.shift.course,
        decision=decision,
        obstacle=None if is_told else one.problem,
    )


def _overtaking(
    assessed: Mapping[str, Assessment], groups: Sequence[Sequence[str]], held: Collection[str]
) -> dict[str, str]:
    """Targets that would get calls before another one of their group, which is held back."""
    return {
        key: f"{other} of its group is held back, and none of it is to overtake another"
        for keys in groups
        for other in keys
        if other in held
        for key in keys
        if (share := assessed[key].shift.share) is not None
        and share.state is RolloutState.RUNNING
        and assessed[key].problem is None
    }


def _batches(
    assessed: Mapping[str, Assessment], groups: Sequence[Sequence[str]]
) -> Iterator[list[Assessment]]:
    """The targets one by one, and those of a group together."""
    mates = {key: keys for keys in groups for key in keys}
    for key in assessed:
        keys = mates.get(key, (key,))
        if key == keys[0]:
            yield [assessed[one] for one in keys]


def _is_tagged(one: Assessment) -> bool:
    return any(change.path.startswith("tags.") for change in one.changes)


def _left_behind(first: Assessment, target: Target, found: Target | None, live: Fleet) -> Target:
    """What a target finds once another one has written the function that both have."""
    before = found or Target(environment=target.environment, service=target.service)
    function = left_by(first.wanted, before.function, _arn(first, live))
    return replace(before, function=function)


def _waiting(assessed: Mapping[str, Assessment], follows: Mapping[str, str]) -> dict[str, str]:
    """Targets that were to come after one that is not done."""
    return {
        key: f"{first} has the same function and comes first: {assessed[first].problem}"
        for key, first in follows.items()
        if assessed[key].problem is None and assessed[first].problem is not None
    }


def _staying(assessed: Mapping[str, Assessment], sharings: Mapping[str, Sharing], rules: Rules) -> list[str]:
    """Aliases that targets left on a function which others still have, and that nothing may delete."""
    return [
        f"the alias {name} of {assessed[key].wanted.name} was made for {owner}, which does not declare that "
        "function any more; `prune: true` for its environment deletes it"
        for key, sharing in sharings.items()
        if sharing.is_lead and key in assessed
        for name, owner in sorted(sharing.staying.items())
        if not is_prunable(rules.project, environment_of(owner))
    ]


def _only_aliases(steps: Sequence[Step], keys: Collection[str]) -> tuple[Step, ...]:
    """What somebody wants of a rollout is one write of each alias, whatever else there is to do."""
    return tuple(
        replace(step, needs=())
        for step in steps
        if isinstance(step, PutAlias | ShiftAlias) and step.target in keys
    )


def _kept_versions(assessed: Mapping[str, Assessment]) -> list[str]:
    """Published versions that stay though there are enough newer ones, and why."""
    return [
        f"{key}: {version.words} stays: {reason}"
        for key, one in assessed.items()
        for version, reason in one.pruned.staying
    ]


def _needed(assessed: Mapping[str, Assessment], live: Fleet, leaving: Undeclared) -> list[str]:
    """What stays though nothing declares it any more, because something else needs it."""
    there = [(one.target, live.targets.get(key)) for key, one in assessed.items()]
    gone = [(None, former.target) for former in leaving.functions]
    return [
        f"{seen.key}: the {KINDS[one.kind].title} {one.identity} stays: {why}"
        for target, seen in (*there, *gone)
        if seen is not None
        for one, why in staying(target, seen)
    ]


def _deferred(assessed: Mapping[str, Assessment]) -> list[str]:
    """What is left as it is until the alias has no weights any more."""
    return [
        f"{key}: {resource.path} stays as it is for now: AWS changes none of an alias while it has weights"
        for key, one in assessed.items()
        for each in one.deferred
        if (resource := each.wanted or each.live) is not None
    ]


def _unreadable(found: Undeclared, live: Fleet) -> dict[str, str]:
    """Functions that were not read, or may still be called by a bucket which was not."""
    return {
        former.target.key: why.text
        for former in found.functions
        if former.target.function is not None
        for why in (
            *map(live.closed.get, sorted(remembered_buckets(former.target.function.tags), reverse=True)),
            former.target.obstacle,
        )
        if why is not None
    }


def _doubted(found: Undeclared, desired: Fleet) -> dict[str, str]:
    """What may be declared after all, in a file that is not read."""
    keys = {*(former.target.key for former in found.functions), *found.owners}
    return {key: why for pattern, why in desired.doubts.items() for key in select(keys, [pattern])}


def _block(assessed: dict[str, Assessment], problems: Mapping[str, str]) -> None:
    for key, why in problems.items():
        assessed[key] = replace(assessed[key], verb=Verb.BLOCKED, problem=why)


def _quarrels(
    assessed: Mapping[str, Assessment], desired: Fleet, live: Fleet, sharings: Mapping[str, Sharing]
) -> dict[str, str]:
    """Targets that would overwrite each other's function or package, or take what stands beside it."""
    ready = {key for key, one in assessed.items() if one.problem is None}
    found = {key: why for key, why in contested(desired, live.scopes).items() if key in ready}
    functions: dict[str, Assessment] = {}
    packages: dict[tuple[str, str], Assessment] = {}
    for key, one in assessed.items():
        if one.problem is not None:
            continue
        rival = functions.setdefault(_arn(one, live), one)
        if rival is not one and rival.target.key not in sharings.get(key, ALONE).keys:
            text = (
                f"the function {one.wanted.name} is declared by %s too; give each target its own functionName"
            )
            found[key], found[rival.target.key] = text % _place(rival.target), text % _place(one.target)
        package = one.wanted.code.package
        if package is None or not any(change.path == "code" for change in one.writes):
            continue
        rival = packages.setdefault((package.bucket, package.key), one)
        if rival.wanted.code != one.wanted.code:
            text = (
                f"%s stages another package as s3://{package.bucket}/{package.key}; "
                "put {service} or {sha256} into `packages.key`"
            )
            found[key] = text.replace("%s", _place(rival.target))
            found[rival.target.key] = text.replace("%s", _place(one.target))
    return found


def _change_buckets(
    desired: Fleet,
    live: Fleet,
    rules: Rules,
    declared: Mapping[str, Target],
    assessed: Mapping[str, Assessment],
    leaving: Undeclared,
    sharings: Mapping[str, Sharing],
) -> list[BucketChange]:
    ready = {key: one for key, one in assessed.items() if one.problem is None}
    leads = {key: one for key, one in ready.items() if sharings.get(key, ALONE).is_lead}
    by_arn = {_arn(one, live): key for key, one in leads.items()}
    wanting: dict[str, set[str]] = {}  # bucket -> targets with a trigger on it
    for key, target in declared.items():
        for trigger in target.every_trigger:
            wanting.setdefault(trigger.bucket, set()).add(key)

    changes: list[BucketChange] = []
    for name, bucket in sorted(live.buckets.items()):
        concerned = set(wanting.get(name, ()))
        for entry in bucket.raw.get(LAMBDA, ()):
            project, owner = owner_of(str(entry.get("Id", ""))) or ("", "")
            if project == desired.project:
                concerned |= {owner, by_arn.get(function_of(str(entry.get("LambdaFunctionArn", ""))), owner)}
        wishes = [
            BucketWish(
                target=one.target,
                arn=_arn(one, live),
                triggers=tuple(t for t in one.target.triggers if t.bucket == name),
                relays=any(t.bucket == name for t in one.target.relayed),
                may_take_over=may_adopt(rules, one.target),
                is_heir=key in leads,
                spared=frozenset(sharings.get(key, ALONE).staying),
            )
            for key in sorted(concerned & ready.keys())
            for one in [ready[key]]
        ]
        waiting = [declared[key] for key in sorted((concerned & declared.keys()) - ready.keys())]
        change = change_bucket(
            desired.project,
            bucket,
            Parties(
                wishes=wishes,
                waiting=waiting,
                gone=leaving.owners,
                deleted={former.arn: former.target.key for former in leaving.functions},
                declared=declared,
            ),
        )
        if change.added or change.removed:
            changes.append(change)
    return changes


def _arn(one: Assessment, live: Fleet) -> str:
    known = one.live.arn if one.live else None
    return known or live.scope(one.target.environment).function_arn(one.wanted.name)


def _place(target: Target) -> str:
    return f"{target.key} ({target.place})" if target.place else target.key
