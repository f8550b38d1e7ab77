"""What ``release`` hands on to the next steps of a job, and what takes it."""

from pathlib import Path

import pytest

from tests.functional.release.conftest import Mono


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that GitHub reads values from."""
    file = tmp_path / "output"
    file.write_text("before=1\n")
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    return file


def test_what_was_released_is_handed_on(local: Mono, output: Path) -> None:
    """One line with all services, behind what other tools wrote; the same for a run that finds it done."""
    local.release("api", "web")
    local.release("api", "web")
    line = "released=api@0.1.0,web@0.1.0\n"
    assert output.read_text() == f"before=1\n{line}{line}"


def test_a_dry_run_hands_nothing_on(local: Mono, output: Path) -> None:
    """Nobody promotes what was not released."""
    local.release("web", "--dry-run")
    assert output.read_text() == "before=1\n"


def test_what_was_released_before_a_failure_is_handed_on(local: Mono, output: Path) -> None:
    """The services that could be released count, whatever became of the others."""
    local.release("web", "broken", code=1)
    assert output.read_text() == "before=1\nreleased=web@0.1.0\n"


def test_an_output_that_cannot_be_written_is_a_failure(
    local: Mono, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next job would find no service, and be glad."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path))
    local.run("release", "web", code=1)
    assert "cannot hand on released to later steps" in local.err
    assert "web-v0.1.0" in local.tags()
