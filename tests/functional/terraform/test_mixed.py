"""Projects with environments of both engines: one plan, one report, and each engine keeps to its part."""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.delivery.places.workspace import Where, Workspace, open_workspace
from lockstep.delivery.setup.doctor import run_checks
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import make_plan, run_sync
from lockstep.delivery.sync.status import read_status
from lockstep.errors import BadInput, BadInputs, NotAllowed
from lockstep.model import Health, Plan, Report, SyncStatus, Verb, Verdict
from lockstep.render.codec import decode_plan, encode_plan
from lockstep.render.markdown import plan_markdown
from lockstep.render.text import plan_lines
from tests.support.clouds import ACCOUNT, REGION, Cloud, make_zip
from tests.support.engine import Lab
from tests.support.projects import PACKAGES, UPLOADS
from tests.support.terraform_engine import FUNCTIONS, needs_terraform

pytestmark = needs_terraform

PROJECT = f"""\
project: shop
folder: gitops
region: {REGION}
environments:
  staging: {{}}
  production:
    engine: terraform
    terraform: &shared
      folder: terraform
      backend: {{path: "STATE"}}
  preview:
    engine: terraform
    terraform:
      folder: terraform
      backend: {{path: "STATE"}}
packages: {{bucket: {PACKAGES}}}
artifacts: {{source: directory, path: "packages/{{version}}.zip"}}
triggers: {{bucket: {UPLOADS}}}
"""
VALUES = """\
deploymentType: lambda
lambda:
  role: lambda-role
  runtime: python3.12
  handler: app.handler
  environment: {API_TOKEN: hunter2-hunter2}
"""
VERSION = """\
serviceName: api
envName: %s
lambda: {version: "%s", functionName: api-%s}
"""
FUNCTION_NAMES = ("api-production", "api-pr-7")
PREVIEW = """\
serviceName: api
deploymentType: lambda
lambda: {version: "1.0.0", functionName: "api-pr-{pr}"}
"""


@pytest.fixture
def lab(moto: Cloud, lab_on: Callable[..., Lab]) -> Lab:
    """A strict AWS with the usual role and buckets."""
    return lab_on(moto)


@pytest.fixture
def folder(lab: Lab, tmp_path: Path) -> Path:
    """A repository whose staging is applied by the aws engine, and the rest by Terraform.

    Its folder makes no function: those of version 1.0.0 are there, as somebody's Terraform made them.
    """
    for name in FUNCTION_NAMES:
        lab.client("lambda").create_function(
            FunctionName=name,
            Role=f"arn:aws:iam::{ACCOUNT}:role/lambda-role",
            Runtime="python3.12",
            Handler="app.handler",
            Environment={"Variables": {"API_TOKEN": "hunter2-hunter2"}},
            Code={"ZipFile": make_zip("version = '1.0.0'\n")},
        )
    root = tmp_path / "repository"
    files = {
        "lockstep.yaml": PROJECT.replace("STATE", str(tmp_path / "state.tfstate")).replace(" &shared", ""),
        "terraform/main.tf": FUNCTIONS,
        "gitops/services/api/values.yaml": VALUES,
        "gitops/environments/preview/services/api/values.yaml": "{}\n",
        "gitops/environments/preview/pr-7/pr.yaml": "number: 7\n",
        "gitops/environments/preview/pr-7/services/api.values.yaml": PREVIEW,
        **{
            f"gitops/environments/{name}/api/config.yaml": VERSION % (name, "1.0.0", name)
            for name in ("staging", "production")
        },
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "packages").mkdir()
    for version in ("1.0.0", "2.0.0"):
        (root / f"packages/{version}.zip").write_bytes(make_zip(f"version = '{version}'\n"))
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
        subprocess.run(git, cwd=root, check=True)
    return root


def _opened(folder: Path) -> Workspace:
    return open_workspace(Where(folder=folder, cache=folder.parent / "cache"))


def _sync(folder: Path, *patterns: str, saved: Plan | None = None) -> tuple[Plan, Report]:
    return run_sync(
        _opened(folder),
        Options(patterns=patterns),
        saved=saved,
        stop=threading.Event(),
    )


