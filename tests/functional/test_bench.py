"""What is measured of Lockstep when the tool beside it cannot run."""

import os
from pathlib import Path

import pytest
from benchmarks.measure import Failed, Sample, alternate, run

OURS = Sample(wall=1.0, cpu=1.0, peak=1.0, code=0, output="")


def _breaks() -> Sample:
    raise Failed("terraform ended with 1")


def test_another_tool_that_cannot_run_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """From its first failure on, whenever that comes; ours is measured as often as was asked for."""
    runs = iter([OURS])

    def breaks_later() -> Sample:
        return next(runs, None) or _breaks()

    for broken in (_breaks, breaks_later):
        found = alternate(3, {"lockstep": lambda: OURS, "terraform": broken})
        assert [*found] == ["lockstep"]
        assert found["lockstep"].runs == 3
        assert "without terraform: terraform ended with 1" in capsys.readouterr().err


def test_a_program_that_cannot_be_started_has_failed(tmp_path: Path) -> None:
    """It is missing, or no program at all."""
    (tmp_path / "no-program").write_text("")
    for name in ("no-program", "missing"):
        with pytest.raises(Failed, match="could not be started"):
            run([str(tmp_path / name), "--version"], env=os.environ)
