"""Refusals that pass by themselves, in AWS's own words."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lockstep.config.build import PLACED
from lockstep.engines.aws.health import FIXES
from lockstep.engines.aws.passing import FAILURES, FIELDS, PASSING, passing
from lockstep.model import FIELDS as SETTINGS

INVALID = "InvalidParameterValueException"
DENIED = "The provided execution role does not have permissions to call"
KMS = (
    "Lambda was unable to configure access to your environment variables because the KMS key is invalid for "
    "CreateGrant. Please check your KMS key settings. KMS Exception: "
)
EFS = (
    "EFS file system arn:aws:elasticfilesystem:eu-west-1:1:file-system/fs-1 referenced by access point "
    "arn:aws:elasticfilesystem:eu-west-1:1:access-point/fsap-1 has mount targets created in all availability "
    "zones the function will execute in, but not all are in the available life cycle state yet. Please wait "
    "for them to become available and try the request again."
)


def refusal(message: str, code: str = INVALID) -> Exception:
    """The error of a call that AWS refuses."""
    answer: Any = {"Error": {"Code": code, "Message": message}}
    return ClientError(answer, "CreateFunction")


def test_failures_that_pass_are_faults_that_aws_knows() -> None:
    """Each reason has a fix for when it does not pass, and a field whose line is known."""
    assert FAILURES.keys() <= FIXES.keys()
    assert {field for _, field in FAILURES.values()} <= {*FIELDS, ""}


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("The role defined for the function cannot be assumed by Lambda.", "role"),
        (f"{DENIED} CreateNetworkInterface on EC2", "vpc.subnetIds"),
        (f"{DENIED} DescribeNetworkInterfaces on EC2", "vpc.subnetIds"),
        (
            "Your access has been denied by EC2, please make sure your function execution role have "
            "permission to CreateNetworkInterface. EC2 Error Code: UnauthorizedOperation.",
            "vpc.subnetIds",
        ),
        (f"{DENIED} SendMessage on SQS", "deadLetterTarget"),
        (f"{DENIED} Publish on SNS", "deadLetterTarget"),
        (f"{DENIED} PutTraceSegments on XRAY", "role"),
        (f"{KMS}InvalidArnException KMS Message: ARN does not refer to a valid principal", "kmsKeyArn"),
        (f"{KMS}AccessDeniedException KMS Message: not authorized to perform: kms:CreateGrant", "kmsKeyArn"),
        (
            "Your request has been throttled by EC2, please make sure you have enough API rate limit. EC2 "
            "Error Code: RequestLimitExceeded. EC2 Error Message: Request limit exceeded.",
            "vpc.subnetIds",
        ),
        (EFS, "fileSystems"),
    ],
)
def test_what_passes_is_known_by_its_words(message: str, field: str) -> None:
    """Each has what it waits for, how long, and what it is about."""
    row = passing(refusal(message))
    assert row is not None
    assert row.field == field
    assert row.seconds >= 60


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Unzipped size must be smaller than 262144000 bytes", INVALID),
        ("Value 'x' at 'runtime' failed to satisfy constraint", INVALID),
        ("The file system access point does not exist", INVALID),
        ("The role defined for the function cannot be assumed by Lambda.", "ValidationException"),
        ("KMSKeyArn is not supported", INVALID),
        ("An update is in progress", "ResourceConflictException"),
    ],
)
def test_what_never_passes_is_told_at_once(message: str, code: str) -> None:
    """Nobody waits for a mistake of the declaration."""
    assert passing(refusal(message, code)) is None


def test_each_row_can_be_told_at_its_line() -> None:
    """What it is about is a setting, of which targets know the line."""
    assert {row.name for row in SETTINGS} >= FIELDS
    assert set(PLACED) >= FIELDS
    assert all(row.fix and row.waits_for for row in PASSING)
