"""Rollouts where Terraform publishes the versions: it lets the alias alone, and Lockstep moves it.

Each run of Terraform with the AWS provider takes seconds, so one group of two functions goes all the way:
made, tried, released step by step, taken back, released again, approved, and given to Terraform whole.
"""

import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.workspace import Where, Workspace, open_workspace
from lockstep.delivery.promotion.standing import find_standings
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.rollouts import say, see
from lockstep.delivery.sync.run import Synced, make_plan, sync
from lockstep.errors import NotAllowed
from lockstep.model import Plan, SyncStatus, TargetPlan, Verb
from lockstep.model.rollout import Word
from lockstep.planning.gates import Standing
from lockstep.render.text import plan_lines
from tests.strict import everything
from tests.strict.settings import Settings
from tests.support.clouds import Cloud, make_zip
from tests.support.engine import Lab
from tests.support.projects import PACKAGES, UPLOADS
from tests.support.terraform import REPOSITORY, provider_override, require_terraform, terraform
from tests.support.waiting import until
from tests.support.watching import Telling

KEY, OTHER = "staging/api", "staging/web"
ALIAS = 'module.fleet.aws_lambda_alias.%s["%s"]'
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
serviceName: {service}
envName: staging
lambda:
  version: "{version}"
  functionName: {service}-staging
  s3TriggerPrefix: {service}/
  rollout: {rollout}
"""
STEPS = "{group: shop, smoke: {}, steps: [{weight: 10%, for: 1s}, {pause: approval}]}"
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
    """A repository whose two functions Terraform applies, and what is asked of it."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder / "repository"
        self.progress: list[str] = []
        files = {
            "lockstep.yaml": PROJECT.replace("STATE", str(folder / "state.tfstate")),
            "terraform/main.tf": ROOT,
            "terraform/provider.tf": provider_override(lab.aws.endpoint),
            "gitops/services/api/values.yaml": VALUES,
            "gitops/services/web/values.yaml": VALUES,
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
        self.declare("1.0.0")

    def declare(self, version: str, rollout: str = STEPS) -> None:
        """Commit another declaration of both."""
        for service in ("api", "web"):
            file = self.folder / f"gitops/environments/staging/{service}/config.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(CONFIG.format(service=service, version=version, rollout=rollout))
        self._git("add", ".")
        self._git("commit", "-qm", version)

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

    def may(self, word: Word) -> bool:
        """Say something of the rollout; whether it was time to."""
        try:
            self.say(word)
        except NotAllowed:
            return False
        return True

    def see(self) -> str:
        """How the rollout stands, in words."""
        seen = see(self.opened, KEY, Options(), watcher=self._teller).progress
        return seen.words if seen is not None else ""

    def standing(self, version: str) -> Standing:
        """How a version stands for a promotion."""
        return find_standings(self.opened, {KEY: version}, Options(), watcher=self._teller)[KEY]

    @property
    def opened(self) -> Workspace:
        """The repository as it is."""
        return open_workspace(Where(folder=self.folder, cache=self.folder.parent / "cache"))

    @property
    def alias(self) -> tuple[str, dict[str, float]]:
        """Where the aliases point, and their weights: both the same."""
        one, same = (
            self.lab.client("lambda").get_alias(FunctionName=f"{service}-staging", Name="live")
            for service in ("api", "web")
        )
        assert (one["FunctionVersion"], one.get("RoutingConfig")) == (
            same["FunctionVersion"],
            same.get("RoutingConfig"),
        )
        weights: dict[str, float] = (one.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return one["FunctionVersion"], weights

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
    assert not lab.aws.counts()["lambda.Invoke"]

    shop.declare("2.0.0")
    done = shop.sync()
    assert done.is_success, ([one.error for one in done.report.results], done.plan.blocked)
    text = "\n".join(plan_lines(done.plan))
    assert 'alias: "live: version 1" -> "live: version of 2.0.0: 10% of the calls"' in text
    assert any("are Lockstep's from then on" in note for note in done.plan.notes), done.plan.notes
    assert shop.alias == ("1", {"2": 0.1})
    assert lab.aws.counts()["lambda.Invoke"] == 2  # the smoke calls
    assert shop.runs
    plan = shop.plan()
    assert {(one.verb, one.status) for one in plan.targets} == {(Verb.UPDATE, SyncStatus.OUT_OF_SYNC)}
    assert "Progressing 10% 2.0.0" in shop.see() or "waiting for approval" in shop.see()
    # A promotion's soak does not begin before the rollout's end.
    assert "2.0.0" in (shop.standing("2.0.0").rollout or "")
    assert shop.runs
    shop.say(Word.PAUSE)
    assert shop.see().startswith("Suspended (by ")
    shop.say(Word.RESUME)
    assert not shop.see().startswith("Suspended (by ")
    shop.say(Word.ABORT)
    assert shop.alias == ("1", {})
    again = shop.sync()
    assert not again.is_success
    assert all("2.0.0 was taken back" in (one.problem or "") for one in again.plan.targets)
    shop.say(Word.RETRY)
    foreign = {"AdditionalVersionWeights": {"2": 0.5}}
    lab.client("lambda").update_alias(FunctionName="api-staging", Name="live", RoutingConfig=foreign)
    plan = shop.plan()
    assert plan.blocked[0].problem is not None
    assert "has weights that are not Lockstep's" in plan.blocked[0].problem
    assert any("who gave weights to the alias" in note or "CloudTrail" in note for note in plan.notes)
    shop.say(Word.ABORT)
    assert shop.alias == ("1", {})
    assert not shop.runs
    assert shop.sync().is_success
    assert shop.alias == ("1", {"2": 0.1})
    until(lambda: shop.may(Word.APPROVE))  # the step is over
    assert shop.see().startswith("Suspended (waiting for approval)")
    shop.say(Word.APPROVE)
    assert shop.alias == ("1", {"2": 1.0})
    assert shop.sync().is_success
    assert shop.alias == ("2", {})
    ended = shop.standing("2.0.0")
    assert (ended.rollout, ended.problem, ended.status) == (None, None, SyncStatus.SYNCED)

    shop.declare("2.0.0", "allAtOnce")
    refused = shop.sync()
    assert {(one.verb, bool(refused.report.results)) for one in refused.plan.targets} == {
        (Verb.BLOCKED, False)
    }
    state = f"-state={tmp_path / 'state.tfstate'}"
    for told in refused.plan.targets:
        rolled, this = ALIAS % ("rolled", told.target), ALIAS % ("this", told.target)
        assert f"terraform state mv '{rolled}' '{this}'" in (told.problem or "")
        terraform(lab.folder, "state", "mv", state, rolled, this)
    moved = shop.sync()
    assert moved.is_success, (moved.report, moved.plan.targets)
    assert shop.alias == ("2", {})
    assert "lambda.DeleteAlias" not in lab.aws.counts()
