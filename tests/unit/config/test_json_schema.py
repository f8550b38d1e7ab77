"""The published schemas are those of the tables and judge files as Lockstep does."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from lockstep.config.json_schema import FILES, schemas
from tests.unit.config.conftest import PROJECT, SAMPLE

FOLDER = Path(__file__).parents[3] / "docs" / "schemas"


def errors(name: str, value: Any) -> list[str]:
    """What jsonschema says of a value."""
    return [error.message for error in Draft202012Validator(schemas()[name]).iter_errors(value)]


@pytest.mark.parametrize("name", FILES)
def test_the_committed_schema_is_the_generated_one(name: str) -> None:
    """Run ``python -m lockstep.config.json_schema docs/schemas`` after changing a table."""
    committed = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(schemas()[name]))
    Draft202012Validator.check_schema(committed)


def test_the_sample_is_valid() -> None:
    """The project file and every layer of it."""
    assert errors("lockstep.schema.json", yaml.safe_load(PROJECT)) == []
    for path, text in SAMPLE.items():
        if path != "lockstep.yaml":
            assert errors("values.schema.json", yaml.safe_load(text)) == [], path


@pytest.mark.parametrize(
    "text",
    [
        "lambda: {memorysize: 1}",
        "lambda: {version: 0.10}",
        "lambda: {timeout: 5401}",
        "lambda: {logRetentionDays: 8}",
        "lambda: {tracing: activ}",
        "lambda: {vpc: {subnets: []}}",
        "lambda: {environment: {AWS_REGION: x}}",
        "lambda: {environment: {AB: {vault: x}}}",
        "lambda: {triggers: [{prefx: x}]}",
        "lambda: {fileSystems: [{arn: x}]}",
        "lambda: {layers: [null]}",
        "lambda: {layers: [one]}",
        "enabled: 'no'",
    ],
)
def test_mistakes_in_values_are_shown_while_typing(text: str) -> None:
    """Each is an error of Lockstep's too."""
    assert errors("values.schema.json", yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        "environment: {}",
        "environments: {staging: {prun: true}}",
        "account: 123456789012",
        "region: europe",
        "artifacts: {source: gitlab}",
        "functionDefaults: {memorysize: 1}",
    ],
)
def test_mistakes_in_the_project_file_are_shown_while_typing(text: str) -> None:
    """Each is an error of Lockstep's too."""
    assert errors("lockstep.schema.json", yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        "lambda: {timeout: null, environment: {AB: null, CD: 1, EF: true, GH: {ssm: x}}}",
        "lambda: {layers: [{ssm: /layers/base}]}",
        "lambda: {role: 'arn:aws:iam::123456789012:role/{service}', layers: ['{env}']}",
        "lambda: {vpc.subnetIds: [subnet-1], logging.format: JSON}",
        "lambda: {tags: {a: null}}",
        "replicas: 2",
    ],
)
def test_what_lockstep_takes_is_valid(text: str) -> None:
    """Nulls, templates, dotted spellings, keys of other tools."""
    assert errors("values.schema.json", yaml.safe_load(text)) == []


def test_every_key_is_described() -> None:
    """Editors show the descriptions."""
    block = schemas()["values.schema.json"]["properties"]["lambda"]["properties"]
    assert all(body.get("description") for body in block.values())
