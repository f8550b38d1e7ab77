"""Deadlines: of each call and of a reading, whatever a server does instead of answering."""

import base64
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator

import pytest

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.deadline import Deadline, TooLate
from lockstep.engines.aws.errors import Unreachable
from lockstep.engines.aws.patience import Patience
from lockstep.errors import CloudError
from lockstep.model import Environment

Serve = Callable[[socket.socket, int], None]
HEAD = b"HTTP/1.1 %s\r\nx-amzn-requestid: 1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
ENOUGH = b'{"AccountLimit": {}, "AccountUsage": {}}'
REFUSED = b'{"__type": "TooManyRequestsException", "message": "Rate exceeded"}'
_HERE = Environment(name="staging", region="eu-west-1")
PATIENCE = Patience(connect=1.0, read=0.5, call=0.6, storm=0.6)


class Server:
    """Accepts connections, reads a request of each and lets ``serve`` do with it what it likes."""

    def __init__(self) -> None:
        self.serve: Serve = lambda _, __: None
        self.calls = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            while connection.recv(65536):
                self.calls += 1
                self.serve(connection, self.calls)
        except OSError:
            pass

    def close(self) -> None:
        """Close everything."""
        self._listener.shutdown(socket.SHUT_RDWR)  # closing alone wakes nobody
        self._accepting.join()
        self._listener.close()
        for connection in self._open:
            connection.close()


def silent(connection: socket.socket, number: int) -> None:
    """Never answer."""


def drip(connection: socket.socket, number: int) -> None:
    """Answer without end, a byte at a time."""
    connection.sendall(HEAD % (b"200 OK", 10**6))
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


def drip_headers(connection: socket.socket, number: int) -> None:
    """Begin to answer without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-a: ")
    while True:
        connection.sendall(b"a")
        time.sleep(0.02)


def answer(connection: socket.socket, number: int) -> None:
    """Answer at once."""
    connection.sendall(HEAD % (b"200 OK", len(ENOUGH)) + ENOUGH)


def refuse(connection: socket.socket, number: int) -> None:
    """Refuse for the rate."""
    connection.sendall(HEAD % (b"429 Too Many Requests", len(REFUSED)) + REFUSED)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that AWS is taken to be."""
    server = Server()
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    yield server
    server.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits is told after a tenth of a second."""
    monkeypatch.setattr("lockstep.waiting.SOON", 0.1)


def ask(
    patience: Patience = PATIENCE, deadline: Deadline | None = None, reading: float | None = None
) -> dict[str, object]:
    """Make a call, past the quotas; ``reading`` begins one that may take so long."""
    connection = Connection(_HERE, threading.Event(), patience, deadline)
    connection.client("lambda")  # which takes its time, and not the call's
    if reading is not None:
        connection._deadline.begin(reading)
    try:
        return connection._raw_call("lambda", "GetAccountSettings", {})
    except Exception as error:
        raise connection.explain(error, "lambda", "GetAccountSettings") from error


@pytest.mark.parametrize("serve", [silent, drip, drip_headers])
def test_a_call_ends(server: Server, serve: Serve) -> None:
    """Whether nothing comes or too little: after the time of a call it is over, and not made again."""
    server.serve = serve
    begun = time.monotonic()
    with pytest.raises(CloudError, match=r"lambda:GetAccountSettings: AWS did not answer[\s\S]*fix:"):
        ask()
    assert time.monotonic() - begun < 10
    assert server.calls <= 2


def test_a_connection_goes_on_after_a_call_that_was_too_late(server: Server) -> None:
    """What hangs is left alone; the next call is another one."""
    server.serve = lambda connection, number: (drip if number == 1 else answer)(connection, number)
    with pytest.raises(TooLate):
        ask()
    assert ask(Patience())["AccountLimit"] == {}


def drip_an_object(connection: socket.socket, number: int) -> None:
    """Begin with an object, and go on with it without end."""
    told = b'etag: "e"\r\nlast-modified: Sun, 29 Nov 2026 10:00:00 GMT\r\n'
    connection.sendall((HEAD % (b"200 OK", 10**9)).replace(b"\r\n\r\n", b"\r\n" + told + b"\r\n"))
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


def flood(connection: socket.socket, number: int) -> None:
    """Send an object that is larger than anything that is kept in memory."""
    told = b'etag: "e"\r\nlast-modified: Sun, 29 Nov 2026 10:00:00 GMT\r\n'
    connection.sendall((HEAD % (b"200 OK", 10**9)).replace(b"\r\n\r\n", b"\r\n" + told + b"\r\n"))
    while True:
        connection.sendall(b" " * 100_000)


@pytest.mark.parametrize(
    ("serve", "seconds", "says"), [(drip_an_object, 0.6, "did not answer"), (flood, 20, "longer than 16 MB")]
)
def test_what_an_answer_streams_is_part_of_the_call(
    server: Server, serve: Serve, seconds: float, says: str
) -> None:
    """A lease, a marker or what a function answers: it comes whole in the call's time, and has a bound."""
    server.serve = serve
    connection = Connection(_HERE, threading.Event(), Patience(connect=1, read=5, call=seconds))
    connection.client("s3")
    begun = time.monotonic()
    with pytest.raises(CloudError, match=says) as caught:
        connection._raw_call("s3", "GetObject", {"Bucket": "b", "Key": "k"})
    assert caught.value.fix
    assert time.monotonic() - begun < 15


