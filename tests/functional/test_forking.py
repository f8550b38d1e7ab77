"""A command that is forked for a test is a process like one that a user starts."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lockstep.delivery.setup.init import write_project_file

LINES = """\
umask 027
mkdir made && cd made && git init -q
lockstep init && ls -l | cut -c 1-10
lockstep explain staging/hello "lambda.memory Size" ''
LOCKSTEP_LOG=loud lockstep validate
env -i PATH="$PATH" lockstep -C .. plan
lockstep validate -o json | head -c 20
lockstep --help > /dev/full
echo "services: {a: {source: {paths: [x]}}}" >> lockstep.yaml
git -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m x
echo '{"SemVer": "1.2.3"}' | lockstep version a --from-gitversion - | cat
mkdir gone && cd gone && rmdir ../gone
lockstep plan
"""
"""What depends on the umask, the folder, arguments, variables and streams."""


def test_a_forked_command_says_and_does_what_a_fresh_one_does(tmp_path: Path, forks: Path) -> None:
    """With the same words on the same streams, and the same exit codes."""
    fresh, mine = (
        _told(tmp_path / name, programs)
        for name, programs in (("fresh", Path(sys.executable).parent), ("forked", forks))
    )
    assert mine == fresh
    assert "-rw-r-----" in fresh[0]
    assert [int(line[2:]) for line in fresh[0].splitlines() if line.startswith("= ")].count(3) == 4


def _told(folder: Path, programs: Path) -> tuple[str, str]:
    folder.mkdir()
    script = "".join(f"{line}\ncode=$?; echo = $code; echo = $code >&2\n" for line in LINES.splitlines())
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr.replace(str(folder), "FOLDER")


@pytest.fixture
def waiting(tmp_path: Path, forks: Path) -> "subprocess.Popen[str]":
    """A command that has said what it sees, and looks again in an hour."""
    write_project_file(tmp_path)
    process = subprocess.Popen(
        [str(forks / "lockstep"), "status", "--watch", "3600"],
        cwd=tmp_path,
        env=os.environ | {"AWS_REGION": "eu-west-1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("error: ")
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGUSR1, -signal.SIGUSR1)])
def test_a_forked_command_gets_signals_and_ends_by_them(
    waiting: "subprocess.Popen[str]", number: signal.Signals, code: int
) -> None:
    """Those that it handles, and those that end it."""
    waiting.send_signal(number)
    _, err = waiting.communicate(timeout=30)
    assert waiting.returncode == code
    assert err.endswith("\ninterrupted; nothing was changed\n") is (number is signal.SIGINT)


def test_a_forked_command_is_killed_with_who_stands_for_it(waiting: "subprocess.Popen[str]") -> None:
    """Nobody holds its streams open any more."""
    waiting.kill()
    _, err = waiting.communicate(timeout=30)
    assert "interrupted" not in err
