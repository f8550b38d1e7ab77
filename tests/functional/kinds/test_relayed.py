"""Triggers through EventBridge on a strict AWS: an upload calls, and a move lets no object fall between."""

from dataclasses import replace
from typing import Any

from lockstep.model import Fleet, Trigger
from lockstep.model.relay import rules_of
from tests.support.clouds import client
from tests.support.engine import Lab
from tests.support.projects import UPLOADS, make_fleet, make_target, trigger
from tests.support.waiting import until

KEY, NAME = "staging/notifier", "notifier-staging"
PRINTS = 'def handler(event, context):\n    print("GOT " + str(event.get("detail", event)))\n'
IN = trigger("in/")


def relayed(*there: Trigger, alias: str | None = None, **fields: Any) -> Fleet:
    """One function with triggers through EventBridge."""
    beside = tuple(rule for one in there for rule in rules_of(one, alias or "", NAME))
    return make_fleet(replace(make_target(KEY, resources=beside, alias=alias, **fields), relayed=there))


def order(lab: Lab, *names: str) -> list[str]:
    """The calls of these names, as they came; S3 is asked again while it knows no new permission."""
    return [*dict.fromkeys(call.name for call in lab.aws.calls if call.name in names)]


def test_an_upload_is_worked_off_by_the_alias(lab: Lab) -> None:
    """One switch on the bucket, which entries of others stay beside; its statement is the rule's."""
    lab.sync(relayed(IN, alias="live", source=PRINTS))
    assert "EventBridgeConfiguration" in lab.notifications()
    s3, logs = client(lab.aws.behind, "s3"), client(lab.aws.behind, "logs")
    s3.put_object(Bucket=UPLOADS, Key="other/no.csv", Body=b"1")
    s3.put_object(Bucket=UPLOADS, Key="in/o 1.csv", Body=b"1")

    def told() -> list[str]:
        groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
        if f"/aws/lambda/{NAME}" not in groups:
            return []
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{NAME}")["events"]
        return [one["message"] for one in found if "GOT" in one["message"]]

    until(lambda: any("in/o 1.csv" in line for line in told()))
    assert not any("other/no.csv" in line for line in told())


def test_a_trigger_moves_to_eventbridge_and_back_with_no_gap(lab: Lab) -> None:
    """What calls next is there before what called goes: rather twice than not at all. The switch stays on."""
    lab.sync(make_fleet(make_target(KEY, IN)))
    lab.aws.forget()
    put, target, remove = (
        "s3.PutBucketNotificationConfiguration",
        "events.PutTargets",
        "events.RemoveTargets",
    )
    run = lab.sync(relayed(IN))
    assert order(lab, put, target, remove) == [target, put]
    assert lab.notifications() == {"EventBridgeConfiguration": {}}
    (planned,) = run.plan.targets
    assert f"s3://{UPLOADS}/ to EventBridge" in [change.new for change in planned.changes]

    lab.aws.forget()
    lab.sync(make_fleet(make_target(KEY, IN)))
    assert order(lab, put, target, remove) == [put, remove]
    assert "EventBridgeConfiguration" in lab.notifications()
    assert client(lab.aws.behind, "events").list_rules()["Rules"] == []


def test_a_switch_that_somebody_put_off_is_drift(lab: Lab) -> None:
    """Nothing calls without it, whatever the rule says."""
    lab.sync(relayed(IN))
    lab.put_notifications({})
    run = lab.sync(relayed(IN))
    assert [change.path for change in run.plan.targets[0].changes] == ["trigger"]
    assert lab.notifications() == {"EventBridgeConfiguration": {}}
