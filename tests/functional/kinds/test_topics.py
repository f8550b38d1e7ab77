"""Subscriptions to topics of SNS on a strict AWS: messages arrive, and what is there is taken over."""

import json
from typing import Any

from lockstep.model import Environment, Fleet, Resource
from tests.functional.kinds.samples import resource
from tests.support.clouds import ACCOUNT, REGION, client
from tests.support.engine import Lab, changes_of
from tests.support.projects import make_fleet, make_project, make_target
from tests.support.waiting import until

KEY, NAME = "staging/notifier", "notifier-staging"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:orders"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
PRINTS = 'def handler(event, context):\n    print("GOT " + event["Records"][0]["Sns"]["Message"])\n'


def declared(*beside: Resource, **fields: Any) -> Fleet:
    """One function and its subscriptions."""
    return make_fleet(make_target(KEY, resources=beside, **fields))


def topic(on: str = "", **settings: Any) -> Resource:
    """A subscription to the orders."""
    return resource("topics", on=on, **{"topic": TOPIC, **settings})


def live(lab: Lab) -> dict[str, dict[str, str]]:
    """The subscriptions of the topic by what they call, past the proxy."""
    sns = client(lab.aws.behind, "sns")
    found = sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    return {
        one["Endpoint"]: sns.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])["Attributes"]
        for one in found
    }


def statements(lab: Lab) -> list[str]:
    """What of the function topics may call."""
    answer = json.loads(lab.client("lambda").get_policy(FunctionName=NAME)["Policy"])
    mine = [one for one in answer["Statement"] if one["Sid"].startswith("lockstep-topics-")]
    return [one["Resource"].partition(f":{NAME}")[2] for one in mine]


def test_a_message_is_worked_off_by_the_alias_and_another_is_filtered_out(lab: Lab) -> None:
    """The topic may call before it is subscribed."""
    made = topic("live", filterPolicy='{"kind": ["order"]}')
    lab.sync(declared(made, alias="live", source=PRINTS))
    order = [call.name for call in lab.aws.calls if call.mutation]
    assert order.index("lambda.AddPermission") < order.index("sns.Subscribe")
    assert statements(lab) == [":live"]
    sns, logs = client(lab.aws.behind, "sns"), client(lab.aws.behind, "logs")
    for kind in ("refund", "order"):
        told = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=TOPIC, Message=f"a {kind}", MessageAttributes=told)

    def said() -> str:
        groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
        if f"/aws/lambda/{NAME}" not in groups:
            return ""
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{NAME}")["events"]
        return "".join(one["message"] for one in found)

    until(lambda: "GOT a order" in said())
    assert "refund" not in said()


def test_a_subscription_that_is_there_is_taken_over_and_those_of_others_stay(lab: Lab) -> None:
    """Subscribe would refuse it with other attributes; what differs is set, for bodies the scope first."""
    sns = client(lab.aws.behind, "sns")
    lab.sync(declared())
    sns.subscribe(
        TopicArn=TOPIC, Protocol="lambda", Endpoint=ARN, Attributes={"FilterPolicy": '{"a": ["b"]}'}
    )
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=queue)
    lab.aws.forget()
    run = lab.sync(declared(topic(filterPolicy='{"a": {"b": ["c"]}}', filterPolicyScope="MessageBody")))
    assert changes_of(run.plan, KEY)["topics.orders.filterPolicyScope"] == "MessageBody"
    set_calls = lab.aws.named("sns.SetSubscriptionAttributes")
    names = [call.operation.params["AttributeName"] for call in set_calls]
    assert names == ["FilterPolicyScope", "FilterPolicy"]
    assert not lab.aws.named("sns.Subscribe")
    lab.sync(declared(topic()))
    assert live(lab)[ARN]["FilterPolicy"] == "{}"
    # What the scope is without a policy is not told: it is said with the next one.
    sns.set_subscription_attributes(
        SubscriptionArn=live(lab)[ARN]["SubscriptionArn"],
        AttributeName="FilterPolicyScope",
        AttributeValue="MessageBody",
    )
    assert lab.plan(declared(topic())).is_empty
    lab.sync(declared(topic(filterPolicy='{"a": ["b"]}')))
    lab.sync(declared())
    assert [*live(lab)] == [queue]
    assert statements(lab) == []


def test_a_subscription_moves_to_an_alias_without_a_gap(lab: Lab) -> None:
    """The endpoint is what it is told by: the new one is there before the old one goes."""
    lab.sync(declared(topic()))
    lab.aws.forget()
    lab.sync(declared(topic("live"), alias="live"))
    assert [*live(lab)] == [f"{ARN}:live"]
    order = [call.name for call in lab.aws.calls if call.mutation]
    assert order.index("sns.Subscribe") < order.index("sns.Unsubscribe")
    assert statements(lab) == [":live"]


def test_a_permission_that_was_taken_away_is_drift(lab: Lab) -> None:
    """Without it nothing arrives, and SNS says nothing."""
    lab.sync(declared(topic()))
    functions = lab.client("lambda")
    (sid,) = [
        one["Sid"] for one in json.loads(functions.get_policy(FunctionName=NAME)["Policy"])["Statement"]
    ]
    functions.remove_permission(FunctionName=NAME, StatementId=sid)
    run = lab.sync(declared(topic()))
    assert changes_of(run.plan, KEY) == {"topics.orders.missing": ()}
    assert statements(lab) == [""]


def test_a_topic_of_another_region_is_told_before_anything_is_done(lab: Lab) -> None:
    """SNS subscribes nothing there from here."""
    lab.sync(declared())
    away = f"arn:aws:sns:us-east-2:{ACCOUNT}:orders"
    (target,) = lab.plan(declared(topic(topic=away))).blocked
    assert "is in another Region than notifier-staging" in str(target.problem)


def test_a_function_that_goes_takes_its_subscription_along(lab: Lab) -> None:
    """AWS keeps it, and it would call nobody."""
    project = make_project("shop", Environment(name="staging", region=REGION, prune=True))
    lab.sync(declared(topic("live"), alias="live"), project=project)
    run = lab.run(make_fleet(), project=project, allow_deletes=1)
    assert run.report.is_success, run.failures
    assert live(lab) == {}


def test_many_subscriptions_are_found_in_pages(lab: Lab) -> None:
    """A hundred a call; what each lets through, and whether it may call, is asked for each."""
    fleet = make_fleet(
        *(
            make_target(f"staging/n{number}", resources=(resource("topics", topic=TOPIC),))
            for number in range(11)
        )
    )
    lab.sync(fleet)
    lab.aws.forget()
    assert lab.plan(fleet).is_empty
    counts = {name: count for name, count in lab.aws.counts().items() if name.startswith("sns.")}
    assert counts == {"sns.ListSubscriptions": 1, "sns.GetSubscriptionAttributes": 11}
