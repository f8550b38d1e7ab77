"""The aws engine, Terraform by our engine and Terraform by Flux make the same of the same declarations.

A run of Terraform takes its seconds for one function as for twenty, so the fleets of one batch share a state
and an account: twelve for each commit, 200 once a week (``LOCKSTEP_EVERY_FAULT=1``), 25 at a time.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lockstep.delivery.sync.rendering import state_of
from lockstep.engines.terraform import Source
from lockstep.engines.terraform.runs import states_of
from lockstep.model import (
    FIELDS,
    Environment,
    Fleet,
    PackageBucket,
    Project,
    Secret,
    Target,
    Terraform,
    Verb,
)
from lockstep.model.alias import undated
from lockstep.model.kinds import KINDS
from lockstep.roads.base import EVERY
from lockstep.roads.flux import ROAD
from tests.functional.kinds.samples import furnish
from tests.strict import everything
from tests.strict.settings import Settings
from tests.support.carried import BESIDE, ELSEWHERE, fleet_of
from tests.support.clouds import ACCOUNT, REGION, Cloud, client, make_bucket, upload
from tests.support.engine import Lab, prepare
from tests.support.projects import PACKAGES, UPLOADS, make_fleet, make_target
from tests.support.roads import SETTINGS, documents, ground
from tests.support.terraform import copy_folder, provider_override, require_terraform
from tests.support.terraform_engine import FUNCTIONS, AwsKeeper, Desk, needs_terraform
from tests.support.tofu import TofuController

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

BATCHES = [range(at, at + 25) for at in range(0, 200, 25)]
if not os.environ.get("LOCKSTEP_EVERY_FAULT"):
    BATCHES = [range(12)]

_STATES = "shop-states"
_SETTINGS = Terraform(
    folder="terraform",
    backend={
        "bucket": _STATES,
        "key": "shop/terraform.tfstate",
        "region": REGION,
        "use_lockfile": "true",
        "use_path_style": "true",
        "skip_credentials_validation": "true",
        "skip_metadata_api_check": "true",
        "skip_requesting_account_id": "true",
    },
)
_PROJECT = Project(
    name="shop",
    environments={
        name: Environment(name=name, account=ACCOUNT, region=REGION, engine="terraform", terraform=_SETTINGS)
        for name in ("staging", "preview")
    },
    packages=PackageBucket(name=PACKAGES),
    kubernetes=SETTINGS,
)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A strict AWS, a repository with a Terraform folder that calls our module, and a cluster with Flux."""

    lab: Lab
    desk: Desk
    cluster: TofuController

    def empty(self) -> None:
        """An account with nothing in it but what is called, or calls, by name."""
        self.lab.aws.reset()
        prepare(self.lab.aws, self.lab.folder)
        _furnish(self.lab)

    def source(self) -> Source:
        """The folder as it lies on disk."""
        return self.desk.keeper.source(_SETTINGS)


@pytest.fixture
def bench(ministack: Cloud, lab_on: Callable[..., Lab], tmp_path: Path) -> Bench:
    """With nothing applied."""
    require_terraform()
    lab = lab_on(ministack, *everything(lag=0), Settings())
    _furnish(lab)
    desk = Desk.make(tmp_path, ROOT.replace('"local"', '"s3"'), settings=_SETTINGS, only=_PROJECT)
    desk.write(provider_override(lab.aws.endpoint), "terraform/provider.tf")
    copied = copy_folder("modules/lambda-fleet", tmp_path / "copy")
    copied.parent.rename(desk.root / "terraform" / "modules")
    desk.keeper = AwsKeeper(root=desk.root, aws=lab.engine(), fetch=lab.fetch)
    repositories = {(str(SETTINGS.repository), "main"): desk.root}
    cluster = TofuController(repositories=repositories, folder=tmp_path / "runner")
    return Bench(lab=lab, desk=desk, cluster=cluster)


