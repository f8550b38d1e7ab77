"""Refusals that pass by themselves: what each waits for, how long, and what to mend when it does not.

Sources: AWS's own words, as the Lambda developer guide ("Troubleshoot deployment issues"), the CDK's
documentation of file systems and public issues quote them. The Terraform provider waits for the first
four as well (five minutes, and nine more for EC2's rate).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of, message_of
from lockstep.engines.aws.pace import Pace
from lockstep.errors import CloudError, Interrupted
from lockstep.values import dataclass

__all__ = [
    "FAILURES",
    "FIELDS",
    "PASSING",
    "FunctionFailed",
    "Passing",
    "StillRefused",
    "outlast",
    "passing",
    "persist",
    "persisted",
]

_T = TypeVar("_T")

_INVALID = "InvalidParameterValueException"
_BETWEEN = 5.0  # seconds from one try to the next


@dataclass(frozen=True, kw_only=True, slots=True)
class Passing:
    """A refusal that usually passes."""

    code: str
    says: str  # a pattern of the message
    waits_for: str  # in words for the terminal
    seconds: float
    field: str  # of the declaration, that it is about; "" for that of the resource
    fix: str


PASSING: tuple[Passing, ...] = (
    Passing(
        code=_INVALID,
        says="cannot be assumed by Lambda",
        waits_for="IAM to let Lambda assume the role",
        seconds=150,
        field="role",
        fix="check the role's name, and that its trust policy lets lambda.amazonaws.com assume it",
    ),
    Passing(
        code=_INVALID,
        says=r"permissions? to (call )?\*?\w*NetworkInterface|permissions to call \w+ on EC2",
        waits_for="IAM to let the role create network interfaces",
        seconds=150,
        field="vpc.subnetIds",
        fix="give the execution role what a VPC needs, for example AWS's policy "
        "AWSLambdaVPCAccessExecutionRole, or take `vpc` out",
    ),
    Passing(
        code=_INVALID,
        says="permissions to call (SendMessage on SQS|Publish on SNS)",
        waits_for="IAM to let the role send to the dead-letter target",
        seconds=150,
        field="deadLetterTarget",
        fix="let the execution role send to that queue (sqs:SendMessage) or topic (sns:Publish)",
    ),
    Passing(
        code=_INVALID,
        says="execution role does not have permissions",
        waits_for="IAM to show the role's permissions to Lambda",
        seconds=150,
        field="role",
        fix="give the execution role the permission that the message names",
    ),
    Passing(
        code=_INVALID,
        says="KMS key is invalid for CreateGrant|KMS[^:]*: *(AccessDenied|InvalidArn)",
        waits_for="KMS to let the role use the key",
        seconds=150,
        field="kmsKeyArn",
        fix="let the execution role use the key (kms:Decrypt), and whoever runs Lockstep (kms:CreateGrant, "
        "kms:Encrypt): in their policies and in the key's",
    ),
    Passing(
        code=_INVALID,
        says="throttled by EC2",
        waits_for="EC2, which takes no more requests for network interfaces at the moment",
        seconds=600,
        field="vpc.subnetIds",
        fix="run again when less is changed in this account's VPCs, or ask AWS for a higher rate of EC2",
    ),
    Passing(
        code=_INVALID,
        says="available life ?cycle state",
        waits_for="the mount targets of the file system",
        seconds=300,
        field="fileSystems",
        fix="wait until the file system's mount targets are available in the zones of all the function's "
        "subnets, then run again",
    ),
    Passing(
        code="InvalidParameterException",
        says="Could not execute the lambda function",
        waits_for="CloudWatch Logs to see that it may call the function",
        seconds=60,
        field="",
        fix="see that nobody takes the log group's statement out of the function's policy, then run again",
    ),
    Passing(
        code="OperationAbortedException",
        says="",
        waits_for="another change of the log group",
        seconds=60,
        field="logRetentionDays",
        fix="look what else changes this log group all the time, then run again",
    ),
)
"""The first row that fits counts."""

FIELDS: frozenset[str] = frozenset(row.field for row in PASSING if row.field)

_IAM = "IAM to show the role's permissions to Lambda"
_EFS = "the mount targets of the file system"

FAILURES: Mapping[str, tuple[str, str]] = {
    "DependencyError": ("a service that the function depends on", ""),
    "EC2RequestLimitExceeded": (
        "EC2, which takes no more requests for network interfaces at the moment",
        "vpc.subnetIds",
    ),
    "EFSMountConnectivityError": (_EFS, "fileSystems"),
    "EFSMountTimeout": (_EFS, "fileSystems"),
    "InsufficientCapacity": ("AWS to have room for the function", "vpc.subnetIds"),
    "InsufficientRolePermissions": (_IAM, "role"),
    "InternalError": ("Lambda, which had a fault of its own", ""),
    "KMSKeyAccessDenied": ("KMS to let the role use the key", "kmsKeyArn"),
}
"""Reasons of failures that Lambda tells after it took a change, and that pass by themselves.

