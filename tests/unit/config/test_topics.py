"""``lambda.topics``: which topic and which messages, judged as SNS judges them."""

import pytest

from lockstep.config.load import load
from lockstep.errors import BadInput
from lockstep.model.kinds import KINDS
from tests.unit.config.conftest import staging

TOPIC = "topic: 'arn:aws:sns:eu-west-1:123456789012:orders"


@pytest.mark.parametrize(
    ("entry", "problem", "fix"),
    [
        ("{filterPolicyScope: MessageBody}", "needs topic", "add topics.orders.topic"),
        ("{topic: orders}", "no valid topic", "arn:aws:sns:eu-west-1:123456789012:orders"),
        ("{topic: 'arn:aws:sns:us-east-1:123456789012:orders'}", "is in us-east-1", "name one in eu-west-1"),
        (f"{{{TOPIC}.fifo'}}", "is a FIFO topic", "under eventSources"),
        (f"{{{TOPIC}', filterPolicy: kind}}", "is no JSON object", "write one"),
        (f"{{{TOPIC}', filterPolicy: '[1]'}}", "is no JSON object", "write one"),
        (f"{{{TOPIC}', filterPolicy: '{{\"kind\": \"order\"}}'}}", "kind of the policy", '"kind": [...]'),
        (
            f"{{{TOPIC}', filterPolicy: '{{\"order\": {{\"kind\": [\"new\"]}}}}'}}",
            "order of the policy has no list",
            "filterPolicyScope: MessageBody",
        ),
        (
            f"{{{TOPIC}', filterPolicyScope: MessageBody, filterPolicy: '{{\"a\": {{\"b\": 1}}}}'}}",
            "b of the policy has no list",
            '"b": [...]',
        ),
        (f"{{{TOPIC}', rawMessageDelivery: true}}", "rawMessageDelivery", "topics.orders"),
    ],
)  # fmt: skip
def test_what_sns_refuses_is_told_at_its_line(entry: str, problem: str, fix: str) -> None:
    """With what to do, before any call is made."""
    with pytest.raises(BadInput) as caught:
        load(staging(f"  topics:\n    orders: {entry}"))
    assert problem in str(caught.value)
    assert fix in str(caught.value)
    assert "staging/s3-notifier/config.yaml:" in str(caught.value)


def test_an_empty_policy_is_none() -> None:
    """It lets everything through, and SNS forgets it."""
    topic = "arn:aws:sns:eu-west-1:123456789012:orders"
    made = [
        KINDS["topics"].declared({"topic": topic, **more}, "", "orders", "")
        for more in ({}, {"filterPolicy": "{ }", "filterPolicyScope": "MessageBody"})
    ]
    assert made[0] == made[1]
