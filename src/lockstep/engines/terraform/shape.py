"""One function in the shape of the module lambda-fleet's variable ``functions``.

Names are those of the field table in snake_case; a value at AWS's default is left out.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any

from lockstep.model import FIELDS, Reference, Resource, Secret, Target, Value
from lockstep.model.fields import APART
from lockstep.model.kinds import KINDS
from lockstep.planning.policy import continued_tags

__all__ = ["function_value"]


def function_value(target: Target) -> tuple[dict[str, Any], dict[str, str]]:
    """The target's value, and its secret environment variables, which are passed apart."""
    function = target.function
    assert function is not None  # noqa: S101 - only such targets are passed
    code = function.code
    package = code.package
    value: dict[str, Any] = {"function_name": function.name}
    if target.version is not None:
        value["version"] = target.version
    if target.commit is not None:
        value["commit"] = target.commit
    if target.alias is not None:
        value["alias"] = target.alias
    if target.is_rolled:
        value["rollout"] = True
    if code.image:
        value["code"] = {"image": code.image}
    elif package is not None:
        value["code"] = {
            "bucket": package.bucket,
            "key": package.key,
            "source_code_hash": base64.b64encode(bytes.fromhex(package.sha256)).decode(),
        }
        if package.object_version:
            value["code"]["object_version"] = package.object_version
    secrets: dict[str, str] = {}
    for row in FIELDS:
        setting = function.settings.get(row.name)
        if setting is None:
            continue
        if row.name == "environment":
            plain, secrets = _apart(setting)
            if plain:
                value["environment"] = plain
            continue
        group, _, name = row.name.rpartition(".")
        place = value.setdefault(_snake(group), {}) if group else value
        place[_snake(name)] = _json(setting)
    made = [one for one in target.resources if KINDS[one.kind].terraform]  # whoever hands over tells others
    for resource in made:
        name = _snake(resource.kind)
        if resource.name:
            value.setdefault(name, {})[resource.name] = _resource(resource)
        else:
            value[name] = _resource(resource)
    # What one tag holds the module makes itself; it can count no characters.
    own = continued_tags(target, {one.word for one in made} | (APART & function.settings.keys()))
    tags = {key: text for key, text in sorted({**function.tags, **own}.items()) if text is not None}
    if tags:
        value["tags"] = tags
    if target.triggers:
        value["triggers"] = [
            {
                "bucket": trigger.bucket,
                "prefix": trigger.prefix,
                "suffix": trigger.suffix,
                "events": list(trigger.events),
            }
            for trigger in target.triggers
        ]
    return value, secrets


def _resource(resource: Resource) -> dict[str, Any]:
    """What stands beside the function, by the names of its kind's rows."""
    value: dict[str, Any] = {}
    for row in KINDS[resource.kind].rows:
        if row.name in resource.settings:
            group, _, name = row.name.rpartition(".")
            place = value.setdefault(_snake(group), {}) if group else value
            place[_snake(name)] = _json(resource.settings[row.name])
    return value


def _apart(variables: Value) -> tuple[dict[str, str], dict[str, str]]:
    plain: dict[str, str] = {}
    secrets: dict[str, str] = {}
    items = variables.items() if isinstance(variables, Mapping) else ()
    for name, value in items:
        match value:
            case Secret(value=str() as text):
                secrets[name] = text
            case Secret() | Reference() | None:
                pass  # not resolved; a plan is never made from such a fleet
            case _:
                plain[name] = str(value)
    return plain, secrets


def _json(value: Value) -> Any:
    match value:
        case Mapping():
            return {_snake(key): _json(item) for key, item in value.items()}
        case tuple() | list():
            return [_json(item) for item in value]
        case _:
            return value


def _snake(name: str) -> str:
    """``memorySize`` is ``memory_size``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
