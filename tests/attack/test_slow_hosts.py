"""Hosts that answer without end: each request has a deadline, and what is waited for is told."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lockstep import waiting
from lockstep.artifacts.cache import Cache
from lockstep.artifacts.catalog import Catalog
from lockstep.artifacts.http import HttpSource
from lockstep.artifacts.s3 import S3Source
from lockstep.artifacts.web import Web
from lockstep.errors import BadInput, ForgeError, GitError, LockstepError, Unreadable
from lockstep.forge.github import GitHub
from lockstep.forge.github.answer import Answer
from lockstep.forge.github.pace import asked_to_wait
from lockstep.forge.github.transport import Transport, Uncertain
from lockstep.git.remote import list_refs, open_remote
from lockstep.model import Release
from lockstep.waiting import Deadline

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


@pytest.mark.parametrize("slow", ["nothing"], indirect=True)
def test_finding_many_packages_has_one_deadline(slow: str, tmp_path: Path) -> None:
    """Whatever each of them may take; those that were not found say so, and how to give them more time."""
    deadline = Deadline()
    web = Web(patience=0, seconds=60, deadline=deadline)
    catalog = Catalog({"https": HttpSource(web)}, Cache(tmp_path), deadline=deadline, timeout=0.4)
    options = [{"url": f"{slow}{number}"} for number in range(20)]
    wanted = {
        one["url"]: (Release(service="a", version="1", source="https", options=one), "packages")
        for one in options
    }
    began = time.monotonic()
    found = catalog.resolve(wanted)
    assert time.monotonic() - began < 10
    assert found.errors.keys() == wanted.keys()
    for error in found.errors.values():
        assert "reading took longer than 0.4 s" in str(error)
        assert "--timeout" in str(error.fix)
    assert deadline.remaining() is None


def test_packages_in_buckets_have_it_too() -> None:
    """No call is made any more when the time is over; what came of a package gives the others more."""
    asked: list[str] = []
    deadline = Deadline()

    def ask(operation: str, params: Mapping[str, object], *, streams: bool = False) -> Mapping[str, object]:
        asked.append(operation)
        return {"ContentLength": 1, "ETag": "e", "LastModified": datetime.now(UTC)}

    source = S3Source(lambda _: ask, deadline)
    release = Release(service="a", version="1", source="s3", options={"bucket": "b", "key": "k"})
    with deadline.reading(0.001):
        time.sleep(0.002)
        with pytest.raises(Unreadable, match="s3://b/k: reading took longer") as caught:
            source.find(release)
    assert "--timeout" in str(caught.value.fix)
    assert not asked
    assert source.find(release).size == 1


@pytest.mark.parametrize("slow", ["a header without end"], indirect=True)
def test_git_has_the_time_of_the_reading_and_it_is_told(
    slow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What git waits for is told while it runs."""
    monkeypatch.setattr("lockstep.git.command.SOON", 0.1)
    monkeypatch.setattr(waiting, "_told", [])
    deadline = Deadline()
    remote = open_remote(slow, tmp_path, deadline=deadline)
    began = time.monotonic()
    with deadline.reading(0.5), pytest.raises(GitError, match=r"reading took longer than 0\.5 s") as caught:
        list_refs(remote, "refs/heads/")
    assert time.monotonic() - began < 10
    assert "--timeout" in str(caught.value.fix)
    assert "for its refs: git runs for 0 s, of 0 s" in caplog.text or "of 1 s" in caplog.text


def test_what_comes_may_take_longer() -> None:
    """A download that gets on is not stopped; one that does not is."""
    deadline = Deadline()

    def work() -> bool:
        waiting.allow_more(60)
        deadline.add(60)
        return not threading.Event().wait(0.2)

    with deadline.reading(0.1):
        assert waiting.run_within(0.1, work, "a", lambda: Unreadable("late"))
        assert (deadline.remaining() or 0) > 0
    with pytest.raises(Unreadable, match="late"):
        waiting.run_within(0.1, lambda: threading.Event().wait(5), "a", lambda: Unreadable("late"))


def test_a_reading_in_another_has_the_others_time() -> None:
    """The first begins, the last ends it, whichever thread they are in."""
    deadline = Deadline()
    with deadline.reading(5):
        with deadline.reading(500):
            assert (deadline.remaining() or 0) <= 5
        assert deadline.remaining() is not None
    assert deadline.remaining() is None


class _Endless(Transport):
    """GitHub with another page, always; each takes so many seconds of a clock that is made up."""

    def __init__(self, seconds: float, time_of: list[float]) -> None:
        super().__init__(patience=0)
        self.seconds, self.time_of, self.asked = seconds, time_of, 0

    def send(self, method: str, url: str, **_: object) -> Answer:  # type: ignore[override]
        self.asked += 1
        self.time_of[0] += self.seconds
        return Answer(
            status=200, headers={"link": f'<{url.partition("?")[0]}?page=2>; rel="next"'}, body=b"[]"
        )


@pytest.mark.parametrize(("seconds", "asked"), [(25, 5), (0, 1000)])
def test_a_listing_without_end_is_an_error(
    seconds: float, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where each page comes in time: what was read of it is not taken for the whole."""
    now = [1_000.0]
    monkeypatch.setattr("lockstep.forge.github.client.time.monotonic", lambda: now[0])
    transport = _Endless(seconds, now)
    forge = GitHub(repository="acme/shop", token="made-up", transport=transport)
    with pytest.raises(ForgeError, match="the listing has no end") as caught:
        forge.pulls()
    assert caught.value.fix
    assert transport.asked == asked


@pytest.mark.parametrize(
    "headers", [{"retry-after": "0"}, {"retry-after": "9" * 400}, {"x-ratelimit-reset": "9" * 400}]
)
def test_who_asks_for_no_pause_or_an_endless_one_is_left_in_the_end(headers: dict[str, str]) -> None:
    """The pauses grow, so that patience ends; and none is longer than can be told."""
    answer = Answer(status=429, headers={"x-ratelimit-remaining": "0", **headers})
    pauses = [asked_to_wait(answer, now=0, tried=tried) or 0 for tried in range(20)]
    assert 180 < sum(pauses) < 10**10
    assert all(pause > 0 for pause in pauses)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e9", "soon", " "])
def test_no_number_of_seconds_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variable's name; absent or empty it is the default."""
    monkeypatch.setenv("LOCKSTEP_REQUEST_TIMEOUT", text)
    with pytest.raises(BadInput, match="LOCKSTEP_REQUEST_TIMEOUT"):
        waiting.request_seconds()
    for fine, seconds in (("", 30.0), ("45", 45.0)):
        monkeypatch.setenv("LOCKSTEP_REQUEST_TIMEOUT", fine)
        assert waiting.request_seconds() == seconds
