"""The strict AWS validates bucket notifications as S3 does."""

from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

from tests.strict import Notifications, Proxy
from tests.support.clouds import Cloud, allow_bucket, client, make_bucket, make_function, make_queue

Strict = Callable[..., Proxy]
BUCKET = "uploads"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:queue"


@pytest.fixture
def aws(cloud: Cloud, strict: Strict) -> Proxy:
    """A bucket and a strict S3."""
    make_bucket(cloud, BUCKET)
    assert make_queue(cloud, "queue") == QUEUE
    return strict(cloud, Notifications())


def entry(arn: str, prefix: str = "", suffix: str = "", **fields: Any) -> dict[str, Any]:
    """One Lambda entry as the API takes it."""
    rules = [{"Name": n, "Value": v} for n, v in (("prefix", prefix), ("suffix", suffix)) if v]
    settings: dict[str, Any] = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    return settings | ({"Filter": {"Key": {"FilterRules": rules}}} if rules else {}) | fields


def queue(prefix: str = "", **fields: Any) -> dict[str, Any]:
    """One SQS entry as the API takes it."""
    settings = entry(QUEUE, prefix, **fields)
    settings["QueueArn"] = settings.pop("LambdaFunctionArn")
    return settings


def put(aws: Proxy, *entries: dict[str, Any], **fields: Any) -> None:
    """Replace the bucket's notifications."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for one in entries:
        kind = "LambdaFunctionConfigurations" if "LambdaFunctionArn" in one else "QueueConfigurations"
        kinds.setdefault(kind, []).append(one)
    bridge = {"EventBridgeConfiguration": {}} if fields.pop("bridge", False) else {}
    client(aws, "s3").put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration=kinds | bridge, **fields
    )


def get(aws: Proxy) -> dict[str, Any]:
    """Read the bucket's notifications."""
    answer: dict[str, Any] = client(aws, "s3").get_bucket_notification_configuration(Bucket=BUCKET)
    del answer["ResponseMetadata"]
    return answer


