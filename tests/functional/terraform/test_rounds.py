"""Plan, apply and plan again, with real Terraform."""

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.engines.terraform import Ways
from lockstep.model import (
    ApplyResource,
    Outcome,
    RunTerraform,
    Secret,
    StagePackage,
    SyncStatus,
    Target,
    Verb,
)
from tests.support.projects import make_fleet, make_package, make_target, trigger
from tests.support.terraform_engine import FUNCTIONS, Desk, needs_terraform

pytestmark = needs_terraform

API = make_target("staging/api", trigger("staging/"), settings={"memorySize": 512})
WEB = make_target("preview/pr-7/web")


def test_one_run_applies_every_environment_that_shares_the_state(desk: Desk) -> None:
    """Packages come first, then one apply, whose resources are told one by one; then nothing is left."""
    done = desk.sync(API, WEB)
    assert [type(step) for step in done.plan.steps] == [
        StagePackage,  # both use the same one
        RunTerraform,
        ApplyResource,
        ApplyResource,
    ]
    assert {step.target for step in done.plan.steps[2:]} == {"staging/api", "preview/pr-7/web"}
    order = [(result.step.split(":")[1], result.outcome) for result in done.told]
    assert order[:3] == [
        ("staging+production+preview", Outcome.STARTED),
        ("staging+production+preview", Outcome.DONE),
        ("staging+production+preview", Outcome.STARTED),
    ]
    assert all(result.outcome is Outcome.DONE for result in done.report.results)
    again = desk.plan(API, WEB, ways=Ways(skips=False))
    assert again.is_empty
    assert {target.status for target in again.targets} == {SyncStatus.SYNCED}


def test_the_map_carries_what_git_declares(desk: Desk) -> None:
    """Settings, triggers, version, the package's place and its hash arrive under the target's key."""
    desk.sync(API)
    resource = json.loads(desk.state.read_text())["resources"][0]["instances"][0]
    value = resource["attributes"]["input"]["value"]
    package = API.function.code.package if API.function else None
    assert package is not None
    assert resource["index_key"] == "staging/api"
    assert value["memory_size"] == 512
    assert value["version"] == "1.0.0"
    assert value["code"]["bucket"] == package.bucket
    assert len(value["code"]["source_code_hash"]) == 44
    assert value["triggers"][0]["prefix"] == "staging/"


def test_a_new_version_at_the_same_key_is_deployed(desk: Desk) -> None:
    """The hash is passed, so another package under an old key is a change."""
    before = make_target("staging/api", package=make_package("one = 1", key="packages/staging.zip"))
    after = make_target(
        "staging/api", package=make_package("two = 2", key="packages/staging.zip"), version="1.1.0"
    )
    desk.sync(before)
    done = desk.sync(after)
    assert [target.verb for target in done.plan.targets] == [Verb.UPDATE]
    assert [package.sha256 for _, package in desk.keeper.staged][-1] == after.function.code.sha256  # type: ignore[union-attr]


def test_unchanged_inputs_cost_no_run(desk: Desk) -> None:
    """What was applied last is not planned again, by whatever machine: only the state is read.

    --refresh and a change run it.
    """
    desk.sync(API)
    desk.progress.clear()
    plan = desk.plan(API)
    assert plan.is_empty
    assert "just this was applied last" in plan.notes[0]
    run = "staging+production+preview"
    assert desk.progress == [f"terraform init: {run}", f"reading the state: {run}"]
    (tree,) = (
        one for one in (desk.cache / "terraform/trees").iterdir() if (one / "terraform/backend.tf").is_file()
    )
    assert [file.name for file in tree.rglob("*.tf")] == ["backend.tf"]  # and so no provider is installed
    desk.plan(API, ways=Ways(skips=False))
    assert desk.progress
    changed = replace(API, version="2.0.0")
    assert [target.verb for target in desk.plan(changed).targets] == [Verb.UPDATE]


def test_another_folder_content_is_another_input(desk: Desk) -> None:
    """A commit that changes the Terraform code runs it."""
    desk.sync(API)
    desk.write('output "more" {\n  value = 1\n}\n', "terraform/more.tf")
    plan = desk.plan(API)
    assert [type(step) for step in plan.steps] == [RunTerraform]
    assert desk.sync(API).report.is_success


