"""Fleets of what Terraform carries with the module lambda-fleet, drawn by a seed as AWS takes them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockstep.model import Fleet, Resource, Target
from lockstep.model.kinds import KINDS
from tests.support.clouds import ACCOUNT, REGION
from tests.support.projects import make_fleet, make_target, trigger

__all__ = ["BESIDE", "ELSEWHERE", "fleet_of"]

_QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
_STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:orders"
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/scheduler"
_API = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:abcdef1234/*"

BESIDE: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "asyncInvoke": {
        "maximumRetryAttempts": (0, 1),
        "maximumEventAge": (60, 3600),
        "onSuccess": (_QUEUE,),
        "onFailure": (_QUEUE, _TOPIC),
    },
    "recursion": {"loop": ("Allow",)},
    "runtimeManagement": {"updateOn": ("FunctionUpdate",)},
    "url": {
        "authType": ("AWS_IAM",),  # an address for everybody is refused
        "invokeMode": ("RESPONSE_STREAM",),
        "cors.allowOrigins": (["https://shop.example", "https://a.example"],),
        "cors.allowMethods": (["GET", "PUT"],),
        "cors.allowCredentials": (True,),
        "cors.maxAge": (60,),
    },
    "eventSources": {
        "source": (_QUEUE, _STREAM),
        "startingPosition": ("LATEST", "TRIM_HORIZON"),
        "enabled": (True, False),
        "batchSize": (1, 10, 50),
        "maximumBatchingWindow": (1, 300),
        "filters": ([{"pattern": '{"kind": ["b", "a"]}'}], [{"pattern": "{}"}, {"pattern": '{"a":[1]}'}]),
        "functionResponseTypes": (["ReportBatchItemFailures"],),
        "maximumConcurrency": (2, 10),
        "onFailure": (_QUEUE,),
        "maximumRetryAttempts": (0, 3),
        "maximumRecordAge": (60, 604800),
        "bisectBatchOnFunctionError": (True,),
        "parallelizationFactor": (2, 10),
        "tumblingWindow": (30,),
    },
    "permissions": {
        "principal": ("apigateway.amazonaws.com", "210987654321", "arn:aws:iam::210987654321:root"),
        "action": ("lambda:GetFunction",),
        "sourceArn": (_API,),
        "sourceAccount": (ACCOUNT,),
        "principalOrgId": ("o-a1b2c3d4e5",),
    },
    "rules": {
        "pattern": ('{"source": ["shop"], "detail": {"b": [1], "a": [2]}}',),
        "schedule": ("rate(5 minutes)", "cron(0 8 ? * MON-FRI *)"),
        "description": ("of the shop",),
        "enabled": (True, False),
        "input": ('{"b": 1, "a": 2}',),
        "inputPath": ("$.detail",),
        "inputPaths": ([{"name": "id", "path": "$.id"}, {"name": "at", "path": "$.time"}],),
        "inputTemplate": ('"<id> <at>"',),
        "maximumRetryAttempts": (0, 3),
        "maximumEventAge": (60,),
        "deadLetterQueue": (_QUEUE,),
    },
    "schedules": {
        "schedule": ("rate(5 minutes)", "cron(0 8 ? * MON-FRI *)"),
        "role": (_ROLE,),
        "timezone": ("Europe/Berlin",),
        "start": ("2026-01-01T00:00:00Z",),
        "end": ("2036-01-01T00:00:00Z",),
        "flexibleWindow": (15,),
        "description": ("of the shop",),
        "enabled": (True, False),
        "input": ('{"b": 1, "a": 2}',),
        "maximumRetryAttempts": (0, 3),
        "maximumEventAge": (60,),
        "deadLetterQueue": (_QUEUE,),
    },
    "topics": {
        "topic": (_TOPIC,),
        "filterPolicy": ('{"kind": ["b", "a"]}', '{"order": {"kind": ["urgent"]}}'),
        "filterPolicyScope": ("MessageBody",),
        "deadLetterQueue": (_QUEUE,),
    },
    "http": {
        "api": ("abcdef1234",),
        "route": ("GET /orders/{id}", "ANY /{proxy+}", "POST /orders"),
        "authorizationType": ("AWS_IAM",),
        "operationName": ("list",),
        "payloadFormatVersion": ("1.0",),
        "timeout": (5000,),
    },
}
"""By kind that the module has: values of rows that any function may have."""

ELSEWHERE = {"logSubscriptions", "provisionedConcurrency"}
"""Kinds that the module has and no target has here: the tests of kinds by Terraform do."""

_IGNORED = ("memorySize", "tags.team", "reservedConcurrency")


def fleet_of(seed: int) -> Fleet:
    """One or two targets, whose services no other seed has."""
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    first = _target(draw, f"service-{seed}", draw.choice(["staging", "preview/pr-7"]))
    others = [_target(draw, f"other-{seed}", "staging")] if draw.random() < 0.25 else []
    return make_fleet(first, *others)


def _target(draw: random.Random, service: str, environment: str) -> Target:
    """A target with fields, variables, tags, triggers and what stands beside it."""
    settings: dict[str, Any] = {
        "memorySize": draw.choice([None, 256, 1024]),
        "timeout": draw.choice([None, 30]),
        "description": draw.choice([None, f"Of {service}"]),
        "ephemeralStorage": draw.choice([None, 1024]),
        "tracing": draw.choice([None, "Active"]),
        "logging.format": draw.choice([None, "JSON"]),
        "reservedConcurrency": draw.choice([None, None, 2]),
        "environment": draw.choice([None, {"MODE": "fast"}, {"MODE": "fast", "HOST": "${h} %{x} \"'\n"}]),
    }
    key = f"{environment}/{service}"
    triggers = [trigger(f"{key}/{n}/", draw.choice(["", ".pdf"])) for n in range(draw.randint(0, 2))]
    alias = draw.choice([None, "live"])
    made = make_target(
        key,
        *triggers,
        settings=settings,
        tags=draw.choice([{}, {"team": "files"}]),
        source=f"number = '{service}'\n",
        version=f"1.0.{draw.randint(0, 9)}",
        alias=alias,
        ignore=tuple(draw.sample(_IGNORED, 1)) if draw.random() < 0.25 else (),
    )
    assert made.function is not None
    return replace(made, resources=tuple(_resources(draw, alias or "", service, made.function.name)))


def _resources(draw: random.Random, alias: str, service: str, function: str) -> list[Resource]:
    """Some of some kinds."""
    found: dict[tuple[str, str], Resource] = {}
    for name in draw.sample(sorted(BESIDE), 4):
        kind = KINDS[name]
        for label in ("a", "b")[: draw.randint(1, 2)] if kind.is_many else ("",):
            values = _values(draw, name)
            if name == "http":  # of one API no route is two functions'
                values["route"] = values["route"].replace("/", f"/{service}/{label}/", 1)
            one = kind.declared(values, alias, label, "", function)
            is_suited = kind.suits(one.settings, {"alias": alias} if alias else {}) is None
            if is_suited and (one.settings or kind.stands_alone):
                found.setdefault((name, one.identity), one)
    return list(found.values())


def _values(draw: random.Random, name: str) -> dict[str, Any]:
    """Values of a kind's rows that go together."""
    kind = KINDS[name]
    required = {row.name for row in kind.rows if row.required} | {"source"}
    while True:
        values = {
            row: draw.choice(taken)
            for row, taken in BESIDE[name].items()
            if draw.random() < 0.4 or row in required
        }
        if kind.check(kind.declared(values, "", "a", "", "f").settings) is None:
            return values
