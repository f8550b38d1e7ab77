"""Running tools."""

import logging
import os
import threading
from pathlib import Path

import pytest

from lockstep.artifacts.builders import process
from lockstep.artifacts.builders.process import ask, environment, run, without_secrets
from lockstep.errors import ArtifactError, Interrupted
from tests.support.waiting import until


def _run(script: str, folder: Path, *, stop: threading.Event | None = None, seconds: float = 60.0) -> str:
    _, text = run(
        ["sh", "-c", script],
        cwd=folder,
        env=environment(0),
        stop=stop or threading.Event(),
        doing="building app",
        fix="look",
        seconds=seconds,
    )
    return text


def test_a_tool_runs_alike_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time zone, language, umask, input and time are not the user's, and what no tool reads is hidden."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_TIME", "de_DE.UTF-8")
    monkeypatch.setenv("MINE", "hidden")
    monkeypatch.setenv("NPM_TOKEN", "kept")
    monkeypatch.setenv("GITHUB_TOKEN", "hidden")
    monkeypatch.setenv("LOCKSTEP_GITHUB_APP_KEY", "hidden")
    monkeypatch.setenv("GIT_DIR", "/other/.git")
    before = os.umask(0o077)
    try:
        text = _run(
            'echo "$TZ $LC_ALL [$LC_TIME] $NPM_TOKEN'
            ' [$MINE$GITHUB_TOKEN$LOCKSTEP_GITHUB_APP_KEY$GIT_DIR] $(umask) $(cat)"',
            tmp_path,
        )
    finally:
        os.umask(before)
    assert text == "UTC C.UTF-8 [] kept [] 0022 \n"


def test_a_failure_shows_the_last_lines_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough to see why, nothing that may not be seen."""
    monkeypatch.setenv("NPM_TOKEN", "s3cr3t-value")
    script = (
        "seq 1 40; echo using $NPM_TOKEN; echo https://ada:pass@host/simple?key=1;"
        " echo _auth=ghp_aaaaaaaaaaaaaaaaaaaaaaaa; exit 3"
    )
    with pytest.raises(ArtifactError) as caught:
        _run(script, tmp_path)
    told = str(caught.value)
    assert told.startswith("building app: sh ended with exit code 3; its last lines:\n    29\n")
    assert "using (secret)" in told
    for secret in ("s3cr3t", "pass@", "key=1", "ghp_"):
        assert secret not in told
    assert told.endswith("\n  fix: look")


def test_paths_are_no_secrets() -> None:
    """PWD sounds like a password and is where we are."""
    here = os.environ.get("PWD", "/")
    assert without_secrets(f"in {here}/x") == f"in {here}/x"


@pytest.mark.parametrize(
    ("script", "says"),
    [("exit 1", "sh ended with exit code 1 and said nothing"), ("kill -9 $$", "signal SIGKILL")],
)
def test_every_way_to_end_is_told(tmp_path: Path, script: str, says: str) -> None:
    """Silent failures and signals."""
    with pytest.raises(ArtifactError, match=says):
        _run(script, tmp_path)


def test_what_a_tool_started_ends_with_it(tmp_path: Path) -> None:
    """A process left in the background does not outlive the build."""
    _run("sleep 600 & echo $! > pid", tmp_path)
    pid = int((tmp_path / "pid").read_text())
    until(lambda: not _is_running(pid))


def test_a_stop_ends_the_whole_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools that start others, as npm does, and one that will not listen."""
    monkeypatch.setattr(process, "_GRACE", 0.2)
    stop = threading.Event()
    script = "trap '' TERM; sh -c 'echo $$ > inner; sleep 600'; echo never > late"
    errors: list[BaseException] = []

    def build() -> None:
        try:
            _run(script, tmp_path, stop=stop)
        except Interrupted as error:
            errors.append(error)

    thread = threading.Thread(target=build)
    thread.start()
    until(lambda: (tmp_path / "inner").exists() and (tmp_path / "inner").read_text().strip() != "")
    stop.set()
    thread.join(30)
    (error,) = errors
    assert isinstance(error, Interrupted)
    assert error.exit_code == 130
    until(lambda: not _is_running(int((tmp_path / "inner").read_text())))
    assert not (tmp_path / "late").exists()


def test_a_tool_that_does_not_end_is_ended(tmp_path: Path) -> None:
    """After its time."""
    with pytest.raises(ArtifactError, match="did not end within 0 minutes"):
        _run("sleep 600", tmp_path, seconds=0.1)


def test_a_tool_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing program is an error with a fix, or no answer."""
    with pytest.raises(ArtifactError, match="no-such-tool cannot be started: No such file"):
        run(["no-such-tool"], cwd=tmp_path, env={}, stop=threading.Event(), doing="x", fix="y")
    assert ask(["no-such-tool"], {}, tmp_path) is None
    assert ask(["sh", "-c", "echo no; exit 1"], os.environ, tmp_path) is None
    assert ask(["sh", "-c", "echo yes"], os.environ, tmp_path) == "yes"


def test_a_tool_is_followed_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With -v its lines are shown as they come; nothing in them can act on the terminal."""
    with caplog.at_level(logging.INFO, logger="lockstep"):
        _run("printf 'one\\n\\033[31mtwo\\n'", tmp_path)
    assert [record.getMessage() for record in caplog.records] == ["one", " [31mtwo"]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
