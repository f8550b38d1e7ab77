"""A subscription to a topic of SNS."""

from types import SimpleNamespace
from typing import Any

from tests.support.clouds import ACCOUNT, REGION, client

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "topics"
_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:orders"
FIRST = {"topic": _TOPIC, "filterPolicy": '{"kind": ["order"]}'}
SECOND = {
    "topic": _TOPIC,
    "filterPolicy": '{"order": {"kind": ["urgent"]}}',
    "filterPolicyScope": "MessageBody",
    "deadLetterQueue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders",
}


def drift(lambda_: Any, name: str) -> str:
    """Somebody lets everything through; returns the path of what differs."""
    sns = client(SimpleNamespace(endpoint=lambda_.meta.endpoint_url), "sns")
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=_TOPIC)["Subscriptions"]
    (arn,) = [one["SubscriptionArn"] for one in subscriptions if one["Endpoint"].rpartition(":")[2] == name]
    sns.set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue='{"order": {"kind": ["any"]}}'
    )
    return "topics.orders.filterPolicy"
