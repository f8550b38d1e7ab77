"""What a plan would make of a live fleet, without doing it.

The proof of the planner: replayed on the live fleet, a plan gives the desired one, so planning
again finds nothing. Engines are tested against the same function.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import assert_never

from lockstep.model import (
    AddPermission,
    Alias,
    ApplyResource,
    Bucket,
    CreateFunction,
    DeleteAlias,
    DeleteFunction,
    DeleteLogGroup,
    DeleteVersion,
    Fleet,
    Function,
    Health,
    Plan,
    PublishLayer,
    PublishVersion,
    PutAlias,
    PutNotifications,
    PutResource,
    RemovePermission,
    RemoveResource,
    Resource,
    RunTerraform,
    SetCodeSigning,
    SetConcurrency,
    SetLogRetention,
    SetTags,
    ShiftAlias,
    SmokeTest,
    StagePackage,
    Step,
    Target,
    UpdateCode,
    UpdateConfiguration,
    Value,
    WriteManifests,
)
from lockstep.model.fields import BY_NAME, Call
from lockstep.model.target import environment_of
from lockstep.planning.notifications import merge

__all__ = ["replay"]


def replay(plan: Plan, live: Fleet) -> Fleet:
    """The live fleet after every step of the plan was done, in the plan's order."""
    for step in plan.steps:
        live = _do(step, live)
    return live


def _do(step: Step, live: Fleet) -> Fleet:
    match step:
        case (
            StagePackage() | DeleteLogGroup() | PublishLayer() | PublishVersion() | SmokeTest()
        ):  # what logs and versions hold is in no fleet
            return live
        case CreateFunction():
            created = replace(
                step.function,
                settings=_without_own_calls(step.function.settings),
                arn=live.scope(environment_of(step.target)).function_arn(step.function.name),
                health=Health.HEALTHY,
            )
            environment, _, service = step.target.rpartition("/")
            led = live.targets.get(step.target)  # what leads a function is there before it
            beside = led.resources if led is not None else ()
            target = Target(environment=environment, service=service, function=created, resources=beside)
            return replace(live, targets={**live.targets, step.target: target})
        case UpdateConfiguration():
            names = {_row_name(change.path) for change in step.changes}
            return _with_settings(live, step.target, step.function.settings, names)
        case UpdateCode():
            names = {_row_name(change.path) for change in step.changes} - {"code"}
            live = _with_settings(live, step.target, step.function.settings, names)
            return _with_function(live, step.target, lambda f: replace(f, code=step.function.code))
        case SetCodeSigning():
            return _with_setting(live, step.target, "codeSigningConfigArn", step.config)
        case SetConcurrency():
            return _with_setting(live, step.target, "reservedConcurrency", step.reserved)
        case SetLogRetention():
            return _with_setting(live, step.target, "logRetentionDays", step.days)
        case SetTags():
            return _with_function(
                live,
                step.target,
                lambda f: replace(
                    f,
                    tags={k: v for k, v in {**f.tags, **step.put}.items() if k not in step.remove},
                ),
            )
        case AddPermission():
            target = live.targets[step.target]
            statements = (*target.statements, replace(step.statement, sid=step.statement.content_id))
            return _with_target(live, step.target, replace(target, statements=statements))
        case RemovePermission():
            target = live.targets[step.target]
            gone = (step.qualifier, step.sid)
            kept = tuple(s for s in target.statements if (s.qualifier, s.sid) != gone)
            return _with_target(live, step.target, replace(target, statements=kept))
        case PutNotifications():
            there = live.buckets[step.bucket].raw
            raw = merge(there, put=step.put, remove=step.remove, switch_on=step.switch_on)
            bucket = Bucket(name=step.bucket, raw=raw)
            return replace(live, buckets={**live.buckets, step.bucket: bucket})
        case PutResource():
            return _with_resource(live, step.target, step.resource, step.moves_from)
        case RemoveResource():
            return _without_resource(live, step)
        case PutAlias():
            return _with_alias(live, step)
        case ShiftAlias():
            return _with_share(live, step)
        case DeleteVersion():
            target = live.targets[step.target]
            stay = tuple(one for one in target.versions if one.number != step.version)
            return _with_target(live, step.target, replace(target, versions=stay))
        case DeleteAlias():
            target = live.targets[step.target]
            left = tuple(one for one in target.aliases if one.name != step.alias)
            return _with_target(live, step.target, replace(target, aliases=left))
        case DeleteFunction():
            others = {arn: t for arn, t in live.others.items() if arn != step.function}
            return replace(live, others=others)
        case RunTerraform() | ApplyResource():
            raise TypeError("what Terraform does is told by its own plan")
        case WriteManifests():
            raise TypeError("what a cluster makes of manifests is seen when AWS is read")
        case _:
            assert_never(step)


