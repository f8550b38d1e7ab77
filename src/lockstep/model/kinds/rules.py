"""Rules of EventBridge that call the function: for events that fit a pattern, or again and again.

Sources: EventBridge API reference (PutRule, PutTargets, RemoveTargets, DeleteRule, Target) and its service
model; user guide, "Event buses", "Input transformation", "Using resource-based policies".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.model.cron import FORMS, problem_of
from lockstep.model.fields import Field, Kind, Member
from lockstep.model.foreign import read_json
from lockstep.model.function import Value
from lockstep.model.kinds.base import (
    InTerraform,
    Resource,
    ResourceKind,
    compact,
    digest_of,
    is_json,
    let_in,
    named_after,
    unlisted,
)

__all__ = ["DEFAULT_BUS", "KIND", "PRINCIPAL", "sid_of", "target_of"]

DEFAULT_BUS = "default"
PRINCIPAL = "events.amazonaws.com"
_LONGEST = 64
_INPUTS = ("input", "inputPath", "inputTemplate")
_BUS = r"^[/.\-_A-Za-z0-9]{1,256}$"


def target_of(function: str) -> str:
    """The id of a function's target on a rule; those of others have other ids."""
    return f"lockstep-{digest_of(function)}"


def sid_of(identity: str) -> str:
    """The id of the statement that lets a rule call."""
    return f"lockstep-rules-{digest_of(identity)}"


def _identify(settings: Mapping[str, Value]) -> str:
    """The bus and the rule's name: AWS keeps one of each."""
    name = settings.get("name")
    return f"{settings.get('bus', DEFAULT_BUS)} {name}" if name else ""


def _usual(settings: Mapping[str, Value], function: str, name: str) -> Mapping[str, Value]:
    return {"name": named_after(function, name, _LONGEST)}


def _normal(settings: Mapping[str, Value]) -> Mapping[str, Value]:
    """With JSON written in one way."""
    return {
        name: compact(value) if name in ("pattern", "input") and isinstance(value, str) else value
        for name, value in settings.items()
    }


def _check(settings: Mapping[str, Value]) -> tuple[str, str, str] | None:
    """What EventBridge refuses of a rule."""
    pattern, schedule = settings.get("pattern"), settings.get("schedule")
    if (pattern is None) == (schedule is None):
        what = "both pattern and schedule" if pattern else "neither pattern nor schedule"
        return "", f"the rule has {what}", "give one of them: which events, or when"
    if pattern is not None and not is_json(str(pattern), dict):
        return (
            "pattern",
            f"the pattern {str(pattern)[:60]!r} is no JSON object",
            'write one, for example \'{"source": ["aws.s3"]}\'',
        )
    if pattern is not None and (wrong := unlisted(read_json(str(pattern)))) is not None:
        # Source: EventBridge user guide, "Creating Amazon EventBridge event patterns".
        return "pattern", f"{wrong} of the pattern has no list of values", f'write "{wrong}": [...]'
    if schedule is not None:
        if problem := problem_of(str(schedule)):
            return "schedule", f"{schedule} is no schedule: {problem}", "write for example rate(5 minutes)"
        if "bus" in settings:
            # Source: API reference, PutRule: scheduled rules are on the default event bus only.
            return "bus", "a rule with a schedule is on the default bus", "remove bus, or give a pattern"
    given = [name for name in _INPUTS if settings.get(name) is not None]
    if len(given) > 1:
        return given[1], f"{' and '.join(given)} are given", "keep one: what the function gets"
    if settings.get("input") is not None and not is_json(str(settings["input"])):
        return "input", "the input is no JSON", 'write one, for example \'{"kind": "nightly"}\''
    if settings.get("inputPaths") and settings.get("inputTemplate") is None:
        return "inputPaths", "inputPaths are for inputTemplate", "add inputTemplate"
    return None


