"""The folder that Lockstep was first made for, held to what is live: real Terraform, one state in S3."""

import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.reporting import endings_of
from lockstep.delivery.sync.run import make_plan, run_sync
from lockstep.delivery.sync.status import read_status
from lockstep.engines.terraform.marker import Marker
from lockstep.forge.base import DeploymentState
from lockstep.model import Health, Plan, Report, SyncStatus, TargetPlan, Verb
from tests.strict import everything
from tests.strict.settings import Settings
from tests.support.clouds import Cloud
from tests.support.engine import Lab
from tests.support.original import BUCKET, NAMES, Original
from tests.support.terraform import require_terraform

# Several runs of the real provider in each test; 300 s, which guards against a hang, is too near to them
# where two workers share the machine.
pytestmark = pytest.mark.timeout(900)

KEY = "preview/pr-7/s3-notifier"
HASHES = 'variable "preview_source_code_hashes" {\n  type    = map(string)\n  default = {}\n}\n'
HASH = "lookup(var.preview_source_code_hashes, each.key, null)"
WIRE = "  tags             = { commit = var.preview_commit_shas"


@pytest.fixture
def original(moto: Cloud, lab_on: Callable[..., Lab], tmp_path: Path) -> Original:
    """Production, staging and one preview are declared; nothing is live."""
    require_terraform()
    made = Original(tmp_path / "repository", lab_on(moto, *everything(lag=0), Settings()))
    for place in ("production", "staging", "pr-7"):
        made.declare(place, "1.0.0")
    return made


def _sync(original: Original) -> tuple[Plan, Report]:
    return run_sync(original.opened(), Options(), stop=threading.Event())


def _of(plan: Plan, key: str) -> TargetPlan:
    return next(one for one in plan.targets if one.target == key)


def _state(original: Original, plan: Plan, report: Report) -> DeploymentState | None:
    """What the source is told of the preview."""
    endings = endings_of(original.opened(), plan, report)
    return next((one.state for one in endings if one.target == KEY), None)


def test_one_life_of_the_folder(
    original: Original, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One life, since a run of the real provider is dear: what is told at each turn is what is live.

    The first sync; what the variables do not carry; a second push of the preview; the preview's end.
    """
    values = "syrf/environments/preview/services/s3-notifier/values.yaml"
    original.write({values: "lambda:\n  functionName: syrfAppUploadS3Notifier-{env}\n"})
    plan, report = _sync(original)
    assert report.is_success, report
    assert any("preview_source_code_hashes" in note for note in plan.notes)
    assert _state(original, plan, report) is DeploymentState.SUCCESS
    _see_what_the_variables_do_not_carry(original)
    _push_again(original)
    _end_the_preview(original, monkeypatch, capsys)


def _see_what_the_variables_do_not_carry(original: Original) -> None:
    """Memory, a variable, a prefix and a name that Git says and the folder has otherwise are never Synced."""
    config = "syrf/environments/staging/s3-notifier/config.yaml"
    original.declare("staging", "1.0.0", "  memorySize: 1024\n  timeout: 30\n  environment: {MODE: fast}\n")
    original.change(config, "s3TriggerPrefix: staging/", "s3TriggerPrefix: other/")
    original.declare("production", "1.0.0", name="another")
    plan = make_plan(original.opened(), Options())
    staging, production = _of(plan, "staging/s3-notifier"), _of(plan, "production/s3-notifier")
    assert {change.path for change in staging.changes} == {"memorySize", "environment.MODE", "trigger"}
    assert (staging.verb, staging.status) == (Verb.NOTHING, SyncStatus.OUT_OF_SYNC)
    assert "Terraform would leave it so" in (staging.problem or "")
    assert (production.verb, production.health) == (Verb.BLOCKED, Health.MISSING)
    assert "no function another" in (production.problem or "")
    assert _of(plan, KEY).status is SyncStatus.SYNCED
    rows, _ = read_status(original.opened(), Options())
    assert {row.target: (row.live, row.status) for row in rows} == {
        KEY: ("1.0.0", SyncStatus.SYNCED),
        "production/s3-notifier": (None, SyncStatus.OUT_OF_SYNC),
        "staging/s3-notifier": ("1.0.0", SyncStatus.OUT_OF_SYNC),
    }
    for place in ("production", "staging"):
        original.declare(place, "1.0.0")


def _push_again(original: Original) -> None:
    """Without a hash it is held back, with the variable to add; with one that the folder does not use, the
    run fails after it has looked; and what is told to be live is.
    """
    first = original.runs("pr-7")
    original.declare("pr-7", "1.0.1")
    plan, report = _sync(original)
    mine = _of(plan, KEY)
    assert (mine.verb, mine.status) == (Verb.BLOCKED, SyncStatus.OUT_OF_SYNC)
    assert 'add variable "preview_source_code_hashes"' in (mine.problem or "")
    assert _state(original, plan, report) is DeploymentState.FAILURE
    assert original.runs("pr-7") == first
    rows, _ = read_status(original.opened(), Options())
    assert next((row.live, row.status) for row in rows if row.target == KEY)[1] is SyncStatus.OUT_OF_SYNC

    variables = "terraform/variables.tf"
    original.change(variables, 'variable "preview_versions"', HASHES + 'variable "preview_versions"')
    plan, report = _sync(original)
    assert not report.is_success
    assert any(text.startswith(f"{KEY}: applied, and") for text in report.mismatches), report
    assert _state(original, plan, report) is DeploymentState.FAILURE
    assert original.runs("pr-7") == first

    original.change("terraform/main.tf", WIRE, f"  source_code_hash = {HASH}\n{WIRE}")
    plan, report = _sync(original)
    assert report.is_success, report
    assert _state(original, plan, report) is DeploymentState.SUCCESS
    assert original.runs("pr-7") != first


def _end_the_preview(
    original: Original, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A preview that only the state knows is in the plan, though just these inputs were applied last; and
    ``preview gc --apply`` takes its function, its trigger and its log group.
    """
    logs, group = original.lab.client("logs"), f"/aws/lambda/{NAMES['pr-7']}"
    logs.create_log_group(logGroupName=group)
    shutil.rmtree(original.root / "syrf/environments/preview/pr-7")
    with monkeypatch.context() as patch:
        patch.setattr(Marker, "is_current", lambda *_: True)
        assert _of(make_plan(original.opened(), Options()), KEY).verb is Verb.DELETE
    _commit(original)
    assert main(["-C", str(original.root), "preview", "gc", "--apply"]) == 0
    assert f"log group {group}: preview/pr-7 is gone" in capsys.readouterr().out
    there = {one["FunctionName"] for one in original.lab.client("lambda").list_functions()["Functions"]}
    assert there == {NAMES["production"], NAMES["staging"]}
    assert group not in {one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]}
    entries = original.lab.client("s3").get_bucket_notification_configuration(Bucket=BUCKET)
    assert len(entries["LambdaFunctionConfigurations"]) == 2


def _commit(original: Original) -> None:
    words = ("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "change")
    for command in (("add", "-A"), words):
        subprocess.run(["git", "-C", str(original.root), *command], check=True)
