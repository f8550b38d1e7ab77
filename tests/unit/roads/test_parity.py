"""ACK makes of its objects what the aws engine's plan makes of the same fleet, less what the report names.

The controller is played from its documented reconcile: what an object says is sent, by the names of AWS's API
(ACK writes initials in capitals, so letters are compared whatever their size), and nothing else is.
"""

import base64
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings

from lockstep.model import FIELDS, Bucket, Field, Fleet, Resource, Scope, Statement, Target, Value
from lockstep.model.fields import Kind, existing, normalise
from lockstep.model.kinds import KINDS
from lockstep.planning.planner import make_plan
from lockstep.planning.policy import RESOURCES_TAG, Rules
from lockstep.planning.replay import replay
from lockstep.roads.ack import ROAD
from lockstep.roads.ack_fields import BESIDE
from tests.support.fleets import desired_fleets
from tests.support.roads import documents, ground, project

_CALLS = {"reservedConcurrency": "ReservedConcurrentExecutions"}
"""Rows that are a call of their own with AWS, by the member of that call."""

_SCOPES = {
    name: Scope(account="123456789012", region="eu-west-1") for name in ("staging", "production", "preview")
}

_FLEETS = 200 if os.environ.get("LOCKSTEP_EVERY_FAULT") else 60  # all of them once a week

_OURS: Mapping[str, Mapping[str, Value]] = {"url": {"authType": "AWS_IAM"}}
"""Rows that refuse a target with any other value."""


def _sent(spec: Mapping[str, Any], api: str) -> Any:
    """What ACK sends for a member of AWS's API."""
    found: Any = spec
    for part in api.split("."):
        inner = found if isinstance(found, Mapping) else {}
        found = next((v for key, v in inner.items() if key.lower().rstrip("_") == part.lower()), None)
    return found


def _settings(spec: Mapping[str, Any], rows: Iterable[Field]) -> dict[str, Value]:
    """What AWS has after that, by our names and without its defaults."""
    made: dict[str, Value] = {}
    for row in rows:
        api = row.api or _CALLS.get(row.name)
        value = _sent(spec, api) if api and not row.computed else None
        if row.kind is Kind.STRUCTS:
            pairs = [[(name, _sent(one, by.api)) for name, by in row.members.items()] for one in value or ()]
            value = [{name: one for name, one in entry if one is not None} for entry in pairs]
        if value is not None and row.read is not None and not row.live:
            value = row.read(value, {"FunctionName": spec.get("name")})
        found = normalise(row, value) if value is not None else None
        if found is not None:
            made[row.name] = found
    return existing(made)


def _statements(alias: Mapping[str, Any] | None) -> set[tuple[str, str | None, str | None]]:
    listed = alias["spec"].get("permissions", ()) if alias else ()
    return {(one["statementID"], one["sourceARN"], one["sourceAccount"]) for one in listed}


def _taken(target: Target) -> Target:
    """The target as ACK takes it: what refuses it is another test's."""
    alias = target.alias or ("live" if target.triggers else None)
    resources = (
        replace(
            one,
            qualifier=KINDS[one.kind].on_alias(alias or ""),
            settings={**one.settings, **_OURS.get(one.kind, {})},
        )
        for one in target.resources
    )
    return replace(target, obstacle=None, ignore=(), alias=alias, resources=tuple(resources))


def _is_told(name: str, lost: Iterable[str]) -> bool:
    """Whether a row, or a member of its entries, is told as lost."""
    return any(f"{one}.".startswith(f"{name}.") for one in lost)


def _beside(
    target: Target, function: str, objects: Iterable[Mapping[str, Any]]
) -> dict[tuple[str, str], dict[str, Value]]:
    """The resources that ACK has a place for, by kind and identity; of the alias where there is one."""
    specs: list[tuple[str, Mapping[str, Any]]] = []
    home = "Function" if target.alias is None else "Alias"
    for one in objects:
        spec = one["spec"]
        match one["kind"]:
            case "FunctionURLConfig":
                assert spec.get("qualifier") == target.alias
                specs.append(("url", spec))
            case "EventSourceMapping":
                called = spec.get("functionName", function)
                assert called == (f"{function}:{target.alias}" if target.alias else function)
                specs.append(("eventSources", spec))
            case kind if kind == home and "functionEventInvokeConfig" in spec:
                specs.append(("asyncInvoke", spec["functionEventInvokeConfig"]))
    found: dict[tuple[str, str], dict[str, Value]] = {}
    for name, spec in specs:
        kind = KINDS[name]
        settings = dict(kind.normal(_settings(spec, kind.rows)))
        found[name, kind.identify(settings) if kind.identify else ""] = settings
    return found


def _wanted(resources: Iterable[Resource]) -> dict[tuple[str, str], dict[str, Value]]:
    return {(one.kind, one.identity): dict(one.settings) for one in resources if one.kind in BESIDE}


@settings(
    max_examples=_FLEETS,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    deadline=None,
)
@given(fleet=desired_fleets())
def test_ack_makes_what_the_aws_engine_makes(fleet: Fleet) -> None:
    """Settings, code, tags, who may call the alias, and what stands beside the function."""
    fleet = replace(fleet, targets={key: _taken(one) for key, one in fleet.targets.items()})
    made = ground(*fleet.targets.values(), project=project(name=fleet.project))
    rendering = ROAD.render(made)
    owners = {one.owner: one for one in rendering.manifests}
    told = {(one.target, one.field) for one in rendering.losses}
    called_by = {trigger.bucket for one in fleet.targets.values() for trigger in one.triggers}
    buckets = {name: Bucket(name=name) for name in called_by}
    live = Fleet(project=fleet.project, scopes=_SCOPES, buckets=buckets)
    after = replay(make_plan(fleet, live, Rules(project=made.project)), live)
    for key, target in fleet.targets.items():
        if key not in owners or key not in after.targets:
            continue
        objects = {one["kind"]: one for one in documents(owners[key])}
        spec, expected = objects["Function"]["spec"], after.targets[key].function
        assert expected is not None
        lost = {field for owner, field in told if owner == key}
        got = _settings(spec, FIELDS)
        differing = {
            name: (got.get(name), expected.settings.get(name))
            for name in got.keys() | expected.settings.keys()
            if got.get(name) != expected.settings.get(name)
        }
        unsaid = {name: pair for name, pair in differing.items() if not _is_told(name, lost)}
        assert unsaid == {}, unsaid
        package = expected.code.package
        assert package is not None
        assert base64.b64decode(spec["code"]["sha256"]).hex() == package.sha256
        assert (spec["code"]["s3Bucket"], spec["code"]["s3Key"]) == (package.bucket, package.key)
        tags = {name: value for name, value in expected.tags.items() if not name.startswith(RESOURCES_TAG)}
        assert {name: one for name, one in spec["tags"].items() if not name.startswith(RESOURCES_TAG)} == tags
        statements: Iterable[Statement] = after.targets[key].statements
        assert _statements(objects.get("Alias")) == {
            (one.content_id, one.source_arn, one.source_account) for one in statements if one.qualifier
        }
        resources = _beside(target, expected.name, documents(owners[key]))
        wanted = _wanted(after.targets[key].resources)
        assert resources.keys() == wanted.keys()
        for one, found in resources.items():
            kind = KINDS[one[0]]
            differing = {n for n in found.keys() | wanted[one].keys() if found.get(n) != wanted[one].get(n)}
            assert {kind.path(row) for row in kind.rows if row.name in differing} <= lost