def refusal(aws: Proxy, *entries: dict[str, Any], **fields: Any) -> dict[str, str]:
    """The error of a put that is refused."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        put(aws, *entries, **fields)
    return caught.value.response["Error"]  # type: ignore[return-value]


def function(cloud: Proxy, name: str = "f", *, allowed: bool = True) -> str:
    """Make a function which the bucket may call; return its ARN."""
    arn = str(make_function(cloud, name)["FunctionArn"])
    if allowed:
        allow_bucket(cloud, name, BUCKET)
    return arn


def test_a_permitted_function_is_accepted(aws: Proxy) -> None:
    """A function that the bucket may call can be its destination, and the entry reads back."""
    arn = function(aws)
    put(aws, entry(arn, "staging/", ".txt", Id="mine"))
    (got,) = get(aws)["LambdaFunctionConfigurations"]
    assert (got["Id"], got["LambdaFunctionArn"], got["Events"]) == ("mine", arn, ["s3:ObjectCreated:*"])


def test_a_function_that_does_not_exist_is_refused(aws: Proxy) -> None:
    """The error names the ARN which could not be validated, and the bucket keeps what it had."""
    arn = function(aws)
    put(aws, entry(arn, "a/"))
    gone = arn.removesuffix("f") + "gone"
    got = refusal(aws, entry(arn, "a/"), entry(gone, "b/"))
    assert got["Code"] == "InvalidArgument"
    assert got["Message"] == "Unable to validate the following destination configurations"
    assert got["ArgumentName1"] == f"{gone}, null"
    assert len(get(aws)["LambdaFunctionConfigurations"]) == 1


def test_a_function_without_permission_is_refused(aws: Proxy) -> None:
    """Without a policy, or with one for another bucket or account, S3 may not call."""
    arn = function(aws, allowed=False)
    assert "Unable to validate" in refusal(aws, entry(arn))["Message"]
    allow_bucket(aws, "f", "another-bucket", sid="other")
    assert "Unable to validate" in refusal(aws, entry(arn))["Message"]
    client(aws, "lambda").add_permission(
        FunctionName="f",
        StatementId="foreign",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{BUCKET}",
        SourceAccount="999999999999",
    )
    assert "Unable to validate" in refusal(aws, entry(arn))["Message"]
    allow_bucket(aws, "f", BUCKET, sid="right")
    put(aws, entry(arn))


def test_the_permission_must_be_on_the_qualifier_that_is_called(ministack: Cloud, strict: Strict) -> None:
    """A permission on the function does not cover its alias."""
    aws = strict(ministack, Notifications())
    make_bucket(aws, BUCKET)
    arn = function(aws)
    functions = client(aws, "lambda")
    functions.publish_version(FunctionName="f")
    functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    assert "Unable to validate" in refusal(aws, entry(f"{arn}:live"))["Message"]
    allow_bucket(aws, "f", BUCKET, sid="live", Qualifier="live")
    put(aws, entry(f"{arn}:live"))


def test_skipping_the_validation_of_destinations_works(aws: Proxy) -> None:
    """SkipDestinationValidation takes a function that does not exist, but never an overlap."""
    arn = function(aws).removesuffix("f") + "gone"
    put(aws, entry(arn, "a/"), SkipDestinationValidation=True)
    got = refusal(aws, entry(arn, "a/"), entry(arn, "a/b/"), SkipDestinationValidation=True)
    assert "ambiguously" in got["Message"]


@pytest.mark.parametrize(
    ("one", "two", "is_ambiguous"),
    [
        (("a/", ""), ("b/", ""), False),
        (("a/", ""), ("a/", ""), True),
        (("a/", ""), ("a/b/", ""), True),
        (("", ""), ("a/", ".txt"), True),
        (("a/", ".txt"), ("a/", ".png"), False),
        (("a/", ".gz"), ("a/b", ".tar.gz"), True),
        (("a/", ".txt"), ("b/", ".txt"), False),
    ],
)
def test_overlap_needs_prefix_and_suffix(
    aws: Proxy, one: tuple[str, str], two: tuple[str, str], is_ambiguous: bool
) -> None:
    """Two entries clash only when prefixes AND suffixes overlap; an empty one matches all."""
    arn = function(aws)
    if is_ambiguous:
        got = refusal(aws, entry(arn, *one), entry(arn, *two))
        assert (got["Code"], got["Message"].partition(".")[0]) == (
            "InvalidArgument",
            "Configuration is ambiguously defined",
        )
    else:
        put(aws, entry(arn, *one), entry(arn, *two))


def test_overlap_counts_across_kinds_and_expands_wildcards(aws: Proxy) -> None:
    """A queue and a function clash too, and ObjectCreated:* contains ObjectCreated:Put."""
    arn = function(aws)
    clash = queue("a/", Events=["s3:ObjectCreated:Put"])
    assert "ambiguously" in refusal(aws, entry(arn, "a/"), clash)["Message"]
    put(aws, entry(arn, "a/"), queue("a/", Events=["s3:ObjectRemoved:*"]))


def test_the_whole_configuration_is_replaced(aws: Proxy) -> None:
    """An entry that is left out is gone."""
    arn = function(aws)
    put(aws, entry(arn, "a/", Id="a"), queue("q/", Id="q"))
    put(aws, entry(arn, "b/", Id="b"))
    got = get(aws)
    assert [e["Id"] for e in got["LambdaFunctionConfigurations"]] == ["b"]
    assert "QueueConfigurations" not in got


def test_eventbridge_is_kept_until_it_is_left_out(aws: Proxy) -> None:
    """EventBridge stays on exactly as long as each configuration says so."""
    arn = function(aws)
    put(aws, bridge=True)
    assert get(aws) == {"EventBridgeConfiguration": {}}
    put(aws, entry(arn), bridge=True)
    assert "EventBridgeConfiguration" in get(aws)
    put(aws, entry(arn))
    assert "EventBridgeConfiguration" not in get(aws)


def test_ids_are_unique(aws: Proxy) -> None:
    """Two entries may not have one id."""
    arn = function(aws)
    assert "unique" in refusal(aws, entry(arn, "a/", Id="x"), entry(arn, "b/", Id="x"))["Message"]


def test_unknown_events_are_refused(aws: Proxy) -> None:
    """An event that S3 does not have is an InvalidArgument."""
    got = refusal(aws, entry(function(aws), Events=["s3:ObjectCreated:Magic"]))
    assert (got["Code"], got["ArgumentValue"]) == ("InvalidArgument", "s3:ObjectCreated:Magic")


def test_another_owner_is_refused(aws: Proxy) -> None:
    """ExpectedBucketOwner that is not the account gives 403, on reads too."""
    s3 = client(aws, "s3")
    assert refusal(aws, ExpectedBucketOwner="999999999999")["Code"] == "AccessDenied"
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        s3.get_bucket_notification_configuration(Bucket=BUCKET, ExpectedBucketOwner="999999999999")
    put(aws, ExpectedBucketOwner="123456789012")


def test_a_function_of_another_region_is_refused(aws: Proxy) -> None:
    """The destination has to be in the bucket's Region."""
    arn = function(aws).replace("eu-west-1", "us-east-1")
    assert "Unable to validate" in refusal(aws, entry(arn))["Message"]
