"""What events of AWS say about where to look."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model import Code, Fleet, Function, Resource, Target, Trigger
from lockstep.planning.heard import concerned, names_in

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:{}"


def target(key: str, name: str, **more: Any) -> Target:
    """One target."""
    environment, _, service = key.rpartition("/")
    function = Function(name=name, code=Code())
    return Target(service=service, environment=environment, function=function, **more)


TOPIC = Resource(kind="topics", identity="", settings={"topic": "arn:aws:sns:eu-west-1:123456789012:orders"})
FLEET = Fleet(
    project="shop",
    targets={
        "staging/api": target("staging/api", "api-staging"),
        "staging/web": target("staging/web", "web", triggers=(Trigger(bucket="uploads"),)),
        "production/mail": target("production/mail", "mail", resources=(TOPIC,)),
    },
)


def event(name: str, *, source: str = "aws.lambda", **detail: Any) -> str:
    """As EventBridge sends it."""
    told = {"eventName": name, "readOnly": False, "userIdentity": {"arn": ARN.format("web")}, **detail}
    return json.dumps({"source": source, "detail-type": "AWS API Call via CloudTrail", "detail": told})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            event("UpdateFunctionConfiguration20150331v2", requestParameters={"functionName": "api-staging"}),
            ["staging/api"],
        ),
        (
            event("UpdateAlias20150331", requestParameters={"functionName": ARN.format("web") + ":live"}),
            ["staging/web"],
        ),
        (
            event("TagResource20170331v2", requestParameters={"resource": ARN.format("api-staging")}),
            ["staging/api"],
        ),
        (
            event("UpdateEventSourceMapping20150331", responseElements={"functionArn": ARN.format("web")}),
            ["staging/web"],
        ),
        (event("PutBucketNotification", requestParameters={"bucketName": "uploads"}), ["staging/web"]),
        (
            event("Unsubscribe", requestParameters={"subscriptionArn": "arn:aws:sns:eu-west-1:1:orders:9a"}),
            ["production/mail"],
        ),
        (
            event("Subscribe", requestParameters={"topicArn": "arn::orders", "endpoint": ARN.format("web")}),
            ["staging/web"],
        ),
        (event("UpdateFunctionCode", requestParameters={"functionName": "api"}), []),
        (event("GetFunction", readOnly=True, requestParameters={"functionName": "web"}), []),
        (event("UpdateFunctionCode"), []),
    ],
)
def test_an_event_names_the_targets_to_look_at(body: str, expected: list[str]) -> None:
    """However it writes the name; who did it names nothing, nor does what only reads."""
    names = names_in(body)
    assert names is not None
    assert list(concerned(FLEET, names)) == expected


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{", "null", "[" * 100_000, '{"detail": 1, "source": "x"}', '{"detail": {}}', '"text"'],
)
def test_what_is_no_event_is_known_as_such(body: str) -> None:
    """It is removed, and nothing is looked at."""
    assert names_in(body) is None


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(), lambda x: st.lists(x, max_size=5)))
def test_whatever_an_event_holds_it_names_declared_targets_or_none(value: Any) -> None:
    """Nothing that somebody sends raises, or leads anywhere else."""
    names = names_in(json.dumps({"source": "x", "detail": {"requestParameters": {"a": value}}}))
    assert names is not None
    assert set(concerned(FLEET, names)) <= set(FLEET.targets)