def _furnish(lab: Lab) -> None:
    furnish(lab.aws.behind)
    client(lab.aws.behind, "kinesis").create_stream(StreamName="clicks", ShardCount=1)
    make_bucket(lab.aws.behind, _STATES)


def _account(lab: Lab, fleet: Fleet) -> dict[str, dict[str, Any]]:
    """Everything that is live of a fleet, without what differs between any two deployments."""
    functions = lab.client("lambda")
    engine = lab.engine(full=True)
    engine.preview(fleet)
    found: dict[str, dict[str, Any]] = {"buckets": lab.notifications(UPLOADS)}
    for key, target in fleet.targets.items():
        assert target.function is not None
        name = target.function.name
        answer = functions.get_function(FunctionName=name)
        live = engine.live.targets[key]
        found[key] = {
            **{
                member: value
                for member, value in answer["Configuration"].items()
                if member not in ("LastModified", "RevisionId", "Version")
            },
            "LoggingConfig": _logging(answer["Configuration"]),
            "Tags": answer.get("Tags"),
            "Concurrency": answer.get("Concurrency"),
            "Policy": [_policy(functions, name, qualifier) for qualifier in (None, target.alias)],
            "Beside": sorted(live.resources, key=lambda one: (one.kind, one.identity)),
            "Aliases": [
                (one["Name"], one["FunctionVersion"], undated(one["Description"]))
                for one in functions.list_aliases(FunctionName=name)["Aliases"]
            ],
        }
    return found