def _with_resource(live: Fleet, key: str, resource: Resource, moves_from: str | None) -> Fleet:
    environment, _, service = key.rpartition("/")
    target = live.targets.get(key) or Target(environment=environment, service=service)
    places = {_place_of(resource)}
    if moves_from is not None:
        places.add(_place_of(replace(resource, qualifier=moves_from)))
    others = tuple(each for each in target.resources if _place_of(each) not in places)
    return _with_target(live, key, replace(target, resources=(*others, resource)))


def _without_resource(live: Fleet, step: RemoveResource) -> Fleet:
    """Also of a function that nothing declares any more."""
    place = _place_of(step.resource)

    def without(target: Target) -> Target:
        left = tuple(each for each in target.resources if _place_of(each) != place)
        return replace(target, resources=left)

    target = live.targets.get(step.target)
    if target is not None and target.function is not None and target.function.name == step.function:
        return _with_target(live, step.target, without(target))
    others = {
        arn: without(other) if other.function and other.function.name == step.function else other
        for arn, other in live.others.items()
    }
    return replace(live, others=others)


def _place_of(resource: Resource) -> tuple[str, str, str]:
    return resource.kind, resource.identity, resource.qualifier


def _with_alias(live: Fleet, step: PutAlias) -> Fleet:
    """The alias points at what the function is now, where a version was published for it."""
    target = live.targets[step.target]
    before = next((one for one in target.aliases if one.name == step.alias), None)
    number = before.version if before is not None else None
    if step.version is None:
        before = Alias(name=step.alias, version=_PUBLISHED, function=target.function)
    elif before is None or step.version != number:
        (found,) = (one for one in target.versions if one.number == step.version)
        before = Alias(name=step.alias, version=found.number, function=found.function)
    after = replace(before, weights={}, description=step.description)
    others = tuple(one for one in target.aliases if one.name != step.alias)
    return _with_target(live, step.target, replace(target, aliases=(*others, after)))


def _with_share(live: Fleet, step: ShiftAlias) -> Fleet:
    """The alias points where it did, and another version has its share."""
    target = live.targets[step.target]
    weights = {step.candidate or _PUBLISHED: step.weight} if step.weight else {}
    aliases = tuple(
        replace(one, weights=weights) if one.name == step.alias else one for one in target.aliases
    )
    return _with_target(live, step.target, replace(target, aliases=aliases))


_PUBLISHED = "0"  # no number that AWS gives


def _row_name(path: str) -> str:
    return "environment" if path.startswith("environment.") else path


def _without_own_calls(settings: Mapping[str, Value]) -> dict[str, Value]:
    own = {Call.CONCURRENCY, Call.RETENTION}
    return {name: value for name, value in settings.items() if BY_NAME[name].call not in own}


def _with_settings(live: Fleet, key: str, wanted: Mapping[str, Value], names: set[str]) -> Fleet:
    for name in sorted(names):
        live = _with_setting(live, key, name, wanted.get(name))
    return live


def _with_setting(live: Fleet, key: str, name: str, value: Value) -> Fleet:
    def change(function: Function) -> Function:
        settings = {k: v for k, v in function.settings.items() if k != name}
        if value is not None:
            settings[name] = value
        return replace(function, settings=settings)

    return _with_function(live, key, change)


def _with_function(live: Fleet, key: str, change: Callable[[Function], Function]) -> Fleet:
    target = live.targets[key]
    assert target.function is not None  # noqa: S101 - a step on a function follows its creation
    return _with_target(live, key, replace(target, function=change(target.function)))


def _with_target(live: Fleet, key: str, target: Target) -> Fleet:
    return replace(live, targets={**live.targets, key: target})
