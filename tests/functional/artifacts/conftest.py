"""Real HTTP servers, real zips and a catalog over them."""

import hashlib
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from lockstep.artifacts.cache import Cache
from lockstep.artifacts.s3 import S3Source
from lockstep.artifacts.web import Web
from lockstep.model import Release
from tests.support.github_releases import GitHubReleases, github_releases


def s3_source(client: Any) -> S3Source:
    """The S3 source with a botocore client, which it uses for every Region."""

    def ask(operation: str, params: Mapping[str, Any], *, streams: bool = False) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = getattr(client, xform_name(operation))(**params)
        return answer

    return S3Source(lambda _region: ask)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a path of ``Site`` answers."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_cut: bool = False  # promises more bytes than it sends, then hangs up


class Site(ThreadingHTTPServer):
    """A web server whose answers a test writes down; each path uses up its list, the last one stays."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[str, list[Reply]] = {}
        self.seen: list[tuple[str, str, dict[str, str]]] = []  # method, path with query, headers

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Return the URL of a path."""
        return f"http://{host}:{self.server_port}{path}"

    def put(self, path: str, *replies: Reply) -> str:
        """Set what a path answers and return its URL."""
        self.replies[path] = list(replies)
        return self.url(path)


class _Handler(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers.items())))
        replies = self.server.replies.get(self.path.partition("?")[0], [Reply(status=404)])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) + (100 if reply.is_cut else 0)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.close_connection = self.close_connection or reply.is_cut

    do_GET = do_HEAD = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server that answers 404 until it is told otherwise."""
    server = Site()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def github() -> Iterator[GitHubReleases]:
    """A GitHub without repositories."""
    with github_releases() as state:
        yield state


@pytest.fixture
def web() -> Web:
    """A client that waits a second at most when a server asks it to."""
    return Web(attempts=3, patience=1)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """An empty cache."""
    return Cache(tmp_path / "cache")


@pytest.fixture
def release() -> Callable[..., Release]:
    """Make a release of s3-notifier 0.1.6."""

    def make(source: str, *, sha256: str | None = None, version: str = "0.1.6", **options: str) -> Release:
        return Release(
            service="s3-notifier",
            version=version,
            source=source,
            options=options,
            sha256=sha256,
            place="syrf/environments/staging/s3-notifier/config.yaml:4",
        )

    return make


def zip_of(**files: str | bytes) -> bytes:
    """Return a zip; ``__`` in a name stands for a dot."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (files or {"app__py": "x = 1\n"}).items():
            entry = zipfile.ZipInfo(name.replace("__", "."))  # without the time: all workers collect the same
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def digest(data: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()
