"""A state that somebody else holds, and a run that is told to stop."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.engines.terraform import Ways
from lockstep.errors import CloudError
from lockstep.model import Outcome, Terraform
from tests.support.clouds import REGION, Cloud, client, make_bucket
from tests.support.projects import make_target
from tests.support.terraform_engine import FUNCTIONS, Desk, needs_terraform
from tests.support.waiting import until

pytestmark = needs_terraform

API = make_target("staging/api")
WEB = make_target("staging/web")
REPLACING = "  triggers_replace = each.value.function_name\n"
SLOW = """\
terraform {{
  backend "local" {{
    path = "{state}"
  }}
}}

resource "terraform_data" "slow" {{
  provisioner "local-exec" {{
    command = "touch {folder}/begun; while [ ! -e {folder}/go ]; do sleep 0.05; done"
  }}
}}
"""


def _hold(desk: Desk, folder: Path) -> "subprocess.Popen[bytes]":
    """Let somebody else's Terraform hold the lock until ``folder/go`` is there."""
    other = folder / "other"
    other.mkdir()
    (other / "main.tf").write_text(SLOW.format(state=desk.state, folder=folder))
    subprocess.run(["terraform", "init"], cwd=other, check=True, capture_output=True)
    process = subprocess.Popen(
        ["terraform", "apply", "-auto-approve", "-input=false"], cwd=other, stdout=subprocess.DEVNULL
    )
    until((folder / "begun").exists)
    return process


def test_waiting_says_who_holds_the_lock_and_ends_when_it_is_free(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The holder and the time are told once in the log, and the run goes on when the lock is given back."""
    other = _hold(desk, tmp_path)
    found: list[str] = []

    def tell(words: str) -> None:
        found.append(words)
        if words.startswith("waiting for the lock"):
            (tmp_path / "go").touch()

    desk.progress = _Telling(tell)
    plan = desk.plan(API, allow_deletes=1)
    assert other.wait() == 0
    waiting = [words for words in found if words.startswith("waiting")]
    assert "holds it since 20" in waiting[0]
    assert ", apply, lock " in waiting[0]
    assert [record.message for record in caplog.records if "waiting" in record.message] == waiting[:1]
    assert any("slow" in getattr(step, "address", "") for step in plan.steps)


def test_a_lock_that_stays_is_named_with_the_way_out(desk: Desk, tmp_path: Path) -> None:
    """After the time-out the error says whose lock it is and how to take it away, which nobody does alone."""
    desk.settings = _with_lock_seconds(desk, 0)
    other = _hold(desk, tmp_path)
    try:
        with pytest.raises(CloudError) as caught:
            desk.plan(API)
    finally:
        (tmp_path / "go").touch()
        assert other.wait() == 0
    said = str(caught.value)
    assert "is locked" in said
    assert "terraform force-unlock " in said
    assert "if it was killed, and only then" in said


def test_looking_needs_no_lock(desk: Desk, tmp_path: Path) -> None:
    """`plan` and `status` read while another run applies."""
    other = _hold(desk, tmp_path)
    try:
        assert desk.plan(API, ways=Ways(locks=False)).steps
    finally:
        (tmp_path / "go").touch()
        assert other.wait() == 0


def test_a_stop_is_passed_on_once_and_what_runs_is_finished(desk: Desk, tmp_path: Path) -> None:
    """Terraform ends by itself, gives the lock back, and what was not begun is left to do.

    A provider finishes the resource under way; a local-exec, which stands for it here, is broken off.
    """
    body = (
        '  provisioner "local-exec" {\n'
        f'    command = "touch {tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"\n  }}\n'
    )
    after = (
        '\nresource "terraform_data" "after" {\n  input = terraform_data.function["staging/api"].output\n}\n'
    )
    desk.write(FUNCTIONS.replace(REPLACING, body) + after)
    stop = threading.Event()

    def end() -> None:
        until((tmp_path / "begun").exists)
        stop.set()

    thread = threading.Thread(target=end)
    thread.start()
    done = desk.run(API, stop=stop)
    thread.join()
    (tmp_path / "go").touch()
    outcomes = {r.step.rpartition(":")[2]: r.outcome for r in done.report.results}
    assert done.report.interrupted
    assert outcomes["terraform_data.after"] is Outcome.NOT_TRIED, done.report
    (desk.root / "terraform/main.tf").write_text(FUNCTIONS.replace(REPLACING, ""))
    assert desk.sync(API, allow_deletes=1).report.is_success


def test_a_terraform_whose_lockstep_was_killed_finishes_and_gives_the_lock_back(
    desk: Desk, tmp_path: Path
) -> None:
    """Killing Lockstep leaves no lock: Terraform writes to a file, so nothing of it breaks."""
    body = (
        '  provisioner "local-exec" {\n'
        f'    command = "touch {tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"\n  }}\n'
    )
    desk.write(FUNCTIONS.replace(REPLACING, body))
    child = os.fork()
    if child == 0:  # pragma: no cover - the other process
        try:
            desk.run(API)
        finally:
            os._exit(1)
    until((tmp_path / "begun").exists)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    (tmp_path / "go").touch()
    desk.settings = _with_lock_seconds(desk, 30)
    assert desk.plan(API).is_empty


class _Telling(list[str]):
    """A list that calls a function for whatever is added."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def append(self, words: str) -> None:
        """Tell it, and keep it."""
        super().append(words)
        self._tell(words)


def _with_lock_seconds(desk: Desk, seconds: int) -> Terraform:
    return replace(desk.settings, lock_seconds=seconds)


S3 = """\
terraform {{
  backend "s3" {{
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_requesting_account_id  = true
    skip_region_validation      = true
    use_path_style              = true
    endpoints                   = {{ s3 = "{endpoint}", sts = "{endpoint}" }}
  }}
}}
"""


def test_a_lock_in_s3_that_a_killed_run_left_is_named_and_taken_away_by_hand_only(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lockstep waits, says whose it is, and goes on after force-unlock with the id that it gave."""
    for name, value in cloud.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    make_bucket(cloud, "state")
    backend = {"bucket": "state", "key": "shop.tfstate", "region": REGION, "use_lockfile": "true"}
    head = 'terraform {\n  backend "local" {}\n}\n'
    desk = Desk.make(
        tmp_path,
        FUNCTIONS.replace(head, S3.format(endpoint=cloud.endpoint)),
        settings=Terraform(folder="terraform", backend=backend, lock_seconds=0, place="lockstep.yaml:5"),
    )
    desk.sync(API)
    assert desk.plan(API, ways=Ways(skips=False)).is_empty
    lock = {
        "ID": "f4accb74-e1c3-0724-595d-32ebd51be434",
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "ada@build-7",
        "Version": "1.11.4",
        "Created": "2026-11-24T05:40:00.413626844Z",
        "Path": "state/shop.tfstate",
    }
    s3 = client(cloud, "s3")
    s3.put_object(Bucket="state", Key="shop.tfstate.tflock", Body=json.dumps(lock).encode())
    with pytest.raises(CloudError) as caught:
        desk.plan(API, WEB)
    said = str(caught.value)
    assert "ada@build-7 holds it since 2026-11-24 05:40:00 UTC" in said
    assert "terraform force-unlock f4accb74-e1c3-0724-595d-32ebd51be434` in terraform" in said
    assert (
        s3.get_object(Bucket="state", Key="shop.tfstate.tflock")["Body"].read() == json.dumps(lock).encode()
    )
    s3.delete_object(Bucket="state", Key="shop.tfstate.tflock")  # what force-unlock does
    desk.sync(API, WEB)
