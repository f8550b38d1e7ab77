"""Commands that are asked of a server: a real one, over HTTP, whose follower was told what it saw."""

import datetime
import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from lockstep._version import __version__
from lockstep.cli import main
from lockstep.cli.asking import ASKED
from lockstep.model import Change, SyncStatus
from lockstep.model.roles import Grants, Role
from lockstep.model.status import Cause
from lockstep.serve.access import Access, Token, digest_of, new_token
from lockstep.serve.deciding import Ask, failed
from lockstep.serve.following import Follower
from lockstep.serve.orders import Order
from lockstep.serve.recording import Recorder
from lockstep.serve.web.listening import listening
from lockstep.store.database import Database
from lockstep.store.history import History
from tests.unit.serve.test_deciding import row
from tests.unit.serve.test_page import follower, saw

__all__ = ["follower"]

TOKEN = new_token()
GRANTS = Grants(everywhere={"testers": frozenset({Role.VIEW, Role.SYNC})})


@pytest.fixture
def url(follower: Follower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that takes a token with the roles view and sync, which everybody here has."""
    monkeypatch.setenv("LOCKSTEP_TOKEN", TOKEN)
    history = History(Database(tmp_path / "history.db", pytest.fail))
    off = replace(
        row("staging/api", SyncStatus.OUT_OF_SYNC, Cause.AWS),
        changes=(Change(path="memorySize", old=1024, new=256),),
    )
    follower.project = replace(follower.project, grants=GRANTS)
    follower._recorder = Recorder(history, keep=1e9)
    saw(follower, off, row("staging/web", SyncStatus.SYNCED), row("production/api", SyncStatus.SYNCED))
    monkeypatch.setattr(follower, "obey", obeyed)
    groups = frozenset({"testers"})
    token = Token(name="ci", digest=digest_of(TOKEN), groups=groups, expires=datetime.date.max)
    access = Access(tokens=(token,), grants=GRANTS, anybody=frozenset())
    with listening(
        ("127.0.0.1", 0),
        [follower],
        history,
        working=[follower],
        access=lambda: access,
        hook_secret=None,
        login_secret=None,
    ) as url:
        yield url
    history.close()


def obeyed(order: Order, running: object) -> None:
    """A follower that comes to it at once: of ``web`` to nothing good."""
    if order.target == "staging/web":
        running.fail("no such bucket\n  fix: make it")  # type: ignore[attr-defined]
    else:
        running.finish(f"{order.verb} was done")  # type: ignore[attr-defined]


def test_status_and_drift_are_what_they_are_here(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The same tables, documents and exit codes, of what the server has seen."""
    assert main(["status", "staging", "--server", url, "--exit-code"]) == 2
    shown = capsys.readouterr().out
    assert "1.0.0 ▲ OutOfSync/Healthy" in shown
    assert "staging/api: AWS was changed\n    memorySize: 1024 -> 256" in shown
    assert "Status: 1 synced, 1 out of sync, 0 unknown." in shown
    assert main(["status", "production", "--exit-code", "--server", url, "-o", "json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["targets"]
    assert (one["target"], one["sync"]) == ("production/api", "Synced")
    assert main(["--server", url, "drift", "--exit-code", "-o", "json"]) == 2
    (one,) = json.loads(capsys.readouterr().out)["targets"]
    assert one["changes"] == [{"path": "memorySize", "old": 1024, "new": 256}]
    assert main(["drift", "production", "--server", url]) == 0
    assert capsys.readouterr().out == "Everything is as Git says.\n"


def test_an_old_look_is_told_and_none_is_no_success(
    url: str, follower: Follower, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be read stands beside what was; before anything was read there is nothing to show."""
    follower.seen = failed(follower.seen, Ask(), "no such host", follower.project, 0)
    assert main(["status", "--server", url]) == 0
    assert "what was seen last is shown: Git cannot be read: no such host" in capsys.readouterr().out
    follower.seen = replace(follower.seen, rows={}, looked=None)
    assert main(["status", "--server", url]) == 1
    assert "nothing is known of shop: Git cannot be read: no such host" in capsys.readouterr().err


def test_what_is_ordered_is_followed_to_its_end(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What came of it is the exit code; what is as Git says is ordered only where it is named."""
    assert main(["sync", "staging", "--server", url]) == 0
    assert capsys.readouterr().out == "done: sync was done\n"
    assert main(["sync", "staging/web", "--server", url]) == 1
    assert capsys.readouterr().out == "failed: no such bucket\n  fix: make it\n"
    assert main(["sync", "production", "--server", url]) == 0
    assert "everything was as Git says when AWS was read last (20" in capsys.readouterr().out
    assert main(["sync", "staging/*", "--server", url, "-o", "json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert (run["state"], run["actor"], run["targets"]) == ("done", "token ci", "staging/api")
    assert main(["runs", "--server", url, "--query", "web"]) == 0
    line, why = capsys.readouterr().out.splitlines()
    assert line.split()[3:] == ["failed", "staging/web"]
    assert why == "    sync was asked for"
    assert main(["runs", line.split()[0], "--server", url]) == 1
    assert "no such bucket" in capsys.readouterr().out
    assert main(["audit", "staging/web", "--server", url]) == 0
    assert capsys.readouterr().out.endswith("asked  staging/web, by token ci\n    sync was asked for\n")


def test_the_variable_names_a_server_for_what_one_can_do(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All else is done here, and so is what names a commit; an order says whom it is given to."""
    monkeypatch.setenv("LOCKSTEP_SERVER", url)
    monkeypatch.chdir(tmp_path)
    assert main(["status"]) == 0
    assert "OutOfSync" in capsys.readouterr().out
    assert main(["sync", "staging"]) == 0
    assert capsys.readouterr().err == f"asking {url} (LOCKSTEP_SERVER)\n"
    for words, told in ((["plan"], "lockstep.yaml"), (["status", "--rev", "main"], "not a git repository")):
        assert main(words) == 3
        assert told in capsys.readouterr().err  # there is nothing here


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["plan"], "a server cannot be asked for plan"),
        (["status", "--full"], "leave out --full, or run it without --server"),
        (["status", "--rev", "main"], "a server reads what it follows"),
        (["sync", "plan.json"], "a server applies no saved plan"),
        (["promote", "api", "--to", "staging", "--from", "production"], "leave out --from"),
        (["rollback", "staging/api", "--now"], "leave out --now"),
        (["status", "stagin"], "did you mean staging"),
        (["history", "staging"], "this is of one target"),
        (["hold", "staging/nobody"], "no target matches"),
        (["status", "--project", "other"], "there is no project other"),
        (["runs", "../../etc"], "it is no id of a run"),
        (["runs", "--follow"], "lockstep runs RUN --follow"),
    ],
)
def test_what_a_server_cannot_do_is_said_before_anything_is_done(
    url: str, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    """With what to do instead."""
    assert main([*words, "--server", url]) == 3
    assert told in capsys.readouterr().err


def test_who_may_not_is_told_what_is_missing(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role, or a token; the token itself is in no output."""
    assert main(["rollback", "staging/api", "--server", url]) == 1
    assert "it takes the role rollback there" in capsys.readouterr().err
    monkeypatch.setenv("LOCKSTEP_TOKEN", "lockstep_wrong")
    assert main(["-vv", "status", "--server", url]) == 1
    told = capsys.readouterr()
    assert "the token in LOCKSTEP_TOKEN is not known to it" in told.err
    assert "lockstep_wrong" not in told.out + told.err
    monkeypatch.delenv("LOCKSTEP_TOKEN")
    assert main(["status", "--server", url]) == 1
    assert "set LOCKSTEP_TOKEN to a token that it takes" in capsys.readouterr().err


def test_runs_are_remembered_by_servers_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one it is said how to name one."""
    monkeypatch.delenv("LOCKSTEP_SERVER", raising=False)
    for name in ("runs", "audit"):
        assert main([name]) == 3
        assert f"lockstep {name} --server URL, or LOCKSTEP_SERVER" in capsys.readouterr().err


class Stranger(BaseHTTPRequestHandler):
    """Something else that speaks HTTP: each path is what it answers."""

    said: dict[str, tuple[int, str]] = {}  # noqa: RUF012 - of one test

    def do_GET(self) -> None:
        """By the path."""
        status, text = self.said.get(self.path.partition("?")[0], (404, '{"error": "Not Found"}'))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def stranger() -> Iterator[str]:
    """Its address."""
    server = HTTPServer(("127.0.0.1", 0), Stranger)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"/api/v1/projects": (200, "<html>")}, "not as lockstep serve does"),
        ({"/api/v1/projects": (200, "[]")}, "not as lockstep serve does"),
        ({"/api/v1/projects": (421, "ask for it as x")}, "it does not go by this name: ask for it as x"),
        ({}, "not as lockstep serve does"),
        (
            {"/api/v1/openapi.json": (200, '{"info": {"version": "0.0.1", "title": "lockstep serve"}}')},
            f"it is Lockstep 0.0.1, and this is {__version__}: it has no /api/v1/projects",
        ),
        (
            {
                "/api/v1/projects": (200, '{"format": "lockstep.projects/2"}'),
                "/api/v1/openapi.json": (200, '{"info": {"version": "9.0.0", "title": "lockstep serve"}}'),
            },
            f"it is Lockstep 9.0.0, and this is {__version__}: what it answers is 'lockstep.projects/2'",
        ),
        (
            {
                "/api/v1/projects": (200, '{"format": "lockstep.projects/1", "projects": [{"name": 1}]}'),
                "/api/v1/openapi.json": (200, '{"info": {"version": "9.0.0", "title": "lockstep serve"}}'),
            },
            "the answer: projects[0]: failing is missing",
        ),
        ({"/api/v1/projects": (500, '{"error": "the disk is full"}')}, "the disk is full"),
    ],
)
def test_what_is_no_server_or_of_another_release_is_told(
    stranger: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    said: dict[str, tuple[int, str]],
    told: str,
) -> None:
    """By its address, without what it said that may be anything."""
    monkeypatch.setattr(Stranger, "said", said)
    assert main(["status", "--server", stranger]) in (1, 3)
    err = capsys.readouterr().err
    assert told in err
    assert stranger in err
    assert "fix: " in err


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://lockstep.example.org", "is not an https URL"),
        ("http://lockstep.example.org", "add --plaintext"),
        ("https://user:hunter2@lockstep.example.org", "has a user name or password in it"),
        ("lockstep.example.org", "write https://host/path"),
        ("", "give a URL, or leave out --server"),
        ("http://127.0.0.1:1", "the host cannot be reached"),
    ],
)
def test_a_token_goes_to_nobody_who_might_be_another(
    capsys: pytest.CaptureFixture[str], url: str, told: str
) -> None:
    """Over http only to this machine, unless --plaintext says otherwise."""
    assert main(["status", f"--server={url}"]) in (1, 3)
    err = capsys.readouterr().err
    assert told in err
    assert "hunter2" not in err


def test_every_command_that_is_asked_is_a_command() -> None:
    """By its name."""
    from lockstep.cli.app import COMMANDS

    assert ASKED.keys() <= COMMANDS.keys()
