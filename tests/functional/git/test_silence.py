"""A host that does not answer, in whatever way: git is ended, with all that it has started."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstep.errors import GitError
from lockstep.git import open_commit
from lockstep.git.remote import list_refs, open_remote
from tests.functional.git.conftest import Work
from tests.support.git_http import GitServer


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is too long after half a second."""
    monkeypatch.setattr("lockstep.git.command._SILENCE", {"fetch": 0.5, "ls-remote": 0.5, "push": 0.5})


@pytest.fixture
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """A server that takes connections and answers nothing, or begins to and never ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    taken: list[socket.socket] = []

    def drip(connection: socket.socket) -> None:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nx-a: ")
            while True:
                connection.sendall(b"a")
                time.sleep(0.05)
        except OSError:
            pass

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            taken.append(connection)
            if request.param == "drip":
                threading.Thread(target=drip, args=(connection,), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)  # closing alone wakes nobody
    accepting.join()
    listener.close()
    for connection in taken:
        connection.close()


@pytest.mark.parametrize(
    ("port", "scheme"), [("silent", "http"), ("drip", "http"), ("silent", "https")], indirect=["port"]
)
def test_a_host_that_never_answers_is_not_waited_for(port: int, scheme: str, cache: Path) -> None:
    """In the handshake of TLS too, and neither for a commit nor for the list of refs."""
    url = f"{scheme}://127.0.0.1:{port}/x.git"
    begun = time.monotonic()
    with pytest.raises(GitError, match=r"fetching from http.*: git did not answer within 0.5 seconds"):
        open_commit(url, "main", cache)
    with pytest.raises(GitError, match=r"asking http.*: git did not answer within 0.5 seconds"):
        list_refs(open_remote(url, cache))
    assert time.monotonic() - begun < 30


def test_what_git_tells_of_its_progress_is_in_no_error(served: Work, server: GitServer, cache: Path) -> None:
    """Errors name the reason alone."""
    served.commit("one", a="1")
    served.git("push", "-q", "origin", "main")
    with pytest.raises(Exception, match="has no revision nope") as caught:
        open_commit(server.url("gitops.git"), "nope", cache)
    assert "objects" not in str(caught.value)