LEASE = b'{"owner": "ada@laptop", "released": true}'


def sends(body: bytes, *, size: int = len(LEASE), check: bytes = LEASE) -> Serve:
    """Answer with an object of some size and checksum; then close the connection."""

    def serve(connection: socket.socket, number: int) -> None:
        told = b'etag: "e"\r\nlast-modified: Sun, 29 Nov 2026 10:00:00 GMT\r\nx-amz-checksum-crc32: '
        told += base64.b64encode(zlib.crc32(check).to_bytes(4, "big"))
        head = (HEAD % (b"200 OK", size)).replace(b"\r\n\r\n", b"\r\n" + told + b"\r\n\r\n")
        connection.sendall(head + body)
        connection.shutdown(socket.SHUT_RDWR)

    return serve


BROKEN = [
    *(sends(LEASE[:length]) for length in range(len(LEASE))),
    sends(b"", size=0),
    sends(LEASE.replace(b"true", b"fals")),
]


def read_object(attempts: int) -> object:
    """An object's content, or the error in our words."""
    patience = Patience(connect=1, read=5, call=20, attempts=attempts)
    connection = Connection(_HERE, threading.Event(), patience)
    connection.client("s3")
    try:
        return connection._raw_call("s3", "GetObject", {"Bucket": "b", "Key": "k"})["Body"]
    except Exception as error:
        raise connection.explain(error, "s3", "GetObject") from error


def test_what_broke_off_or_came_otherwise_is_no_object(server: Server) -> None:
    """Wherever it broke off: a lease that is empty would be taken for one that is damaged."""
    for serve in BROKEN:
        server.serve = serve
        with pytest.raises(Unreachable, match=r"did not come as it was sent[\s\S]*run again"):
            read_object(1)


def test_an_object_that_broke_off_is_asked_for_again(server: Server) -> None:
    """By the same call, as any answer that was lost."""
    for serve in (BROKEN[7], BROKEN[-1]):
        before = server.calls
        server.serve = lambda connection, number, first=before + 1, broken=serve: (
            broken if number == first else sends(LEASE)
        )(connection, number)
        assert read_object(2) == LEASE


@pytest.mark.usefixtures("hurried")
def test_whoever_waits_is_told(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """The call that is waited for is named while it is waited for."""
    server.serve = silent
    with pytest.raises(CloudError):
        ask()
    assert "waiting for lambda:GetAccountSettings: no answer for" in caplog.text


def test_a_reading_ends(server: Server) -> None:
    """Calls of a reading have the time that is left of it, and none is sent when that is over."""
    server.serve = drip
    deadline = Deadline()
    with pytest.raises(TooLate, match=r"reading took longer than 0.4 s[\s\S]*--timeout"):
        ask(Patience(), deadline, reading=0.4)
    with pytest.raises(TooLate, match=r"reading took longer than 0.4 s"):
        ask(Patience(), deadline)
    assert server.calls <= 1
    deadline.end()
    server.serve = answer
    assert ask(deadline=deadline)


def test_a_storm_of_refusals_is_waited_out(
    server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often a call is refused for the rate, it is made again while there is time; that is said."""
    monkeypatch.setattr("lockstep.engines.aws.patience._LONGEST", 0.01)
    monkeypatch.setattr("lockstep.waiting._told", [])
    server.serve = lambda connection, number: (refuse if number <= 30 else answer)(connection, number)
    deadline = Deadline()
    assert ask(deadline=deadline, reading=20)
    assert server.calls == 31
    assert "AWS takes no more calls for now (lambda:GetAccountSettings: TooManyRequests" in caplog.text


def test_a_storm_that_does_not_end_is_an_error_with_a_fix(server: Server) -> None:
    """In a reading it says what the time went by, elsewhere what to do."""
    server.serve = refuse
    with pytest.raises(TooLate, match=r"of which AWS refused calls \(lambda:[\s\S]*--timeout"):
        ask(reading=1)
    with pytest.raises(CloudError, match=r"Rate exceeded[\s\S]*fix: other tools"):
        ask()


def test_a_failure_that_passes_is_tried_again(server: Server) -> None:
    """A broken connection and a fault of AWS's cost a try each, of as many as there are."""

    def serve(connection: socket.socket, number: int) -> None:
        match number:
            case 1:
                connection.shutdown(socket.SHUT_RDWR)
            case 2:
                connection.sendall(HEAD % (b"503 Service Unavailable", 2) + b"{}")
            case _:
                answer(connection, number)

    server.serve = serve
    patience = Patience(attempts=3, connect=5.0, read=5.0, call=20.0)
    assert ask(patience)
    server.calls = 0
    with pytest.raises(CloudError):
        ask(Patience(attempts=2, connect=5.0, read=5.0, call=20.0))


def test_the_time_of_a_reading_follows_from_its_size() -> None:
    """Two minutes for ten targets, and a second for each beyond."""
    patience = Patience()
    assert (patience.call, patience.for_targets(1), patience.for_targets(10)) == (30, 120, 120)
    assert patience.for_targets(1000) == 1110
