"""``lambda.eventSources``: named in any layer, judged as Lambda judges them, a preview's own or none."""

import pytest

from lockstep.config.explain import explain
from lockstep.config.load import load
from lockstep.errors import BadInput
from tests.unit.config.conftest import PREVIEW_FILE, PREVIEW_SERVICE, PULL_REQUEST, sample, staging

ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
SQS, FIFO = ARN.format("sqs", "orders"), ARN.format("sqs", "orders.fifo")
KINESIS = ARN.format("kinesis", "stream/clicks")
DYNAMODB = ARN.format("dynamodb", "table/t/stream/2026-01-01T00:00:00.000")
MSK, MQ = ARN.format("kafka", "cluster/c/1"), ARN.format("mq", "broker:b:b-1")
STAGING, PREVIEW = "staging/s3-notifier", "preview/pr-123/s3-notifier"
PREVIEWS = "syrf/environments/preview/services/s3-notifier/values.yaml"


@pytest.mark.parametrize(
    ("entry", "problem", "fix"),
    [
        ("{source: " + ARN.format("sns", "t") + "}", "is nothing that Lambda reads", "declare a trigger"),
        ("{source: " + ARN.format("dynamodb", "table/t") + "}", "nothing that Lambda reads", "/stream/"),
        ("{batchSize: 3}", "needs a source", "add source:"),
        ("{source: " + SQS + ", endpoints: ['b:9092']}", "both given", "keep the one"),
        ("{source: " + FIFO + ", maximumBatchingWindow: 1}", "FIFO queue takes no", "remove"),
        ("{source: " + FIFO + ", batchSize: 11}", "at most 10 messages", "write batchSize: 10"),
        (
            "{source: " + SQS + ", batchSize: 11}",
            "needs a maximumBatchingWindow",
            "add maximumBatchingWindow: 1",
        ),
        (
            "{source: " + SQS + ", startingPosition: LATEST}",
            "startingPosition is for",
            "remove startingPosition",
        ),
        ("{source: " + SQS + ", parallelizationFactor: 2}", "is for DynamoDB, Kinesis", "remove"),
        ("{source: " + KINESIS + "}", "of Kinesis needs startingPosition", "startingPosition: LATEST"),
        ("{source: " + KINESIS + ", startingPosition: AT_TIMESTAMP}", "go together", "both, or neither"),
        ("{source: " + DYNAMODB + ", startingPosition: AT_TIMESTAMP}", "no AT_TIMESTAMP", "TRIM_HORIZON"),
        ("{source: " + MSK + ", startingPosition: LATEST}", "of MSK needs topics", "add topics"),
        ("{endpoints: ['b:9092'], startingPosition: LATEST}", "of Kafka needs topics", "add topics"),
        ("{source: " + MQ + "}", "of MQ needs queues", "add queues"),
        ("{source: " + SQS + ", filters: [{pattern: 'kind = order'}]}", "is no JSON object", "write one"),
        (
            "{source: " + SQS + ', filters: [{pattern: \'{"body": {"kind": "order"}}\'}]}',
            *("kind of a pattern has no list", 'write "kind": [...]'),
        ),
        (
            "{source: " + SQS + ", filters: [{pattern: {body: {kind: [order]}}}]}",
            *("takes a string, not a map", "put it in quotes: pattern: '{...}'"),
        ),
        (
            "{source: " + KINESIS + ", startingPosition: LATEST, maximumRecordAge: 5}",
            "too short",
            "60 and more",
        ),
        (
            "{source: " + KINESIS + ", startingPosition: LATEST, onFailure: '" + FIFO + "'}",
            *("is a FIFO one, and AWS takes none for onFailure", "name a standard one"),
        ),
        (
            "{source: " + SQS.replace("eu-west-1", "us-east-1") + "}",
            *("is in us-east-1, and the function in eu-west-1", "name one in eu-west-1"),
        ),
        ("{source: " + SQS + ", batchsize: 3}", "unknown key 'batchsize'", "batchSize"),
    ],
)
def test_what_lambda_refuses_is_told_at_its_line(entry: str, problem: str, fix: str) -> None:
    """With what to do, before any call is made."""
    with pytest.raises(BadInput) as caught:
        load(staging(f"  eventSources:\n    orders: {entry}"))
    assert problem in str(caught.value)
    assert fix in str(caught.value)
    assert "staging/s3-notifier/config.yaml:" in str(caught.value)


