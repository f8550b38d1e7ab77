"""Release assets as GitHub serves them: an API host and a second host that holds the bytes.

It keeps state (releases are made, published and removed), checks tokens, counts a rate limit and
records every request with its headers, so that a test sees which host was given the token.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["GitHubReleases", "Seen", "github_releases"]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request that a host received."""

    host: str  # "api" or "storage"
    method: str
    path: str
    authorization: str | None
    accept: str | None
    agent: str | None


@dataclass
class _Repository:
    is_private: bool = False
    releases: list[dict[str, Any]] = field(default_factory=list)


class GitHubReleases:
    """The two hosts and what they know."""

    def __init__(self) -> None:
        self.token = "ghp_made_up"
        self.seen: list[Seen] = []
        self.failing: list[tuple[int, dict[str, str]]] = []  # answers to give before the right ones
        self.repositories: dict[str, _Repository] = {}
        self.contents: dict[int, bytes] = {}
        self._servers = {host: _Server(self, host) for host in ("api", "storage")}

    @property
    def api(self) -> str:
        """Base URL of the API."""
        return f"http://127.0.0.1:{self._servers['api'].server_port}"

    @property
    def storage(self) -> str:
        """Base URL of the host with the bytes; another name for the same machine."""
        return f"http://localhost:{self._servers['storage'].server_port}"

    def downloads(self) -> int:
        """Return how often bytes of an asset were served."""
        return sum(seen.host == "storage" for seen in self.seen)

    def add_repository(self, name: str, *, is_private: bool = False) -> None:
        """Make a repository without releases."""
        self.repositories[name] = _Repository(is_private=is_private)

    def add_release(
        self,
        repository: str,
        tag: str,
        assets: dict[str, bytes],
        *,
        is_draft: bool = False,
        has_digest: bool = True,
    ) -> dict[str, Any]:
        """Publish a release with its assets."""
        if repository not in self.repositories:
            self.add_repository(repository)
        release: dict[str, Any] = {
            "id": len(self.contents) + 1000,
            "tag_name": tag,
            "draft": is_draft,
            "assets": [],
        }
        for name, data in assets.items():
            number = len(self.contents) + 1
            self.contents[number] = data
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}" if has_digest else None
            release["assets"].append(
                {
                    "id": number,
                    "name": name,
                    "size": len(data),
                    "state": "uploaded",
                    "digest": digest,
                    "updated_at": "2026-11-01T12:00:00Z",
                    "url": f"{self.api}/repos/{repository}/releases/assets/{number}",
                }
            )
        self.repositories[repository].releases.insert(0, release)
        return release

    def start(self) -> None:
        """Serve both hosts in threads."""
        for server in self._servers.values():
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Stop both hosts."""
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    def answer(self, path: str, query: dict[str, list[str]], authorization: str | None, accept: str) -> Any:
        """Return status, headers and body of an API request, as GitHub documents them."""
        if self.failing:
            status, headers = self.failing.pop(0)
            return status, headers, {"message": "made to fail"}
        if authorization not in (None, f"Bearer {self.token}"):
            return 401, {}, {"message": "Bad credentials"}
        parts = [unquote(part) for part in path.strip("/").split("/")]
        repository = self.repositories.get("/".join(parts[1:3]))
        if parts[0] != "repos" or repository is None or (repository.is_private and not authorization):
            return 404, {}, {"message": "Not Found"}
        releases = [each for each in repository.releases if not each["draft"] or authorization]
        page, size = int(query.get("page", ["1"])[0]), int(query.get("per_page", ["30"])[0])
        match parts[3:]:
            case ["releases"]:
                return 200, {}, releases[:size]
            case ["releases", "tags", tag]:
                for each in releases:
                    if each["tag_name"] == tag and not each["draft"]:
                        return 200, {}, {**each, "assets": each["assets"][:30]}
            case ["releases", number, "assets"] if number.isdecimal():
                for each in releases:
                    if each["id"] == int(number):
                        return 200, {}, each["assets"][(page - 1) * size : page * size]
            case ["releases", "assets", number] if accept == "application/octet-stream":
                location = f"{self.storage}/bytes/{number}?X-Amz-Signature=s3cret"
                return 302, {"Location": location}, None
        return 404, {}, {"message": "Not Found"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, state: GitHubReleases, host: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state
        self.host = host


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer one request."""
        state, parts = self.server.state, urlsplit(self.path)
        seen = Seen(
            host=self.server.host,
            method=self.command,
            path=parts.path,
            authorization=self.headers.get("Authorization"),
            accept=self.headers.get("Accept"),
            agent=self.headers.get("User-Agent"),
        )
        state.seen.append(seen)
        status: int
        if self.server.host == "storage":
            is_signed = parts.query == "X-Amz-Signature=s3cret"
            status, headers = (200 if is_signed else 403), {}
            body = state.contents[int(parts.path.rpartition("/")[2])]
        else:
            status, headers, value = state.answer(
                parts.path, parse_qs(parts.query), seen.authorization, seen.accept or ""
            )
            body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def github_releases() -> Iterator[GitHubReleases]:
    """Run both hosts until the block ends."""
    state = GitHubReleases()
    state.start()
    try:
        yield state
    finally:
        state.stop()
