"""A container registry for tests, written from the OCI Distribution Specification 1.1 and Docker's token
authentication: manifests by tag, over HTTP on this machine. It asks for logins and is ill on demand, which
the server of ``docker_registry`` is not.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

__all__ = ["OciRegistry", "serving"]

_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(kw_only=True)
class OciRegistry:
    """What it holds and asks for. ``asked`` are the requests that it got."""

    host: str = ""
    manifests: dict[tuple[str, str], bytes] = field(default_factory=dict)  # by repository, and tag or digest
    auth: str = "none"  # "none", "basic" or "token"
    login: str | None = None  # "user:password" that may read; None: everybody
    names_digest: bool = True
    status: int | None = None  # of every answer, when it is ill
    asked: list[str] = field(default_factory=list)

    def push(self, repository: str, tag: str, *, of: str = "") -> str:
        """Put an image there, another one for another ``of``; its digest."""
        name = f"{repository}:{tag}{of}"
        body = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "of": name}).encode()
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        self.manifests[repository, tag] = self.manifests[repository, digest] = body
        return digest


@contextlib.contextmanager
def serving(registry: OciRegistry) -> Iterator[OciRegistry]:
    """Serve it on a free port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(has_body=False)

        def do_GET(self) -> None:
            self._answer(has_body=True)

        def _answer(self, *, has_body: bool) -> None:
            parts = urlsplit(self.path)
            registry.asked.append(f"{self.command} {parts.path}")
            status, headers, body = _respond(
                registry, parts.path, parse_qs(parts.query), self.headers.get("Authorization", "")
            )
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if has_body:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        registry.host = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()


def _respond(
    registry: OciRegistry, path: str, query: dict[str, list[str]], authorization: str
) -> tuple[int, dict[str, str], bytes]:
    if registry.status is not None:
        return registry.status, {}, b"{}"
    basic = base64.b64encode((registry.login or "").encode()).decode()
    may = registry.login is None or authorization == f"Basic {basic}"
    if path == "/token":
        scope = query.get("scope", [""])[0]
        return (200, {}, json.dumps({"token": f"for {scope}"}).encode()) if may else (401, {}, b"{}")
    _, _, name = path.partition("/v2/")
    repository, _, tag = name.partition("/manifests/")
    scope = f"repository:{repository}:pull"
    match registry.auth:
        case "token" if authorization != f"Bearer for {scope}":
            realm = f'realm="http://{registry.host}/token",service="here",scope="{scope}"'
            return 401, {"WWW-Authenticate": f"Bearer {realm}"}, b"{}"
        case "basic" if not may:
            return 401, {"WWW-Authenticate": 'Basic realm="here"'}, b"{}"
    body = registry.manifests.get((repository, tag))
    if body is None:
        return 404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    named = {"Docker-Content-Digest": digest} if registry.names_digest else {}
    return 200, {"Content-Type": _INDEX, **named}, body
