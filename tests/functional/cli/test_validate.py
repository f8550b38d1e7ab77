"""``lockstep validate`` in a repository that builds services and declares nothing."""

from pathlib import Path

import pytest

from lockstep.cli import main

SERVICES = "services:\n  api: {build: {builder: prebuilt, output: dist}}\n"


def test_a_repository_that_only_builds_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It needs neither a project's name nor environments, and says that nothing is deployed from it."""
    (tmp_path / "lockstep.yaml").write_text(SERVICES)
    assert main(["-C", str(tmp_path), "validate"]) == 0
    assert capsys.readouterr().out == "Valid: 1 service built here; no environments are declared.\n"


def test_a_path_that_matches_nothing_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A service whose paths are misspelt would never get a new version; brackets are names first."""
    (tmp_path / "app/[id]").mkdir(parents=True)
    (tmp_path / "app/[id]/page.tsx").write_text("x")
    (tmp_path / "lockstep.yaml").write_text(
        "services:\n  api:\n    source: {paths: ['app/[id]', src/ap]}\n"
        "    build: {builder: prebuilt, output: dist}\n"
    )
    assert main(["-C", str(tmp_path), "validate"]) == 0
    assert capsys.readouterr().err == "warning: lockstep.yaml:2: the path src/ap of api matches nothing\n"


def test_what_is_wrong_with_its_services_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With file and line."""
    (tmp_path / "lockstep.yaml").write_text(SERVICES.replace("prebuilt", "prebuild"))
    assert main(["-C", str(tmp_path), "validate"]) == 3
    assert "lockstep.yaml:2: " in capsys.readouterr().err


def test_without_services_and_environments_nothing_is_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty declaration stays an error: it must never pass for one that wants nothing."""
    (tmp_path / "lockstep.yaml").write_text("project: shop\n")
    assert main(["-C", str(tmp_path), "validate"]) == 3
    assert "environments" in capsys.readouterr().err
