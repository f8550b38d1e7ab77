"""Rollouts where Terraform publishes the versions: it lets the alias alone, and Lockstep moves it.

Each run of Terraform with the AWS provider takes seconds, so one function goes all the way: made, released
step by step, taken back, released again, and given to Terraform whole.
"""

import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.workspace import Where, Workspace, open_workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.rollouts import say, see
from lockstep.delivery.sync.run import Synced, make_plan, sync
from lockstep.model import Plan, SyncStatus, TargetPlan, Verb
from lockstep.model.rollout import Word
from lockstep.render.text import plan_lines
from tests.strict import everything
from tests.strict.settings import Settings
from tests.support.clouds import Cloud, make_zip
from tests.support.engine import Lab
from tests.support.projects import PACKAGES, UPLOADS
from tests.support.terraform import REPOSITORY, provider_override, require_terraform, terraform
from tests.support.watching import Telling

KEY, NAME = "staging/api", "api-staging"
ALIAS = 'module.fleet.aws_lambda_alias.%s["staging/api"]'
PROJECT = f"""\
project: shop
folder: gitops
region: eu-west-1
environments:
  staging:
    engine: terraform
    terraform: {{folder: terraform, backend: {{path: "STATE"}}}}
packages: {{bucket: {PACKAGES}}}
artifacts: {{source: directory, path: "packages/{{version}}.zip"}}
triggers: {{bucket: {UPLOADS}}}
"""
VALUES = """\
deploymentType: lambda
lambda: {role: lambda-role, runtime: python3.12, handler: app.handler, alias: live}
"""
CONFIG = """\
serviceName: api
envName: staging
lambda:
  version: "%s"
  functionName: api-staging
  s3TriggerPrefix: staging/
  rollout: %s
"""
STEPS = "[{weight: 10%, for: 9m}]"
ROOT = """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
  backend "local" {}
}

variable "project" { type = string }
variable "functions" { type = any }

module "fleet" {
  source    = "./lambda-fleet"
  project   = var.project
  functions = var.functions
}
"""


@pytest.fixture
def lab(moto: Cloud, lab_on: Callable[..., Lab]) -> Lab:
    """A strict AWS with the usual role and buckets."""
    require_terraform()
    return lab_on(moto, *everything(lag=0), Settings())


