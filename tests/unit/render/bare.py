"""What a written plan has to hold: the whole plan, without the value of any secret."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockstep.model import (
    Change,
    CreateFunction,
    Function,
    Plan,
    PublishVersion,
    PutNotifications,
    PutResource,
    RemoveResource,
    Resource,
    Secret,
    TargetPlan,
    UpdateCode,
    UpdateConfiguration,
    Value,
)
from lockstep.render.masks import concealed, concealed_change

__all__ = ["without_secrets"]


def without_secrets(plan: Plan) -> Plan:
    """The plan as a file can hold it: every secret is there, none has a value."""
    return replace(
        plan,
        targets=tuple(_bare_target(target) for target in plan.targets),
        steps=tuple(_bare_step(step) for step in plan.steps),
    )


def _bare_target(target: TargetPlan) -> TargetPlan:
    return replace(target, changes=_bare_changes(target.changes))


def _bare_step(step: Any) -> Any:
    match step:
        case UpdateConfiguration() | UpdateCode():
            return replace(step, function=_bare_function(step.function), changes=_bare_changes(step.changes))
        case CreateFunction() | PublishVersion():
            return replace(step, function=_bare_function(step.function))
        case PutResource():
            resource = _bare_resource(step.resource)
            return replace(step, resource=resource, changes=_bare_changes(step.changes))
        case RemoveResource():
            return replace(step, resource=_bare_resource(step.resource))
        case PutNotifications():
            return replace(step, put=tuple(_plain(entry) for entry in step.put))
        case _:
            return step


def _bare_changes(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    hidden = (concealed_change(change) for change in changes)
    return tuple(
        Change(path=change.path, old=_without_values(change.old), new=_without_values(change.new))
        for change in hidden
    )


def _bare_function(function: Function) -> Function:
    """The function with its secrets' values taken out of the settings."""
    settings = {name: _without_values(concealed(name, v)) for name, v in function.settings.items()}
    return replace(function, settings=settings)


def _bare_resource(resource: Resource) -> Resource:
    """The resource with its secrets' values taken out of the settings."""
    settings = {name: _without_values(concealed(name, v)) for name, v in resource.settings.items()}
    return replace(resource, settings=settings)


def _plain(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """An API structure with lists where it has tuples, as JSON gives it back."""
    result: Mapping[str, Any] = json.loads(json.dumps(entry))
    return result


def _without_values(value: Value) -> Value:
    """The value with the content of every Secret taken out; where it came from stays."""
    match value:
        case Secret():
            return Secret(None, value.reference)
        case Mapping():
            return {key: _without_values(item) for key, item in value.items()}
        case tuple() | list():
            return tuple(_without_values(item) for item in value)
        case _:
            return value
