"""What functions stand on: roles, networks, log groups, values; each found, missed or not to be asked."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.delivery.places.workspace import Where, open_workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import make_plan
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.surroundings import log_group, network, role, values
from lockstep.model import Environment, Plan, Reference, Verb, Verdict
from tests.strict import Proxy
from tests.strict.policies import Policy
from tests.support.clouds import ACCOUNT, REGION, Cloud, client, make_bucket, make_role, make_zip

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


PROJECT = f"""\
project: shop
region: {REGION}
account: "{ACCOUNT}"
environments: {{staging: {{}}}}
packages: {{bucket: shop-packages}}
artifacts: {{source: directory, path: a.zip}}
functionDefaults: {{runtime: python3.12, handler: app.handler}}
"""
ALL = [f"{service}:*" for service in ("lambda", "s3", "tag", "logs", "sts", "ec2")]


def test_what_finds_no_ground_is_held_back_before_anything_is_applied(
    moto: Cloud, strict: Callable[..., Proxy], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each role and network is asked for once, where a plan comes to stand on it, by who may ask."""
    make_role(moto)
    client(moto, "iam").create_role(RoleName="foreign", AssumeRolePolicyDocument=json.dumps(FOREIGN))
    make_bucket(moto, "shop-packages")
    (tmp_path / "lockstep.yaml").write_text(PROJECT)
    (tmp_path / "a.zip").write_bytes(make_zip())
    for name, given in (("a", "lambda-role"), ("b", "lambda-role"), ("c", "nowhere"), ("d", "foreign")):
        folder = tmp_path / "environments/staging" / name
        folder.mkdir(parents=True)
        vpc = (
            ", vpc: {subnetIds: [subnet-0123456789abcdef0], securityGroupIds: [sg-0123456789abcdef0]}"
            if name == "b"
            else ""
        )
        (folder / "config.yaml").write_text(
            f"deploymentType: lambda\nlambda:\n  {{version: '1', functionName: {name}, role: {given}{vpc}}}\n"
        )

    def planned(*allowed: str) -> tuple[Plan, Proxy]:
        aws = strict(moto, Policy({"Statement": [{"Action": [*ALL, *allowed], "Resource": "*"}]}))
        for key, value in aws.environment().items():
            if key.startswith("AWS_"):
                monkeypatch.setenv(key, value)
        workspace = open_workspace(Where(folder=tmp_path, cache=tmp_path / "cache"))
        return make_plan(workspace, Options()), aws

    plan, aws = planned("iam:GetRole")
    found = {one.target: one for one in plan.targets}
    assert [one.verb for one in found.values()] == [Verb.CREATE, *[Verb.BLOCKED] * 3]
    for key, says in (
        ("staging/b", "subnet-0123456789abcdef0"),
        ("staging/c", "there is no such role"),
        ("staging/d", "does not let Lambda assume it"),
    ):
        text = str(found[key].problem)
        assert text.startswith(f"environments/{key}/config.yaml:"), text
        assert says in text
        assert "fix: " in text
    assert {step.target for step in plan.steps if step.target} == {"staging/a"}
    assert aws.counts()["iam.GetRole"] == 3
    plan, _ = planned()
    assert {one.target for one in plan.targets if one.verb is Verb.CREATE} == {
        "staging/a",
        "staging/c",
        "staging/d",
    }
    assert [note for note in plan.notes if "role" in note and "not asked" in note], plan.notes
