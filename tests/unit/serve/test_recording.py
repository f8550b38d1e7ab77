"""What followers tell the history; what it does not take changes nothing else."""

import datetime
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.model import Change, Secret, SyncStatus
from lockstep.model.status import Cause
from lockstep.serve.file import Followed, Leave
from lockstep.serve.recording import Recorder, open_history
from lockstep.store.history import History
from tests.unit.serve.test_deciding import row

PROJECT = Followed(
    name="shop",
    repository="file:///srv/shop",
    environments={"staging": Leave(syncs=True), "production": Leave(syncs=True)},
)
OFF = replace(
    row("staging/api", SyncStatus.OUT_OF_SYNC, Cause.AWS),
    changes=(
        Change(path="memorySize", old=1024, new=256),
        Change(path="environment.API_TOKEN", old=Secret("hunter2-hunter2"), new=Secret("b" * 20)),
    ),
)


class Clock:
    """A time that only tests move."""

    def __init__(self) -> None:
        self.at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

    def ticks(self) -> float:
        """Seconds."""
        return self.at.timestamp()

    def now(self) -> datetime.datetime:
        """Now."""
        return self.at

    def wait(self, event: threading.Event, seconds: float | None = None) -> bool:
        """Nobody waits for a time that only tests move."""
        raise AssertionError


def opened(folder: Path, tell: Callable[[str], None] = pytest.fail) -> History:
    """The history of a folder."""
    history = open_history(folder, tell)
    assert history is not None
    return history


def test_drift_is_what_was_changed_behind_gits_back(tmp_path: Path) -> None:
    """What Git is ahead of is none; what could not be read stays as it was; secrets are masked."""
    clock, history = Clock(), opened(tmp_path)
    recorder = Recorder(history, keep=3600 * 24, now=clock.now)
    ahead = row("production/api", SyncStatus.OUT_OF_SYNC, Cause.GIT)
    recorder.read(PROJECT, (), [OFF, ahead])
    (one,) = history.drifts()
    assert (one.target, one.cause, one.mended) == ("staging/api", "AWS was changed", None)
    assert "memorySize: 1024 -> 256" in one.words
    assert "hunter2" not in one.words
    for rows in ([row("staging/api", SyncStatus.UNKNOWN), ahead], [ahead]):
        recorder.read(PROJECT, ("*/api",) if len(rows) == 2 else ("production/api",), rows)
        assert history.drifts()[0].mended is None
    clock.at += datetime.timedelta(minutes=5)
    recorder.read(PROJECT, (), [ahead])  # it is not declared any more
    assert history.drifts()[0].mended == "2026-01-01T00:05:00.000+00:00"
    history.close()


def test_what_is_older_than_is_kept_goes(tmp_path: Path) -> None:
    """While the controller runs, not only when it starts."""
    clock, history = Clock(), opened(tmp_path)
    recorder = Recorder(history, keep=3600 * 24, now=clock.now)
    recorder.pushed("shop", "main", "a" * 40)
    clock.at += datetime.timedelta(hours=25)
    recorder.pushed("shop", "main", "b" * 40)
    assert [one.commit for one in history.events()] == ["b" * 40]
    history.close()


def test_a_history_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    """And once more when it can be again: nothing is raised, and what happened meanwhile is missing."""
    said: list[str] = []
    history = opened(tmp_path / "data", said.append)
    recorder = Recorder(history, keep=3600, tell=said.append)
    recorder.start()
    run = recorder.run("shop", why="a push", actor="Ada", commit="c" * 40, targets=["staging/api"])
    run.fail("no such host")
    recorder.read(PROJECT, (), [OFF])
    assert len(said) == 1
    assert "not written" in said[0]
    assert str(tmp_path / "data" / "history.db") in said[0]
    (tmp_path / "data").mkdir()
    recorder.pushed("shop", "main", "b" * 40)
    recorder.pushed("shop", "main", "c" * 40)
    assert said[1:] == ["written again; what happened meanwhile is missing"]
    assert [one.commit for one in history.events()] == ["c" * 40, "b" * 40]
    history.close()


def test_without_what_it_needs_no_history_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The controller follows all the same, and says how there would be one."""
    monkeypatch.setitem(__import__("sys").modules, "lockstep.store.database", None)
    said: list[str] = []
    assert open_history(tmp_path, said.append) is None
    assert "lockstep-gitops[serve]" in said[0]
    Recorder(None).read(PROJECT, (), [OFF])
