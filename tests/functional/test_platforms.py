"""What Linux can show of other systems: line ends, case, and what is said on Windows."""

import os
from pathlib import Path

import pytest

from lockstep.__main__ import WINDOWS, start
from lockstep.cli import main
from lockstep.config.case import clashes
from tests.support.badinput.desk import FILES, git


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project of the table of bad inputs as a checkout with Windows' line ends."""
    for path, text in FILES.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.replace("\n", "\r\n").encode())
    git(tmp_path, "init", "-q")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path.parent / "cache"))
    return tmp_path


def test_a_checkout_with_windows_line_ends_is_read_as_any(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No value ends in a carriage return, and places are counted in the same lines."""
    assert main(["explain", "staging/s3-notifier", "-o", "json"]) == 0
    told = capsys.readouterr().out
    assert "\\r" not in told
    assert "config.yaml:4" in told


def test_names_that_differ_in_case_only_are_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On macOS one of the two files would hide the other, and each clone would show another one."""
    folder = project / "syrf/environments/staging/S3-Notifier"
    folder.mkdir()
    (folder / "README.md").write_text("x\n")
    (project / "packages").mkdir()
    main(["validate"])
    told = capsys.readouterr().err
    assert (
        "syrf/environments/staging/S3-Notifier and syrf/environments/staging/s3-notifier differ in case"
        in told
    )


def test_clashes_are_told_once_for_a_folder() -> None:
    """With everything below it."""
    paths = ["a/B/x", "a/b/x", "a/b/y", "a/c", "other/A", "other/a"]
    assert clashes(paths, "a/") == [("a/B", "a/b")]
    assert clashes(paths, "") == [("a/B", "a/b"), ("other/A", "other/a")]


def test_windows_is_told_where_it_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In place of a traceback about a module that is missing there."""
    monkeypatch.setattr(os, "name", "nt")
    code = start()
    monkeypatch.undo()
    assert code == 3
    assert capsys.readouterr().err == WINDOWS