def test_two_engines_one_plan_one_report(folder: Path) -> None:
    """Targets stand in the fleet's order, each engine applies its own, and then all is in sync."""
    plan = make_plan(_opened(folder), Options())
    assert plan.engine == "aws+terraform"
    assert [target.target for target in plan.targets] == ["preview/pr-7/api", "production/api", "staging/api"]
    assert "hunter2" not in encode_plan(plan) + "\n".join(plan_lines(plan)) + plan_markdown(plan)
    assert any("terraform" in line and "production+preview" in line for line in plan_lines(plan))

    _, report = _sync(folder)
    assert report.is_success, report
    assert make_plan(_opened(folder), Options(refresh=True)).is_empty
    rows, _ = read_status(_opened(folder), Options())
    assert [row.target for row in rows] == ["preview/pr-7/api", "production/api", "staging/api"]
    assert {(row.live, row.status) for row in rows} == {("1.0.0", SyncStatus.SYNCED)}
    assert {row.health for row in rows} == {Health.HEALTHY}


def test_a_saved_plan_is_applied_as_it_is_or_refused(folder: Path) -> None:
    """It holds no plan of Terraform's: that is made again, and has to say the same."""
    saved = decode_plan(encode_plan(make_plan(_opened(folder), Options())), "plan.json")
    config = folder / "gitops/environments/production/api/config.yaml"
    before = config.read_text()
    config.write_text(VERSION % ("production", "2.0.0", "production"))
    with pytest.raises(NotAllowed, match="stale"):
        _sync(folder, saved=saved)
    config.write_text(before)
    _, report = _sync(folder, saved=saved)
    assert report.is_success, report


def test_a_selection_runs_only_the_engine_that_it_concerns(folder: Path) -> None:
    """Staging alone is the aws engine's; a preview that is gone is Terraform's."""
    plan, report = _sync(folder, "staging")
    assert (plan.engine, report.is_success) == ("aws", True)
    assert [target.target for target in plan.targets] == ["staging/api"]
    _sync(folder)
    for file in (folder / "gitops/environments/preview/pr-7").rglob("*.yaml"):
        file.unlink()
    plan, report = _sync(folder, "preview/pr-7")
    assert plan.engine == "terraform"
    assert report.is_success, report
    assert [target.target for target in plan.targets if target.verb is not Verb.NOTHING] == [
        "preview/pr-7/api"
    ]


def test_since_runs_terraform_when_its_folder_changed(folder: Path) -> None:
    """A push that changes only the Terraform code concerns the environments that it drives."""
    _sync(folder)
    assert not make_plan(_opened(folder), Options(since="HEAD")).targets
    (folder / "terraform/more.tf").write_text('output "more" {\n  value = 1\n}\n')
    plan = make_plan(_opened(folder), Options(since="HEAD"))
    assert plan.engine == "terraform"
    assert plan.steps


def test_doctor_looks_at_the_program_the_folder_and_the_state(folder: Path) -> None:
    """What is there is told with its version and counts; what is wrong, with the way out."""
    checks = {
        check.name: check
        for check in run_checks(Where(folder=folder, cache=folder.parent / "cache"), on_check=lambda _: None)
    }
    state = checks["terraform (production+preview)"]
    assert state.verdict is Verdict.OK
    assert state.detail.endswith("terraform: 0 resources, 0 functions")
    assert checks["ownership (production+preview)"].verdict is Verdict.OK
    (folder / "terraform/main.tf").write_text("nonsense\n")
    again = run_checks(Where(folder=folder, cache=folder.parent / "cache"), on_check=lambda _: None)
    broken = next(check for check in again if check.name.startswith("terraform"))
    assert broken.verdict is Verdict.FAILED


def test_doctor_warns_of_packages_that_terraform_would_not_notice(folder: Path) -> None:
    """Before the second one is held back: nothing that is passed tells it from the first."""
    text = (folder / "lockstep.yaml").read_text()
    passed = 'folder: terraform\n      variables: {"versions.{env}": "{version}"}\n'
    text = text.replace("folder: terraform\n", passed)
    (folder / "lockstep.yaml").write_text(
        text.replace(f"{{bucket: {PACKAGES}}}", f'{{bucket: {PACKAGES}, key: "{{env}}.zip"}}')
    )
    (folder / "terraform/main.tf").write_text(
        'terraform {\n  backend "local" {}\n}\n\nvariable "versions" {\n  type = map(string)\n}\n'
    )
    checks = run_checks(Where(folder=folder, cache=folder.parent / "cache"), on_check=lambda _: None)
    (warning, *_) = (check for check in checks if check.name == "packages (production+preview)")
    assert warning.verdict is Verdict.WARNING
    assert '"{service}_hash": "{hash}"' in (warning.fix or "") or "hashes.{pr}" in (warning.fix or "")


