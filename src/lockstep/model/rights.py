"""What a function's role has to allow for what is declared of the function, and no more.

Sources: Lambda developer guide ("Defining Lambda function permissions with an execution role", of each event
source "Configure execution role permissions", "Capturing records of asynchronous invocations", "Giving Lambda
functions access to resources in an Amazon VPC", "Configuring file system access", "Visualize Lambda function
invocations using AWS X-Ray") and the policies that AWS manages for Lambda.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from lockstep.model.function import Value
from lockstep.values import dataclass

__all__ = ["NETWORK", "Right", "items_of", "rights_of_settings", "sending"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Right:
    """Actions that a role allows on some ARNs, and what for: a path under ``lambda:``."""

    actions: tuple[str, ...]
    on: tuple[str, ...]
    why: str = ""
    equals: Mapping[str, str] = field(default_factory=dict)  # what else a call has to tell, by condition key


NETWORK = Right(
    actions=(
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ec2:UnassignPrivateIpAddresses",
    ),
    on=("*",),  # AWS gives most of them no resources
)
"""What Lambda does with network interfaces as the function."""

_SENDING: Mapping[str, tuple[str, ...]] = {
    "sqs": ("sqs:SendMessage",),
    "sns": ("sns:Publish",),
    "lambda": ("lambda:InvokeFunction",),
    "events": ("events:PutEvents",),
}
_TRACING = Right(actions=("xray:PutTelemetryRecords", "xray:PutTraceSegments"), on=("*",))
_MOUNTING = ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")


def sending(arn: Value) -> Iterator[Right]:
    """What hands records to a queue, topic, function, event bus or bucket. Nothing for what is no ARN."""
    parts = str(arn or "").split(":")
    service = parts[2] if len(parts) > 2 else ""
    if service == "s3":
        yield Right(actions=("s3:ListBucket",), on=(str(arn),))
        yield Right(actions=("s3:PutObject",), on=(f"{arn}/*",))
    elif service in _SENDING:
        yield Right(actions=_SENDING[service], on=(str(arn),))


def rights_of_settings(settings: Mapping[str, Value], log_group: str) -> Iterator[Right]:
    """What the function's own settings need; ``log_group`` is the ARN of its log group."""
    yield Right(actions=("logs:CreateLogGroup",), on=(log_group,), why="logging")
    yield Right(actions=("logs:CreateLogStream", "logs:PutLogEvents"), on=(f"{log_group}:*",), why="logging")
    if settings.get("vpc.subnetIds"):
        yield _for("vpc", NETWORK)
    if settings.get("tracing") == "Active":
        yield _for("tracing", _TRACING)
    for one in sending(settings.get("deadLetterTarget")):
        yield _for("deadLetterTarget", one)
    for mounted in items_of(settings.get("fileSystems")):
        arn = str(mounted.get("arn", ""))
        if ":elasticfilesystem:" in arn:
            # Of a file system that its access point, which is declared, does not name.
            yield Right(
                actions=_MOUNTING,
                on=(f"{arn.partition(':access-point/')[0]}:file-system/*",),
                why="fileSystems",
                equals={"elasticfilesystem:AccessPointArn": arn},
            )


def items_of(value: Value) -> Iterator[Mapping[str, Value]]:
    """The maps of a list of them."""
    return (one for one in value if isinstance(one, Mapping)) if isinstance(value, tuple | list) else iter(())


def _for(why: str, right: Right) -> Right:
    return replace(right, why=why)
