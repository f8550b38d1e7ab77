"""A stand-in for GitHub on loopback: REST and GraphQL with state, rate limits, permissions and faults.

It is laid out like GitHub Enterprise Server (``/api/v3``, ``/api/graphql``, ``/api/uploads``). Pull
requests lie over real bare repositories, so that merges and conflicts are Git's own. Where GitHub's
published description is at hand, every request and answer is checked against it; see ``contract``.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.github import apps, graphql, rest_commits, rest_pulls, rest_releases
from tests.support.github.contract import Contract, contract_at_hand
from tests.support.github.rest import Reply, Request, fail, split
from tests.support.github.shapes import Shapes
from tests.support.github.world import Identity, World

__all__ = ["Fault", "GitHubServer", "Seen", "github_server"]

_NOBODY = Identity(login="", permissions={"metadata": "read"}, scopes=None)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request that came in, and the status it got (0 when the connection was cut)."""

    method: str
    path: str  # with the API's prefix, without the query
    query: str
    host: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    status: int


@dataclass(kw_only=True)
class Fault:
    """What goes wrong with the next ``times`` requests that match.

    ``is_done`` does what was asked and loses the answer. ``status`` 0 cuts the connection; of an
    upload half of the bytes are read before that. None does no harm but calls ``after``.
    """

    match: str  # regular expression for "METHOD /path"
    says: str = ""  # and one for the body, of anything but an upload
    status: int | None = 502
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "made to fail"
    value: Any = None  # a whole body, instead of the message
    is_done: bool = False
    times: int = 1
    after: Callable[[], None] | None = None  # what else happens then


