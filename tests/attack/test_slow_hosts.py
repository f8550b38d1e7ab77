"""Hosts that answer without end: each request has a deadline, and what is waited for is told."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lockstep import waiting
from lockstep.artifacts.web import Web
from lockstep.errors import BadInput, ForgeError, LockstepError, Unreadable
from lockstep.forge.github.transport import Transport, Uncertain

BEGINNINGS = {
    "nothing": b"",
    "a header without end": b"HTTP/1.1 200 OK\r\nX-A: ",
    "a body without end": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
    "chunks without end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n",
}


@pytest.fixture(params=BEGINNINGS)
def slow(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a host that begins to answer, and then sends a byte now and then."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(connection,), daemon=True).start()

    def drip(connection: socket.socket) -> None:
        with connection:
            connection.recv(65_536)
            try:
                connection.sendall(BEGINNINGS[request.param])
                while not over.wait(0.02):
                    if request.param != "nothing":
                        connection.sendall(b"a")
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/a"
    over.set()
    listener.close()


def _ask(url: str, folder: Path) -> object:
    return Web(patience=0, seconds=0.3).ask(url)


def _download(url: str, folder: Path) -> object:
    return Web(patience=0, seconds=0.3).download(url, folder / "a", limit=1)


def _read(url: str, folder: Path) -> object:
    return Transport(seconds=0.3).send("GET", url, is_safe=True, is_write=False)


def _write(url: str, folder: Path) -> object:
    return Transport(seconds=0.3).send("POST", url, body=b"{}", is_safe=False, is_write=True)


@pytest.mark.parametrize(
    ("ask", "kind"), [(_ask, Unreadable), (_download, Unreadable), (_read, ForgeError), (_write, Uncertain)]
)
def test_an_answer_without_end_ends(
    slow: str, ask: Callable[[str, Path], object], kind: type[LockstepError], tmp_path: Path
) -> None:
    """In time, with the host and a way out; a write that may have been done is told as that."""
    began = time.monotonic()
    with pytest.raises(kind, match=r"/a: no whole answer within 0\.3 s") as caught:
        ask(slow, tmp_path)
    assert type(caught.value) is kind
    assert "LOCKSTEP_REQUEST_TIMEOUT" in str(caught.value.fix)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("slow", ["nothing"], indirect=True)
def test_a_host_that_does_not_answer_is_waited_for_once(slow: str) -> None:
    """The next package of that host fails at once."""
    web = Web(patience=0, seconds=0.3)
    for _ in range(2):
        with pytest.raises(Unreadable, match="no whole answer"):
            web.ask(slow)
    began = time.monotonic()
    with pytest.raises(Unreadable, match="no whole answer"):
        web.download(slow, Path("/nowhere"), limit=10**9)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("slow", ["nothing"], indirect=True)
def test_what_is_waited_for_is_told(
    slow: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While it runs, and by the name of the host."""
    monkeypatch.setattr(waiting, "SOON", 0.1)
    monkeypatch.setattr(waiting, "_told", [])
    with caplog.at_level(logging.WARNING), pytest.raises(Unreadable):
        Web(patience=0, seconds=0.3).ask(slow)
    assert f"waiting for {slow}: no answer for 0 s" in caplog.text


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e9", "soon", " "])
def test_no_number_of_seconds_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variable's name; absent or empty it is the default."""
    monkeypatch.setenv("LOCKSTEP_REQUEST_TIMEOUT", text)
    with pytest.raises(BadInput, match="LOCKSTEP_REQUEST_TIMEOUT"):
        waiting.request_seconds()
    for fine, seconds in (("", 30.0), ("45", 45.0)):
        monkeypatch.setenv("LOCKSTEP_REQUEST_TIMEOUT", fine)
        assert waiting.request_seconds() == seconds
