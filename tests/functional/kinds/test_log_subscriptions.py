"""Subscriptions to log groups on a strict AWS: events arrive, and filters of others are never replaced."""

import json
import time
from dataclasses import replace
from typing import Any

from lockstep.model import Environment, Fleet, Resource
from tests.functional.kinds.samples import resource
from tests.support.clouds import ACCOUNT, REGION, client
from tests.support.engine import Lab, changes_of
from tests.support.projects import make_fleet, make_project, make_target
from tests.support.waiting import until

KEY, NAME = "staging/notifier", "notifier-staging"
GROUP = "/shop/orders"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
PRINTS = (
    "import base64, gzip, json\n"
    "def handler(event, context):\n"
    '    told = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))\n'
    '    print("GOT " + told["logEvents"][0]["message"])\n'
)


def declared(*beside: Resource, **fields: Any) -> Fleet:
    """One function and its subscriptions."""
    return make_fleet(make_target(KEY, resources=beside, **fields))


def orders(on: str = "", **settings: Any) -> Resource:
    """A subscription to the log group of the orders."""
    return resource("logSubscriptions", on=on, **{"group": GROUP, **settings})


def live(lab: Lab) -> dict[str, str]:
    """The filters of the group with what they call, past the proxy."""
    answer = client(lab.aws.behind, "logs").describe_subscription_filters(logGroupName=GROUP)
    return {one["filterName"]: one["destinationArn"] for one in answer["subscriptionFilters"]}


def made(lab: Lab, name: str, called: str) -> None:
    """Somebody subscribes something."""
    client(lab.aws.behind, "logs").put_subscription_filter(
        logGroupName=GROUP, filterName=name, filterPattern="", destinationArn=called
    )


def statements(lab: Lab) -> list[str]:
    """What of the function log groups may call."""
    answer = json.loads(lab.client("lambda").get_policy(FunctionName=NAME)["Policy"])
    mine = [one for one in answer["Statement"] if one["Sid"].startswith("lockstep-logSubscriptions-")]
    return [one["Resource"].partition(f":{NAME}")[2] for one in mine]


def test_an_event_is_worked_off_by_the_alias(lab: Lab) -> None:
    """The group may call before the filter is made, which Logs tries, and knows of it late."""
    lab.sync(declared(orders("live"), alias="live", source=PRINTS))
    order = [call.name for call in lab.aws.calls if call.mutation]
    assert order.index("lambda.AddPermission") < order.index("logs.PutSubscriptionFilter")
    assert order.count("logs.PutSubscriptionFilter") == 2
    logs = client(lab.aws.behind, "logs")
    logs.create_log_stream(logGroupName=GROUP, logStreamName="one")
    event = {"timestamp": int(time.time() * 1000), "message": "o-1"}
    logs.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=[event])

    def is_told() -> bool:
        groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
        if f"/aws/lambda/{NAME}" not in groups:
            return False
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{NAME}")["events"]
        return any("GOT o-1" in one["message"] for one in found)

    until(is_told)


def test_a_filter_that_calls_the_function_is_taken_over_when_it_is_named(lab: Lab) -> None:
    """And the filter of somebody else's beside it stays, also when ours goes."""
    lab.sync(declared())
    made(lab, "by-hand", ARN)
    made(lab, "theirs", f"{ARN}-other")
    lab.sync(declared(orders(pattern="ERROR", name="by-hand")))
    assert live(lab) == {"by-hand": ARN, "theirs": f"{ARN}-other"}
    lab.sync(declared())
    assert live(lab) == {"theirs": f"{ARN}-other"}
    assert statements(lab) == []


def test_a_filter_of_somebody_else_is_never_replaced(lab: Lab) -> None:
    """AWS would put ours in its place without a word; and a third one is told before it is tried."""
    lab.sync(declared())
    made(lab, "notifier-staging-orders", f"{ARN}-other")
    (target,) = lab.plan(declared(orders())).blocked
    assert "logSubscriptions.orders is there, and is not Lockstep's; give it another name" in str(
        target.problem
    )
    made(lab, "another", f"{ARN}-other")
    run = lab.run(declared(orders(name="third")))
    assert "takes no third: another, notifier-staging-orders" in run.error
    assert not lab.aws.named("logs.PutSubscriptionFilter")


def test_two_filters_of_a_group_have_a_permission_each(lab: Lab) -> None:
    """The one that stays is still let in when the other goes; what is left of a killed removal goes too."""
    other = resource("logSubscriptions", group=GROUP, pattern="WARN", name="warnings")
    lab.sync(declared(orders(pattern="ERROR"), replace(other, name="warnings")))
    assert statements(lab) == ["", ""]
    logs = client(lab.aws.behind, "logs")
    logs.delete_subscription_filter(logGroupName=GROUP, filterName="warnings")  # and then it was killed
    lab.sync(declared(orders(pattern="ERROR")))
    assert statements(lab) == [""]
    assert lab.plan(declared(orders(pattern="ERROR"))).is_empty
    assert live(lab) == {"notifier-staging-orders": ARN}


def test_a_subscription_moves_to_an_alias_in_place(lab: Lab) -> None:
    """The same filter: the alias is let in before it moves, the function locked after it."""
    lab.sync(declared(orders()))
    lab.aws.forget()
    run = lab.sync(declared(orders("live"), alias="live"))
    assert changes_of(run.plan, KEY)["logSubscriptions.orders"] == "on live"
    assert live(lab) == {"notifier-staging-orders": f"{ARN}:live"}
    assert statements(lab) == [":live"]
    assert not lab.aws.named("logs.DeleteSubscriptionFilter")


def test_a_function_that_goes_takes_its_subscription_along(lab: Lab) -> None:
    """AWS keeps the filter, and it would call nobody."""
    project = make_project("shop", Environment(name="staging", region=REGION, prune=True))
    lab.sync(declared(orders("live"), alias="live"), project=project)
    run = lab.run(make_fleet(), project=project, allow_deletes=1)
    assert run.report.is_success, run.failures
    assert live(lab) == {}