class Shop:
    """A repository whose one function Terraform applies, and what is asked of it."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder / "repository"
        self.progress: list[str] = []
        files = {
            "lockstep.yaml": PROJECT.replace("STATE", str(folder / "state.tfstate")),
            "terraform/main.tf": ROOT,
            "terraform/provider.tf": provider_override(lab.aws.endpoint),
            "gitops/services/api/values.yaml": VALUES,
            "gitops/environments/staging/api/config.yaml": CONFIG % ("1.0.0", STEPS),
        }
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        module = self.folder / "terraform/lambda-fleet"
        module.mkdir()
        for file in (REPOSITORY / "terraform/modules/lambda-fleet").glob("*.tf"):
            shutil.copy(file, module)
        (self.folder / "packages").mkdir()
        for version in ("1.0.0", "2.0.0"):
            (self.folder / f"packages/{version}.zip").write_bytes(make_zip(f"version = '{version}'\n"))
        self._git("init", "-q")
        self._git("add", ".")
        self._git("commit", "-qm", "1.0.0")

    def declare(self, version: str, rollout: str = STEPS) -> None:
        """Commit another declaration."""
        file = self.folder / "gitops/environments/staging/api/config.yaml"
        file.write_text(CONFIG % (version, rollout))
        self._git("commit", "-qam", version)

    def sync(self) -> Synced:
        """Sync without following."""
        return sync(
            self.opened,
            Options(),
            Credentials(cache=self.folder.parent),
            watcher=self._teller,
            stop=threading.Event(),
        )

    def plan(self) -> Plan:
        """What would be done."""
        return make_plan(self.opened, Options(), watcher=self._teller)

    def say(self, word: Word) -> TargetPlan:
        """Say something of the rollout."""
        return say(
            self.opened,
            KEY,
            word,
            Options(),
            Credentials(cache=self.folder.parent),
            watcher=self._teller,
            stop=threading.Event(),
        )

    def see(self) -> TargetPlan:
        """How the rollout stands."""
        return see(self.opened, KEY, Options(), watcher=self._teller)

    @property
    def opened(self) -> Workspace:
        """The repository as it is."""
        return open_workspace(Where(folder=self.folder, cache=self.folder.parent / "cache"))

    @property
    def alias(self) -> tuple[str, dict[str, float]]:
        """Where the alias points, and its weights."""
        found: dict[str, Any] = self.lab.client("lambda").get_alias(FunctionName=NAME, Name="live")
        weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return found["FunctionVersion"], weights

    @property
    def runs(self) -> int:
        """How often Terraform planned since this was asked last."""
        count = sum(text.startswith("terraform plan") for text in self.progress)
        self.progress.clear()
        return count

    @property
    def _teller(self) -> Telling:
        return Telling(progress=self.progress.append)

    def _git(self, *words: str) -> None:
        git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *words]
        subprocess.run(git, cwd=self.folder, check=True)


def test_terraform_publishes_and_lockstep_moves_the_alias(lab: Lab, tmp_path: Path) -> None:
    """From the first version to the last word on a rollout, and on to an alias that is all Terraform's."""
    shop = Shop(lab, tmp_path)
    assert shop.sync().is_success
    assert shop.alias == ("1", {})

    shop.declare("2.0.0")
    done = shop.sync()
    assert done.is_success, (done.report, done.plan.targets)
    text = "\n".join(plan_lines(done.plan))
    assert 'alias: "live: version 1" -> "live: version of 2.0.0: 10% of the calls"' in text
    assert any("are Lockstep's from then on" in note for note in done.plan.notes), done.plan.notes
    assert shop.alias == ("1", {"2": 0.1})
    assert shop.runs
    plan = shop.plan()
    (told,) = plan.targets
    assert (told.verb, told.status, plan.steps) == (Verb.UPDATE, SyncStatus.OUT_OF_SYNC, ())
    assert told.progress is not None
    assert told.progress.words.startswith("Progressing 10% 2.0.0, step 1 of 1")
    shop.say(Word.PAUSE)
    seen = shop.see().progress
    assert seen is not None
    assert seen.words.startswith("Suspended (by ")
    shop.say(Word.ABORT)
    assert shop.alias == ("1", {})
    again = shop.sync()
    assert not again.is_success
    assert "2.0.0 was taken back" in (again.plan.targets[0].problem or "")
    shop.say(Word.RETRY)
    foreign = {"AdditionalVersionWeights": {"2": 0.5}}
    lab.client("lambda").update_alias(FunctionName=NAME, Name="live", RoutingConfig=foreign)
    plan = shop.plan()
    assert plan.blocked[0].problem is not None
    assert "has weights that are not Lockstep's" in plan.blocked[0].problem
    assert any("who gave weights to the alias" in note or "CloudTrail" in note for note in plan.notes)
    shop.say(Word.ABORT)
    assert shop.alias == ("1", {})
    assert not shop.runs

    shop.declare("2.0.0", "allAtOnce")
    refused = shop.sync()
    (told,) = refused.plan.targets
    assert (told.verb, refused.report.results) == (Verb.BLOCKED, ())
    command = f"terraform state mv '{ALIAS % 'rolled'}' '{ALIAS % 'this'}'"
    assert command in (told.problem or "")
    state = f"-state={tmp_path / 'state.tfstate'}"
    terraform(lab.folder, "state", "mv", state, ALIAS % "rolled", ALIAS % "this")
    moved = shop.sync()
    assert moved.is_success, (moved.report, moved.plan.targets)
    assert shop.alias == ("2", {})
    assert "lambda.DeleteAlias" not in lab.aws.counts()
