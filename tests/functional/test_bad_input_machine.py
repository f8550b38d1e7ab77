"""Odd machines: closed streams, full disks, no home, narrow terminals, other encodings."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.strict import Faults, Proxy
from tests.support import clouds
from tests.support.badinput.desk import SECRETS, Desk, Told


@pytest.fixture(scope="module")
def aws() -> Iterator[Proxy]:
    """One AWS for all."""
    cloud = clouds.start("moto")
    furnish(cloud)
    with Proxy(cloud) as proxy:
        yield proxy
    cloud.stop()


def furnish(cloud: clouds.Cloud) -> None:
    """Make what the project does not make itself."""
    clouds.make_role(cloud)
    clouds.make_bucket(cloud, "camarades-packages")
    clouds.make_bucket(cloud, "syrfapp-uploads")


@pytest.fixture
def desk(aws: Proxy, tmp_path: Path) -> Iterator[Desk]:
    """A desk on which everything works, and nothing was synced yet."""
    if aws.counts(mutating=True):
        aws.reset()
        furnish(aws.behind)
    aws.forget()
    with Desk.laid(tmp_path, aws, Faults()) as desk:
        yield desk


def shell(desk: Desk, line: str, **variables: str | None) -> Told:
    """Run a line of shell; a variable that is None is taken away."""
    env = {name: value for name, value in (desk.env | variables).items() if value is not None}
    line = line.replace("lockstep", f"{shlex.quote(sys.executable)} -m lockstep")
    done = subprocess.run(
        ["sh", "-c", line], cwd=desk.folder, env=env, capture_output=True, timeout=60, check=False
    )
    told = Told(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())
    assert "Traceback" not in told.all
    assert "this is a bug" not in told.all
    assert "Exception ignored" not in told.all
    assert not any(secret in told.all for secret in SECRETS)
    return told


def test_a_cache_that_cannot_be_written_leaves_targets_unknown(desk: Desk) -> None:
    """A package that cannot be fetched is no difference: each target says why nobody knows."""
    before = desk.fingerprint()
    told = shell(desk, "ulimit -f 0; LOCKSTEP_CACHE=../fresh lockstep plan")
    assert told.code == 1, told.all
    assert "LOCKSTEP_CACHE" in told.out
    assert "0 to update" in told.out
    assert "unknown." in told.out
    assert desk.fingerprint() == before


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("lockstep validate >&-", 0, ""),
        ("lockstep plna 2>&-", 3, ""),
        ("lockstep validate >&- 2>&- <&-", 0, ""),
        ("lockstep validate > /dev/full", 1, "No space left on device"),
        ("lockstep --help > /dev/full", 1, "No space left on device"),
        ("mkdir ../gone; cd ../gone; rmdir ../gone; lockstep plan", 3, "there is no such folder"),
        ("lockstep plan -C", 3, "-C: a value is missing"),
        ("lockstep status --watch -1", 3, "--watch"),
        ("lockstep status --watch 60 nobody", 3, "nobody: no target matches"),
    ],
)
def test_a_machine_that_gives_no_room(desk: Desk, line: str, code: int, says: str) -> None:
    """The exit code is right although nobody may be able to read why; nothing is changed."""
    before = desk.fingerprint()
    told = shell(desk, line)
    assert told.code == code, told.all
    assert says in told.err
    assert "error: " in told.err or not says
    assert "  fix: " in told.err or not says
    assert not desk.aws.counts(mutating=True)
    assert desk.fingerprint() == before


def test_the_help_can_be_asked_for_as_a_command(desk: Desk) -> None:
    """As git and kubectl have it."""
    assert "--allow-deletes" in shell(desk, "lockstep help plan").out
    assert "doctor" in shell(desk, "lockstep help").out


@pytest.mark.parametrize(
    "variables",
    [
        {"HOME": None, "LOCKSTEP_CACHE": None},
        {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "xx_YY.nonsense", "TERM": "dumb", "TZ": "nonsense", "TMPDIR": "/nonexistent"},
    ],
    ids=str,
)
def test_an_interpreter_that_begins_oddly_does_not_matter(
    desk: Desk, variables: dict[str, str | None]
) -> None:
    """The plan is shown all the same, without colours and without control characters."""
    told = shell(desk, "lockstep plan --exit-code", **variables)
    check(told)
    assert told.err == ""


@pytest.mark.parametrize(
    "variables",
    [
        {"COLUMNS": "0"},
        {"COLUMNS": "wide"},
        {"COLUMNS": "40"},
        {"GITHUB_STEP_SUMMARY": "/dev/full"},
        {"GITHUB_STEP_SUMMARY": "/"},
        {"CI": "true", "NO_COLOR": "1", "FORCE_COLOR": "1"},
    ],
    ids=str,
)
def test_an_odd_environment_does_not_matter(desk: Desk, variables: dict[str, str]) -> None:
    """Nor what Lockstep reads of it while it runs."""
    desk.env |= variables
    told = desk.run("plan", "--exit-code")
    check(told)
    is_told = "GITHUB_STEP_SUMMARY" in variables
    assert told.err.startswith("warning: the job summary could not be written: ") is is_told
    wide = [line for line in told.out.splitlines() if variables.get("COLUMNS") == "40" and len(line) > 40]
    assert [line for line in wide if not line.startswith("Plan: ") and " " in line.strip()] == []


def check(told: Told) -> None:
    """See that it is the plan of a project that was never synced, and plain text."""
    assert told.code == 2, told.all
    assert "Plan: 3 to create" in told.out
    assert "\x1b" not in told.all
    assert not any(secret in told.all for secret in SECRETS)


def test_a_sync_is_finished_although_its_reader_leaves(desk: Desk) -> None:
    """Steps that nobody reads of are done all the same."""
    told = shell(desk, "lockstep sync | sed '/ done /q'")
    assert told.err == ""
    assert shell(desk, "lockstep plan --exit-code").code == 0