With what is waited for, and the field of the declaration that it is about. Source: the reason codes of
FunctionConfiguration in the API reference; the rest of them need somebody to mend something.
"""

_TRIES = 5  # after the first; the pause doubles each time, so that the last is more than two minutes after it


class StillRefused(CloudError):
    """A refusal that usually passes and did not. ``field`` is what it is about in the declaration."""

    field = ""


class FunctionFailed(CloudError):
    """Lambda could not bring the function into the state that was asked for."""

    code = ""  # AWS's reason
    revision: str | None = None  # of the function as it was then
    never_worked = False


def passing(error: Exception) -> Passing | None:
    """The row of a refusal that usually passes; None for any other error."""
    code, message = code_of(error), message_of(error)
    return next((row for row in PASSING if row.code == code and re.search(row.says, message)), None)


def persist(
    connection: Connection, pace: Pace, service: str, operation: str, params: Mapping[str, Any]
) -> None:
    """Make a call, again and again while its refusal may pass; ``pace.tell`` is told what is waited for.

    Other errors of AWS's are let through. Raises StillRefused when it does not pass.
    """

    def call() -> None:
        try:
            connection.try_call(service, operation, **params)
        except Exception as error:
            if passing(error) is None:
                raise
            raise connection.explain(error, service, operation) from error

    persisted(connection, pace, call)


def persisted(connection: Connection, pace: Pace, do: Callable[[], _T]) -> _T:
    """Do what makes calls itself and puts AWS's errors into words, as ``persist`` makes a call."""
    waited = 0.0
    while True:
        try:
            return do()
        except CloudError as error:
            row = passing(error.__cause__) if isinstance(error.__cause__, Exception) else None
            if row is None:
                raise
            if waited >= row.seconds:
                problem = f"{error.problem} (after {row.seconds:.0f} s)"
                still = StillRefused(problem, where=error.where, fix=row.fix)
                still.field = row.field
                raise still from error
            pace.tell(row.waits_for)
            if connection.stop.wait(pace.passing_pause):
                raise Interrupted(f"stopped while waiting for {row.waits_for}", where=error.where) from error
            waited += _BETWEEN


def outlast(connection: Connection, pace: Pace, change: Callable[[], _T]) -> _T:
    """Make a change, and make it again while Lambda tells a failure of it that may pass.

    Raises StillRefused when it does not pass, and what ``change`` raises.
    """
    for number in range(_TRIES + 1):
        try:
            return change()
        except FunctionFailed as failed:
            waits_for, field = FAILURES.get(failed.code, ("", ""))
            if not waits_for:
                raise
            if number == _TRIES:
                still = StillRefused(
                    f"{failed.problem} ({_TRIES + 1} times)", where=failed.where, fix=failed.fix
                )
                still.field = field
                raise still from failed
            pace.tell(waits_for)
            if connection.stop.wait(pace.passing_pause * 2**number):
                raise Interrupted(f"stopped while waiting for {waits_for}", where=failed.where) from failed
    raise AssertionError("the last try returns or raises")
