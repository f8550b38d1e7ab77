"""Streams, colours, the job summary and saved files."""

import io
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import cast

import pytest

from lockstep.cli.following import Follower
from lockstep.cli.shell import Output, Shell, save
from lockstep.cli.stopping import stopping
from lockstep.cli.syncing import SyncFollower
from lockstep.delivery.places.workspace import Workspace
from lockstep.errors import BadInput, LockstepError
from lockstep.model import DeleteFunction, Outcome, Plan, StepResult
from lockstep.settings import Settings, read_settings


def _shell(tmp_path: Path, **settings: object) -> Shell:
    return Shell(settings=Settings(cache=tmp_path, **settings), directory=tmp_path)  # type: ignore[arg-type]


def test_colour_is_for_terminals_and_for_those_who_ask(tmp_path: Path) -> None:
    """Captured output has none; NO_COLOR and --no-color win over everything."""
    assert _shell(tmp_path).palette.create == ""
    assert _shell(tmp_path, colour=True).palette.create
    shell = Shell(settings=Settings(cache=tmp_path, colour=True), directory=tmp_path, no_color=True)
    assert shell.palette.create == ""


def test_results_and_log_go_different_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Results can be piped; nothing in a log line acts on the terminal."""
    shell = _shell(tmp_path)
    shell.emit(["one", "two"])
    shell.log("note\n\x1b[31m")
    assert capsys.readouterr() == ("one\ntwo\n", "note\n\\x1b[31m\n")


def test_progress_is_quiet_in_a_pipe_and_told_with_v(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No half lines in logs."""
    _shell(tmp_path).progress("reading")
    assert capsys.readouterr().err == ""
    Shell(settings=Settings(cache=tmp_path), directory=tmp_path, verbosity=1).progress("reading")
    assert capsys.readouterr().err == "reading\n"


class _Impatient(io.StringIO):
    """A screen at which somebody presses Ctrl-C as soon as a question stands on it."""

    def write(self, text: str) -> int:
        done = super().write(text)
        if "[y/N]" in text:
            os.kill(os.getpid(), signal.SIGINT)
        return done


def test_ctrl_c_answers_a_question_as_soon_as_it_can_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never means that what is under way is finished first, while the question waits for a line."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    monkeypatch.setattr(sys, "stderr", _Impatient())
    with stopping(list) as stop, pytest.raises(KeyboardInterrupt):
        _shell(tmp_path).ask("Apply it?")
    assert not stop.is_set()


class _Late(threading.Event):
    """One that whoever sets it comes to late, as on a busy machine."""

    def set(self) -> None:
        time.sleep(0.05)
        super().set()


def test_nothing_is_asked_after_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was pressed when the plan was there and the question was not; a later plan is not agreed to."""
    monkeypatch.setattr("lockstep.cli.syncing.question", lambda _: "Apply it?")
    monkeypatch.setattr(Shell, "ask", lambda *_: pytest.fail("it asks"))
    with stopping(list, _Late()) as stop:
        follower = SyncFollower(_shell(tmp_path), Output.JSON)
        follower.stop = stop
        os.kill(os.getpid(), signal.SIGINT)
        nowhere, plan = cast("Workspace", None), Plan(engine="aws", project="shop")
        with pytest.raises(KeyboardInterrupt):
            follower.agree(nowhere, plan)
        assert not follower.agree(nowhere, plan)


def test_the_job_summary_is_added_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where GitHub names a file; a file that cannot be written is a warning, not a failure."""
    file = tmp_path / "summary.md"
    _shell(tmp_path, job_summary=file).summarise(lambda: "one")
    _shell(tmp_path, job_summary=file).summarise(lambda: "two")
    assert file.read_text() == "one\ntwo\n"
    _shell(tmp_path, job_summary=tmp_path / "no" / "file").summarise(lambda: "x")
    assert "warning: the job summary could not be written" in capsys.readouterr().err