def test_a_run_that_ended_in_the_middle_leaves_no_marker(desk: Desk) -> None:
    """After a failed apply the old inputs do not count as applied, so going back runs Terraform."""
    desk.sync(API)
    broken = replace(API, version="broken")
    desk.write(
        'resource "terraform_data" "gate" {\n  input = var.functions["staging/api"].version\n'
        '  provisioner "local-exec" {\n    command = "exit 3"\n  }\n}\n',
        "terraform/gate.tf",
    )
    assert not desk.run(broken).report.is_success
    (desk.root / "terraform/gate.tf").unlink()
    assert not desk.plan(API).is_empty


def test_variables_and_plans_lie_where_nobody_else_reads_and_are_gone_afterwards(desk: Desk) -> None:
    """Nothing with a secret is left on the machine, and no output shows one."""
    target = make_target(
        "staging/api", settings={"environment": {"API_TOKEN": Secret("hunter2-hunter2"), "MODE": "fast"}}
    )
    done = desk.sync(target)
    left = [file for file in (desk.cache / "terraform").rglob("*") if file.is_file()]
    assert all(b"hunter2" not in file.read_bytes() for file in left)
    assert list((desk.cache / "terraform" / "scratch").iterdir()) == []
    assert (desk.cache / "terraform" / "scratch").stat().st_mode & 0o777 == 0o700
    assert "hunter2" not in json.dumps(desk.keeper.kept)
    assert "hunter2" not in repr(done.plan)


def test_status_reads_the_state_without_asking_aws(desk: Desk) -> None:
    """Live versions come from the state's outputs, also when nothing would change."""
    desk.run(API, WEB)
    looking = desk.engine(Ways(locks=False, skips=False, refreshes=False, shows=True))
    look = looking.preview(make_fleet(replace(API, version="2.0.0"), WEB))
    assert look.versions == {"staging/api": "1.0.0", "preview/pr-7/web": "1.0.0"}
    looking.close()


def test_lockstep_adds_no_command_to_those_that_one_would_run(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """init once for a folder's providers, modules and backend; then plan, show and apply, and no show
    where nothing changes. Lockstep's own time beside them is below a second and a tenth.
    """

    def commands(*targets: Target) -> list[str]:
        caplog.clear()
        begun = time.monotonic()
        with caplog.at_level("DEBUG", logger="lockstep.engines.terraform"):
            desk.sync(*targets, ways=Ways(skips=False))
        whole = time.monotonic() - begun
        found = [re.match(r"terraform (\w+): exit \d, (.+) s", record.message) for record in caplog.records]
        within = sum(float(one[2]) for one in found if one)
        assert whole - within <= 1.0 + 0.1 * within
        return [one[1] for one in found if one]

    assert commands(API) == ["init", "plan", "show", "apply"]
    assert commands(API) == ["plan"]
    assert commands(replace(API, version="2.0.0")) == ["plan", "show", "apply"]
    desk.write('output "more" {\n  value = 1\n}\n', "terraform/more.tf")
    assert commands(API) == ["plan", "show", "apply"]
    desk.write('module "other" {\n  source = "../other"\n}\n', "terraform/module.tf")
    desk.write('output "x" {\n  value = 1\n}\n', "other/main.tf")
    assert commands(API) == ["init", "plan"]


def test_environments_with_folders_of_their_own_are_runs_of_their_own(desk: Desk, tmp_path: Path) -> None:
    """Several runs are planned and applied at once; what fails in one does not hold back the other, and
    the delete guard counts them together.
    """
    desk.write(FUNCTIONS, "other/main.tf")
    other = replace(desk.settings, folder="other", backend={"path": str(tmp_path / "other.tfstate")})
    project = desk.project
    environments = {
        **project.environments,
        "production": replace(project.environments["production"], terraform=other),
    }
    desk.only = replace(project, environments=environments)
    shop = make_target("production/shop")
    done = desk.sync(API, shop)
    runs = [step.target for step in done.plan.steps if isinstance(step, RunTerraform)]
    assert runs == ["staging+preview", "production"]
    assert desk.plan(API, shop, ways=Ways(skips=False)).is_empty
    assert len(desk.plan(API, shop).notes) == 2

    desk.write(
        'resource "terraform_data" "gate" {\n  provisioner "local-exec" {\n    command = "exit 3"\n  }\n}\n',
        "other/gate.tf",
    )
    half = desk.run(replace(API, version="2.0.0"), shop)
    outcomes = {result.step: result.outcome for result in half.report.results}
    assert outcomes["terraform:staging+preview"] is Outcome.DONE
    assert outcomes["terraform:production"] is Outcome.FAILED

    (desk.root / "other/gate.tf").unlink()
    function = [
        replace(one, function=replace(one.function, name="new")) for one in (API, shop) if one.function
    ]
    assert "run again with --allow-deletes 3" in desk.plan(*function).problems[-1]
