"""Every operation that Lockstep calls, answered by something that is not AWS."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from lockstep.engines.aws import answers
from lockstep.engines.aws.actions import NEEDS
from lockstep.engines.aws.answers import PROOFS, ROOTS, Untrue
from lockstep.engines.aws.connection import Connection, Patience
from lockstep.errors import CloudError
from lockstep.model import Environment, Scope
from tests.attack.hostile import Answer, serving
from tests.support.clouds import ACCOUNT, REGION

SESSION = botocore.session.Session()
OPERATIONS = sorted({need.operation for need in NEEDS} | {"sts:GetCallerIdentity"})
HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><p>Proxy</body></html>"
AWS = {"x-amzn-requestid": "1", "x-amz-request-id": "1", "content-type": "application/octet-stream"}
JSON, XML = {**AWS, "content-type": "application/json"}, {**AWS, "content-type": "application/xml"}
PAGE = {"content-type": "text/html"}
ALWAYS_ETAG = {**AWS, "etag": '"e"', "last-modified": "Sun, 29 Nov 2026 10:00:00 GMT"}


def model(operation: str) -> Any:
    """What botocore knows of an operation."""
    service, _, name = operation.partition(":")
    return SESSION.get_service_model(service).operation_model(name)


def has_members(operation: str) -> bool:
    """Whether its answer is a document that has to hold something."""
    return any("location" not in one.serialization for one in members(operation))


def members(operation: str) -> list[Any]:
    """Shapes of the members of its answer."""
    shape = model(operation).output_shape
    return [] if shape is None else [*shape.members.values()]


WRONG: dict[str, Answer] = {
    "a page": Answer(body=HTML, headers=PAGE),
    "a page with AWS's headers": Answer(body=HTML, headers={**ALWAYS_ETAG, "content-type": "text/html"}),
    "nothing": Answer(headers=PAGE),
    "a page that something is not found": Answer(status=404, body=HTML, headers=PAGE),
    "a page that something is forbidden": Answer(status=403, body=HTML, headers=PAGE),
    "a page that wants a sign-in": Answer(status=407, body=HTML, headers=PAGE),
    "a redirect to a sign-in": Answer(status=302, headers={"location": "http://127.0.0.1:9/login"}),
    "not found, in JSON of somebody's": Answer(status=404, body=b'{"error": "not found"}', headers=PAGE),
}
WRONG_DOCUMENTS: dict[str, Answer] = {
    "nothing, by AWS": Answer(headers=JSON),
    "an empty object": Answer(body=b"{}", headers=JSON),
    "a list": Answer(body=b"[]", headers=JSON),
    "null": Answer(body=b"null", headers=JSON),
    "half a document": Answer(body=b'{"Functions": [{"FunctionName": "a"', headers=JSON),
    "half a document of XML": Answer(body=b"<NotificationConfiguration><CloudFunctionConf", headers=XML),
    "another document": Answer(body=b'{"Policies": [], "Marker": null}', headers=JSON),
    "another document of XML": Answer(body=b"<LocationConstraint>eu</LocationConstraint>", headers=XML),
    "bytes": Answer(body=bytes(range(256)), headers=JSON),
    "nested without end": Answer(body=b'{"a":' * 100_000, headers=JSON),
    "XML that grows": Answer(
        body=b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>', headers=XML
    ),
}


@pytest.fixture(scope="module")
def said() -> list[Answer]:
    """What the server says; tests append to it."""
    return [Answer()]


@pytest.fixture(scope="module")
def connection(said: list[Answer]) -> Iterator[Connection]:
    """A connection to the hostile server, with one try for each call."""
    with serving(said) as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
        patch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        patch.delenv("AWS_PROFILE", raising=False)
        environment = Environment(name="staging", region=REGION)
        made = Connection(environment, threading.Event(), Patience(attempts=1, connect=2.0, read=5.0))
        made._scope = Scope(account=ACCOUNT, region=REGION, partition="aws")
        for service in sorted({one.partition(":")[0] for one in OPERATIONS}):
            made.client(service)  # each test's environment is cleaned: credentials are read here
        yield made


def sample(shape: Any) -> Any:
    """A value that botocore takes for a shape."""
    match shape.type_name:
        case "structure":
            names = shape.required_members or [*shape.members][:1]
            return {name: sample(shape.members[name]) for name in names}
        case "list":
            return [sample(shape.member)]
        case "map":
            return {"key": sample(shape.value)}
        case "integer" | "long":
            return 1
        case "boolean":
            return True
        case "blob":
            return b"x"
        case "timestamp":
            return 1_764_460_800
        case _:
            least = shape.metadata.get("min", 0)
            return shape.enum[0] if shape.enum else "abcdefghijklmnopqrst".ljust(least, "u")


def call(connection: Connection, operation: str) -> Any:
    """Make a call with whatever it needs."""
    service, _, name = operation.partition(":")
    shape = model(operation).input_shape
    params = {key: sample(shape.members[key]) for key in shape.required_members}
    return connection.call(service, name, **params)


def test_each_operation_says_what_proves_its_answers() -> None:
    """A call cannot be added without saying what its answers always have, where they have anything."""
    assert sorted(PROOFS) == OPERATIONS
    xml = {one for one in OPERATIONS if model(one).service_model.resolved_protocol == "rest-xml"}
    assert set(ROOTS) == {one for one in xml if has_members(one) and not model(one).has_streaming_output}
    for one in OPERATIONS:
        is_proved = bool(PROOFS[one]) or one in ROOTS
        assert is_proved == (has_members(one) or one in {"s3:HeadObject", "s3:PutObject"}), one


def texts_in(shape: Any, depth: int = 4) -> Iterator[Any]:
    """Answers as small as can be, each with something else where one of the shape's texts belongs."""
    if shape.type_name == "string":
        yield from (True, 7, 1.5)
    elif shape.type_name == "list" and depth:
        yield from ([one] for one in texts_in(shape.member, depth - 1))
    elif shape.type_name == "map" and depth:
        yield from ({"key": one} for one in texts_in(shape.value, depth - 1))
    elif shape.type_name == "structure" and depth:
        for name, member in shape.members.items():
            if "location" not in member.serialization:
                told = member.serialization.get("name", name)
                yield from ({told: one} for one in texts_in(member, depth - 1))


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if has_members(one)])
def test_nothing_but_a_text_is_believed_for_a_text(operation: str) -> None:
    """Names, ARNs and tags say what is whose, and JSON has other single values as well."""
    found = model(operation)
    if found.service_model.resolved_protocol not in {"json", "rest-json"} or found.has_streaming_output:
        return
    for answer in texts_in(found.output_shape):
        why = answers._why_other_json(found.output_shape, json.dumps(answer).encode())
        assert str(why).endswith("is no text"), answer


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_answer_of_somebody_else_is_believed(
    operation: str, connection: Connection, said: list[Answer]
) -> None:
    """Whatever answers in place of AWS: an error that says so, never an absence and never a bug."""
    is_head = model(operation).http["method"] == "HEAD"
    wrong = dict(WRONG)
    if is_head or model(operation).has_streaming_output:
        del wrong["a page with AWS's headers"]  # its bytes are for who reads them
    if has_members(operation) and not model(operation).has_streaming_output:
        wrong |= WRONG_DOCUMENTS
    for name, answer in wrong.items():
        said.append(answer)
        service, _, called = operation.partition(":")
        shape = model(operation).input_shape
        params = {key: sample(shape.members[key]) for key in shape.required_members}
        if is_head and answer.status >= 300:  # without a body nobody can tell
            with pytest.raises(CloudError):
                connection.call(service, called, **params)
            continue
        with pytest.raises(Untrue) as caught:
            connection.find(service, called, **params)
        assert caught.value.fix, name
        assert "AWS's" in str(caught.value), name


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("lambda:ListFunctions", {"Functions": None}),
        ("lambda:ListFunctions", {"Functions": "none"}),
        ("lambda:ListFunctions", {"Functions": {}}),
        ("lambda:ListFunctions", {"Functions": [{}]}),
        ("lambda:ListFunctions", {"Functions": [None]}),
        ("lambda:ListFunctions", {"Functions": [{"FunctionName": {}}]}),
        ("lambda:GetFunction", {"Configuration": {}}),
        ("lambda:GetFunction", {"Configuration": {"FunctionName": "a"}}),
        ("lambda:GetFunction", {"Configuration": []}),
        ("lambda:GetPolicy", {"Policy": ""}),
        ("lambda:GetPolicy", {"Policy": "<html>"}),
        ("lambda:GetPolicy", {"Policy": "[]"}),
        ("lambda:GetPolicy", {"RevisionId": "1"}),
        ("resourcegroupstaggingapi:GetResources", {"PaginationToken": ""}),
        ("resourcegroupstaggingapi:GetResources", {"ResourceTagMappingList": [{"ResourceARN": "a"}]}),
        ("logs:DescribeLogGroups", {"nextToken": "x"}),
        ("logs:DescribeLogGroups", {"logGroups": [{"retentionInDays": 3}]}),
        ("ssm:GetParameters", {"Parameters": [{"Name": "a"}]}),
        ("ecr:BatchGetImage", {"images": [{}]}),
        ("secretsmanager:GetSecretValue", {"SecretString": "x"}),
    ],
)
def test_a_document_that_lacks_what_aws_always_tells_is_not_believed(
    operation: str, body: object, connection: Connection, said: list[Answer]
) -> None:
    """A document of the right language with a part missing, or of another form, says nothing."""
    said.append(Answer(body=json.dumps(body).encode(), headers=JSON))
    with pytest.raises(Untrue):
        call(connection, operation)


