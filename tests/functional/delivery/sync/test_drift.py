"""The issue about drift: one for each look, open for as long as something is known to differ."""

import subprocess
from pathlib import Path

import pytest

from lockstep.delivery.sync.drift import Drift, put_issue
from lockstep.forge.local import LocalForge
from lockstep.model import Change, Health, StatusRow, SyncStatus
from tests.functional.git.conftest import _own_configuration

__all__ = ["_own_configuration"]


@pytest.fixture
def forge(tmp_path: Path) -> LocalForge:
    """A forge without issues."""
    bare = tmp_path / "gitops.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
    return LocalForge(str(bare), tmp_path / "cache")


def _row(target: str, status: SyncStatus, *changes: Change, problem: str | None = None) -> StatusRow:
    environment, _, service = target.partition("/")
    return StatusRow(
        target=target,
        service=service,
        environment=environment,
        deployment_type="lambda",
        declared="1.0.0",
        live="1.0.0",
        status=status,
        health=Health.HEALTHY,
        changes=changes,
        problem=problem,
    )


DIFFERS = _row("staging/a", SyncStatus.OUT_OF_SYNC, Change(path="memorySize", old=1024, new=512))
UNKNOWN = _row("staging/b", SyncStatus.UNKNOWN, problem="its package cannot be had")


def test_it_is_opened_once_and_closed_when_all_is_well(forge: LocalForge) -> None:
    """The same number for as long as it is open, and a new one for the next time."""
    first = put_issue(forge, Drift(patterns=(), differing=(DIFFERS,)))
    again = put_issue(forge, Drift(patterns=(), differing=(DIFFERS, DIFFERS)))
    assert first is not None
    assert again is not None
    assert first.number == again.number
    assert (first.title, again.title) == ("1 target differs from Git", "2 targets differ from Git")
    assert "1024" in first.body
    assert put_issue(forge, Drift(patterns=())) is None
    assert forge.find_issue("drift") is None
    other = put_issue(forge, Drift(patterns=(), differing=(DIFFERS,)))
    assert other is not None
    assert other.number != first.number


def test_what_is_not_known_closes_nothing(forge: LocalForge) -> None:
    """A target that could not be read may still differ; nor does it open an issue."""
    assert put_issue(forge, Drift(patterns=(), unknown=(UNKNOWN,))) is None
    opened = put_issue(forge, Drift(patterns=(), differing=(DIFFERS,)))
    kept = put_issue(forge, Drift(patterns=(), unknown=(UNKNOWN,)))
    assert opened is not None
    assert kept == opened


def test_a_look_at_some_targets_leaves_the_other_issue_alone(forge: LocalForge) -> None:
    """Staging that is well says nothing about production."""
    whole = put_issue(forge, Drift(patterns=(), differing=(DIFFERS,)))
    assert whole is not None
    assert put_issue(forge, Drift(patterns=("staging",))) is None
    assert forge.find_issue("drift") == whole


def test_words_of_others_stand_in_code(forge: LocalForge) -> None:
    """A problem's text starts no Markdown and mentions nobody."""
    row = _row("staging/a", SyncStatus.OUT_OF_SYNC, problem="```\n@everyone <img src=x> #1")
    opened = put_issue(forge, Drift(patterns=(), differing=(row,)))
    assert opened is not None
    assert "````\n```\n@everyone <img src=x> #1\n````" in opened.body
