"""Which Region an environment is in when lockstep.yaml does not say."""

import threading

import pytest

from lockstep.engines.aws.connection import Connection
from lockstep.errors import BadInput
from lockstep.local.ministack import LocalCloud
from lockstep.model import Environment


def _connection(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, **variables: str) -> Connection:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in cloud.environment().items():
        if name.startswith("AWS_") and "REGION" not in name:
            monkeypatch.setenv(name, value)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Connection(Environment(name="staging"), threading.Event())


def test_aws_region_is_enough(ministack: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_REGION counts, as in AWS's newer tools, although botocore reads AWS_DEFAULT_REGION only."""
    assert _connection(ministack, monkeypatch, AWS_REGION="eu-west-3").scope.region == "eu-west-3"


def test_aws_region_wins_over_the_default(ministack: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where both are set they say the same or AWS_REGION is meant."""
    both = {"AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "us-east-1"}
    assert _connection(ministack, monkeypatch, **both).scope.region == "eu-west-3"


def test_no_region_is_an_error_that_says_where_to_write_it(
    ministack: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any Region nothing is guessed."""
    connection = _connection(ministack, monkeypatch)
    with pytest.raises(BadInput, match="set AWS_REGION"):
        _ = connection.scope
