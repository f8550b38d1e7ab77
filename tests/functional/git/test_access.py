"""A token for one host: used there, shown and kept nowhere."""

import base64
import shlex
import shutil
from pathlib import Path

import pytest

from lockstep.errors import BadInput, GitError
from lockstep.git import Access, open_commit, open_remote, write
from tests.functional.git.conftest import Work
from tests.functional.git.test_writing import line
from tests.support.git_http import GitServer

TOKEN = "ghs_t0psecret"
BASIC = base64.b64encode(f"someone:{TOKEN}".encode()).decode()


@pytest.fixture
def closed(shared: Work, server: GitServer) -> GitServer:
    """A server that lets in only who knows the token."""
    server.password = TOKEN
    return server


def access(server: GitServer, token: str = TOKEN) -> Access:
    """The token for the server."""
    return Access(base=f"http://127.0.0.1:{server.server_port}", token=token, user="someone")


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that gets the command line of every git that runs."""
    log = tmp_path / "calls"
    log.touch()
    folder = tmp_path / "bin"
    folder.mkdir()
    git = shutil.which("git") or ""
    script = folder / "git"
    script.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$*" >> {shlex.quote(str(log))}\nexec {shlex.quote(git)} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return log


@pytest.mark.parametrize("kind", ["clone", "url"])
def test_a_token_opens_its_host_and_leaves_no_trace(
    shared: Work, closed: GitServer, cache: Path, calls: Path, kind: str
) -> None:
    """Reading and writing work; no command line, no file and no representation holds the token."""
    place = shared.folder if kind == "clone" else closed.url("gitops.git")
    remote = open_remote(place, cache, access=access(closed))
    assert write(remote, "main", line("added"), "Add a line").is_new
    commands = calls.read_text()
    assert " push " in commands
    secrets = (TOKEN, BASIC)
    for text in (commands, repr(remote), str(remote), repr(access(closed))):
        assert not any(secret in text for secret in secrets)
    for file in (*cache.rglob("*"), *shared.folder.rglob("*")):
        assert not file.is_file() or not any(secret.encode() in file.read_bytes() for secret in secrets)
    tree = open_commit(closed.url("gitops.git"), "main", cache / "other", access=access(closed))
    assert tree.read(["list"]) == {"list": b"first\nadded\n"}


def test_a_wrong_token_is_refused_without_being_shown(shared: Work, closed: GitServer, cache: Path) -> None:
    """The message speaks of the credentials and does not hold them."""
    remote = open_remote(shared.folder, cache, access=access(closed, "wr0ng"))
    with pytest.raises(GitError, match=r"refused the credentials[\s\S]*fix:") as refused:
        write(remote, "main", line("added"), "Add a line")
    assert "wr0ng" not in str(refused.value)
    assert base64.b64encode(b"someone:wr0ng").decode() not in str(refused.value)


def test_a_token_takes_the_place_of_the_one_that_a_clone_has(
    shared: Work, closed: GitServer, cache: Path
) -> None:
    """actions/checkout leaves a header in the clone, and a request with two is refused by GitHub."""
    key = f"http.http://127.0.0.1:{closed.server_port}/.extraheader"
    shared.git("config", key, "AUTHORIZATION: basic b2xk")
    remote = open_remote(shared.folder, cache, access=access(closed))
    assert write(remote, "main", line("added"), "Add a line").is_new


def test_a_token_goes_to_no_other_host(shared: Work, closed: GitServer, cache: Path) -> None:
    """One for another address is not sent, though it would have been right."""
    other = Access(base=f"http://127.0.0.1:{closed.server_port + 1}", token=TOKEN, user="someone")
    remote = open_remote(shared.folder, cache, access=other)
    with pytest.raises(GitError, match="refused the credentials"):
        write(remote, "main", line("added"), "Add a line")


@pytest.mark.parametrize("base", ["http://github.example.org", "ssh://github.com", "github.com", ""])
def test_a_token_is_not_sent_in_the_clear(base: str) -> None:
    """Only https takes a token to another machine."""
    with pytest.raises(BadInput, match=r"https only[\s\S]*fix:") as refused:
        Access(base=base, token=TOKEN)
    assert TOKEN not in str(refused.value)