def _admits(wanted: Resource, live: Resource | None) -> Iterator[Mapping[str, Any]]:
    bus, name = wanted.identity.split(" ", 1)
    path = name if bus == DEFAULT_BUS else f"{bus}/{name}"
    source = f"arn:aws:events:ap-southeast-1:123456789012:rule/{path}"
    return let_in(wanted, live, sid=sid_of(wanted.identity), principal=PRINCIPAL, source=source)


def _ids(function: str, one: Resource) -> tuple[str, ...]:
    rule = "/".join(one.identity.split(" ", 1))
    return rule, f"{rule}/{target_of(function)}"


def _is_enabled(state: Any, _: Mapping[str, Any]) -> Any:
    return str(state) != "DISABLED"


KIND = ResourceKind(
    name="rules",
    title="rule",
    about="EventBridge rules that call the function, each by a name of your choice: for events that fit a "
    "pattern, or by rate or cron. A preview has only those that are its own.",
    rows=(
        Field(
            name="name",
            api="Name",
            kind=Kind.STRING,
            about="Name of the rule in AWS; the function's and yours, joined by -, when absent.",
            pattern=r"^[.\-_A-Za-z0-9]{1,64}$",
            example="orders-{env}",
        ),
        Field(
            name="bus",
            api="EventBusName",
            kind=Kind.STRING,
            about="Event bus of the account, by name.",
            default=DEFAULT_BUS,
            pattern=_BUS,
        ),
        Field(
            name="pattern",
            api="EventPattern",
            kind=Kind.STRING,
            about="Which events, as JSON text.",
            pattern=r"^[\s\S]{1,4096}$",
            is_literal=True,
            example='{"source": ["aws.s3"]}',
        ),
        Field(
            name="schedule",
            api="ScheduleExpression",
            kind=Kind.STRING,
            about="When, in place of a pattern: rate(5 minutes) or cron(0 8 ? * MON-FRI *), in UTC.",
            pattern=r"^(rate|cron)\(.{1,250}\)$",
            example="rate(5 minutes)",
            says=FORMS,
        ),
        Field(
            name="description",
            api="Description",
            kind=Kind.STRING,
            about="Description of the rule.",
            default="",
            reset="",
            pattern=r"^.{0,512}$",
        ),
        Field(
            name="enabled",
            api="State",
            kind=Kind.BOOLEAN,
            about="Whether it calls. Absent: a new one does, and one that somebody disabled stays disabled.",
            read=_is_enabled,
            kept=True,
        ),
        Field(
            name="input",
            api="Targets.Input",
            kind=Kind.STRING,
            about="What the function gets in place of the event: JSON text.",
            pattern=r"^[\s\S]{1,8192}$",
            is_literal=True,
        ),
        Field(
            name="inputPath",
            api="Targets.InputPath",
            kind=Kind.STRING,
            about="Part of the event that the function gets.",
            pattern=r"^\$.{0,255}$",
            example="$.detail",
        ),
        Field(
            name="inputPaths",
            api="Targets.InputTransformer.InputPathsMap",
            kind=Kind.STRUCTS,
            about="Parts of the event by names that inputTemplate has in angle brackets.",
            default=(),
            maximum=100,
            members={
                "name": Member(api="Name", pattern=r"^[A-Za-z0-9_-]{1,256}$"),
                "path": Member(api="Path", pattern=r"^\$.{0,255}$"),
            },
        ),
        Field(
            name="inputTemplate",
            api="Targets.InputTransformer.InputTemplate",
            kind=Kind.STRING,
            about="What the function gets, with parts of the event in it.",
            pattern=r"^[\s\S]{1,8192}$",
            is_literal=True,
            example='{"order": <id>}',
        ),
        Field(
            name="maximumRetryAttempts",
            api="Targets.RetryPolicy.MaximumRetryAttempts",
            kind=Kind.INTEGER,
            about="How often an event that could not be handed over is tried again.",
            default=185,
            minimum=0,
            maximum=185,
        ),
        Field(
            name="maximumEventAge",
            api="Targets.RetryPolicy.MaximumEventAgeInSeconds",
            kind=Kind.INTEGER,
            about="How old such an event may be, in seconds.",
            default=86400,
            minimum=60,
            maximum=86400,
        ),
        Field(
            name="deadLetterQueue",
            api="Targets.DeadLetterConfig.Arn",
            gets=True,
            kind=Kind.STRING,
            about="ARN of the queue for events that could not be handed over.",
            pattern=r"^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[\w-]{1,80}$",
            example="arn:aws:sqs:eu-west-1:123456789012:failed",
        ),
        Field(
            name="missing",
            api="Missing",
            kind=Kind.SET,
            about="What the rule lacks to call the function: its target, or the permission",
            default=(),
            computed=True,
        ),
    ),
    reads=(
        "events:DescribeRule",
        "events:ListTargetsByRule",
        "events:ListTagsForResource",
        "events:ListEventBuses",
        "events:ListRules",
        "lambda:GetPolicy",
    ),
    writes=(
        "events:PutRule",
        "events:PutTargets",
        "events:TagResource",
        "lambda:AddPermission",
        "lambda:RemovePermission",
    ),
    removes=("events:RemoveTargets", "events:DeleteRule", "events:UntagResource", "lambda:RemovePermission"),
    proof=(),
    proofs={
        "events:DescribeRule": ("Name", "Arn"),
        "events:ListTargetsByRule": ("Targets[].Id", "Targets[].Arn"),
        "events:ListTagsForResource": ("Tags[].Key",),
        "events:ListEventBuses": ("EventBuses[].Name",),
        "events:ListRules": ("Rules[].Name", "Rules[].Arn"),
        "events:PutRule": ("RuleArn",),
        "events:PutTargets": ("FailedEntryCount",),
        "events:RemoveTargets": ("FailedEntryCount",),
    },
    left_out={
        "RoleArn": "a function is called by permission; what a rule that exists has stays",
        "Tags": "what says that Lockstep made the rule",
        "ResourceARN": "which rule it is",
        "Rule": "which rule it is",
        "Targets.Id": "which target it is",
        "Targets.Arn": "the function or its alias",
        "Targets.RoleArn": "a function is called by permission",
        **{
            f"Targets.{member}": "a function takes none"
            for member in (
                "AppSyncParameters",
                "BatchParameters",
                "EcsParameters",
                "HttpParameters",
                "KinesisParameters",
                "RedshiftDataParameters",
                "RunCommandParameters",
                "SageMakerPipelineParameters",
                "SqsParameters",
            )
        },
    },
    on={
        "events:DescribeRule": ":rule/*",
        "events:ListTargetsByRule": ":rule/*",
        "events:ListTagsForResource": ":rule/*",
        "events:ListEventBuses": ":*",
        "events:ListRules": ":*",
        "events:PutRule": ":rule/*",
        "events:PutTargets": ":rule/*",
        "events:TagResource": ":rule/*",
        "events:UntagResource": ":rule/*",
        "events:RemoveTargets": ":rule/*",
        "events:DeleteRule": ":rule/*",
    },
    terraform=InTerraform(
        resources={
            "aws_cloudwatch_event_rule": {
                "name": "name",
                "bus": "event_bus_name",
                "pattern": "event_pattern",
                "schedule": "schedule_expression",
                "description": "description",
                "enabled": "state",
            },
            "aws_cloudwatch_event_target": {
                "input": "input",
                "inputPath": "input_path",
                "inputPaths": "input_transformer.input_paths",
                "inputTemplate": "input_transformer.input_template",
                "maximumRetryAttempts": "retry_policy.maximum_retry_attempts",
                "maximumEventAge": "retry_policy.maximum_event_age_in_seconds",
                "deadLetterQueue": "dead_letter_config.arn",
            },
        },
        calls="arn",
        ids=_ids,
        sid=sid_of,
    ),
    stands_alone=True,
    sole=True,
    invites=True,
    moves=True,
    outlives=True,
    overlaps=True,
    identify=_identify,
    normal=_normal,
    usual=_usual,
    sources=("bus", "pattern", "schedule"),
    check=_check,
    admits=_admits,
)