def test_the_folder_may_lie_in_another_repository_at_a_revision(folder: Path, tmp_path: Path) -> None:
    """It is read at its revision, whatever is checked out there; one that is missing is named."""
    other = tmp_path / "infrastructure"
    other.mkdir()
    (folder / "terraform").rename(other / "functions")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["tag", "v1"]):
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
        subprocess.run(git, cwd=other, check=True)
    (other / "functions/main.tf").write_text("nonsense\n")
    project = folder / "lockstep.yaml"
    at = f"repository: {other}\n"
    text = project.read_text().replace("folder: terraform\n", f"folder: functions\n      {at}")

    project.write_text(text.replace(at, f"{at}      revision: v1\n"))
    _, report = _sync(folder, "production", "preview")
    assert report.is_success, report

    project.write_text(text.replace(at, f"{at}      revision: v9\n"))
    with pytest.raises(BadInput, match="no revision v9") as caught:
        _sync(folder, "production")
    assert str(caught.value).startswith("lockstep.yaml:8")
    project.write_text(text)
    with pytest.raises(BadInputs) as several:  # of both environments
        _opened(folder)
    assert "another repository needs a revision" in str(several.value)


def test_status_asks_aws_for_the_health_of_what_terraform_applied(folder: Path, lab: Lab) -> None:
    """A function that the state has and AWS has not is Missing, and nothing that is missing is Synced."""
    _sync(folder)
    for name in FUNCTION_NAMES:
        lab.client("lambda").delete_function(FunctionName=name)
    rows, _ = read_status(_opened(folder), Options())
    assert {row.target: row.health for row in rows} == {
        "preview/pr-7/api": Health.MISSING,
        "production/api": Health.MISSING,
        "staging/api": Health.HEALTHY,
    }
    assert {row.target: row.status for row in rows} == {
        "preview/pr-7/api": SyncStatus.OUT_OF_SYNC,
        "production/api": SyncStatus.OUT_OF_SYNC,
        "staging/api": SyncStatus.SYNCED,
    }


def test_a_bucket_of_both_engines_is_warned_of(folder: Path) -> None:
    """Terraform's notification of a bucket is the whole of it, so the plan says who would undo whom."""
    for name in ("staging", "production"):
        config = folder / f"gitops/environments/{name}/api/config.yaml"
        config.write_text(config.read_text().replace("lambda: {", f'lambda: {{s3TriggerPrefix: "{name}/", '))
    notes = make_plan(_opened(folder), Options()).notes
    assert any(
        f"the bucket {UPLOADS} has triggers of environments with different engines" in note for note in notes
    )


def test_an_alias_counts_by_what_it_calls(folder: Path, lab: Lab) -> None:
    """Whatever Terraform says that it applied: one that is missing, or calls something else, is told."""
    config = folder / "gitops/environments/production/api/config.yaml"
    config.write_text(config.read_text().replace("api-production", "api-production, alias: live"))
    plan, _ = _sync(folder, "production")
    (target,) = plan.targets
    assert "the alias does not call what is declared" in (target.problem or "")

    functions = lab.client("lambda")
    for version in ("2.0.0", "1.0.0"):
        package = make_zip(f"version = '{version}'\n")
        functions.update_function_code(FunctionName="api-production", ZipFile=package)
        functions.publish_version(FunctionName="api-production")
    functions.create_alias(FunctionName="api-production", Name="live", FunctionVersion="2")
    (row,), _ = read_status(_opened(folder), Options(patterns=("production",)))
    assert (row.status, row.alias) == (SyncStatus.SYNCED, "live:2")

    functions.update_alias(FunctionName="api-production", Name="live", FunctionVersion="1")
    plan = make_plan(_opened(folder), Options(patterns=("production",)))
    (target,) = plan.targets
    assert target.verb is Verb.BLOCKED
    assert [change.path for change in target.changes] == ["alias"]
    assert "the alias does not call what is declared" in (target.problem or "")
