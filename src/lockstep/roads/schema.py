"""Objects against the schemas that custom resources are published with, as Kubernetes judges them.

Source: Kubernetes documentation, "Extend the Kubernetes API with CustomResourceDefinitions": structural
schemas, unknown fields (refused, as ``kubectl --validate=strict`` and server-side field validation do),
``null`` in a field that is not nullable (dropped). Of rules in CEL the one that these resources have is
judged, ``self == oldSelf``, which the API server asks of an object that was there before.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from lockstep.roads.base import Object
from lockstep.roads.writing import Said

__all__ = ["Schemas", "problems_of", "schemas_of"]

Schemas: TypeAlias = Mapping[tuple[str, str], Mapping[str, Any]]
"""Schemas by apiVersion and kind."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (Mapping,),
    "array": (list, tuple),
}


def schemas_of(documents: Iterable[Any]) -> Schemas:
    """The schemas in documents that were read; what is no definition of a resource is left out."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in documents:
        if not isinstance(one, Mapping) or one.get("kind") != "CustomResourceDefinition":
            continue
        spec = one["spec"]
        for version in spec["versions"]:
            if version.get("served"):
                name = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                found[name] = version["schema"]["openAPIV3Schema"]
    return found


_FIXED = "self == oldSelf"


def problems_of(one: Object, schemas: Schemas, before: Object | None = None) -> Iterator[str]:
    """What Kubernetes would refuse of an object; nothing where its kind has no schema here.

    ``before`` is the object as it was, where there was one.
    """
    schema = schemas.get((str(one.get("apiVersion")), str(one.get("kind"))))
    if schema is not None:
        inner = {**schema.get("properties", {}), "metadata": {"x-kubernetes-preserve-unknown-fields": True}}
        yield from _judge(one, {**schema, "properties": inner}, "", before)


def _judge(value: Any, schema: Mapping[str, Any], path: str, old: Any = None) -> Iterator[str]:
    if isinstance(value, Said):
        value = value.value
    if value is None:
        return
    at = path or "the object"
    if schema.get("x-kubernetes-int-or-string"):
        if not isinstance(value, int | str) or isinstance(value, bool):
            yield f"{at} is neither a number nor a text"
        return
    for rule in schema.get("x-kubernetes-validations", ()):
        if rule.get("rule") == _FIXED and old is not None and value != old:
            yield f"{at} was {old!r}, and stays so: {rule.get('message') or _FIXED}"
    wanted = schema.get("type")
    if wanted is not None and not _is_a(value, wanted):
        yield f"{at} is no {wanted}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is {value!r}, and may be {', '.join(map(str, schema['enum']))}"
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at} does not fit {schema['pattern']}"
        if len(value) > schema.get("maxLength", len(value)) or len(value) < schema.get("minLength", 0):
            yield f"{at} has {len(value)} characters"
    elif isinstance(value, Mapping):
        yield from _members(value, schema, path, old if isinstance(old, Mapping) else {})
    elif isinstance(value, list | tuple):
        if len(value) > schema.get("maxItems", len(value)) or len(value) < schema.get("minItems", 0):
            yield f"{at} has {len(value)} entries"
        for number, item in enumerate(value):
            yield from _judge(item, schema.get("items", {}), f"{path}[{number}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        least, most = schema.get("minimum", value), schema.get("maximum", value)
        yield from [f"{at} is {value}, which is out of bounds"] if not least <= value <= most else []


def _members(
    value: Mapping[str, Any], schema: Mapping[str, Any], path: str, old: Mapping[str, Any]
) -> Iterator[str]:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties")
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or others is True
    for name in schema.get("required", ()):
        if value.get(name) is None:
            yield f"{_joined(path, name)} is missing"
    for name, item in value.items():
        if name in known:
            yield from _judge(item, known[name], _joined(path, name), old.get(name))
        elif isinstance(others, Mapping):
            yield from _judge(item, others, _joined(path, name))
        elif not is_open and not (path == "" and name in ("apiVersion", "kind")):
            yield f"{_joined(path, name)} is no field there"


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_a(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    if wanted == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[wanted])