class GitHubServer(ThreadingHTTPServer):
    """The server. ``api`` is its URL; tests change ``world`` and ``faults``, and read ``seen``."""

    daemon_threads = True

    def __init__(self, folder: Path, contract: Contract | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = f"http://127.0.0.1:{self.server_port}"
        self.api = f"{self.root}/api/v3"
        self.world = World(folder)
        self.shapes = Shapes(self.api, self.root, f"{self.root}/api/uploads")
        self.contract = contract
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.violations: list[str] = []
        self.remaining: int | None = None  # requests until the rate limit; None has no limit
        self.reset_at = 1_800_000_000  # seconds since 1970

    def requests(self, pattern: str) -> list[Seen]:
        """The requests whose ``METHOD /path`` matches, without the API's prefix."""
        return [
            seen
            for seen in self.seen
            if re.search(pattern, f"{seen.method} {seen.path.removeprefix('/api/v3')}")
        ]


class _Handler(BaseHTTPRequestHandler):
    server: GitHubServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if parts.path.startswith("/api/uploads/"):
            return self._upload(parts.path, parts.query, length, self._fault(parts.path, ""))
        data = self.rfile.read(length)
        fault = self._fault(parts.path, data.decode())
        if fault is not None and not fault.is_done and fault.status is not None:
            return self._fail(fault, data)
        with self.server.world.lock:
            reply = self._limited() or self._reply(parts.path, parts.query, data)
            if fault is not None and fault.status is None and fault.after is not None:
                fault.after()
                fault = None
        if fault is not None:
            return self._fail(fault, data)
        self._send(reply, data)
        return None

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # noqa: N815

    def _reply(self, path: str, query: str, data: bytes) -> Reply:
        server = self.server
        authorization = self.headers.get("Authorization") or ""
        token = authorization.removeprefix("Bearer ")
        if path.startswith("/bytes/"):
            return _bytes(server, path, query)
        if path.startswith("/api/v3/app/") or path.endswith("/installation"):
            return apps.answer(server.world, self.command, path, token, data)
        identity = server.world.identities.get(token, _NOBODY)
        if token and identity is _NOBODY:
            return fail(401, "Bad credentials")
        if path == "/api/graphql":
            return _graphql(server, identity, data)
        parts = split(path.removeprefix("/api/v3"))
        repository = server.world.repositories.get("/".join(parts[1:3]))
        is_hidden = repository is not None and repository.is_private and not identity.may("contents", "read")
        if parts[0] != "repos" or repository is None or is_hidden:
            return fail(404, "Not Found")
        request = Request(
            method=self.command,
            path=path.removeprefix("/api/v3"),
            parts=parts[3:],
            query=dict(parse_qsl(query)),
            body=json.loads(data) if data else {},
            data=data,
            identity=identity,
            world=server.world,
            repository=repository,
            shapes=server.shapes,
        )
        if refusal := _refusal(request):
            return refusal
        if request.parts == ():
            return Reply(value=server.shapes.repository(repository))
        wanted = self.headers.get("Accept")
        if request.parts[:2] == ("releases", "assets") and wanted == "application/octet-stream":
            location = (
                f"http://localhost:{server.server_port}/bytes/{request.parts[2]}?X-Amz-Signature=s3cret"
            )
            return Reply(status=302, headers={"Location": location})
        for answer in (rest_pulls.answer, rest_releases.answer, rest_commits.answer):
            if (reply := answer(request)) is not None:
                return reply
        return fail(404, "Not Found")

    def _upload(self, path: str, query: str, length: int, fault: Fault | None) -> None:
        server = self.server
        name, number = re.fullmatch(r"/api/uploads/repos/([^/]+/[^/]+)/releases/(\d+)/assets", path).groups()  # type: ignore[union-attr]
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if fault is not None and fault.status and not fault.is_done:
            return self._fail(fault, self.rfile.read(length))
        with server.world.lock:
            request = Request(
                method="POST",
                path=path,
                parts=("releases", number, "assets"),
                query=dict(parse_qsl(query)),
                body={},
                data=b"",
                identity=server.world.identities.get(token, _NOBODY),
                world=server.world,
                repository=server.world.repositories[name],
                shapes=server.shapes,
            )
            begun = _refusal(request) or rest_releases.begin_upload(request, int(number))
        if fault is not None and not fault.status and not isinstance(begun, Reply):
            begun[1].data = self.rfile.read(length // 2)
            return self._fail(fault, begun[1].data)
        data = self.rfile.read(length)
        with server.world.lock:
            reply = begun if isinstance(begun, Reply) else rest_releases.end_upload(request, *begun, data)
        if fault is not None:
            return self._fail(fault, data)
        self._send(reply, data)
        return None

    def _fault(self, path: str, body: str) -> Fault | None:
        server = self.server
        line = f"{self.command} {path.removeprefix('/api/v3')}"
        with server.world.lock:
            for fault in server.faults:
                if fault.times > 0 and re.search(fault.match, line) and re.search(fault.says, body):
                    fault.times -= 1
                    return fault
        return None

    def _fail(self, fault: Fault, data: bytes) -> None:
        if fault.after is not None:
            fault.after()
        if fault.status:
            return self._send(
                Reply(
                    status=fault.status,
                    headers=fault.headers,
                    value=fault.value or {"message": fault.message},
                ),
                data,
            )
        self._remember(0, data)
        self.close_connection = True
        return None

    def _limited(self) -> Reply | None:
        server = self.server
        if server.remaining is None:
            return None
        if server.remaining == 0:
            headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(server.reset_at)}
            return Reply(
                status=403, headers=headers, value={"message": "API rate limit exceeded for user ID 1."}
            )
        server.remaining -= 1
        return None

    def _send(self, reply: Reply, data: bytes) -> None:
        body = b"" if reply.value is None else reply.value
        if not isinstance(body, bytes):
            body = json.dumps(reply.value).encode()
        headers = {"Content-Type": "application/json", **reply.headers}
        status = reply.status
        if self.command == "GET" and status == 200:
            headers["ETag"] = f'W/"{hashlib.sha256(body + repr(reply.headers).encode()).hexdigest()}"'
            if self.headers.get("If-None-Match") == headers["ETag"]:
                status, body = 304, b""
                if self.server.remaining is not None:
                    self.server.remaining += 1  # an answer of 304 is free
        self._remember(status, data)
        self._check(status, reply.value, data)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _remember(self, status: int, data: bytes) -> None:
        parts = urlsplit(self.path)
        self.server.seen.append(
            Seen(
                method=self.command,
                path=parts.path,
                query=parts.query,
                host=self.headers.get("Host", "").partition(":")[0],
                headers={name.lower(): value for name, value in self.headers.items()},
                body=data,
                status=status,
            )
        )

    def _check(self, status: int, value: Any, data: bytes) -> None:
        """Hold the exchange against GitHub's own description."""
        contract, parts = self.server.contract, urlsplit(self.path)
        if contract is None or not parts.path.startswith("/api/"):
            return
        if parts.path == "/api/graphql":
            found = contract.graphql_problems(json.loads(data), value if status == 200 else None)
        else:
            path = re.sub("^/api/(v3|uploads)", "", parts.path)
            kind = self.headers.get("Content-Type")
            found = contract.request_problems(self.command, path, parts.query, kind, data)
            found += contract.answer_problems(self.command, path, status, value)
        self.server.violations += [f"{self.command} {self.path}: {problem}" for problem in found]

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def _refusal(request: Request) -> Reply | None:
    """403 for a token that may not do this, in the words GitHub uses for its kind."""
    identity, repository = request.identity, request.repository
    if identity.needs_sso:
        return Reply(
            status=403,
            value={"message": "Resource protected by organization SAML enforcement."},
            headers={"X-GitHub-SSO": "required; url=https://example.org/sso?authorization_request=s3cret"},
        )
    needed, level = _needed(request)
    if repository.is_archived and level == "write":
        return fail(403, "Repository was archived so is read-only.")
    if level == "read" and not repository.is_private:
        return None
    if needed == "issues" and identity.may("pull_requests", level):
        return None
    if identity.may(needed, level):
        return None
    if identity.permissions is None:
        headers = {"X-OAuth-Scopes": ", ".join(identity.scopes or ()), "X-Accepted-OAuth-Scopes": "repo"}
        return Reply(status=403, value={"message": "Must have push access."}, headers=headers)
    if identity is _NOBODY:
        return fail(401, "Requires authentication")
    who = "integration" if identity.login.endswith("[bot]") else "personal access token"
    return Reply(
        status=403,
        value={"message": f"Resource not accessible by {who}"},
        headers={"X-Accepted-GitHub-Permissions": f"{needed}={level}"},
    )


def _needed(request: Request) -> tuple[str, str]:
    level = "read" if request.method == "GET" else "write"
    match request.parts:
        case ("pulls", *_):
            return "pull_requests", level
        case ("issues", *_):
            return "issues", level
        case ("commits", _, "check-runs"):
            return "checks", level
        case ("commits", _, "status") | ("statuses", _):
            return "statuses", level
        case ("deployments", *_):
            return "deployments", level
        case ():
            return "metadata", "read"
        case _:
            return "contents", level


def _graphql(server: GitHubServer, identity: Identity, data: bytes) -> Reply:
    sent = json.loads(data)
    if identity is _NOBODY:
        return fail(401, "This endpoint requires you to be authenticated.")
    try:
        value = graphql.run(server.world, identity, server.shapes, sent["query"], sent["variables"])
    except graphql.Refusal as refusal:
        error = {"type": refusal.kind, "message": str(refusal), "path": ["repository"]}
        return Reply(value={"data": None, "errors": [error]})
    return Reply(value={"data": value})


def _bytes(server: GitHubServer, path: str, query: str) -> Reply:
    """The host that holds the bytes of assets: its URLs are signed."""
    if query != "X-Amz-Signature=s3cret":
        return fail(403, "no signature")
    for repository in server.world.repositories.values():
        for release in repository.releases.values():
            for asset in release.assets:
                if path == f"/bytes/{asset.id}":
                    return Reply(value=asset.data)
    return fail(404, "Not Found")


@contextmanager
def github_server(folder: Path, contract: Contract | None = None) -> Iterator[GitHubServer]:
    """Run the stand-in until the block ends; its repositories are kept in ``folder``.

    AssertionError in the end for anything that was not as GitHub describes; ``contract`` is github.com's
    description unless another one is given. Where npm is not at hand, nothing is checked.
    """
    server = GitHubServer(folder, contract or contract_at_hand())
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
    assert server.violations == []
