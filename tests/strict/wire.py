"""HTTP/1.1 over sockets, as little as a proxy on loopback needs, with keep-alive on both sides.

The standard library's server spends more time parsing headers than an emulator spends answering; here
a request costs a few string operations, so that quotas and not the proxy set the pace.
"""

import select
import socket
import struct
from dataclasses import dataclass, field
from urllib.parse import parse_qs

__all__ = ["Answer", "Closed", "Request", "Stream", "reset"]

_MAX_HEAD = 256 * 1024


class Closed(Exception):
    """The other side closed the connection."""


@dataclass(kw_only=True, slots=True)
class Request:
    """One request. Header names are in lower case; ``target`` is as it was sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path as sent, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query, decoded; a parameter without a value is ""."""
        pairs = parse_qs(self.target.partition("?")[2], keep_blank_values=True)
        return {name: values[-1] for name, values in pairs.items()}


@dataclass(kw_only=True, slots=True)
class Answer:
    """One answer. Header names are in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """The status is 2xx."""
        return 200 <= self.status < 300


class Stream:
    """One connection, buffered for reading."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self._buffer = b""

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def is_closed_by_peer(self) -> bool:
        """The other side has closed the connection (and sent nothing that is still unread)."""
        readable, _, _ = select.select([self.socket], [], [], 0)
        return bool(readable) and not self.socket.recv(1, socket.MSG_PEEK)

    def _fill(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise Closed
        self._buffer += data

    def _head(self) -> tuple[str, dict[str, str]]:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _MAX_HEAD:
                raise Closed
            self._fill()
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return first, headers

    def _take(self, size: int) -> bytes:
        if len(self._buffer) < size:
            parts = [self._buffer]
            missing = size - len(self._buffer)
            self._buffer = b""
            while missing > 0:
                data = self.socket.recv(min(1 << 20, missing))
                if not data:
                    raise Closed
                parts.append(data)
                missing -= len(data)
            return b"".join(parts)
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._fill()
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self._line().partition(b";")[0], 16):
            parts.append(self._take(size))
            self._line()
        while self._line():
            pass
        return b"".join(parts)

    def read_request(self) -> Request:
        """Read one request, telling a client that waits for "100 Continue" to go on. Raises Closed."""
        first, headers = self._head()
        method, target, _ = first.split(" ", 2)
        if headers.pop("expect", "").lower() == "100-continue":
            self.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.pop("transfer-encoding", "").lower() == "chunked":
            body = self._chunks()
        else:
            body = self._take(int(headers.get("content-length", "0")))
        return Request(method=method, target=target, headers=headers, body=body)

    def send_request(self, request: Request) -> None:
        """Send one request."""
        headers = request.headers | {"content-length": str(len(request.body)), "connection": "keep-alive"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{request.method} {request.target} HTTP/1.1\r\n{lines}\r\n"
        self.socket.sendall(head.encode("latin-1") + request.body)

    def read_answer(self, method: str) -> Answer:
        """Read the answer to a request of that method. Raises Closed."""
        status = 100
        while status == 100:
            first, headers = self._head()
            status = int(first.split(" ", 2)[1])
        if method == "HEAD" or status in (204, 304):
            return Answer(status=status, headers=headers)
        if headers.pop("transfer-encoding", "").lower() == "chunked":
            body = self._chunks()
        elif "content-length" in headers:
            body = self._take(int(headers["content-length"]))
        else:
            headers["connection"] = "close"
            parts = [self._buffer]
            while data := self.socket.recv(65536):
                parts.append(data)
            self._buffer, body = b"", b"".join(parts)
        return Answer(status=status, headers=headers, body=body)

    def send_answer(self, answer: Answer, method: str) -> None:
        """Send one answer to a request of that method."""
        headers = {name: value for name, value in answer.headers.items() if name != "connection"}
        if method != "HEAD" and answer.status != 204:
            headers["content-length"] = str(len(answer.body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {answer.status} -\r\n{lines}\r\n".encode("latin-1")
        self.socket.sendall(head if method == "HEAD" else head + answer.body)


def reset(stream: Stream) -> None:
    """Close a connection the hard way: the other side sees "connection reset by peer"."""
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()
