"""Faults strike the chosen call, in the chosen way, and no other."""

from collections.abc import Callable

import botocore.exceptions
import pytest

from tests.strict import Fault, Faults, Mode, Proxy
from tests.support.clouds import Cloud, client, make_bucket

Strict = Callable[..., Proxy]
CODES = {
    "error_before": "InternalError",
    "error_after": "InternalError",
    "throttle": "SlowDown",
    "access_denied": "AccessDenied",
    "expired_token": "ExpiredToken",
}


def keys(cloud: Cloud) -> list[str]:
    """The objects of the bucket."""
    found = client(cloud, "s3").list_objects_v2(Bucket="some-bucket").get("Contents", [])
    return [item["Key"] for item in found]


@pytest.mark.parametrize("mode", list(Mode))
def test_each_mode_fails_the_call_with_or_without_effect(cloud: Cloud, strict: Strict, mode: Mode) -> None:
    """The second write fails as asked; it took effect only in the modes that say so."""
    aws = strict(cloud, Faults(Fault(mode=mode, at=2)))
    make_bucket(cloud, "some-bucket")
    s3 = client(aws, "s3", read_timeout=1)
    s3.put_object(Bucket="some-bucket", Key="1")
    with pytest.raises(
        (
            botocore.exceptions.ClientError,
            botocore.exceptions.ReadTimeoutError,
            botocore.exceptions.ConnectionError,
            botocore.exceptions.ConnectionClosedError,
        )
    ) as caught:
        s3.put_object(Bucket="some-bucket", Key="2")
    s3.put_object(Bucket="some-bucket", Key="3")
    if mode in CODES:
        assert caught.value.response["Error"]["Code"] == CODES[mode]  # type: ignore[attr-defined]
    if "timeout" in mode:
        assert isinstance(caught.value, botocore.exceptions.ReadTimeoutError)
    assert keys(cloud) == (["1", "2", "3"] if "after" in mode else ["1", "3"])


def test_a_fault_that_does_not_persist_is_mended_by_a_retry(cloud: Cloud, strict: Strict) -> None:
    """The SDK's retry of the call passes."""
    make_bucket(cloud, "some-bucket")
    aws = strict(cloud, Faults(Fault(mode="error_before", at=1)))
    client(aws, "s3", retries=3).put_object(Bucket="some-bucket", Key="1")
    assert [(call.status, call.attempt) for call in aws.calls] == [(500, 1), (200, 2)]


def test_a_persistent_fault_outlasts_retries(cloud: Cloud, strict: Strict) -> None:
    """Every repetition of the same request fails; others pass."""
    make_bucket(cloud, "some-bucket")
    fault = Fault(mode="error_before", at=1, persist=True)
    aws = strict(cloud, Faults(fault))
    s3 = client(aws, "s3", retries=2)
    with pytest.raises(botocore.exceptions.ClientError):
        s3.put_object(Bucket="some-bucket", Key="1")
    assert fault.happened == 3
    s3.put_object(Bucket="some-bucket", Key="2")


def test_a_fault_can_name_an_operation(cloud: Cloud, strict: Strict) -> None:
    """``at`` then counts calls of that operation."""
    make_bucket(cloud, "some-bucket")
    aws = strict(cloud, Faults(Fault(mode="access_denied", operation="s3.GetBucketLocation", at=2)))
    s3 = client(aws, "s3")
    s3.get_bucket_location(Bucket="some-bucket")
    s3.list_buckets()
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        s3.get_bucket_location(Bucket="some-bucket")


@pytest.mark.parametrize(
    ("service", "call", "codes"),
    [
        (
            "lambda",
            "list_functions",
            ["ServiceException", "TooManyRequestsException", "AccessDeniedException"],
        ),
        ("sts", "get_caller_identity", ["ServiceFailure", "Throttling", "AccessDenied"]),
        (
            "logs",
            "describe_log_groups",
            ["InternalServiceError", "ThrottlingException", "AccessDeniedException"],
        ),
    ],
)
def test_errors_have_the_form_of_their_protocol(
    moto: Cloud, strict: Strict, service: str, call: str, codes: list[str]
) -> None:
    """botocore reads the code out of each service's error."""
    modes = ("error_before", "throttle", "access_denied")
    aws = strict(moto, Faults(*(Fault(mode=m, at=n, counting="all") for n, m in enumerate(modes, 1))))
    for code in codes:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            getattr(client(aws, service), call)()
        assert caught.value.response["Error"]["Code"] == code