def test_a_value_for_later_steps_has_one_line(tmp_path: Path) -> None:
    """What would be read as more values is refused; without a file nothing is handed on."""
    file = tmp_path / "output"
    _shell(tmp_path).hand_on("released", "api@1.0.0")
    _shell(tmp_path, job_output=file).hand_on("released", "api@1.0.0")
    for value in ("a\nmore=b", "a\rmore=b"):
        with pytest.raises(LockstepError, match="more than one line"):
            _shell(tmp_path, job_output=file).hand_on("released", value)
    assert file.read_text() == "released=api@1.0.0\n"


def test_a_plan_is_saved_whole_or_not_at_all(tmp_path: Path) -> None:
    """A folder that is not there is bad input and leaves nothing behind."""
    save(tmp_path / "plan.json", "{}")
    assert (tmp_path / "plan.json").read_text() == "{}"
    (tmp_path / "plan.json").chmod(0o644)
    save(tmp_path / "plan.json", "{}")
    assert (tmp_path / "plan.json").stat().st_mode & 0o777 == 0o600, "what a project runs is its own business"
    with pytest.raises(BadInput):
        save(tmp_path / "no" / "plan.json", "{}")
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_steps_are_followed_in_words(tmp_path: Path) -> None:
    """Starts are known but not written in a pipe; ends are, and once what a step waits for."""
    written: list[str] = []
    follower = Follower(_shell(tmp_path), written.extend)
    step = DeleteFunction(id="x", target="preview/pr-1/a", function="f")
    follower.planned(Plan(engine="aws", project="p", steps=(step,)))
    follower.begin()
    with follower.ending():
        follower.stepped(StepResult(step="x", target="preview/pr-1/a", outcome=Outcome.STARTED))
        assert follower.under_way() == ["preview/pr-1/a: delete function"]
        assert written == []
        waits = StepResult(step="x", target="preview/pr-1/a", outcome=Outcome.WAITING, waits_for="EC2")
        follower.stepped(waits)
        follower.stepped(waits)
        assert follower.under_way() == ["preview/pr-1/a: delete function, waiting for EC2"]
        follower.stepped(StepResult(step="x", target="preview/pr-1/a", outcome=Outcome.DONE, seconds=1))
    assert follower.under_way() == []
    assert written == [
        "  waiting   preview/pr-1/a: delete function: for EC2",
        "  done      preview/pr-1/a: delete function (1.0 s)",
    ]


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    """Every variable that the module's docstring names."""
    settings = read_settings(
        {
            "LOCKSTEP_CACHE": str(tmp_path),
            "LOCKSTEP_CACHE_GB": "0.5",
            "LOCKSTEP_LOG": "DEBUG",
            "GH_TOKEN": "t0ken",
            "GITHUB_STEP_SUMMARY": "/s",
            "GITHUB_OUTPUT": "/o",
            "FORCE_COLOR": "1",
            "CI": "true",
        }
    )
    assert settings == Settings(
        cache=tmp_path,
        cache_limit=5e8,
        log_level="debug",
        github_token="t0ken",
        job_summary=Path("/s"),
        job_output=Path("/o"),
        colour=True,
        is_ci=True,
    )
    assert "t0ken" not in repr(settings)
    assert read_settings({"XDG_CACHE_HOME": "/x"}).cache == Path("/x/lockstep")
    assert read_settings({"XDG_CACHE_HOME": "relative"}).cache == Path.home() / ".cache/lockstep"
    assert read_settings({"NO_COLOR": "1", "FORCE_COLOR": "1"}).colour is False
    assert read_settings({"CI": "false"}).is_ci is False


@pytest.mark.parametrize("value", ["much", "-1", "nan", "inf"])
def test_a_bound_of_the_cache_that_is_none_is_bad_input(value: str) -> None:
    """The variable and the value are named."""
    with pytest.raises(BadInput, match=f"LOCKSTEP_CACHE_GB: '{value}' is no number"):
        read_settings({"LOCKSTEP_CACHE_GB": value})
