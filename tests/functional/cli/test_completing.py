"""Completion: what a shell offers while a line is typed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.cli.completing import Kind

EXAMPLE = Path(__file__).parents[3] / "examples/syrf/gitops"
ASK = """
lockstep() { "$PYTHON" -m lockstep "$@"; }
source <(lockstep completion bash)
for COMP_LINE in "lockstep pla" "lockstep plan staging/" "lockstep promote --to pro" "lockstep preview u"; do
    COMP_POINT=${#COMP_LINE}
    _python_argcomplete lockstep
    echo "${COMPREPLY[@]}"
done
"""


@pytest.mark.parametrize("kind", Kind)
def test_each_shell_gets_a_script_of_its_own(kind: Kind, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the command and hands the line on."""
    assert main(["completion", kind]) == 0
    script = capsys.readouterr().out
    assert "_ARGCOMPLETE" in script
    assert "lockstep" in script
    shell = shutil.which(kind)
    if shell is not None:
        checked = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_bash_completes_commands_targets_and_environments(tmp_path: Path) -> None:
    """Targets come from the project where the line is typed."""
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK],
        cwd=EXAMPLE,
        env={**os.environ, "PYTHON": sys.executable, "LOCKSTEP_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [line.strip() for line in done.stdout.splitlines()] == [
        "plan",
        "staging/api staging/s3-notifier staging/web",
        "production",
        "up",
    ]


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_commands_targets_and_environments(tmp_path: Path) -> None:
    """As a person sees it who asks it what may follow."""
    script = "function lockstep; $PYTHON -m lockstep $argv; end\nlockstep completion fish | source\n"
    for line in ("lockstep pla", "lockstep plan staging/", "lockstep promote --to pro"):
        script += f"complete --do-complete '{line}'; echo ==\n"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script],
        cwd=EXAMPLE,
        env={**os.environ, "PYTHON": sys.executable, "LOCKSTEP_CACHE": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    offered = [[one.split("\t")[0] for one in part.split("\n") if one] for part in done.stdout.split("==\n")]
    assert offered[:3] == [
        ["plan"],
        ["staging/api", "staging/s3-notifier", "staging/web"],
        ["production"],
    ]
