"""What functions stand on: roles, networks, log groups, values; each found, missed or not to be asked."""

import json
import threading

import pytest

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.surroundings import log_group, network, role, values
from lockstep.model import Environment, Reference, Verdict
from tests.support.clouds import ACCOUNT, REGION, Cloud, client, make_role

FOREIGN = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        {"Effect": "Deny", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ]
}


def test_what_is_there_is_told_from_what_is_not(moto: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the way out where something is missing; nothing is changed and no value is read."""
    for name, value in moto.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    connection = Connection(Environment(name="staging", region=REGION), threading.Event())
    make_role(moto)
    client(moto, "iam").create_role(RoleName="foreign", AssumeRolePolicyDocument=json.dumps(FOREIGN))
    base = f"arn:aws:iam::{ACCOUNT}:role"
    for name, verdict, says in (
        ("lambda-role", Verdict.OK, "Lambda may assume it"),
        ("foreign", Verdict.FAILED, "does not let Lambda assume it"),
        ("nowhere", Verdict.FAILED, "no such role"),
    ):
        found = role(connection, f"{base}/{name}")
        assert (found.verdict, says in found.detail) == (verdict, True), found
    ec2 = client(moto, "ec2")
    vpcs = [ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in range(2)]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{n}.1.0/24")["Subnet"]["SubnetId"]
        for n, vpc in enumerate(vpcs)
    ]
    assert network(connection, subnets[:1], ()).verdict is Verdict.OK
    assert "several VPCs" in network(connection, subnets, ()).detail
    assert network(connection, ["subnet-0123456789abcdef0"], ()).verdict is Verdict.FAILED
    client(moto, "logs").create_log_group(logGroupName="/shop/all")
    assert log_group(connection, "/shop/all").verdict is Verdict.OK
    assert log_group(connection, "/shop").verdict is Verdict.WARNING
    client(moto, "ssm").put_parameter(Name="/shop/p", Value="p", Type="String")
    there, missing = Reference(store="ssm", name="/shop/p"), Reference(store="ssm", name="/shop/q")
    assert [one.verdict for one in values(connection, [there])] == [Verdict.OK]
    assert [one.verdict for one in values(connection, [there, missing])] == [Verdict.FAILED]
