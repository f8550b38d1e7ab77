"""Subscriptions of functions to SNS topics, and what lets a topic call. Those of others stay.

Sources: SNS API reference: Subscribe of an endpoint that is subscribed answers with its subscription, and
refuses other attributes than that has; developer guide, "Removing a subscription filter policy" ({}).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.permission import at, let_in, lets_in, statements_of
from lockstep.errors import CloudError
from lockstep.model import Resource
from lockstep.model.kinds.base import digest_of, sid_on
from lockstep.model.kinds.topics import KIND, PRINCIPAL, sid_of

__all__ = ["KIND", "put", "read", "remove", "survey", "under_way"]

_EMPTY = {"FilterPolicy": "{}", "FilterPolicyScope": "MessageAttributes", "RedrivePolicy": ""}
"""What takes each attribute back to its default."""


def read(
    connection: Connection,
    function: str,
    qualifier: str,
    sought: Mapping[str, str],
    surveyed: Mapping[tuple[str, str], str] | None = None,
) -> Iterator[Resource]:
    """The subscriptions that are sought, with what each lacks: it, or what lets the topic call.

    ``surveyed``: see ``survey``; without it each topic is asked for its own.
    """
    called = _called(connection, function, qualifier)
    statements = statements_of(connection, function, qualifier)
    named = {*filter(None, sought.values())}
    for topic in named:
        _check_region(connection, function, topic)
    digests = {digest for digest, topic in sought.items() if not topic}
    named |= {topic for topic in _admitted(statements) if digest_of(topic) in digests}
    here = f":{connection.scope.account}:"  # a topic of another account is not asked for its subscriptions
    if digests - {digest_of(topic) for topic in named} or any(here not in topic for topic in named):
        surveyed = survey(connection) if surveyed is None else surveyed
        named |= {topic for topic, endpoint in surveyed if endpoint == called and digest_of(topic) in digests}
    for topic in sorted(named):
        arn = _listed(connection, topic, called) if surveyed is None else surveyed.get((topic, called))
        answer = arn and connection.find("sns", "GetSubscriptionAttributes", SubscriptionArn=arn)
        is_ours = any(one.get("Sid") == sid_on(sid_of(topic), qualifier) for one in statements)
        if not answer and not is_ours:
            continue
        lacks = {
            "subscription": not answer,
            "permission": not any(lets_in(one, PRINCIPAL, topic) for one in statements),
        }
        told = {
            "TopicArn": topic,
            "SubscriptionArn": arn if answer else "",
            "Attributes": answer["Attributes"] if answer else {},
            "Missing": [what for what, is_missing in lacks.items() if is_missing],
        }
        found = KIND.read(told, qualifier)
        if found is not None:
            yield replace(found, is_let_in=is_ours)


def survey(connection: Connection) -> Mapping[tuple[str, str], str]:
    """The ARNs of the account's subscriptions of functions by topic and endpoint, 100 a call."""
    pages = connection.pages("sns", "ListSubscriptions", "Subscriptions", "NextToken", "NextToken")
    return {
        (str(one["TopicArn"]), str(one["Endpoint"])): str(one["SubscriptionArn"])
        for one in pages
        if one.get("Protocol") == "lambda" and _is_there(one)
    }


def put(connection: Connection, function: str, resource: Resource, live: Resource | None) -> None:
    """What lets the topic call, then the subscription, or what of one that is there differs."""
    topic, at_alias = resource.identity, resource.qualifier
    let_in(connection, function, at_alias, sid_on(sid_of(topic), at_alias), PRINCIPAL, topic)
    wanted = _attributes(resource)
    if live is None or not live.handle:
        connection.call(
            "sns",
            "Subscribe",
            TopicArn=topic,
            Protocol="lambda",
            Endpoint=_called(connection, function, at_alias),
            Attributes={name: value for name, value in wanted.items() if value != _EMPTY[name]},
        )
        return
    have = _attributes(live)
    # Without a policy nobody knows what its scope would be.
    new = {"FilterPolicyScope"} if wanted["FilterPolicy"] != have["FilterPolicy"] == "{}" else set()
    for name in _in_order(wanted):
        if wanted[name] != have[name] or name in new:
            connection.call(
                "sns",
                "SetSubscriptionAttributes",
                SubscriptionArn=live.handle,
                AttributeName=name,
                AttributeValue=wanted[name],
            )


def remove(connection: Connection, function: str, live: Resource) -> None:
    """The subscription, then what let the topic call."""
    if live.handle:
        connection.find("sns", "Unsubscribe", SubscriptionArn=live.handle)
    sid = sid_on(sid_of(live.identity), live.qualifier)
    connection.find("lambda", "RemovePermission", **at(function, live.qualifier), StatementId=sid)


def under_way(connection: Connection, live: Resource) -> str:
    """Nothing that is told: a new filter policy counts after minutes."""
    return ""


def _check_region(connection: Connection, function: str, topic: str) -> None:
    """SNS subscribes nothing to a topic of another Region than it is asked in."""
    if f":sns:{connection.scope.region}:" not in topic:
        raise CloudError(
            f"the topic {topic} is in another Region than {function}",
            where="sns:Subscribe",
            fix=f"name a topic of {connection.scope.region}",
        )


def _admitted(statements: tuple[dict[str, Any], ...]) -> Iterator[str]:
    """Topics that statements let call."""
    for one in statements:
        for tests in (one.get("Condition") or {}).values():
            yield from (str(value) for value in tests.values() if lets_in(one, PRINCIPAL, str(value)))


def _listed(connection: Connection, topic: str, called: str) -> str | None:
    """The ARN of a subscription to a topic; None when there is none, or no such topic."""
    token: dict[str, str] = {}
    while True:
        answer = connection.find("sns", "ListSubscriptionsByTopic", TopicArn=topic, **token)
        for one in (answer or {}).get("Subscriptions", ()):
            if one["Endpoint"] == called and _is_there(one):
                return str(one["SubscriptionArn"])
        following = (answer or {}).get("NextToken")
        if not following or token == {"NextToken": following}:
            return None
        token = {"NextToken": following}


def _is_there(subscription: Mapping[str, Any]) -> bool:
    """Not one that is deleted, or waits for a confirmation: those have a word in place of an ARN."""
    return str(subscription["SubscriptionArn"]).startswith("arn:")


def _called(connection: Connection, function: str, qualifier: str) -> str:
    return connection.scope.function_arn(function) + (f":{qualifier}" if qualifier else "")


def _attributes(resource: Resource) -> dict[str, str]:
    """All attributes as SNS takes them."""
    queue = resource.settings.get("deadLetterQueue")
    found = {
        "FilterPolicy": resource.settings.get("filterPolicy"),
        "FilterPolicyScope": resource.settings.get("filterPolicyScope"),
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": queue}) if queue else None,
    }
    return {name: _EMPTY[name] if value is None else str(value) for name, value in found.items()}


def _in_order(wanted: Mapping[str, str]) -> tuple[str, ...]:
    """A policy about bodies may be deeper than one about attributes: the scope that takes both goes first."""
    pair = ("FilterPolicyScope", "FilterPolicy")
    is_deep = wanted["FilterPolicyScope"] == "MessageBody"
    return (*(pair if is_deep else reversed(pair)), "RedrivePolicy")
