"""The example folder with the variables of a fleet with one service, as Lockstep drives it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.model import Change, Target, Terraform, Verb
from tests.strict import everything
from tests.support.clouds import Cloud
from tests.support.engine import Lab
from tests.support.projects import UPLOADS, make_package, make_target, trigger
from tests.support.terraform import copy_folder, require_terraform
from tests.support.terraform_engine import AwsKeeper, Desk

BACKEND = 'terraform {\n  backend "local" {}\n}\n'


@pytest.fixture
def example(moto: Cloud, lab_on: Callable[..., Lab], tmp_path: Path) -> Desk:
    """A repository with the example folder, and an AWS with what it needs."""
    require_terraform()
    lab = lab_on(moto, *everything(lag=0))
    settings = Terraform(
        folder="terraform/examples/syrf",
        mapping="syrf",
        variables={
            "aws_endpoint": lab.aws.endpoint,
            "uploads_bucket": UPLOADS,
            "packages_bucket": "shop-packages",
            "role_arn": "arn:aws:iam::123456789012:role/lambda-role",
        },
        place="lockstep.yaml:5",
    )
    desk = Desk.make(tmp_path, "", settings=settings)
    folder = copy_folder("examples/syrf", desk.root)
    (folder / "backend_override.tf").write_text(BACKEND)
    desk.keeper = AwsKeeper(root=desk.root, aws=lab.engine(), fetch=lab.fetch)
    return desk


def _targets() -> tuple[Target, ...]:
    targets = []
    for environment, prefix in (
        ("production", "Projects/"),
        ("staging", "staging/"),
        ("preview/pr-7", "preview/pr-7/"),
    ):
        name = environment.rpartition("/")[2]
        target = make_target(
            f"{environment}/s3-notifier",
            trigger(prefix),
            name={"production": "syrfAppUploadS3Notifier"}.get(
                environment, f"syrfAppUploadS3Notifier-{name}"
            ),
            package=make_package(key=f"lambda-packages/{name}.zip"),
        )
        targets.append(replace(target, commit="a" * 40))
    return tuple(targets)


def test_previews_that_another_workflow_applies_stay(example: Desk) -> None:
    """With the same state and no `preview` in the project they are passed as the state has them."""
    production, staging, preview = _targets()
    example.sync(production, staging, preview)
    example.environments = ("staging", "production")
    plan = example.plan(production, replace(staging, version="2.0.0"), allow_deletes=9)
    assert not plan.problems, plan.problems
    assert {one.target: one.verb for one in plan.targets} == {
        production.key: Verb.NOTHING,
        staging.key: Verb.UPDATE,
    }
    addresses = {getattr(step, "address", "") for step in plan.steps}
    assert addresses == {"", "aws_lambda_function.staging"}
    assert not any("-target" in note for note in plan.notes)


def test_a_plan_of_the_example_is_told_by_target(example: Desk) -> None:
    """Functions, permissions and the bucket's entries of all environments stand under their targets."""
    targets = _targets()
    plan = example.plan(*targets)
    assert not plan.problems, plan.problems
    assert {one.target: one.verb for one in plan.targets} == {one.key: Verb.CREATE for one in targets}
    for one, target in zip(plan.targets, targets, strict=True):
        assert Change(path="permission", new=f"arn:aws:s3:::{UPLOADS}") in one.changes
        assert target.function is not None
        assert Change(path="code", new=target.function.code.sha256) in one.changes
    shared = [step for step in plan.steps if getattr(step, "address", "") and not step.target]
    assert [getattr(step, "address", "") for step in shared] == [
        "aws_s3_bucket_notification.bucket_notification"
    ]
