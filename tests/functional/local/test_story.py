"""The demo tells its story with real commands, and fails when a step does not show what it should."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lockstep.errors import LockstepError
from lockstep.local.stage import Stage


def demo(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``lockstep demo`` with its temporary files in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "lockstep", "demo", *arguments],
        env=os.environ | {"TMPDIR": str(folder), "HOME": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Path]:
    """A folder for a demo that is kept, which is ended after the test whatever happened."""
    yield tmp_path
    for stop in tmp_path.glob("lockstep-demo-*/stop.sh"):
        subprocess.run(["sh", stop], check=False)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A stage without a cloud."""
    stage = Stage(tmp_path, os.environ)
    stage.heading("Something happens")
    return stage


def test_the_story_is_told_and_what_is_kept_can_be_used_and_ended(kept: Path) -> None:
    """All steps succeed in 80 columns; with --keep the cloud can be used and stopped as it says."""
    told = demo(kept, "--keep")
    assert told.returncode == 0, told.stdout + told.stderr
    too_long = [line for line in told.stdout.splitlines() if len(line) > 80]
    assert [line for line in too_long if len(line.split()) > 1] == []  # a path is never broken
    assert re.findall(r"^(\d+)\. ", told.stdout, re.MULTILINE) == [str(n) for n in range(1, 12)]
    (environment,) = kept.glob("lockstep-demo-*/env.sh")
    script = f"set -e; . {environment}; cd {environment.parent}/syrf/gitops; lockstep plan --exit-code"
    used = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (used.returncode, "Nothing to do" in used.stdout) == (0, True), used.stderr
    (stop,) = kept.glob("lockstep-demo-*/stop.sh")
    subprocess.run(["sh", stop], check=True)
    assert list(kept.glob("lockstep-*")) == []
    assert _processes_in(kept) == []


def test_a_demo_that_fails_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    """Without git the demo ends with an error and exit code 1; cloud and files are gone."""
    told = demo(tmp_path, PATH=str(tmp_path))
    assert told.returncode == 1
    assert "git is not installed" in told.stderr
    assert list(tmp_path.glob("lockstep-*")) == []
    assert _processes_in(tmp_path) == []


def _processes_in(folder: Path) -> list[psutil.Process]:
    """Processes whose working folder lies in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def test_a_command_has_to_end_as_the_story_says(stage: Stage) -> None:
    """Another exit code ends the story with the step's name."""
    with pytest.raises(LockstepError, match=r"1\. Something happens.*exit code 3, not 0"):
        stage.run("fail", ["sh", "-c", "exit 3"])


def test_a_command_has_to_show_what_the_story_says(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Output without the expected words ends the story; with them it is shown as it came."""
    stage.run("tell", ["echo", "three  words", "here"], shows=("three words",))
    assert capsys.readouterr().out.endswith("$ tell\nthree  words here\n")
    with pytest.raises(LockstepError, match="does not show 'two'"):
        stage.run("tell", ["echo", "one"], shows=("two",))
