"""The aws engine and Terraform with our module make the same of the same declarations.

Terraform with the AWS provider takes 10 s and more for a run, so one fleet, generated with many fields,
goes through all of it: deployed by Terraform, compared with what the aws engine makes, changed and
taken down.
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lockstep.model import Fleet, Secret, Target, Verb
from tests.functional.kinds.samples import SAMPLES, resource
from tests.strict import everything
from tests.strict.settings import Settings
from tests.support.clouds import Cloud
from tests.support.engine import Lab, prepare
from tests.support.projects import UPLOADS, make_fleet, make_target, trigger
from tests.support.terraform import copy_folder, provider_override, require_terraform
from tests.support.terraform_engine import AwsKeeper, Desk

SEEDS = (1, 2, 3, 4, 5, 6)
ALIASED = (1, 4)  # moto keeps settings of asynchronous calls for the function alone
BESIDE = {
    2: resource("asyncInvoke", **SAMPLES["asyncInvoke"].FIRST),
    4: resource("recursion", **SAMPLES["recursion"].FIRST),
    5: resource("runtimeManagement", **SAMPLES["runtimeManagement"].SECOND),
    3: resource("url", authType="AWS_IAM", cors__allowOrigins=["https://shop.example"]),
}
ROOT = """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
  backend "local" {}
}

variable "project" { type = string }
variable "functions" { type = any }
variable "secret_environment" {
  type      = map(map(string))
  sensitive = true
}

module "fleet" {
  source             = "./modules/lambda-fleet"
  project            = var.project
  functions          = var.functions
  secret_environment = var.secret_environment
}

output "functions" { value = module.fleet.functions }
"""


def _target(seed: int) -> Target:
    """A target with fields, variables, tags and triggers as the seed has them."""
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    environment = draw.choice(["staging", "preview/pr-7"])
    settings: dict[str, Any] = {
        "memorySize": draw.choice([None, 256, 1024]),
        "timeout": draw.choice([None, 30]),
        "description": draw.choice([None, f"Function number {seed}"]),
        "ephemeralStorage": draw.choice([None, 1024]),
        "tracing": draw.choice([None, "Active"]),
        "logging.format": draw.choice([None, "JSON"]),
        "reservedConcurrency": draw.choice([None, None, 2]),
        "environment": draw.choice(
            [None, {"MODE": "fast"}, {"MODE": "fast", "API_TOKEN": Secret(f"hunter2-hunter{seed}")}]
        ),
    }
    triggers = [
        trigger(f"{environment}/{seed}/{n}/", draw.choice(["", ".pdf"])) for n in range(draw.randint(0, 2))
    ]
    return make_target(
        f"{environment}/service-{seed}",
        *triggers,
        settings=settings,
        tags=draw.choice([{}, {"team": "files"}]),
        source=f"number = {seed}\n",
        version=f"1.0.{seed}",
        resources=[BESIDE[seed]] if seed in BESIDE else (),
        alias="live" if seed in ALIASED else None,
    )


@pytest.fixture
def bench(moto: Cloud, lab_on: Callable[..., Lab], tmp_path: Path) -> tuple[Lab, Desk]:
    """A strict AWS, and a desk whose Terraform folder calls our module on it."""
    require_terraform()
    lab = lab_on(moto, *everything(lag=0), Settings())
    desk = Desk.make(tmp_path, ROOT)
    desk.write(provider_override(lab.aws.endpoint), "terraform/provider.tf")
    copied = copy_folder("modules/lambda-fleet", tmp_path / "copy")
    copied.parent.rename(desk.root / "terraform" / "modules")
    desk.keeper = AwsKeeper(root=desk.root, aws=lab.engine(), fetch=lab.fetch)
    return lab, desk


def _live(lab: Lab, fleet: Fleet) -> dict[str, Any]:
    """Everything that is live of a fleet, without what differs between any two deployments."""
    functions = lab.client("lambda")
    found: dict[str, Any] = {"notifications": lab.notifications(UPLOADS)}
    for key, target in fleet.targets.items():
        assert target.function is not None
        name = target.function.name
        answer = functions.get_function(FunctionName=name)
        configuration = {
            field: value
            for field, value in answer["Configuration"].items()
            if field not in ("LastModified", "RevisionId", "Version")
        }
        try:
            policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]
        except functions.exceptions.ResourceNotFoundException:
            policy = []
        found[key] = [configuration, answer.get("Tags"), answer.get("Concurrency"), policy]
    return found


def test_both_engines_make_the_same_and_each_is_in_sync_with_the_other(bench: tuple[Lab, Desk]) -> None:
    """A fleet that Terraform deployed is what the aws engine would have deployed, field by field."""
    lab, desk = bench
    fleet = make_fleet(*map(_target, SEEDS))
    targets = list(fleet.targets.values())

    done = desk.sync(*targets)
    verbs = {target.target: target.verb for target in done.plan.targets}
    assert set(verbs.values()) == {Verb.CREATE}
    assert verbs.keys() == fleet.targets.keys()
    assert "hunter2" not in repr(done.plan)
    by_terraform = _live(lab, fleet)

    plan = lab.plan(fleet)
    assert plan.is_empty, [(target.target, target.changes) for target in plan.targets]

    code = make_target(source="two = 2\n").function
    assert targets[0].function is not None
    assert code is not None
    newer = replace(targets[0], version="2.0.0", function=replace(targets[0].function, code=code.code))
    changed = [newer, *targets[1:]]
    again = desk.sync(*changed)
    (told,) = (target for target in again.plan.targets if target.verb is Verb.UPDATE)
    assert {change.path for change in told.changes} == {"version", "code", "alias"}
    assert lab.plan(make_fleet(*changed)).is_empty

    lab.aws.reset()
    prepare(lab.aws, lab.folder)
    lab.sync(fleet)
    assert _live(lab, fleet) == by_terraform