@pytest.mark.parametrize(
    "body",
    [
        "<Error><Message>x</Message></Error>",
        "<ListBucketResult/>",
        "<NotificationConfiguration><NewConfiguration/></NotificationConfiguration>",
        "<NotificationConfiguration><QueueConfiguration><Id>a</Id><Delay>1</Delay></QueueConfiguration>"
        "</NotificationConfiguration>",
    ],
)
def test_notifications_with_something_unknown_are_not_read(
    body: str, connection: Connection, said: list[Answer]
) -> None:
    """What is written back whole is known whole: a new kind of entry would be lost with the next PUT."""
    said.append(Answer(body=body.encode(), headers=XML))
    with pytest.raises(CloudError):
        call(connection, "s3:GetBucketNotificationConfiguration")


def test_what_aws_answers_is_believed(connection: Connection, said: list[Answer]) -> None:
    """An empty configuration, all known entries and AWS's own errors are taken as they are."""
    said.append(Answer(body=b"<NotificationConfiguration/>", headers=XML))
    empty = call(connection, "s3:GetBucketNotificationConfiguration")
    assert not set(empty) - {"ResponseMetadata"}
    text = (
        '<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EventBridgeConfiguration/>'
        "<CloudFunctionConfiguration><Id>a</Id><CloudFunction>arn</CloudFunction><Event>s3:ObjectCreated:*"
        "</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>a/</Value></FilterRule></S3Key></Filter>"
        "</CloudFunctionConfiguration><TopicConfiguration><Id>b</Id><Topic>arn</Topic><Event>e</Event>"
        "</TopicConfiguration></NotificationConfiguration>"
    )
    said.append(Answer(body=text.encode(), headers=XML))
    full = call(connection, "s3:GetBucketNotificationConfiguration")
    assert len(full["LambdaFunctionConfigurations"]) == len(full["TopicConfigurations"]) == 1
    error = b"<Error><Code>NoSuchBucket</Code><Message>x</Message></Error>"
    said.append(Answer(status=404, body=error, headers=XML))
    with pytest.raises(CloudError, match="NoSuchBucket"):
        call(connection, "s3:GetBucketNotificationConfiguration")
    said.append(Answer(status=404, headers={**JSON, "x-amzn-errortype": "ResourceNotFoundException"}))
    assert connection.find("lambda", "GetFunction", FunctionName="a") is None