def test_two_names_for_one_source_are_refused() -> None:
    """AWS keeps one mapping of a source and a function."""
    with pytest.raises(BadInput, match="are the same to AWS"):
        load(staging(f"  eventSources: {{a: {{source: '{SQS}'}}, b: {{source: '{SQS}', batchSize: 3}}}}"))


def test_a_name_has_to_fit_a_tag() -> None:
    """It is remembered there."""
    with pytest.raises(BadInput, match="is no name for event source"):
        load(staging(f"  eventSources: {{'a b': {{source: '{SQS}'}}}}"))


def test_layers_change_one_by_its_name() -> None:
    """An environment has the service's source with a batch of its own; null takes one away."""
    both = f"{{orders: {{source: '{SQS}', batchSize: 3}}, bills: {{source: '{FIFO}'}}}}"
    service = f"lambda:\n  eventSources: {both}\n"
    usual = "  runtime: dotnet10\n  handler: a\n  role: r\n"
    tree = staging("  eventSources: {orders: {batchSize: 4}, bills: null}", service=service + usual)
    (one,) = load(tree).fleet.targets[STAGING].resources
    assert (one.name, one.identity) == ("orders", SQS)
    assert one.settings == {"source": SQS, "batchSize": 4}
    assert one.place.endswith("config.yaml:4")


def test_a_filter_keeps_its_braces_and_is_compared_as_json() -> None:
    """It is no template, however it is spaced; the default batch is as good as none."""
    spaced = """'{ "body": {"kind": [ "order" ]} }'"""
    block = (
        f"  eventSources:\n    orders: {{source: '{SQS}', batchSize: 10, filters: [{{pattern: {spaced}}}]}}"
    )
    (one,) = load(staging(block)).fleet.targets[STAGING].resources
    assert one.settings == {"source": SQS, "filters": ({"pattern": '{"body":{"kind":["order"]}}'},)}


@pytest.mark.parametrize(
    ("previews", "pull", "expected"),
    [
        (f"{{source: '{SQS}'}}", None, []),
        (f"{{source: '{SQS}-{{env}}'}}", None, [f"{SQS}-pr-123"]),
        (f"{{source: '{SQS}'}}", f"{{source: '{SQS}-mine'}}", [f"{SQS}-mine"]),
        (f"{{source: '{SQS}'}}", "{batchSize: 4}", []),
        (
            f"{{source: '{MSK}', startingPosition: LATEST, topics: ['clicks-{{pr}}']}}",
            None,
            [f"{MSK} clicks-123"],
        ),
    ],
)
def test_a_preview_has_sources_of_its_own_or_none(
    previews: str, pull: str | None, expected: list[str]
) -> None:
    """What others read would be taken from them, or come twice; what is left to them is told as that."""
    block = "lambda:\n  eventSources: {{orders: {}}}\n"
    own = (
        PULL_REQUEST.replace("lambda: {", f"lambda: {{eventSources: {{orders: {pull}}}, ")
        if pull
        else PULL_REQUEST
    )
    tree = sample(
        {
            PREVIEWS: PREVIEW_SERVICE.replace("lambda:\n", block.format(previews)),
            PREVIEW_FILE: own,
        }
    )
    loaded = load(tree)
    assert [one.identity for one in loaded.fleet.targets[PREVIEW].resources] == expected
    told = explain(tree, loaded.project, PREVIEW, "eventSources")
    assert {bool(one.unused) for one in told} == {not expected}
