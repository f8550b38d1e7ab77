"""What can be wrong with a folder, its state and what is passed: each error says what, where and how."""

import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.errors import BadInput, CloudError, LockstepError, NotAllowed
from lockstep.model import Outcome, Secret, Terraform
from tests.support.projects import make_target
from tests.support.terraform_engine import FUNCTIONS, Desk, needs_terraform

pytestmark = needs_terraform

API = make_target("staging/api")
WEB = make_target("staging/web")
PLACE = "lockstep.yaml:5"


def _fails(desk: Desk, kind: type[LockstepError] = BadInput) -> str:
    """Plan, which has to fail, and return the error's whole text."""
    with pytest.raises(kind) as caught:
        desk.plan(API)
    assert caught.value.fix, caught.value
    assert caught.value.where, caught.value
    return str(caught.value)


def test_there_is_no_terraform(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program that is not on PATH is named, with where to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    said = _fails(desk)
    assert said.startswith(f"{PLACE}: there is no terraform on PATH")
    assert "developer.hashicorp.com" in said


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('echo \'{"terraform_version": "0.14.11"}\'', "this is terraform 0.14.11, and Lockstep needs 1.5"),
        ("echo 'Terraform v1'", "terraform does not tell its version"),
    ],
)
def test_terraform_is_too_old_or_something_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, words: str
) -> None:
    """An old version is refused at once. A script stands for it: no old one is at hand."""
    program = tmp_path / "bin" / "terraform"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    assert words in _fails(desk)


def test_the_folder_asks_for_another_version(desk: Desk) -> None:
    """required_version is Terraform's to judge; its line is named."""
    desk.write('terraform {\n  required_version = ">= 99.0"\n}\n', "terraform/versions.tf")
    said = _fails(desk)
    assert "terraform/versions.tf:2" in said
    assert "Unsupported Terraform Core version" in said


def test_a_provider_cannot_be_installed(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither registry nor mirror has the provider, init's reason is told, and what helps."""
    mirror = tmp_path / "empty.tfrc"
    mirror.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{tmp_path}"\n  }}\n}}\n'
    )
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(mirror))
    desk.write('resource "random_pet" "one" {}\n', "terraform/pet.tf")
    said = _fails(desk)
    assert "hashicorp/random" in said
    assert "name a mirror" in said


def test_a_module_revision_is_missing(desk: Desk, tmp_path: Path) -> None:
    """A module's revision that its repository does not have fails init by name."""
    desk.write(
        f'module "fleet" {{\n  source = "git::file://{tmp_path}/none?ref=v9"\n}}\n', "terraform/fleet.tf"
    )
    said = _fails(desk)
    assert "v9" in said
    assert "revision" in said


def test_a_local_module_is_not_there(desk: Desk) -> None:
    """A local module outside the repository, or missing in it, is named."""
    desk.write('module "fleet" {\n  source = "../../../fleet"\n}\n', "terraform/fleet.tf")
    assert "lies outside the repository" in _fails(desk)
    desk.write('module "fleet" {\n  source = "../fleet"\n}\n', "terraform/fleet.tf")
    assert "fleet" in _fails(desk)


def test_there_is_no_such_folder(desk: Desk) -> None:
    """A folder without configuration is refused before Terraform is asked."""
    desk.settings = replace(desk.settings, folder="infrastructure")
    assert "holds no Terraform configuration" in _fails(desk)


@pytest.mark.parametrize(
    ("head", "backend", "words"),
    [
        ("", {}, "declares no backend"),
        ('backend "local" {}', {}, "no absolute path"),
        ('backend "moon" {}', {}, "Unsupported backend type"),
        ('backend "local" {}', {"path": "/s", "colour": "blue"}, "colour"),
    ],
)
def test_the_backend_cannot_be_used(tmp_path: Path, head: str, backend: dict[str, str], words: str) -> None:
    """A state that would stay in the cache, or that no backend can keep, is refused."""
    settings = Terraform(folder="terraform", backend=backend or {"x": "y"}, place=PLACE)
    desk = Desk.make(tmp_path, FUNCTIONS.replace('backend "local" {}', head), settings=settings)
    assert words in _fails(desk)


def test_the_workspace_is_missing(desk: Desk) -> None:
    """A workspace that nobody made is not made by the way; those that there are get named."""
    desk.settings = replace(desk.settings, workspace="blue")
    said = _fails(desk)
    assert "the workspace blue does not exist; there are: default" in said
    assert "workspace new blue" in said


