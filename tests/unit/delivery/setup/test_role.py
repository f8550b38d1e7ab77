"""``explain TARGET role``: what the role needs for what is declared, and nothing else."""

from typing import Any

import pytest

from lockstep.delivery.setup.role import least_policy
from lockstep.model import Environment, Resource
from lockstep.model.kinds import KINDS
from tests.support.projects import make_target

ARN = "arn:aws:{}:eu-west-1:123456789012:{}".format
STAGING = Environment(name="staging", region="eu-west-1", account="123456789012")
QUEUE, TOPIC = ARN("sqs", "orders"), ARN("sns", "failed")
SECRET = ARN("secretsmanager", "secret:kafka-AbCdEf")


def statements(*beside: Resource, environment: Environment = STAGING, **settings: Any) -> dict[str, Any]:
    """The policy's statements by their ids, but for those of logs."""
    target = make_target("staging/notifier", resources=beside, settings=settings)
    assert target.function is not None
    found = least_policy(target, target.function, environment)["Statement"]
    assert [one["Sid"] for one in found[:2]] == ["Logging", "Logging2"]
    return {one["Sid"]: one for one in found[2:]}


def source(**values: Any) -> Resource:
    """An event source of the function."""
    return KINDS["eventSources"].declared(values, "", "orders", "")


def test_a_function_of_its_own_needs_its_log_group_alone() -> None:
    """The group that it is declared to have, in its account and Region; * where nobody says them."""
    target = make_target("staging/notifier")
    assert target.function is not None
    group = "log-group:/aws/lambda/notifier-staging"
    made, written = least_policy(target, target.function, STAGING)["Statement"]
    assert (made["Action"], made["Resource"]) == (["logs:CreateLogGroup"], [ARN("logs", group)])
    assert written["Resource"] == [ARN("logs", f"{group}:*")]
    anywhere = least_policy(target, target.function, Environment(name="staging"))["Statement"][0]
    assert anywhere["Resource"] == [f"arn:aws:logs:*:*:{group}"]


def test_settings_need_what_lambda_does_as_the_function() -> None:
    """Network interfaces, traces, dead letters and mounts, each once and by the name of the setting."""
    mount = ARN("elasticfilesystem", f"access-point/fsap-{'1' * 17}")
    found = statements(
        **{
            "vpc.subnetIds": ("subnet-1",),
            "tracing": "Active",
            "deadLetterTarget": QUEUE,
            "fileSystems": ({"arn": mount, "localMountPath": "/mnt/a"},),
        }
    )
    assert list(found) == ["Vpc", "Tracing", "DeadLetterTarget", "FileSystems"]
    assert "ec2:CreateNetworkInterface" in found["Vpc"]["Action"]
    assert found["DeadLetterTarget"]["Action"] == ["sqs:SendMessage"]
    assert found["FileSystems"]["Resource"] == [ARN("elasticfilesystem", "file-system/*")]
    assert found["FileSystems"]["Condition"] == {"StringEquals": {"elasticfilesystem:AccessPointArn": mount}}


@pytest.mark.parametrize(
    ("arn", "actions"),
    [
        (QUEUE, {"sqs:SendMessage"}),
        (TOPIC, {"sns:Publish"}),
        (ARN("lambda", "function:failed"), {"lambda:InvokeFunction"}),
        (ARN("events", "event-bus/shop"), {"events:PutEvents"}),
        ("arn:aws:s3:::failed", {"s3:ListBucket", "s3:PutObject"}),
    ],
)
def test_a_destination_may_be_written_to(arn: str, actions: set[str]) -> None:
    """And nothing else of it."""
    found = statements(KINDS["asyncInvoke"].declared({"onFailure": arn}, "", "", ""))
    assert {action for one in found.values() for action in one["Action"]} == actions
    assert {on.removesuffix("/*") for one in found.values() for on in one["Resource"]} == {arn}


@pytest.mark.parametrize(
    ("values", "actions"),
    [
        ({"source": QUEUE}, {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}),
        (
            {"source": ARN("kinesis", "stream/s/consumer/c:1")},
            {"kinesis:GetRecords", "kinesis:SubscribeToShard", "kinesis:ListStreams"},
        ),
        ({"source": ARN("dynamodb", "table/t/stream/1")}, {"dynamodb:GetRecords", "dynamodb:ListStreams"}),
        ({"source": ARN("kafka", "cluster/k/1")}, {"kafka:DescribeCluster", "ec2:CreateNetworkInterface"}),
        (
            {
                "source": ARN("mq", "broker:b:1"),
                "sourceAccess": ({"type": "BASIC_AUTH", "uri": SECRET},),
            },
            {"mq:DescribeBroker", "secretsmanager:GetSecretValue", "ec2:CreateNetworkInterface"},
        ),
        ({"source": ARN("rds", "cluster:d")}, {"rds:DescribeDBClusters", "ec2:CreateNetworkInterface"}),
        (
            {"endpoints": ("k:9092",), "topics": ("t",), "onFailure": TOPIC},
            {"sns:Publish"},
        ),
    ],
)
def test_a_source_may_be_read(values: dict[str, Any], actions: set[str]) -> None:
    """With what its kind of source asks, on it alone where AWS gives the action resources."""
    found = statements(source(startingPosition="LATEST", **values))
    given = {action for one in found.values() for action in one["Action"]}
    assert actions <= given
    services = {action.partition(":")[0] for action in actions}
    assert {action.partition(":")[0] for action in given} == services
    assert all(one["Sid"].startswith("EventSourcesOrders") for one in found.values())


def test_what_several_need_is_there_once() -> None:
    """Ids of statements stay apart."""
    one, other = source(source=QUEUE), KINDS["eventSources"].declared({"source": QUEUE}, "", "again", "")
    assert list(statements(one, other)) == ["EventSourcesOrders"]
