"""Event sources on a strict AWS: what is read, moved, kept, replaced and taken down, and that it works."""

from typing import Any

import pytest

from lockstep.delivery.sync.truth import look
from lockstep.model import Environment, Fleet, Resource
from tests.functional.kinds.samples import resource
from tests.support.clouds import ACCOUNT, REGION, client
from tests.support.engine import Lab, changes_of
from tests.support.projects import make_fleet, make_project, make_target
from tests.support.waiting import until

KEY, NAME = "staging/notifier", "notifier-staging"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
PRINTS = """
def handler(event, context):
    for record in event["Records"]:
        print("GOT " + record["body"])
"""


def declared(*beside: Resource, **fields: Any) -> Fleet:
    """One function and its event sources."""
    return make_fleet(make_target(KEY, resources=beside, **fields))


def queue(**settings: Any) -> Resource:
    """The sample queue as an event source."""
    return resource("eventSources", source=QUEUE, **settings)


def mappings(lab: Lab) -> list[dict[str, Any]]:
    """All mappings, as somebody sees them who looks past the proxy."""
    return list(lab.client("lambda").list_event_source_mappings()["EventSourceMappings"])


def test_a_message_is_worked_off_by_the_function(lab: Lab) -> None:
    """The function's log tells the message, through its alias, and the queue is empty again."""
    lab.sync(declared(resource("eventSources", on="live", source=QUEUE), alias="live", source=PRINTS))
    sqs = client(lab.aws.behind, "sqs")
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    logs = client(lab.aws.behind, "logs")

    def is_told() -> bool:
        groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
        if f"/aws/lambda/{NAME}" not in groups:
            return False
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{NAME}")["events"]
        return any("GOT hello" in one["message"] for one in events)

    until(is_told)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def left() -> set[str]:
        return set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())

    until(lambda: left() == {"0"})


def test_a_mapping_that_is_there_is_taken_over(lab: Lab) -> None:
    """No 409 and no second one: the plan says what would change of it, and it keeps its UUID."""
    lab.sync(declared())
    made = lab.client("lambda").create_event_source_mapping(
        FunctionName=NAME, EventSourceArn=QUEUE, BatchSize=3
    )
    run = lab.sync(declared(queue()))
    assert changes_of(run.plan, KEY) == {"eventSources.orders.batchSize": None}
    (one,) = mappings(lab)
    assert (one["UUID"], one["BatchSize"]) == (made["UUID"], 10)


def test_a_mapping_moves_to_an_alias_in_place(lab: Lab) -> None:
    """And back: what a stream was read up to stays, and nothing is handed over twice."""
    lab.sync(declared(queue()))
    (before,) = mappings(lab)
    run = lab.sync(declared(resource("eventSources", on="live", source=QUEUE), alias="live"))
    assert changes_of(run.plan, KEY)["eventSources.orders"] == "on live"
    (after,) = mappings(lab)
    assert after["UUID"] == before["UUID"]
    assert after["FunctionArn"].endswith(f":{NAME}:live")
    lab.sync(declared(queue()))
    assert [one["FunctionArn"].rpartition(":")[2] for one in mappings(lab)] == [NAME]


def test_one_that_somebody_disabled_stays_so(lab: Lab) -> None:
    """The pause of a bad release outlives the next sync; enabled: true ends it."""
    lab.sync(declared(queue()))
    (one,) = mappings(lab)
    lab.client("lambda").update_event_source_mapping(UUID=one["UUID"], Enabled=False)
    assert lab.plan(declared(queue())).is_empty
    lab.sync(declared(queue(batchSize=3)))
    (one,) = mappings(lab)
    assert (one["State"], one["BatchSize"]) == ("Disabled", 3)
    lab.sync(declared(queue(batchSize=3, enabled=True)))
    assert mappings(lab)[0]["State"] == "Enabled"


def test_what_is_fixed_makes_way_only_when_told(lab: Lab) -> None:
    """Another starting position, or another stream under the same name, is refused with what it costs."""
    client(lab.aws.behind, "kinesis").create_stream(StreamName="clicks", ShardCount=1)
    client(lab.aws.behind, "kinesis").create_stream(StreamName="taps", ShardCount=1)
    lab.sync(declared(resource("eventSources", source=STREAM, startingPosition="LATEST")))
    (before,) = mappings(lab)

    changed = {"source": STREAM, "startingPosition": "TRIM_HORIZON"}
    (target,) = lab.plan(declared(resource("eventSources", **changed))).blocked
    assert "startingPosition of notifier-staging is fixed" in str(target.problem)
    assert "position is lost" in str(target.problem)
    lab.sync(declared(resource("eventSources", **changed, replace=True)))
    (after,) = mappings(lab)
    assert after["UUID"] != before["UUID"]
    assert after["StartingPosition"] == "TRIM_HORIZON"

    other = {**changed, "source": STREAM.replace("clicks", "taps")}
    (target,) = lab.plan(declared(resource("eventSources", **other))).blocked
    assert f"source of notifier-staging is fixed when the event source is made ({STREAM} ->" in str(
        target.problem
    )
    # Terraform would plan a replacement of its own.
    for is_told in (False, True):
        fleet = declared(resource("eventSources", **other, replace=is_told))
        assert look(lab.engine(), fleet, fleet.targets).refused.keys() == (set() if is_told else {KEY})
    lab.sync(declared(resource("eventSources", **other, replace=True)))
    assert [one["EventSourceArn"] for one in mappings(lab)] == [other["source"]]


def test_a_queue_that_hides_messages_too_briefly_is_told_before_the_call(lab: Lab) -> None:
    """Lambda would refuse it; both numbers and what to do are told, and no mapping is asked for."""
    run = lab.run(declared(queue(), settings={"timeout": 60}))
    assert "hides a message for 30 s and notifier-staging may take 60 s" in run.error
    assert not lab.aws.named("lambda.CreateEventSourceMapping")


def test_a_function_that_goes_takes_its_mapping_along(lab: Lab) -> None:
    """AWS keeps mappings of functions that are deleted; ours goes first, somebody's is left to them."""
    project = make_project("shop", Environment(name="staging", region=REGION, prune=True))
    lab.sync(declared(queue()), project=project)
    lab.client("lambda").create_event_source_mapping(
        FunctionName=NAME, EventSourceArn=QUEUE.replace("orders", "theirs")
    )
    lab.aws.forget()
    run = lab.run(make_fleet(), project=project, allow_deletes=1)
    assert run.report.is_success, run.failures
    names = [call.name for call in lab.aws.calls if call.mutation]
    assert names == ["lambda.DeleteEventSourceMapping", "lambda.DeleteFunction"]
    assert [one["EventSourceArn"] for one in mappings(lab)] == [QUEUE.replace("orders", "theirs")]


@pytest.mark.parametrize("pattern", ["eventSources", "eventSources.orders", "eventSources.*.batchSize"])
def test_what_others_manage_is_left_to_them(lab: Lab, pattern: str) -> None:
    """All of them, one by its name, or a row of each."""
    lab.sync(declared(queue()))
    (one,) = mappings(lab)
    lab.client("lambda").update_event_source_mapping(UUID=one["UUID"], BatchSize=4)
    lab.sync(declared(queue(), ignore=(pattern,)))
    assert mappings(lab)[0]["BatchSize"] == 4
