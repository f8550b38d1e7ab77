"""A Git server on loopback: Git's own services behind a threading HTTP server.

Real clone, fetch and push over HTTP; ``git http-backend`` would do the same in three processes for each
request, where this takes one. It records requests, and can ask for a password, answer with an
error or send elsewhere, so that tests see what a client does then.
"""

import base64
import gzip
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.quick_git import CONFIGURATION

__all__ = ["GitServer", "git_server"]

_SERVICES = frozenset({"git-upload-pack", "git-receive-pack"})


class GitServer(ThreadingHTTPServer):
    """Serves the bare repositories below ``root``; ``url(name)`` is what a client clones."""

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.requests: list[str] = []  # "GET /name.git/info/refs"
        self.password: str | None = None  # of the user "someone"; None lets everybody in
        self.failing: int | None = None  # an HTTP status to answer with
        self.elsewhere: str | None = None  # an address that every request is sent to, with that status
        self.given: list[str] = []  # the credentials that were sent

    def url(self, name: str, *, user: str = "") -> str:
        """Return the URL of a repository, with ``user`` (``name:password``) in it when given."""
        return f"http://{user + '@' if user else ''}127.0.0.1:{self.server_port}/{name}"


class _Handler(BaseHTTPRequestHandler):
    server: GitServer
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        self.server.requests.append(f"{self.command} {parts.path}")
        length = int(self.headers.get("Content-Length") or 0)
        body = (
            self._chunks() if self.headers.get("Transfer-Encoding") == "chunked" else self.rfile.read(length)
        )
        self.server.given += self.headers.get_all("Authorization") or []
        if self.server.failing:
            place = self.server.elsewhere
            return self._send(
                self.server.failing, [("Location", f"{place}{self.path}")] if place else [], b""
            )
        if self.server.password is not None:
            expected = base64.b64encode(f"someone:{self.server.password}".encode()).decode()
            given = self.headers.get_all("Authorization") or []
            if len(given) > 1:  # as GitHub does
                return self._send(400, [], b"Duplicate header: Authorization")
            if given != [f"Basic {expected}"]:
                return self._send(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        is_listing = parts.path.endswith("/info/refs")
        service = parts.query.removeprefix("service=") if is_listing else parts.path.rpartition("/")[2]
        name = parts.path.removesuffix("/info/refs" if is_listing else f"/{service}")
        folder = self.server.root / name.removeprefix("/")
        if service not in _SERVICES or not folder.is_dir():
            return self._send(404, [], b"")
        return self._serve(folder, service, body, is_listing=is_listing)

    def _serve(self, folder: Path, service: str, body: bytes, *, is_listing: bool) -> None:
        """Answer as gitprotocol-http(5) says: a listing of refs, or what the service says to a request."""
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_SYSTEM": CONFIGURATION,
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_COMMITTER_NAME": "someone",
            "GIT_COMMITTER_EMAIL": "someone@http.127.0.0.1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_CONFIG_KEY_1": "uploadpack.allowFilter",
            "GIT_CONFIG_VALUE_1": "true",
        }
        options = ["--stateless-rpc", "--advertise-refs"] if is_listing else ["--stateless-rpc"]
        done = subprocess.run(
            ["git", service.removeprefix("git-"), *options, str(folder)],
            input=body,
            env=environment,
            capture_output=True,
            check=False,
        )
        answer = done.stdout
        if is_listing and environment["GIT_PROTOCOL"] != "version=2":
            title = f"# service={service}\n".encode()
            answer = b"%04x%b0000" % (len(title) + 4, title) + answer
        kind = f"application/x-{service}-{'advertisement' if is_listing else 'result'}"
        return self._send(200, [("Content-Type", kind), ("Cache-Control", "no-cache")], answer)

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def git_server(root: Path) -> Iterator[GitServer]:
    """Run a Git server for the repositories below ``root`` until the block ends."""
    server = GitServer(root)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
