"""Accounts and Regions: each environment in its own, several in one sync."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.config
import botocore.session
import pytest

from lockstep.model import Environment, Plan, SyncStatus
from tests.strict import Notifications
from tests.support.clouds import ACCOUNT, REGION, Cloud, client, make_bucket
from tests.support.engine import Lab
from tests.support.projects import PACKAGES, UPLOADS, make_fleet, make_project, make_target, trigger

OTHER = "222222222222"
ROLE = f"arn:aws:iam::{OTHER}:role/deployer"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture
def cloud(each_cloud: Cloud) -> Cloud:
    """Accounts and Regions are kept apart by the emulators themselves."""
    return each_cloud


def assumed(cloud: Cloud, service: str) -> Any:
    """Return a client in the other account, as whoever assumes its role gets it."""
    session = botocore.session.Session()
    sts = client(cloud, "sts")
    given = sts.assume_role(RoleArn=ROLE, RoleSessionName="test")["Credentials"]
    return session.create_client(
        service,
        endpoint_url=cloud.endpoint,
        region_name=REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        config=botocore.config.Config(s3={"addressing_style": "path"}, proxies={}),
    )


def functions(lambda_: Any) -> list[str]:
    """Return the names of all functions that a client sees."""
    return sorted(one["FunctionName"] for one in lambda_.list_functions()["Functions"])


def test_two_regions_in_one_sync(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """Environments in two Regions are planned and applied together; each function is in its own."""
    lab = lab_on(cloud, Notifications())
    make_bucket(cloud, "far-uploads", region="us-west-2")
    project = make_project(
        "shop",
        Environment(name="staging", region=REGION),
        Environment(name="production", region="us-west-2"),
    )
    image = f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com/shop@sha256:{'a' * 64}"
    fleet = make_fleet(
        make_target("staging/x", trigger("s/")),
        make_target("production/x", trigger("p/", bucket="far-uploads"), image=image),
    )
    lab.sync(fleet, project=project)
    assert functions(lab.client("lambda")) == ["x-staging"]
    assert functions(lab.client("lambda", region="us-west-2")) == ["x-production"]
    (entry,) = lab.notifications("far-uploads")["LambdaFunctionConfigurations"]
    assert entry["LambdaFunctionArn"] == f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:x-production"
    # One preview of one environment asks nothing in the other Region.
    lab.aws.forget()
    lab.plan(make_fleet(*fleet.targets.values(), selection=("staging",)), project=project)
    assert {call.operation.region for call in lab.aws.calls} == {REGION}


def test_a_package_bucket_in_another_region_is_explained(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """Lambda reads packages of its own Region only; its refusal names the bucket. moto reads them anyway."""
    lab = lab_on(ministack)
    project = make_project("shop", Environment(name="production", region="us-west-2"))
    run = lab.run(make_fleet(make_target("production/x")), project=project)
    assert f"the package bucket {PACKAGES} is in another Region" in run.error


def held_back(plan: Plan) -> set[str]:
    """Targets of which nothing is done because the credentials are for another account; the others go on."""
    wrong = [one for one in plan.targets if f"declared in account {OTHER}" in str(one.problem)]
    assert all(one.status is SyncStatus.UNKNOWN for one in wrong)
    assert not {one.target for one in wrong} & {step.target for step in plan.steps}
    return {one.target for one in wrong}


def test_a_role_to_assume_deploys_into_its_account(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """An environment with ``role:`` lives in that role's account; the other one stays in its own.

    moto says of an assumed role's credentials that they are for the caller's account: there the declared
    account keeps anything from being made.
    """
    lab = lab_on(cloud)
    project = make_project(
        "shop",
        Environment(name="staging", region=REGION),
        Environment(name="production", region=REGION, role=ROLE, account=OTHER),
        package_bucket=None,
    )
    reaches = assumed(cloud, "sts").get_caller_identity()["Account"] == OTHER
    fleet = make_fleet(make_target("staging/x"), make_target("production/x"))
    if not reaches:
        assert held_back(lab.plan(fleet, project=project)) == {"production/x"}
        assert lab.aws.named("sts.AssumeRole")
        assert not lab.aws.counts(mutating=True)
        return
    assumed(cloud, "iam").create_role(RoleName="lambda-role", AssumeRolePolicyDocument=TRUST)
    image = f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com/shop@sha256:{'a' * 64}"
    fleet = make_fleet(make_target("staging/x"), make_target("production/x", image=image))
    lab.sync(fleet, project=project)
    assert functions(lab.client("lambda")) == ["x-staging"]
    assert functions(assumed(cloud, "lambda")) == ["x-production"]
    live = assumed(cloud, "lambda").get_function(FunctionName="x-production")["Configuration"]
    assert live["Role"] == f"arn:aws:iam::{OTHER}:role/lambda-role"


def test_a_profile_selects_the_account(
    ministack: Cloud, lab_on: Callable[..., Lab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment with ``profile:`` uses its credentials, beside the ambient ones of another account.

    Only on MiniStack, where an access key of 12 digits selects the account; moto knows no such keys.
    """
    lab = lab_on(ministack, Notifications())
    config = tmp_path / "config"
    config.write_text(
        f"[profile production]\naws_access_key_id = {OTHER}\naws_secret_access_key = x\nregion = {REGION}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    client(ministack, "iam", account=OTHER).create_role(
        RoleName="lambda-role", AssumeRolePolicyDocument=TRUST
    )
    make_bucket(ministack, "other-packages", account=OTHER)
    make_bucket(ministack, "other-uploads", account=OTHER)
    project = make_project(
        "shop",
        Environment(name="staging", region=REGION, account=ACCOUNT),
        Environment(name="production", profile="production", account=OTHER),
        package_bucket=None,
    )
    image = f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com/shop@sha256:{'a' * 64}"
    fleet = make_fleet(
        make_target("staging/x", trigger("s/")),
        make_target("production/x", trigger("p/", bucket="other-uploads"), image=image),
    )
    lab.sync(fleet, project=project)
    assert functions(lab.client("lambda")) == ["x-staging"]
    assert functions(lab.client("lambda", account=OTHER)) == ["x-production"]
    owners = {
        call.operation.params["Bucket"]: call.request.headers["x-amz-expected-bucket-owner"]
        for call in lab.aws.named("s3.PutBucketNotificationConfiguration")
    }
    assert owners == {UPLOADS: ACCOUNT, "other-uploads": OTHER}


@pytest.mark.parametrize("accounts", ["one", "two"])
def test_one_package_for_two_places_is_staged_in_each(
    ministack: Cloud, lab_on: Callable[..., Lab], accounts: str
) -> None:
    """Environments in one account share a staged package; what each sync stages is where Lambda reads it."""
    lab = lab_on(ministack)
    fleet = make_fleet(make_target("staging/x"), make_target("production/x"))
    if accounts == "one":
        lab.sync(fleet)
        staged = [call.operation.params["Bucket"] for call in lab.aws.named("s3.PutObject")]
        assert staged == [PACKAGES]
        return
    project = make_project(
        "shop",
        Environment(name="staging", region=REGION, account=ACCOUNT),
        Environment(name="production", region=REGION, account=OTHER),
    )
    assert held_back(lab.plan(fleet, project=project)) == {"production/x"}
