"""``plan``, ``sync`` and ``status`` against a local AWS, as a user's shell sees them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.delivery.setup.init import write_project_file
from lockstep.local.ministack import LocalCloud
from tests.strict import Call, Proxy
from tests.support import clouds

VALUES = "services/hello/values.yaml"


def _git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path, ministack: LocalCloud) -> Path:
    """The project that ``init`` writes, committed, with its package, bucket and role."""
    folder = tmp_path / "repo"
    write_project_file(folder)
    text = (folder / VALUES).read_text()
    (folder / VALUES).write_text(text.replace("GREETING: hello", "API_TOKEN: S3CR3T"))
    (folder / "packages").mkdir()
    (folder / "packages/hello-0.1.0.zip").write_bytes(clouds.make_zip())
    _git(folder, "init", "-q")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-qm", "First")
    clouds.make_role(ministack, "hello")
    clouds.make_bucket(ministack, "change-me-packages")
    return folder


@pytest.fixture
def environment(ministack: LocalCloud, tmp_path: Path, forks: Path) -> dict[str, str]:
    """A process environment in which AWS is the local one and nothing else is of this machine."""
    return _environment(ministack, tmp_path, forks)


def _environment(cloud: clouds.Cloud, tmp_path: Path, forks: Path) -> dict[str, str]:
    path = f"{forks}{os.pathsep}{os.environ['PATH']}"
    return cloud.environment() | {"PATH": path, "LOCKSTEP_CACHE": str(tmp_path / "cache")}


def _run(project: Path, environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["lockstep", *words],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_plan_sync_and_status_agree(project: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """Differences exit 2, a sync makes them go away, and status says so; secrets never show."""
    summary = tmp_path / "summary.md"
    environment |= {"GITHUB_STEP_SUMMARY": str(summary)}
    told = ""
    for words, code, says in (
        (("plan", "--exit-code"), 2, "Plan: 2 to create, 0 to update"),
        (("sync",), 0, "Sync: 3 done in"),
        (("plan", "--exit-code"), 0, "Nothing to do: everything is in sync with commit"),
        (("status", "--exit-code"), 0, "Status: 2 synced, 0 out of sync, 0 unknown."),
        (("sync", "staging", "-o", "json"), 0, '"success": true'),
    ):
        result = _run(project, environment, *words)
        assert (result.returncode, result.stderr) == (code, "")
        assert says in result.stdout
        told += result.stdout
    assert "environment.API_TOKEN: (secret)" in told
    assert "S3CR3T" not in told + summary.read_text()
    assert summary.read_text().count("### ") == 7


def test_a_saved_plan_is_applied_or_refused(project: Path, environment: dict[str, str]) -> None:
    """What was reviewed is what happens; once it has happened the same file is stale."""
    saved = _run(project, environment, "plan", "staging", "-o", "plan.json")
    assert saved.returncode == 0
    assert "S3CR3T" not in (project / "plan.json").read_text()
    applied = _run(project, environment, "sync", "plan.json")
    assert applied.returncode == 0, applied.stderr
    assert "staging/hello: create function" in applied.stdout
    assert "production/hello" not in applied.stdout
    again = _run(project, environment, "sync", "plan.json")
    assert again.returncode == 1
    assert "the plan is stale" in again.stderr


def test_json_and_markdown_are_whole_documents(project: Path, environment: dict[str, str]) -> None:
    """A result in a form for programs stands alone on stdout."""
    plan = json.loads(_run(project, environment, "plan", "-o", "json").stdout)
    assert (plan["format"], len(plan["targets"])) == ("lockstep.plan/1", 2)
    status = json.loads(_run(project, environment, "status", "-o", "json").stdout)
    assert [row["health"] for row in status["targets"]] == ["Missing", "Missing"]
    explained = json.loads(_run(project, environment, "explain", "staging/hello", "-o", "json").stdout)
    assert explained["target"] == "staging/hello"
    assert "S3CR3T" not in json.dumps([plan, status, explained])
    assert _run(project, environment, "plan", "-o", "markdown").stdout.startswith("### Lockstep plan: 2 to")


def test_a_function_of_somebody_else_blocks_and_exits_1(
    project: Path, environment: dict[str, str], ministack: LocalCloud
) -> None:
    """The others are synced; the blocked one is named with the way out."""
    clouds.make_function(ministack, "hello")
    result = _run(project, environment, "sync")
    assert result.returncode == 1
    assert "staging/hello: create function" in result.stdout
    assert "1 target is blocked" in result.stderr
    assert "--adopt" in result.stdout
    assert _run(project, environment, "sync", "--adopt").returncode == 0


def test_an_unknown_target_exits_3_with_a_suggestion(project: Path, environment: dict[str, str]) -> None:
    """Before AWS is asked anything."""
    result = _run(project, environment, "plan", "stagin")
    assert result.returncode == 3
    assert "did you mean staging" in result.stderr


def test_an_interrupted_sync_says_what_is_left_and_the_next_one_finishes(
    project: Path, tmp_path: Path, ministack: LocalCloud, strict: Callable[..., Proxy], forks: Path
) -> None:
    """Ctrl-C at the first change: what is under way ends well, the rest is listed, exit 130."""
    aws = strict(ministack)
    environment = _environment(aws, tmp_path, forks)
    command = [sys.executable, "-m", "lockstep", "sync"]
    with subprocess.Popen(
        command, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:

        def interrupt(call: Call) -> None:
            process.send_signal(signal.SIGINT)

        aws.on_call(1, interrupt, counting="mutating")
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "stopping: finishing" in err
    assert "Left to do:" in out
    assert "Sync stopped: " in out
    assert "Traceback" not in err
    finished = _run(project, environment, "sync")
    assert finished.returncode == 0, finished.stderr
    assert _run(project, environment, "plan", "--exit-code").returncode == 0
