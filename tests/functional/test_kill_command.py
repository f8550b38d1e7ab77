"""``lockstep sync`` itself, killed and interrupted: run again, it finishes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lockstep.planning.notifications import LAMBDA
from tests.support.clouds import make_zip
from tests.support.fault_lab import FaultLab
from tests.support.fault_scenarios import Scenario
from tests.support.faults import At, Point, notifications
from tests.support.projects import PACKAGES, UPLOADS, make_fleet

pytest_plugins = ["tests.support.fault_fixtures"]

NOTHING = Scenario(name="nothing yet", before=None, after=make_fleet())
PERMISSION = Point(name="lambda.AddPermission", about="notifier-staging", nth=1)
PUT = Point(name="s3.PutBucketNotificationConfiguration", about=UPLOADS, nth=1)
TREE = {
    "lockstep.yaml": f"""\
project: shop
region: eu-west-1
environments: {{staging: {{}}, production: {{}}, preview: {{}}}}
packages: {{bucket: {PACKAGES}}}
artifacts: {{source: directory, path: "packages/{{service}}-{{version}}.zip"}}
triggers: {{bucket: {UPLOADS}}}
""",
    "services/notifier/config.yaml": "serviceName: notifier\ndeploymentType: lambda\n",
    "services/notifier/values.yaml": """\
lambda: {runtime: python3.12, handler: app.handler, role: lambda-role, logRetentionDays: 7}
""",
    "environments/staging/notifier/config.yaml": """\
lambda: {version: "1.0.0", functionName: notifier-staging, s3TriggerPrefix: staging/}
""",
    "environments/production/notifier/config.yaml": """\
lambda: {version: "1.0.0", functionName: notifier, s3TriggerPrefix: Projects/}
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A GitOps repository with one service in two environments, both triggered by the shared bucket."""
    folder = tmp_path / "repo"
    for path, text in TREE.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "packages").mkdir()
    (folder / "packages/notifier-1.0.0.zip").write_bytes(make_zip())
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-qm", "First"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize(
    ("point", "number", "code"),
    [
        pytest.param(PERMISSION, signal.SIGKILL, -signal.SIGKILL, id="kill -9 at a permission"),
        pytest.param(PUT, signal.SIGINT, 130, id="Ctrl-C while the bucket is written"),
        pytest.param(PUT, signal.SIGTERM, 130, id="a CI job that is cancelled"),
    ],
)
def test_the_command_can_be_run_again(
    faults: FaultLab,
    project: Path,
    tmp_path: Path,
    forks: Path,
    point: Point,
    number: signal.Signals,
    code: int,
) -> None:
    """Whatever ended the first run, the second one ends with 0 and leaves nothing to do or to lose."""
    environment = faults.aws.environment() | {
        "PATH": os.environ["PATH"],
        "LOCKSTEP_CACHE": str(tmp_path / "cache"),
    }

    def start(*command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command,
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    running: list[subprocess.Popen[str]] = []
    faults.prepare(NOTHING, At(point, lambda: running[0].send_signal(number)))
    with start(sys.executable, "-m", "lockstep", "sync") as first:
        running.append(first)
        told, _ = first.communicate(timeout=120)
    assert first.returncode == code, told
    assert "Traceback" not in told
    for words in (["sync"], ["plan", "--exit-code"]):
        with start(str(forks / "lockstep"), *words) as again:
            told, _ = again.communicate(timeout=120)
        assert again.returncode == 0, told
    assert faults.witness.problems == []
    assert faults.witness.looks > 0
    ids = [entry["Id"] for entry in notifications(faults.cloud, UPLOADS)[LAMBDA]]
    assert [name.rpartition(".")[0] or name for name in ids] == [
        "others-images",
        "others-films",
        "lockstep-shop.production.notifier",
        "lockstep-shop.staging.notifier",
    ]
