"""Log groups whose events the function gets: subscription filters of CloudWatch Logs.

Sources: CloudWatch Logs API reference (PutSubscriptionFilter, DescribeSubscriptionFilters) and its service
model; user guide, "Log group-level subscription filters" (a subscribed function whose own log group calls it
runs for ever).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.model.fields import Field, Kind
from lockstep.model.function import Value
from lockstep.model.kinds.base import InTerraform, Resource, ResourceKind, digest_of, let_in, named_after

__all__ = ["KIND", "PRINCIPAL", "identity_of", "principals_in", "sid_of"]

PRINCIPAL = "logs.amazonaws.com"
_LONGEST = 512


def identity_of(group: str, name: str) -> str:
    """What AWS tells a filter by: its log group and its name, of which a digest stands here.

    So the statement of one that is gone tells which it was: ids of statements have no room for names.
    """
    return f"{group} {digest_of(name)}"


def sid_of(identity: str) -> str:
    """The id of the statement that lets a log group call, which each filter of ours has for itself."""
    group, _, name = identity.partition(" ")
    return f"lockstep-logSubscriptions-{name}-{digest_of(group)}"


def principals_in(region: str) -> tuple[str, ...]:
    """Who calls for a log group; older statements name the Region's service."""
    return PRINCIPAL, f"logs.{region}.amazonaws.com"


def _identify(settings: Mapping[str, Value]) -> str:
    group, name = settings.get("group"), settings.get("name")
    return identity_of(str(group), str(name)) if group and name else ""


def _usual(settings: Mapping[str, Value], function: str, name: str) -> Mapping[str, Value]:
    return {"name": named_after(function, name, _LONGEST)}


def _suits(settings: Mapping[str, Value], function: Mapping[str, Any]) -> tuple[str, str] | None:
    """No function is called by what it writes."""
    logging = function.get("logging")
    own = logging.get("group") if isinstance(logging, Mapping) else None
    group = settings.get("group")
    if group != (own or f"/aws/lambda/{function.get('functionName')}"):
        return None
    return (
        f"{group} is the function's own log group: each call would write what calls it again",
        "subscribe another function to it, or name the group of another one",
    )


def _admits(wanted: Resource, live: Resource | None) -> Iterator[Mapping[str, Any]]:
    source = f"arn:aws:logs:ap-southeast-1:123456789012:log-group:{wanted.settings.get('group')}:*"
    return let_in(wanted, live, sid=sid_of(wanted.identity), principal=PRINCIPAL, source=source)


KIND = ResourceKind(
    name="logSubscriptions",
    title="log subscription",
    about="Log groups of CloudWatch whose events the function gets, each by a name of your choice. A preview "
    "has only those that are its own.",
    rows=(
        Field(
            name="group",
            api="logGroupName",
            kind=Kind.STRING,
            about="Log group of the function's account and Region, which has to be there.",
            pattern=r"^[.\-_/#A-Za-z0-9]{1,512}$",
            required=True,
            example="/aws/lambda/orders",
        ),
        Field(
            name="name",
            api="filterName",
            kind=Kind.STRING,
            about="Name of the filter in AWS; the function's and yours, joined by -, when absent.",
            pattern=r"^[^:*]{1,512}$",
            example="orders-{env}",
        ),
        Field(
            name="pattern",
            api="filterPattern",
            kind=Kind.STRING,
            about="Which events, in the language of CloudWatch Logs; all when absent.",
            default="",
            reset="",
            pattern=r"^[\s\S]{0,1024}$",
            is_literal=True,
            example='{ $.level = "ERROR" }',
        ),
        Field(
            name="applyOnTransformedLogs",
            api="applyOnTransformedLogs",
            kind=Kind.BOOLEAN,
            about="Take events as the log group's transformer makes them.",
            default=False,
        ),
        Field(
            name="fieldSelectionCriteria",
            api="fieldSelectionCriteria",
            kind=Kind.STRING,
            about="Which events by account and Region, of centralised logs.",
            default="",
            pattern=r"^[\s\S]{0,2000}$",
            is_literal=True,
            example='@aws.region = "eu-west-1"',
        ),
        Field(
            name="emitSystemFields",
            api="emitSystemFields",
            kind=Kind.SET,
            about="What the function is told besides: @aws.account, @aws.region, @source.log.",
            default=(),
            maximum=3,
            pattern=r"^@(aws\.account|aws\.region|source\.log)$",
            example="@aws.account",
        ),
        Field(
            name="missing",
            api="missing",
            kind=Kind.SET,
            about="What the log group lacks to call the function: the filter, or the permission",
            default=(),
            computed=True,
        ),
    ),
    reads=("logs:DescribeSubscriptionFilters", "lambda:GetPolicy"),
    writes=("logs:PutSubscriptionFilter", "lambda:AddPermission", "lambda:RemovePermission"),
    removes=("logs:DeleteSubscriptionFilter", "lambda:RemovePermission"),
    proof=(),
    proofs={
        "logs:DescribeSubscriptionFilters": (
            "subscriptionFilters[].filterName",
            "subscriptionFilters[].destinationArn",
        ),
    },
    left_out={
        "destinationArn": "the function or its alias",
        "roleArn": "a function is called by permission",
        "distribution": "for Kinesis streams only",
    },
    on={
        "logs:DescribeSubscriptionFilters": ":log-group:*",
        "logs:PutSubscriptionFilter": ":log-group:*",
        "logs:DeleteSubscriptionFilter": ":log-group:*",
    },
    stands_alone=True,
    own_only=True,
    sole=True,
    invites=True,
    moves=True,
    outlives=True,
    overlaps=True,
    terraform=InTerraform(
        resources={
            "aws_cloudwatch_log_subscription_filter": {
                "group": "log_group_name",
                "name": "name",
                "pattern": "filter_pattern",
            }
        },
        calls="destination_arn",
        ids=lambda _, one: (f"{one.settings['group']}|{one.settings.get('name', '')}",),
        sid=sid_of,
        only={"applyOnTransformedLogs": (), "fieldSelectionCriteria": (), "emitSystemFields": ()},
    ),
    identify=_identify,
    usual=_usual,
    callers=("group",),
    sources=("group",),
    suits=_suits,
    admits=_admits,
)