def test_a_backend_that_changed_and_is_empty_is_refused(desk: Desk, tmp_path: Path) -> None:
    """A state that was not moved would create everything again; one that was moved is taken."""
    desk.sync(API)
    before = desk.settings
    moved = tmp_path / "moved.tfstate"
    desk.settings = replace(before, backend={"path": str(moved)})
    said = _fails(desk, NotAllowed)
    assert "the backend changed from local" in said
    assert "init -migrate-state" in said
    moved.write_bytes(desk.state.read_bytes())
    assert desk.plan(API).is_empty


def test_a_variable_is_missing_on_either_side(desk: Desk) -> None:
    """A variable that the folder wants, or does not have, is told with its line or with its name."""
    desk.write('variable "colour" {\n  type = string\n}\n', "terraform/colour.tf")
    said = _fails(desk)
    assert "terraform/colour.tf:1" in said
    assert "No value for required variable" in said
    desk.write(FUNCTIONS.replace('"functions"', '"fleet"').replace("var.functions", "var.fleet"))
    assert "declares no variable 'functions'" in _fails(desk)


def test_a_variable_has_the_wrong_type(desk: Desk) -> None:
    """What Terraform says of the type is told, without what was passed."""
    desk.write(FUNCTIONS.replace("type = any", "type = map(object({ memory = number }))"))
    secret = make_target("staging/api", settings={"environment": {"API_TOKEN": Secret("hunter2-hunter2")}})
    with pytest.raises(BadInput) as caught:
        desk.plan(secret)
    said = str(caught.value)
    assert "Invalid value for input variable" in said
    assert '"memory" is required' in said
    assert "hunter2" not in said


def test_secrets_need_a_variable_of_their_own(desk: Desk) -> None:
    """Without secret_environment secrets would stand in a map that every plan shows."""
    text = FUNCTIONS.replace("secret_environment", "hidden")
    desk.write(text)
    with pytest.raises(BadInput) as caught:
        desk.plan(
            make_target("staging/api", settings={"environment": {"API_TOKEN": Secret("hunter2-hunter2")}})
        )
    assert "API_TOKEN" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_state_cannot_be_read(desk: Desk) -> None:
    """A damaged state is told with where to look; nothing is planned on it."""
    desk.state.write_text("this is no state")
    assert "restore an older version" in _fails(desk, CloudError)


def test_an_error_in_the_code_is_told_with_its_line(desk: Desk) -> None:
    """File, line and the line itself, as Terraform has them."""
    desk.write('output "x" {\n  value = var.nothing\n}\n', "terraform/x.tf")
    with pytest.raises(LockstepError) as caught:
        desk.plan(API)
    said = str(caught.value)
    assert "terraform/x.tf:2" in said
    assert "value = var.nothing" in said


def test_a_failure_halfway_is_told_by_target(desk: Desk) -> None:
    """One resource fails with its diagnostic, the other is done, and the next run finishes."""
    body = (
        '\n  provisioner "local-exec" {\n'
        '    command = each.key == "staging/web" && each.value.version == "bad" ? "exit 3" : "true"\n  }\n'
    )
    desk.write(FUNCTIONS.replace("triggers_replace = each.value.function_name\n", f"{body}"))
    done = desk.run(API, replace(WEB, version="bad"))
    by_target = {r.target: r for r in done.report.results if r.step.startswith("terraform:staging")}
    failed = by_target["staging/web"]
    assert failed.outcome is Outcome.FAILED
    assert "terraform/main.tf:" in (failed.error or "")
    assert "exit 3" in (failed.error or "")
    assert by_target["staging/api"].outcome is Outcome.DONE
    assert by_target["staging+production+preview"].error == "1 resource failed"
    again = desk.run(API, WEB, allow_deletes=1)  # Terraform replaces what was left half made
    assert again.report.is_success, again.failures


def test_a_plan_older_than_the_state_is_stale(desk: Desk) -> None:
    """When somebody applies between plan and apply, nothing is done and the targets are planned again."""
    desk.sync(API)
    done = desk.run(replace(API, version="2.0.0"), between=lambda: desk.sync(replace(API, version="3.0.0")))
    assert done.engine.stale == {"staging/api"}
    assert "Saved plan is stale" in done.failures["terraform:staging+production+preview"]
    assert {r.outcome for r in done.report.results if "terraform_data" in r.step} == {Outcome.NOT_TRIED}


def test_a_stop_before_anything_runs_changes_nothing(desk: Desk) -> None:
    """A run that is stopped while it stages leaves Terraform alone."""
    stop = threading.Event()
    desk.keeper.before_stage = lambda _: stop.set()
    done = desk.run(API, stop=stop)
    assert done.report.interrupted
    assert done.report.results[-1].outcome is Outcome.NOT_TRIED
    assert not desk.state.exists()
