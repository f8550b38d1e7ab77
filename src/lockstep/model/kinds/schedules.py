"""Schedules of EventBridge Scheduler that call the function: again and again, or once.

Sources: EventBridge Scheduler API reference (CreateSchedule, UpdateSchedule, FlexibleTimeWindow, Target) and
its service model; user guide, "Schedule types", "Managing targets".
"""

from collections.abc import Mapping
from typing import Any

from lockstep.model.cron import FORMS, problem_of, zone_problem
from lockstep.model.fields import Field, Kind
from lockstep.model.function import Value
from lockstep.model.kinds.base import InTerraform, ResourceKind, compact, is_json, moment, named_after

__all__ = ["DEFAULT_GROUP", "KIND"]

DEFAULT_GROUP = "default"
_LONGEST = 64
_NAME = r"^[0-9a-zA-Z\-_.]{1,64}$"
_MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"


def _identify(settings: Mapping[str, Value]) -> str:
    """The group and the schedule's name: AWS keeps one of each."""
    name = settings.get("name")
    return f"{settings.get('group', DEFAULT_GROUP)} {name}" if name else ""


def _usual(settings: Mapping[str, Value], function: str, name: str) -> Mapping[str, Value]:
    return {"name": named_after(function, name, _LONGEST)}


def _normal(settings: Mapping[str, Value]) -> Mapping[str, Value]:
    """With JSON written in one way."""
    given = settings.get("input")
    return {**settings, "input": compact(given)} if isinstance(given, str) else settings


def _check(settings: Mapping[str, Value]) -> tuple[str, str, str] | None:
    """What the Scheduler refuses of a schedule."""
    schedule, zone = settings.get("schedule"), settings.get("timezone")
    if schedule is not None and (problem := problem_of(str(schedule), once=True)):
        return (
            "schedule",
            f"{schedule} is no schedule: {problem}",
            "write for example cron(0 8 ? * MON-FRI *)",
        )
    if zone is not None and (problem := zone_problem(str(zone))):
        return "timezone", problem, "write a name of the IANA's, for example Europe/Berlin"
    start, end = settings.get("start"), settings.get("end")
    if str(schedule).startswith("at(") and (start or end):
        # Source: API reference, StartDate and EndDate: ignored for one-time schedules.
        return "start" if start else "end", "what happens once has no start and no end", "remove them"
    if start and end and str(start) >= str(end):
        return "end", f"the end, {end}, is not after the start, {start}", "write a later end"
    if settings.get("input") is not None and not is_json(str(settings["input"])):
        return "input", "the input is no JSON", 'write one, for example \'{"kind": "nightly"}\''
    return None


def _is_enabled(state: Any, _: Mapping[str, Any]) -> Any:
    return str(state) != "DISABLED"


