"""The JSON Schemas for editors, made from the tables of ``schema``.

    python -m lockstep.config.json_schema docs/schemas

Editors judge files before templates are filled in, so a text with braces fits every pattern.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockstep.config import rules
from lockstep.config.hold import HOLD_KEYS
from lockstep.config.schema import LAMBDA, LAYER, PROJECT
from lockstep.config.serve_schema import SERVE
from lockstep.config.shapes import Key, Shape

__all__ = ["FILES", "schema_of", "schemas"]

FILES = ("lockstep.schema.json", "values.schema.json", "serve.schema.json")
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


_HELD = {
    "type": ["object", "null"],
    "description": "What lockstep rollback notes; lockstep release-hold removes it.",
    "additionalProperties": False,
    "properties": {
        "hold": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {
                name: {"type": ["string", "null"], "description": about} for name, about in HOLD_KEYS.items()
            },
        }
    },
}


def schemas() -> Mapping[str, dict[str, Any]]:
    """All schemas by file name."""
    project = schema_of(PROJECT) | {"type": "object"}
    values = {
        "type": "object",
        "description": "config.yaml, values.yaml and NAME.values.yaml of a Lockstep tree. "
        "Keys other than these belong to other tools.",
        "properties": {
            "serviceName": {"type": "string", "description": "The folder's service."},
            "envName": {"type": "string", "description": "The folder's environment."},
            "deploymentType": {
                "type": "string",
                "description": "lambda, layer, or what another tool deploys.",
            },
            "enabled": {"type": "boolean", "description": "false leaves the service out."},
            "lambda": schema_of(LAMBDA),
            "layer": schema_of(LAYER),
            "lockstep": _HELD,
        },
    }
    return {
        FILES[0]: {"$schema": _DRAFT, "title": "lockstep.yaml", **project},
        FILES[1]: {"$schema": _DRAFT, "title": "Lockstep values", **values},
        FILES[2]: {"$schema": _DRAFT, "title": "lockstep-serve.yaml", **schema_of(SERVE), "type": "object"},
    }


def schema_of(key: Key) -> dict[str, Any]:
    """The schema of one key. Null is allowed: it deletes, or says nothing."""
    about = {"description": key.about} if key.about else {}
    body = _body(key)
    if key.short is not None:
        body = {"anyOf": [_body(key), schema_of(key.short)]}
    return {**about, **body, **key.extra}


def _body(key: Key) -> dict[str, Any]:
    match key.shape:
        case Shape.STRING:
            return _string(key)
        case Shape.INTEGER | Shape.NUMBER:
            return _number(key)
        case Shape.BOOLEAN:
            return {"type": ["boolean", "null"]}
        case Shape.LIST:
            items = {"items": _not_null(schema_of(key.item))} if key.item is not None else {}
            most = {} if key.most is None else {"maxItems": key.most}
            return {"type": ["array", "null"], **items, **most}
        case Shape.MAP:
            return _map(key)
        case Shape.OPEN:
            item = {} if key.item is None else {"additionalProperties": schema_of(key.item)}
            return {"type": ["object", "null"], **item}
        case Shape.ENVIRONMENT:
            return _environment()
        case Shape.STATEMENTS:
            return {"type": ["array", "object", "null"]}
        case Shape.TAGS:
            return {
                "type": ["object", "null"],
                "additionalProperties": {"type": ["string", "null"], "maxLength": 256},
            }


def _string(key: Key) -> dict[str, Any]:
    body: dict[str, Any] = {"type": ["string", "null"]}
    if key.enum:
        return {"enum": [*key.enum, None]}
    if key.pattern:
        body["pattern"] = rf"\{{|{key.pattern}"
    if key.example:
        body["examples"] = [key.example.strip('"')]
    return body


def _number(key: Key) -> dict[str, Any]:
    if key.enum:
        return {"enum": [*map(int, key.enum), None]}
    body: dict[str, Any] = {"type": [key.shape.value, "null"]}
    if key.minimum is not None:
        body["minimum"] = key.minimum
    if key.maximum is not None:
        body["maximum"] = key.maximum
    return body


def _map(key: Key) -> dict[str, Any]:
    properties = {member.name: schema_of(member) for member in key.members}
    for dotted in key.also:
        group, _, name = dotted.rpartition(".")
        properties[dotted] = schema_of(key.by_name[group].by_name[name])
    body: dict[str, Any] = {
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": False,
    }
    if key.is_choice:
        body |= {"minProperties": 1, "maxProperties": 1}
    required = [member.name for member in key.members if member.required]
    return {**body, "required": required} if required else body


def _environment() -> dict[str, Any]:
    references = [
        {
            "type": "object",
            "properties": {store: {"type": "string", "description": about}},
            "required": [store],
            "additionalProperties": False,
        }
        for store, about in (
            ("ssm", "Name of a parameter in Parameter Store."),
            ("secret", "Name of a secret in Secrets Manager."),
        )
    ]
    return {
        "type": ["object", "null"],
        "propertyNames": {
            "pattern": "^[A-Za-z][A-Za-z0-9_]+$",
            "not": {"enum": sorted(rules.RESERVED_VARIABLES)},
        },
        "additionalProperties": {"anyOf": [{"type": ["string", "number", "boolean", "null"]}, *references]},
    }


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Items of lists cannot be null."""
    if isinstance(schema.get("type"), list):
        return {**schema, "type": schema["type"][0]}
    if "anyOf" in schema:
        return {**schema, "anyOf": [_not_null(option) for option in schema["anyOf"]]}
    if "enum" in schema:
        return {**schema, "enum": [option for option in schema["enum"] if option is not None]}
    return schema


def main() -> None:
    """Write the files into a folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / name).write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
