"""Exit codes, streams and errors of the command line, as a user's shell sees them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep import __version__
from lockstep.cli import main
from lockstep.delivery.setup.init import write_project_file
from tests.support.waiting import until

HEAVY = (
    *("botocore", "urllib3", "rich", "yaml", "hypothesis", "ministack", "asyncio"),
    *("lockstep.engines", "lockstep.delivery", "lockstep.config", "lockstep.planning", "lockstep.model"),
)


Run = Callable[..., "subprocess.CompletedProcess[str]"]
FRESH = (sys.executable, "-m", "lockstep")


@pytest.fixture
def run(forks: Path, tmp_path: Path) -> Run:
    """Run a command in an empty folder, and see its streams and its exit code."""

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(forks / "lockstep"), *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """On stdout, alone."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"lockstep {__version__}\n"


def test_help_names_every_command() -> None:
    """``lockstep --help`` is where people begin."""
    result = subprocess.run([*FRESH, "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0
    for command in ("init", "validate", "plan", "sync", "status", "explain", "doctor", "demo"):
        assert f"  {command} " in result.stdout


def test_help_imports_nothing_heavy() -> None:
    """Start-up time is a promise; what a command needs is imported inside it."""
    code = (
        "import sys; from lockstep.cli import main; main(['plan', '--help']);"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = {name for name in result.stderr.split() if name.startswith(HEAVY)}
    assert not loaded


@pytest.mark.parametrize(
    "words",
    [
        ["plna"],
        ["plan", "--no-such-option"],
        ["plan", "-o", "yaml"],
        ["status", "-o", "xml"],
        ["status", "--watch", "0.1"],
        ["explain"],
        ["plan", "--allow-deletes", "many"],
        ["sync", "missing.json"],
        ["sync", "missing.json", "staging"],
        ["plan", "-C", "/no/such/folder"],
        ["validate", "-C", "/no/such/folder"],
    ],
)
def test_wrong_arguments_exit_3(words: list[str], run: Run) -> None:
    """Bad input is 3, never 2, which means differences; the reason is on stderr, without traceback."""
    result = run(*words)
    assert result.returncode == 3
    assert result.stdout == ""
    assert "rror: " in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("text", ["", "{}", '{"format": "lockstep.plan/9"}', "\x00"])
def test_a_damaged_plan_file_exits_3(text: str, tmp_path: Path, run: Run) -> None:
    """A saved plan that cannot be read names the file."""
    (tmp_path / "plan.json").write_text(text)
    result = run("sync", "plan.json")
    assert result.returncode == 3
    assert result.stderr.startswith("error: plan.json: ")


def test_a_folder_without_a_project_says_what_to_do(tmp_path: Path, run: Run) -> None:
    """The first thing that people see when they try it in the wrong place."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    result = run("plan")
    assert result.returncode == 3
    assert "lockstep init" in result.stderr


def test_an_unknown_log_level_is_bad_input(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Settings of the process are checked like everything else."""
    monkeypatch.setenv("LOCKSTEP_LOG", "loud")
    result = run("validate")
    assert result.returncode == 3
    assert "LOCKSTEP_LOG" in result.stderr


def test_validate_as_json_lists_problems(tmp_path: Path, run: Run) -> None:
    """Problems are the result, so they are on stdout, and the exit code is still 3."""
    write_project_file(tmp_path)
    project = tmp_path / "lockstep.yaml"
    project.write_text(project.read_text().replace("artifacts:", "artefacts:", 1))
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    result = run("validate", "-o", "json")
    assert result.returncode == 3
    document = json.loads(result.stdout)
    assert document["valid"] is False
    assert "artefacts" in document["problems"][0]["problem"]
    assert document["problems"][0]["where"].startswith("lockstep.yaml:")


def test_values_cannot_act_on_the_terminal(tmp_path: Path, run: Run) -> None:
    """An error that quotes a file's content shows escapes, it does not send them."""
    write_project_file(tmp_path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    project = tmp_path / "lockstep.yaml"
    project.write_text(project.read_text() + '"\\e[2Jkey": 1\n')
    result = run("validate")
    assert result.returncode == 3
    assert "\x1b" not in result.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    """``lockstep ... | head`` ends quietly."""
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [*FRESH, "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert process.stderr == b""
    assert process.returncode in (1, 141)


def test_a_bug_is_told_without_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody foresaw may hold secrets in its text; with -v the developer sees it all."""

    def fail(words: object) -> int:
        raise RuntimeError("password is hunter2")

    # No command is meant to fail like this, so one is made to.
    monkeypatch.setattr(sys.modules["lockstep.cli.main"], "_run", fail)
    assert main(["plan"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: unexpected RuntimeError")
    assert "hunter2" not in told
    assert "Traceback" not in told
    assert main(["-v", "plan"]) == 1
    assert "Traceback" in capsys.readouterr().err


STOPPING = """
import sys
from lockstep.cli.stopping import stopping
with stopping(lambda: ["staging/a: update code"]) as stop:
    print("ready", flush=True)
    stop.wait()
    print("stopped", flush=True)
    if "linger" in sys.argv:
        stop.clear = None
        import time
        while True:
            time.sleep(60)
"""


def test_the_first_interrupt_lets_the_run_finish() -> None:
    """It sets the event and says what is being finished."""
    process = subprocess.Popen([sys.executable, "-c", STOPPING], stdout=-1, stderr=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert out == "stopped\n"
    assert "stopping: finishing staging/a: update code; press Ctrl-C again" in err
    assert process.returncode == 0


def test_the_second_interrupt_leaves_at_once() -> None:
    """Whatever is under way."""
    process = subprocess.Popen([sys.executable, "-c", STOPPING, "linger"], stdout=-1, stderr=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "stopped\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "left at once; run the same command again" in err


ANYWHERE = """
import signal, sys, threading
from lockstep.cli.stopping import ending, stopping

def interrupted(line, opened):
    passed = 0

    def count(frame, event, argument):
        nonlocal passed
        if frame.f_code.co_filename == threading.__file__ and event == "line":
            passed += 1
            if passed == line:
                signal.raise_signal(signal.SIGINT)
        return count

    with opened as stop:
        sys.settrace(count)
        stop.wait(0.001)
        sys.settrace(None)
        assert passed < line or stop.wait(20)
    return passed >= line

for opened in (ending, lambda: stopping(lambda: [])):
    lines = 1
    while interrupted(lines, opened()):
        lines += 1
    print(lines - 1, flush=True)
"""


def test_an_interrupt_at_any_line_of_waiting_for_it_stops() -> None:
    """Also where the thread that it interrupts holds the lock of what it waits for."""
    done = subprocess.run(
        [sys.executable, "-c", ANYWHERE], capture_output=True, text=True, timeout=60, check=True
    )
    assert [int(lines) > 20 for lines in done.stdout.split()] == [True, True]


ELSEWHERE = """
import signal, sys, threading, time
from lockstep.cli import stopping

def take():
    main = threading.main_thread().ident
    while sys._current_frames()[main].f_code is not threading.Condition.wait.__code__:
        time.sleep(0.01)
    time.sleep(0.1)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

def waits(opened):
    thread = threading.Thread(target=take)
    thread.start()
    began = time.monotonic()
    try:
        with opened as stop:
            (stop or threading.Event()).wait(20)
    except KeyboardInterrupt:
        pass
    thread.join()
    print(time.monotonic() - began < 15, flush=True)

for opened in (stopping.ending(), stopping.stopping(lambda: []), stopping.raising(), stopping.at_once()):
    waits(opened)
"""


def test_an_interrupt_that_another_thread_takes_stops_too() -> None:
    """As Linux gives it to one that just begins a process, while the main thread waits."""
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, timeout=90, check=False
    )
    assert (done.stdout.split(), done.returncode) == (["True"] * 3, 128 + signal.SIGINT)


def test_an_interrupt_of_a_watch_exits_130(tmp_path: Path) -> None:
    """Commands that change nothing end at once."""
    write_project_file(tmp_path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    log = tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [*FRESH, "status", "--watch", "60"],
            cwd=tmp_path,
            env=os.environ | {"AWS_REGION": "eu-west-1"},
            stdout=subprocess.DEVNULL,
            stderr=file,
        )
        until(lambda: "error: " in log.read_text() or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
    assert log.read_text().endswith("\ninterrupted; nothing was changed\n")


EARLY = """
import os, signal, sys
wanted = sys.argv[1]
class Key:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Key())
from lockstep.__main__ import start
sys.argv[1:] = ["validate"]
sys.exit(start())
"""


@pytest.mark.parametrize("module", ["lockstep.cli", "lockstep.cli.app", "lockstep.config.load"])
def test_an_interrupt_while_modules_are_loaded_leaves_no_traceback(module: str, tmp_path: Path) -> None:
    """However early it comes, once Python itself runs."""
    write_project_file(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", EARLY, module],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.strip().startswith("interrupted")


def test_errors_are_a_document_where_json_was_asked_for(run: Run) -> None:
    """On stdout, which holds nothing else; people read the same on stderr."""
    result = run("plan", "-o", "json")
    document = json.loads(result.stdout)
    assert (document["format"], document["exitCode"]) == ("lockstep.errors/1", result.returncode)
    (error,) = document["errors"]
    assert error["fix"] in result.stderr
    assert error["problem"] in result.stderr
