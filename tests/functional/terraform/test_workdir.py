"""Folders that secrets lie in for a while."""

import os
import subprocess
import sys
from pathlib import Path

from lockstep.engines.terraform.workdir import scratch_folder


def test_what_a_killed_run_left_is_removed_by_the_next_on_the_same_machine(tmp_path: Path) -> None:
    """A process that is gone left secrets: they go. Those of a live one, and of another machine, stay."""
    base = tmp_path / "terraform" / "scratch"
    with scratch_folder(tmp_path) as mine:
        assert mine.stat().st_mode & 0o777 == 0o700
        pid, host, _ = mine.name.split("-", 2)
        assert int(pid) == os.getpid()
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        dead, elsewhere = base / f"{gone.pid}-{host}-x_1", base / f"{gone.pid}-other-x"
        dead.mkdir()
        elsewhere.mkdir()
        with scratch_folder(tmp_path) as another:
            assert sorted(base.iterdir()) == sorted([mine, another, elsewhere])
    assert list(base.iterdir()) == [elsewhere]
