"""Topics of SNS that call the function: subscriptions, with what each lets through.

Sources: SNS API reference (Subscribe, SetSubscriptionAttributes, GetSubscriptionAttributes) and its service
model; developer guide, "Subscription filter policies", "Dead-letter queues", "FIFO topics".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.model.fields import Field, Kind
from lockstep.model.foreign import read_json
from lockstep.model.function import Value
from lockstep.model.kinds.base import (
    InTerraform,
    Resource,
    ResourceKind,
    compact,
    digest_of,
    is_json,
    let_in,
    unlisted,
)

__all__ = ["KIND", "PRINCIPAL", "sid_of"]

PRINCIPAL = "sns.amazonaws.com"
_ATTRIBUTES = "MessageAttributes"


def sid_of(topic: str) -> str:
    """The id of the statement that lets a topic call."""
    return f"lockstep-topics-{digest_of(topic)}"


def _identify(settings: Mapping[str, Value]) -> str:
    """The topic: AWS keeps one subscription of it for a function or an alias."""
    return str(settings.get("topic") or "")


def _normal(settings: Mapping[str, Value]) -> Mapping[str, Value]:
    """With JSON written in one way; an empty policy lets everything through, as none does."""
    found = dict(settings)
    if isinstance(policy := found.get("filterPolicy"), str):
        found["filterPolicy"] = compact(policy)
        if found["filterPolicy"] in ("{}", ""):
            del found["filterPolicy"]
    if "filterPolicy" not in found:
        found.pop("filterPolicyScope", None)  # of a policy; without one AWS may tell it or not
    return found


def _check(settings: Mapping[str, Value]) -> tuple[str, str, str] | None:
    """What SNS refuses of a function's subscription."""
    topic, policy = str(settings.get("topic", "")), settings.get("filterPolicy")
    if topic.endswith(".fifo"):
        return (
            "topic",
            f"{topic} is a FIFO topic, which calls no function",
            "subscribe a queue to it, and declare that queue under eventSources",
        )
    if policy is None:
        return None
    if not is_json(str(policy), dict):
        return (
            "filterPolicy",
            f"the policy {str(policy)[:60]!r} is no JSON object",
            'write one, for example \'{"kind": ["order"]}\'',
        )
    scope = settings.get("filterPolicyScope", _ATTRIBUTES)
    if (wrong := unlisted(read_json(str(policy)), is_flat=scope == _ATTRIBUTES)) is None:
        return None
    fix = f'write its values as a list: "{wrong}": [...]'
    if scope == _ATTRIBUTES:
        fix += "; or, where it is a part of the message's body, add filterPolicyScope: MessageBody"
    return "filterPolicy", f"{wrong} of the policy has no list of values", fix


def _admits(wanted: Resource, live: Resource | None) -> Iterator[Mapping[str, Any]]:
    return let_in(wanted, live, sid=sid_of(wanted.identity), principal=PRINCIPAL, source=wanted.identity)


def _queue_of(policy: Any, _: Mapping[str, Any]) -> Any:
    """The queue in a redrive policy, which has nothing else."""
    try:
        return read_json(policy).get("deadLetterTargetArn") or None
    except (AttributeError, TypeError, ValueError):
        return None


KIND = ResourceKind(
    name="topics",
    title="subscription",
    about="SNS topics that call the function, each by a name of your choice. A preview has only those that "
    "are its own.",
    rows=(
        Field(
            name="topic",
            api="TopicArn",
            kind=Kind.STRING,
            about="ARN of the topic, of the function's Region.",
            pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?$",
            required=True,
            example="arn:aws:sns:eu-west-1:123456789012:orders",
        ),
        Field(
            name="filterPolicy",
            api="Attributes.FilterPolicy",
            kind=Kind.STRING,
            about="Which messages, as JSON text; all when absent.",
            pattern=r"^[\s\S]{1,262144}$",
            is_literal=True,
            example='{"kind": ["order"]}',
        ),
        Field(
            name="filterPolicyScope",
            api="Attributes.FilterPolicyScope",
            kind=Kind.STRING,
            about="What of a message the policy is about: its attributes, or its body as JSON.",
            default=_ATTRIBUTES,
            enum=(_ATTRIBUTES, "MessageBody"),
            read=lambda scope, _: scope or _ATTRIBUTES,
        ),
        Field(
            name="deadLetterQueue",
            api="Attributes.RedrivePolicy",
            kind=Kind.STRING,
            about="ARN of the queue for messages that could not be handed over, of the topic's Region.",
            pattern=r"^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[\w-]{1,80}$",
            read=_queue_of,
            gets=True,
            example="arn:aws:sqs:eu-west-1:123456789012:failed",
        ),
        Field(
            name="missing",
            api="Missing",
            kind=Kind.SET,
            about="What the topic lacks to call the function: the subscription, or the permission",
            default=(),
            computed=True,
        ),
    ),
    reads=(
        "sns:ListSubscriptionsByTopic",
        "sns:GetSubscriptionAttributes",
        "sns:ListSubscriptions",
        "lambda:GetPolicy",
    ),
    writes=(
        "sns:Subscribe",
        "sns:SetSubscriptionAttributes",
        "lambda:AddPermission",
        "lambda:RemovePermission",
    ),
    removes=("sns:Unsubscribe", "lambda:RemovePermission"),
    proof=(),
    proofs={
        "sns:ListSubscriptionsByTopic": ("Subscriptions[].SubscriptionArn", "Subscriptions[].Endpoint"),
        "sns:ListSubscriptions": (
            "Subscriptions[].SubscriptionArn",
            "Subscriptions[].Endpoint",
            "Subscriptions[].TopicArn",
        ),
        "sns:GetSubscriptionAttributes": ("Attributes.SubscriptionArn", "Attributes.TopicArn"),
        "sns:Subscribe": ("SubscriptionArn",),
    },
    left_out={
        "Protocol": "lambda",
        "Endpoint": "the function or its alias",
        "Attributes": "AWS's model does not name them: raw delivery, delivery policies and roles are "
        "for other protocols, replays for FIFO topics",
        "ReturnSubscriptionArn": "a function's needs no confirmation",
        "SubscriptionArn": "which subscription it is",
        "AttributeName": "each has a row",
        "AttributeValue": "each has a row",
    },
    # Source: service authorization reference: subscriptions are no resources of their own.
    on={
        "sns:ListSubscriptionsByTopic": ":*",
        "sns:GetSubscriptionAttributes": ":*",
        "sns:ListSubscriptions": ":*",
        "sns:Subscribe": "topic",
        "sns:SetSubscriptionAttributes": ":*",
        "sns:Unsubscribe": ":*",
    },
    stands_alone=True,
    invites=True,
    outlives=True,
    overlaps=True,
    handle="SubscriptionArn",
    terraform=InTerraform(
        resources={
            "aws_sns_topic_subscription": {
                "topic": "topic_arn",
                "filterPolicy": "filter_policy",
                "filterPolicyScope": "filter_policy_scope",
                "deadLetterQueue": "redrive_policy",
            }
        },
        calls="endpoint",
        ids=lambda _, one: (one.handle,),
        sid=sid_of,
    ),
    identify=_identify,
    normal=_normal,
    sources=("topic",),
    near="topic",
    check=_check,
    admits=_admits,
)
