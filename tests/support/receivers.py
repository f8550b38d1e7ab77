"""Who is told things: a Slack and somebody's URL on one HTTP server, and an SMTP server. They remember.

The HTTP server can stand for a service of AWS, too, of which a test needs an answer or two.
"""

import contextlib
import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["HttpReceiver", "SmtpReceiver", "http_receiver", "smtp_receiver"]

_Request = tuple[str, dict[str, str], bytes]  # path, headers in lower case, body


class HttpReceiver(ThreadingHTTPServer):
    """Answers as ``failing`` says as long as that is not empty, and else as Slack does, or with 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Http)
        self.requests: list[_Request] = []
        self.failing: list[tuple[int, dict[str, str]]] = []
        self.before_answer: Callable[[], None] = lambda: None
        self.channel: dict[str, dict[str, Any]] = {}  # messages of the Slack channel, by ts
        self.may_read = True  # conversations.history
        self.documents: dict[bytes, bytes] = {}  # answers to what has these words in its body or its target

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"http://127.0.0.1:{self.server_port}"

    def slack(self, method: str, said: dict[str, Any]) -> dict[str, Any]:
        """What Slack answers. Source: its documentation of the three methods."""
        match method:
            case "chat.postMessage":
                ts = f"1700000000.{len(self.channel):06}"
                self.channel[ts] = said
                return {"ok": True, "ts": ts, "channel": said["channel"]}
            case "chat.update":
                if said["ts"] not in self.channel:
                    return {"ok": False, "error": "message_not_found"}
                self.channel[said["ts"]] = said
                return {"ok": True, "ts": said["ts"]}
            case _:
                if not self.may_read:
                    return {"ok": False, "error": "missing_scope"}
                return {"ok": True, "messages": [{"ts": ts, **one} for ts, one in self.channel.items()]}


class _Http(BaseHTTPRequestHandler):
    server: HttpReceiver

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, body))
        path = urlsplit(self.path)
        if self.server.failing:
            status, extra = self.server.failing.pop(0)
            self._send(status, extra, b"")
            return
        answer = b""
        if path.path.startswith("/api/"):
            said = json.loads(body) if body else parse_qs(path.query)
            answer = json.dumps(self.server.slack(path.path[5:], said)).encode()
        asked = body + headers.get("x-amz-target", "").encode()
        for words, document in self.server.documents.items():
            answer = document if words in asked else answer
        self.server.before_answer()
        self._send(200, {"x-amzn-requestid": "1"}, answer)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class SmtpReceiver(socketserver.ThreadingTCPServer):
    """Takes mails, or answers to each command what ``refusing`` says of it."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.mails: list[EmailMessage] = []
        self.refusing: dict[str, str] = {}

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Smtp(socketserver.StreamRequestHandler):
    server: SmtpReceiver

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline():
            word = line.split(None, 1)[0].decode().upper() if line.strip() else ""
            if word in self.server.refusing:
                self._say(self.server.refusing[word])
            elif word == "DATA":
                self._say("354 go on")
                lines: list[bytes] = []
                while (one := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(one.removeprefix(b".") if one.startswith(b"..") else one)
                mail = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                assert isinstance(mail, EmailMessage)
                self.server.mails.append(mail)
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextlib.contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def http_receiver() -> Iterator[HttpReceiver]:
    """One, as long as the block runs."""
    server = HttpReceiver()
    with _running(server):
        yield server


@contextlib.contextmanager
def smtp_receiver() -> Iterator[SmtpReceiver]:
    """Likewise."""
    server = SmtpReceiver()
    with _running(server):
        yield server
