"""Remembered policies as bytes, and what they may be remembered of."""

import gzip
import json
import threading
from pathlib import Path

import botocore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.packed import MOST
from lockstep.engines.aws.permission import Policy
from lockstep.engines.aws.remembered import is_same, pack, unpack
from lockstep.model import Environment, Statement
from lockstep.model.kinds import KINDS

ABOUT = {"project": "shop", "environment": "staging", "account": "123456789012", "region": "eu-west-1"}
STATEMENTS = st.builds(
    Statement,
    sid=st.text(),
    source_arn=st.text(),
    source_account=st.none() | st.text(),
    principal=st.text(),
    action=st.text(),
)
POLICIES = st.dictionaries(
    st.text(), st.builds(Policy, revision=st.text(), statements=st.lists(STATEMENTS, max_size=3).map(tuple))
)


@given(POLICIES)
def test_what_is_packed_is_unpacked(policies: dict[str, Policy]) -> None:
    """The same policies in the same order, to the ids of their statements."""
    found = unpack(pack(ABOUT, policies), ABOUT)
    assert [*found] == [*policies]
    assert all(is_same(found[name], policy) for name, policy in policies.items())


@given(POLICIES, st.data())
def test_damage_is_seen(policies: dict[str, Policy], data: st.DataObject) -> None:
    """No byte can be another."""
    packed = bytearray(pack(ABOUT, policies))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    assert unpack(bytes(packed), ABOUT) == {}


def test_the_newest_are_kept() -> None:
    """Of more than there is room for, by number or by size, the oldest go."""
    policies = {f"f{n}": Policy(revision=str(n)) for n in range(MOST + 5)}
    assert [*unpack(pack(ABOUT, policies), ABOUT)] == [*policies][5:]
    large = Statement(source_arn="x" * 2**22, source_account=None)
    policies = {f"f{n}": Policy(revision=str(n), statements=(large,)) for n in range(10)}
    assert [*unpack(pack(ABOUT, policies), ABOUT)] == [*policies][-7:]


@pytest.mark.parametrize(
    ("endpoint", "is_aws"),
    [
        (None, True),
        ("https://vpce-0123-4567.lambda.eu-west-1.vpce.amazonaws.com", True),
        ("http://127.0.0.1:4566", False),
        ("http://ministack:4566", False),
        ("https://lambda.amazonaws.com.example.org", False),
        ("https://notamazonaws.com", False),
    ],
)
def test_only_aws_is_believed(monkeypatch: pytest.MonkeyPatch, endpoint: str | None, is_aws: bool) -> None:
    """Revisions say what they say on AWS; another service that speaks its language may keep no such rule."""
    monkeypatch.delenv("LOCKSTEP_QUOTAS", raising=False)
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
    assert Connection(Environment(name="e", region="eu-west-1"), threading.Event()).is_aws is is_aws


def test_aws_tells_a_revision_with_nothing_else() -> None:
    """Of what is read of a function beside its configuration, only the policy has a revision to go by."""
    folder = Path(botocore.__file__).parent / "data/lambda/2015-03-31"
    model = json.loads(gzip.decompress((folder / "service-2.json.gz").read_bytes()))

    def tells(operation: str) -> bool:
        output = model["operations"][operation.partition(":")[2]]["output"]["shape"]
        return "RevisionId" in model["shapes"][output]["members"]

    read = {operation for kind in KINDS.values() for operation in kind.reads}
    beside = {operation for operation in read if operation.startswith("lambda:")} - {"lambda:GetPolicy"}
    assert tells("lambda:GetPolicy")
    assert not any(
        map(tells, {*beside, "lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionConcurrency"})
    )
