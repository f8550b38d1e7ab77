"""Half an answer tells nothing: what it does not speak of is not absent, not zero, and not unmasked."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.measuring import CloudWatch
from lockstep.engines.aws.patience import Patience
from lockstep.engines.aws.references import find_versions, resolve
from lockstep.engines.aws.surroundings import network
from lockstep.engines.aws.trying import log_lines, usages, variables_of
from lockstep.errors import CloudError
from lockstep.model import Environment, Reference, Scope, Verdict
from tests.attack.hostile import Answer, serving

HEADERS = {"x-amzn-requestid": "1", "content-type": "application/x-amz-json-1.0"}
NAMES = ("calls", "errors", "throttles", "average", "longest")
FUNCTION = dict.fromkeys(("FunctionName", "FunctionArn", "Role"), "x") | {"MemorySize": 1, "Timeout": 1}


@pytest.fixture
def said() -> list[Answer]:
    """What AWS says; tests append to it."""
    return [Answer()]


@pytest.fixture
def connection(said: list[Answer], monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """A connection to who says it."""
    with serving(said) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a")
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        environment = Environment(name="staging", region="eu-west-1")
        made = Connection(environment, threading.Event(), Patience(attempts=1, connect=2.0, read=5.0))
        made._scope = Scope(account="123456789012", region="eu-west-1", partition="aws")
        yield made


def told(document: Any) -> Answer:
    """An answer of AWS's."""
    return Answer(body=json.dumps(document).encode(), headers=HEADERS)


def results(**more: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Figures of one function, some of them changed."""
    whole = {"StatusCode": "Complete", "Values": []}
    return [{"Id": f"{name}_0", **whole, **more.get(name, {})} for name in NAMES]


def ask(connection: Connection) -> Any:
    """What is shown of one function."""
    now = int(time.time())
    return [*usages(connection, [("staging/a", "a")], start=now - 60, end=now)]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (results(calls={"StatusCode": "InternalError"}), "InternalError"),
        (results(calls={"StatusCode": "Forbidden"}), "Forbidden"),
        (results(errors={"StatusCode": "PartialData"}), "PartialData"),
        (results()[1:], "1 of 5 results are not complete"),
        ([], "5 of 5 results are not complete"),
        (results(calls={"Values": ["x"]}), "no number"),
    ],
)
def test_figures_that_were_not_read_are_not_zero(
    connection: Connection, said: list[Answer], document: list[Any], says: str
) -> None:
    """CloudWatch tells of each result whether it is whole; one that is missing was not read either."""
    said.append(told({"MetricDataResults": document}))
    with pytest.raises(CloudError, match=says) as caught:
        ask(connection)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "1 of 1 results are not complete"),
        ([{"Id": "m0", "StatusCode": "InternalError"}], "InternalError"),
        ([{"Id": "m7", "StatusCode": "Complete"}], "none of those"),
        ([{"Id": "m0", "StatusCode": "Complete", "Timestamps": [1], "Values": []}], "none of those"),
    ],
)
def test_a_gate_is_not_passed_by_figures_that_were_not_read(
    connection: Connection, said: list[Answer], document: list[Any], says: str
) -> None:
    """A rollout goes on where nothing failed, and not where nobody knows."""
    said.append(told({"MetricDataResults": document}))
    now = datetime.now(UTC)
    metric = {"Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors"}, "Stat": "Sum"}
    with pytest.raises(CloudError, match=says):
        CloudWatch(connection).minutes([metric], now - timedelta(minutes=5), now)
    said.append(told({"MetricDataResults": [{"Id": "m0", "StatusCode": "Complete"}]}))
    assert CloudWatch(connection).minutes([metric], now - timedelta(minutes=5), now) == [{}]


def test_figures_without_values_are_of_what_was_not_called(
    connection: Connection, said: list[Answer]
) -> None:
    """And figures with some are added up."""
    said.append(told({"MetricDataResults": results(calls={"Values": [2.0, 3.0]})}))
    (found,) = ask(connection)
    assert (found.calls, found.errors, found.average) == (5, None, None)


@pytest.mark.parametrize("at", [10**18, -(10**18), "x", 1.5, None, True])
def test_a_time_that_is_none_is_an_error(connection: Connection, said: list[Answer], at: object) -> None:
    """Not a crash when the line is shown."""
    said.append(told({"events": [{"timestamp": at, "message": "m", "logStreamName": "s"}]}))
    with pytest.raises(CloudError, match="timestamp"):
        log_lines(connection, "/aws/lambda/a", "a", since=0, is_shared=False)


def test_variables_that_may_not_be_read_are_not_taken_for_none(
    connection: Connection, said: list[Answer]
) -> None:
    """Their values would not be masked in what the function says."""
    error = {"ErrorCode": "AccessDeniedException", "Message": "Lambda was unable to decrypt"}
    said.append(told({"Configuration": {**FUNCTION, "Environment": {"Error": error}}}))
    with pytest.raises(CloudError, match=r"unable to decrypt[\s\S]*kms:Decrypt"):
        variables_of(connection, "a")
    said.append(told({"Configuration": {**FUNCTION, "Environment": {"Variables": {"A": "b"}}}}))
    assert variables_of(connection, "a") == {"A": "b"}
    said.append(told({"Configuration": FUNCTION}))
    assert variables_of(connection, "a") == {}


PARAMETER = Reference(store="ssm", name="/shop/p")


def test_a_parameter_that_aws_does_not_speak_of_is_not_missing(
    connection: Connection, said: list[Answer]
) -> None:
    """What is not there AWS names; a page that has another one behind it is not all there is."""
    said.append(told({"Parameters": []}))
    assert resolve(connection, [PARAMETER]).errors[PARAMETER].is_unread
    said.append(told({"Parameters": [], "InvalidParameters": ["/shop/p"]}))
    assert "no such parameter" in resolve(connection, [PARAMETER]).errors[PARAMETER].problem
    said.append(told({"Parameters": [], "NextToken": "more"}))  # and the same again, without end
    assert find_versions(connection, [PARAMETER]).errors[PARAMETER].is_unread
    said.append(told({"Parameters": []}))
    assert "no such parameter" in find_versions(connection, [PARAMETER]).errors[PARAMETER].problem


def test_a_subnet_that_aws_does_not_speak_of_is_not_said_to_be_fine(
    connection: Connection, said: list[Answer]
) -> None:
    """EC2 refuses a question about what is not there; an empty answer is somebody else's."""
    body = b"<DescribeSubnetsResponse><subnetSet/></DescribeSubnetsResponse>"
    said.append(Answer(body=body, headers={**HEADERS, "content-type": "text/xml"}))
    assert network(connection, ["subnet-1"], []).verdict is Verdict.SKIPPED