def _logging(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """As Lambda tells it, with its defaults; the emulator tells what it was told.

    Source: the Lambda API reference, "LoggingConfig".
    """
    said = configuration["LoggingConfig"]
    levels = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"} if said["LogFormat"] == "JSON" else {}
    return {**levels, "LogGroup": f"/aws/lambda/{configuration['FunctionName']}", **said}


def _policy(functions: Any, name: str, qualifier: str | None) -> list[Any]:
    on = {"Qualifier": qualifier} if qualifier else {}
    try:
        statements = json.loads(functions.get_policy(FunctionName=name, **on)["Policy"])["Statement"]
    except functions.exceptions.ResourceNotFoundException:
        return []
    return sorted(statements, key=lambda one: str(one["Sid"]))


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {
        name: (one.get(name), other.get(name))
        for name in one.keys() | other.keys()
        if one.get(name) != other.get(name)
    }


_MEMBERS = {row.name: row.api.partition(".")[0] for row in FIELDS if row.api} | {
    "reservedConcurrency": "Concurrency",
    "tags": "Tags",
}
"""Of GetFunction's answer, by our rows."""


def _told(fleet: Fleet, key: str) -> set[str]:
    """Members that the loss report gives to Terraform though others manage them."""
    return {_MEMBERS[glob.partition(".")[0]] for glob in fleet.targets[key].ignore}


def _by_flux(bench: Bench, fleet: Fleet) -> None:
    """Let Flux deploy what is rendered of a fleet; what its loss report says is what the fleet ignores."""
    resolved = bench.lab.engine().resolve(fleet, sorted(fleet.targets))
    (run,) = states_of(_PROJECT.environments.values())
    state = state_of(run, resolved, _PROJECT.name, bench.source)
    assert state.problem is None
    rendering = ROAD.render(replace(ground(*resolved.targets.values(), project=_PROJECT), states=(state,)))
    lost = {(one.target, one.field) for one in rendering.losses if one.target != EVERY}
    assert lost == {(key, "ignore") for key, one in fleet.targets.items() if one.ignore}
    for target in fleet.targets.values():  # nothing on this road does it
        assert target.function is not None
        package = target.function.code.package
        assert package is not None
        upload(bench.lab.aws, package.bucket, package.key, bench.lab.fetch(package).read_bytes())
    assert bench.cluster.reconcile(documents(rendering.manifests[0], ROAD.name))


def _changed(target: Target) -> Target:
    """Another version with a secret variable."""
    assert target.function is not None
    code = make_target(source="two = 2\n").function
    assert code is not None
    settings = {**target.function.settings, "environment": {"API_TOKEN": Secret("hunter2-hunter3")}}
    function = replace(target.function, code=code.code, settings=settings)
    return replace(target, version="2.0.0", function=function)


@pytest.mark.parametrize("seeds", BATCHES, ids=lambda batch: f"{batch[0]}-{batch[-1]}")
def test_all_roads_of_terraform_make_what_the_aws_engine_makes(bench: Bench, seeds: Iterable[int]) -> None:
    """Functions, aliases, who may call them, what stands beside them and buckets, less what is told as lost.

    Our engine finds nothing to do after Flux, changes what is declared otherwise, and the aws engine finds
    nothing to do after both.
    """
    assert BESIDE.keys() | ELSEWHERE == {kind.name for kind in KINDS.values() if kind.terraform is not None}
    lab, desk = bench.lab, bench.desk
    fleet = make_fleet(*(target for seed in seeds for target in fleet_of(seed).targets.values()))
    first, *others = fleet.targets.values()
    _by_flux(bench, fleet)
    by_flux = _account(lab, fleet)
    plan = lab.plan(fleet, full=True)
    assert plan.is_empty, [(one.target, one.changes, one.problem) for one in plan.targets]

    newer = _changed(first)
    done = desk.sync(newer, *others)
    told = {
        one.target: {change.path for change in one.changes}
        for one in done.plan.targets
        if one.verb is not Verb.NOTHING
    }
    assert told.keys() == {first.key}
    assert told[first.key] >= {"version", "code", "environment.API_TOKEN"}
    assert "hunter2" not in repr(done.plan)
    assert lab.plan(make_fleet(newer, *others), full=True).is_empty

    bench.empty()
    lab.sync(fleet)
    by_aws = _account(lab, fleet)
    differing = {key: _differing(by_aws[key], by_flux[key]) for key in by_aws}
    unsaid = {
        key: {name: both for name, both in found.items() if key == "buckets" or name not in _told(fleet, key)}
        for key, found in differing.items()
    }
    assert not {key: found for key, found in unsaid.items() if found}


@needs_terraform
@pytest.mark.parametrize(("name", "left"), [("preview", 0), ("staging", 1)])
def test_what_goes_from_git_goes_by_flux_and_an_object_takes_previews_alone_with_it(
    lab: Lab, tmp_path: Path, name: str, left: int
) -> None:
    """A target that is not declared any more is destroyed; with the object of its state only a preview."""
    make_bucket(lab.aws.behind, _STATES)
    desk = Desk.make(tmp_path, FUNCTIONS.replace('"local"', '"s3"'), settings=_SETTINGS)
    project = replace(_PROJECT, environments={name: _PROJECT.environments[name]})
    (run,) = states_of(project.environments.values())
    repositories = {(str(SETTINGS.repository), "main"): desk.root}
    cluster = TofuController(repositories=repositories, folder=tmp_path / "runner")
    environment = "preview/pr-1" if name == "preview" else name
    targets = [make_target(f"{environment}/api"), make_target(f"{environment}/web")]

    def live() -> int:
        kept = client(lab.aws, "s3").get_object(Bucket=_STATES, Key=_SETTINGS.backend["key"])["Body"].read()
        return sum(len(one["instances"]) for one in json.loads(kept)["resources"])

    for count in (2, 1):
        fleet = make_fleet(*targets[:count])
        state = state_of(run, fleet, project.name, lambda: desk.keeper.source(_SETTINGS))
        made = replace(ground(*fleet.targets.values(), project=project), states=(state,))
        (manifest,) = ROAD.render(made).manifests
        objects = documents(manifest, ROAD.name)
        assert cluster.reconcile(objects)
        assert live() == count
        assert not cluster.reconcile(objects)
    cluster.delete(objects)
    assert live() == left
