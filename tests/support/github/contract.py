"""GitHub's own description of its API, held against what is sent and what the stand-in answers.

REST: the OpenAPI document of npm ``@octokit/openapi``; GraphQL: the schema of npm
``@octokit/graphql-schema``. Requests are checked strictly: path, parameters, content type, body, and no
field that is not described. Answers may leave out fields, but those that are there have to be right.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tests.support.github.npm import NotThere, npm_file

__all__ = ["Contract", "contract_at_hand", "load_contract"]

_HERE = "urn:github"
_OPENAPI = ("@octokit/openapi", "23.0.2")
_GRAPHQL = ("@octokit/graphql-schema", "15.26.1", "schema.graphql")
# What the schemas do not say, though it happens: the repository of a fork that was deleted, and half an
# upload, of which only the description of the operation speaks.
_REALLY = ((["head", "repo"], None), (["state"], "starter"))


@lru_cache(maxsize=2)
def load_contract(edition: str = "api.github.com") -> "Contract":
    """The descriptions, fetched by npm once; ``edition`` may be ``ghes-3.17``. Raises npm.NotThere."""
    return Contract(npm_file(*_OPENAPI, f"generated/{edition}.json"), npm_file(*_GRAPHQL))


@lru_cache(maxsize=1)
def contract_at_hand() -> "Contract | None":
    """The description of github.com, None where npm cannot fetch it."""
    try:
        return load_contract()
    except NotThere:
        return None


class Contract:
    """Both descriptions, read when first needed."""

    def __init__(self, openapi: Path, schema: Path) -> None:
        from referencing import Registry
        from referencing.jsonschema import DRAFT4

        # References get a name in front, so that a part of the document can be checked by itself.
        self._document = json.loads(openapi.read_text().replace('"$ref": "#/', f'"$ref": "{_HERE}#/'))
        self._schema_file = schema
        self._templates = sorted(
            ((_pattern(template), template) for template in self._document["paths"]),
            key=lambda each: each[1].count("{"),
        )
        self._registry = Registry().with_resource(_HERE, DRAFT4.create_resource(self._document))
        self._validators: dict[tuple[str, bool], Any] = {}

    def request_problems(
        self, method: str, path: str, query: str, content_type: str | None, data: bytes
    ) -> list[str]:
        """What GitHub would not understand of a request."""
        found = self._operation(method, path)
        if found is None:
            return ["there is no such operation"]
        operation, values = found
        problems = []
        parameters = {
            (each["in"], each["name"]): each for each in map(self._resolved, operation.get("parameters", ()))
        }
        given = [("query", name, value) for name, value in parse_qsl(query, keep_blank_values=True)]
        for place, name, value in given + [("path", name, value) for name, value in values.items()]:
            parameter = parameters.get((place, name))
            if parameter is None:
                problems.append(f"{place} parameter {name} is not described")
                continue
            problems += self._problems(
                parameter["schema"], _typed(value, parameter["schema"]), is_partial=False
            )
        named = {name for _, name, _ in given}
        problems += [
            f"query parameter {name} is missing"
            for (place, name), each in parameters.items()
            if place == "query" and each.get("required") and name not in named
        ]
        return problems + self._body_problems(operation, content_type, data)

    def answer_problems(self, method: str, path: str, status: int, value: Any) -> list[str]:
        """What is not as described in an answer; errors and 304 are not looked at."""
        found = self._operation(method, path)
        if found is None or not 200 <= status < 300:
            return []
        responses = found[0]["responses"]
        if str(status) not in responses:
            return [f"status {status} is not described"]
        content = self._resolved(responses[str(status)]).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None or value is None:
            return []
        return self._problems(schema, value, is_partial=True)

    def graphql_problems(self, sent: Mapping[str, Any], answer: Any) -> list[str]:
        """What is not as described in a GraphQL request, or in the ``data`` that it got."""
        from graphql import execute, parse, validate
        from graphql.execution.values import get_variable_values

        document = parse(sent["query"])
        problems = [str(error) for error in validate(self._schema, document)]
        operation = next(each for each in document.definitions if each.kind == "operation_definition")
        values = get_variable_values(self._schema, operation.variable_definitions, dict(sent["variables"]))
        if isinstance(values, list):
            return problems + [str(error) for error in values]
        unknown = set(sent["variables"]) - {
            each.variable.name.value for each in operation.variable_definitions
        }
        problems += [f"variable {name} is not declared" for name in unknown]
        data = (answer or {}).get("data")
        if problems or data is None:
            return problems
        done = execute(self._schema, document, root_value=data, variable_values=dict(sent["variables"]))
        problems += [str(error) for error in done.errors or ()]
        if not problems and done.data != _without_typename(data):
            problems.append("the answer holds fields that were not asked for")
        return problems

    @property
    def _schema(self) -> Any:
        return _built(self._schema_file)

    def _body_problems(self, operation: Any, content_type: str | None, data: bytes) -> list[str]:
        body = operation.get("requestBody")
        if body is None:
            return ["no body is described"] if data else []
        kind = (content_type or "").partition(";")[0]
        content = body["content"]
        if "application/octet-stream" in content:
            return [] if data else ["the body is empty"]
        if not data:
            return ["the body is missing"] if body.get("required") else []
        if kind not in content:
            return [f"content type {kind} is not described"]
        schema, value = content[kind]["schema"], json.loads(data)
        problems = self._problems(schema, value, is_partial=False)
        known = self._properties(schema)
        return problems + [f"body: {name} is not described" for name in value if known and name not in known]

    def _operation(self, method: str, path: str) -> tuple[Any, dict[str, str]] | None:
        for pattern, template in self._templates:
            found = pattern.fullmatch(path)
            operation = self._document["paths"][template].get(method.lower()) if found else None
            if found and operation:
                names = re.findall(r"\{(\w+)\}", template)
                return operation, dict(zip(names, found.groups(), strict=True))
        return None

    def _resolved(self, value: Any) -> Any:
        while "$ref" in value:
            target = self._document
            for part in value["$ref"].removeprefix(f"{_HERE}#/").split("/"):
                target = target[part]
            value = target
        return value

    def _properties(self, schema: Any) -> set[str]:
        schema = self._resolved(schema)
        found = set(schema.get("properties", ()))
        for key in ("oneOf", "anyOf", "allOf"):
            for each in schema.get(key, ()):
                found |= self._properties(each)
        return found

    def _problems(self, schema: Any, value: Any, *, is_partial: bool) -> list[str]:
        key = (json.dumps(schema, sort_keys=True), is_partial)
        if key not in self._validators:
            self._validators[key] = _validator(self._registry, schema, is_partial=is_partial)
        return [
            f"{'/'.join(map(str, error.absolute_path)) or 'value'}: {error.message[:200]}"
            for error in self._validators[key].iter_errors(value)
            if not any(
                list(error.absolute_path)[-len(path) :] == path and error.instance == instance
                for path, instance in _REALLY
            )
        ]


def _validator(registry: Any, schema: Any, *, is_partial: bool) -> Any:
    return _rules(is_partial)(schema, registry=registry)


@lru_cache(maxsize=2)
def _rules(is_partial: bool) -> Any:
    from jsonschema.validators import extend
    from openapi_schema_validator import OAS30Validator

    kept: dict[str, Any] = {"enum": _enum}
    if is_partial:  # fields may be left out, so that several members of a oneOf may fit
        kept |= {"required": _anything, "oneOf": OAS30Validator.VALIDATORS["anyOf"]}
    return extend(OAS30Validator, kept)


def _enum(validator: Any, values: Any, value: Any, schema: Any) -> Any:
    """As ever, but null is allowed where the description says nullable without listing it."""
    from openapi_schema_validator import OAS30Validator

    if value is not None or not schema.get("nullable"):
        yield from OAS30Validator.VALIDATORS["enum"](validator, values, value, schema)


def _anything(*_: Any) -> None:
    """A rule that everything follows."""


def _pattern(template: str) -> re.Pattern[str]:
    """A path with names in it; a Git ref may hold slashes."""
    text = re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(template))
    if template.endswith(("/git/ref/{ref}", "/git/refs/{ref}", "/git/matching-refs/{ref}")):
        text = text.removesuffix("([^/]+)") + "(.+)"
    return re.compile(text)


def _typed(value: str, schema: Any) -> Any:
    match schema.get("type"):
        case "integer" if value.lstrip("-").isdecimal():
            return int(value)
        case "boolean" if value in ("true", "false"):
            return value == "true"
        case _:
            return value


def _without_typename(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_typename(each) for name, each in value.items() if name != "__typename"}
        case list():
            return [_without_typename(each) for each in value]
        case _:
            return value


@lru_cache(maxsize=1)
def _built(file: Path) -> Any:
    from graphql import build_schema

    return build_schema(file.read_text(), assume_valid=True, no_location=True)