KIND = ResourceKind(
    name="schedules",
    title="schedule",
    about="Schedules of EventBridge Scheduler that call the function, each by a name of your choice: by "
    "rate, by cron in a time zone, or once. A preview has only those that are its own.",
    rows=(
        Field(
            name="name",
            api="Name",
            kind=Kind.STRING,
            about="Name of the schedule in AWS; the function's and yours, joined by -, when absent.",
            pattern=_NAME,
            example="nightly-{env}",
        ),
        Field(
            name="group",
            api="GroupName",
            kind=Kind.STRING,
            about="Schedule group, which has to be there.",
            default=DEFAULT_GROUP,
            pattern=_NAME,
        ),
        Field(
            name="schedule",
            api="ScheduleExpression",
            kind=Kind.STRING,
            about="When: rate(5 minutes), cron(0 8 ? * MON-FRI *) or at(2026-12-24T18:00:00).",
            pattern=r"^(rate|cron|at)\(.{1,250}\)$",
            required=True,
            example="rate(5 minutes)",
            says=FORMS,
        ),
        Field(
            name="timezone",
            api="ScheduleExpressionTimezone",
            kind=Kind.STRING,
            about="Time zone of cron and at, by the IANA's name.",
            default="UTC",
            pattern=r"^[\w+\-/]{1,50}$",
            example="Europe/Berlin",
        ),
        Field(
            name="start",
            api="StartDate",
            kind=Kind.STRING,
            about="Not before, in UTC.",
            pattern=_MOMENT,
            read=moment,
            example="2026-12-01T00:00:00Z",
        ),
        Field(
            name="end",
            api="EndDate",
            kind=Kind.STRING,
            about="Not after, in UTC.",
            pattern=_MOMENT,
            read=moment,
            example="2027-01-01T00:00:00Z",
        ),
        Field(
            name="flexibleWindow",
            api="FlexibleTimeWindow.MaximumWindowInMinutes",
            kind=Kind.INTEGER,
            about="Minutes within which it may call; on time when absent.",
            minimum=1,
            maximum=1440,
        ),
        Field(
            name="description",
            api="Description",
            kind=Kind.STRING,
            about="Description of the schedule.",
            default="",
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
            name="role",
            api="Target.RoleArn",
            kind=Kind.STRING,
            about="ARN of the role that the Scheduler calls the function with.",
            pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$",
            required=True,
            example="arn:aws:iam::123456789012:role/scheduler",
        ),
        Field(
            name="input",
            api="Target.Input",
            kind=Kind.STRING,
            about="What the function gets: JSON text.",
            pattern=r"^[\s\S]{1,262144}$",
            is_literal=True,
        ),
        Field(
            name="maximumRetryAttempts",
            api="Target.RetryPolicy.MaximumRetryAttempts",
            kind=Kind.INTEGER,
            about="How often a call that could not be made is tried again.",
            default=185,
            minimum=0,
            maximum=185,
        ),
        Field(
            name="maximumEventAge",
            api="Target.RetryPolicy.MaximumEventAgeInSeconds",
            kind=Kind.INTEGER,
            about="How old such a call may be, in seconds.",
            default=86400,
            minimum=60,
            maximum=86400,
        ),
        Field(
            name="deadLetterQueue",
            api="Target.DeadLetterConfig.Arn",
            gets=True,
            kind=Kind.STRING,
            about="ARN of the queue for calls that could not be made.",
            pattern=r"^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[\w-]{1,80}$",
            example="arn:aws:sqs:eu-west-1:123456789012:failed",
        ),
        Field(
            name="kmsKeyArn",
            api="KmsKeyArn",
            kind=Kind.STRING,
            about="Key that encrypts the schedule's data.",
            pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[\w-]+$",
            example="arn:aws:kms:eu-west-1:123456789012:key/1234",
        ),
    ),
    reads=("scheduler:GetSchedule", "scheduler:ListSchedules"),
    writes=("scheduler:CreateSchedule", "scheduler:UpdateSchedule"),
    removes=("scheduler:DeleteSchedule",),
    proof=("ScheduleArn",),
    proofs={
        "scheduler:GetSchedule": ("Name", "ScheduleExpression", "Target.Arn"),
        "scheduler:ListSchedules": ("Schedules[].Name", "Schedules[].GroupName"),
        "scheduler:DeleteSchedule": (),
    },
    left_out={
        "ClientToken": "botocore makes one for each call",
        "ActionAfterCompletion": "the next sync would make again what deletes itself; what one has stays",
        "FlexibleTimeWindow.Mode": "FLEXIBLE where flexibleWindow is declared",
        "Target.Arn": "the function or its alias",
        **{
            f"Target.{member}": "a function takes none"
            for member in (
                "EcsParameters",
                "EventBridgeParameters",
                "EventBridgePutEventsV2Parameters",
                "EventBridgePutRawEventsParameters",
                "KinesisParameters",
                "SageMakerPipelineParameters",
                "SqsParameters",
            )
        },
    },
    on={
        "scheduler:GetSchedule": ":schedule/*",
        "scheduler:ListSchedules": ":*",
        "scheduler:CreateSchedule": ":schedule/*",
        "scheduler:UpdateSchedule": ":schedule/*",
        "scheduler:DeleteSchedule": ":schedule/*",
    },
    terraform=InTerraform(
        resources={
            "aws_scheduler_schedule": {
                "name": "name",
                "group": "group_name",
                "schedule": "schedule_expression",
                "timezone": "schedule_expression_timezone",
                "start": "start_date",
                "end": "end_date",
                "flexibleWindow": "flexible_time_window.maximum_window_in_minutes",
                "description": "description",
                "enabled": "state",
                "role": "target.role_arn",
                "input": "target.input",
                "maximumRetryAttempts": "target.retry_policy.maximum_retry_attempts",
                "maximumEventAge": "target.retry_policy.maximum_event_age_in_seconds",
                "deadLetterQueue": "target.dead_letter_config.arn",
                "kmsKeyArn": "kms_key_arn",
            }
        },
        calls="target.arn",
        ids=lambda _, one: ("/".join(one.identity.split(" ", 1)),),
    ),
    passes="role",
    stands_alone=True,
    sole=True,
    invites=True,
    moves=True,
    outlives=True,
    overlaps=True,
    at_once=True,
    own_only=True,
    rival="rules",
    identify=_identify,
    normal=_normal,
    usual=_usual,
    sources=("schedule",),
    check=_check,
)
