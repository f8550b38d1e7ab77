"""A provider of identities on this machine: OpenID Connect with PKCE, and GitHub's OAuth, over real HTTP.

It refuses what the standards say: a code is taken once, with the verifier that its challenge was made of,
the address that it was asked for with, and the client's secret; a refresh token is taken once.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

__all__ = ["CLIENT", "SECRET", "Identity"]

CLIENT = "lockstep"
SECRET = "the client's: a secret/%"


class Identity:
    """One person, who is always logged in there; tests change who it is and what is said."""

    def __init__(self) -> None:
        self.subject = "4711"
        self.name = "ada"
        self.groups = ["developers"]
        self.in_token = True  # whether groups stand in the identity token, or are asked for
        self.refreshes = True  # whether there is a refresh token
        self.is_away = False
        self.claims: dict[str, Any] = {}  # instead of those that are right
        self.algorithm = "ES256"
        self.key = ECKey.generate_key("P-256", {"kid": "1"})
        self.signs: Any = None  # with another key than the one that is published
        self.asked: list[str] = []
        self._codes: dict[str, Mapping[str, str]] = {}
        self._tokens: set[str] = set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def visit(self, address: str) -> dict[str, str]:
        """What a browser that is sent there is sent back with."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["response_type" if "nonce" in asked else "state"]
        assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT, "S256")
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def take_back(self) -> None:
        """No token that was given is taken any more."""
        self._tokens.clear()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        identity = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer({})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                self._answer(dict(parse_qsl(body)))

            def _answer(self, form: dict[str, str]) -> None:
                path = urlsplit(self.path).path
                given = self.headers.get("authorization", "")
                with identity._lock:
                    identity.asked.append(path)
                    status, said = identity._answer(path, form, given)
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _answer(self, path: str, form: dict[str, str], given: str) -> tuple[int, Any]:
        if self.is_away:
            return 503, {}
        match path:
            case "/.well-known/openid-configuration":
                return 200, {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/authorize",
                    "token_endpoint": f"{self.url}/token",
                    "userinfo_endpoint": f"{self.url}/userinfo",
                    "jwks_uri": f"{self.url}/jwks",
                }
            case "/jwks":
                return 200, KeySet([self.key]).as_dict(private=False)
            case "/token":
                pair = base64.b64encode(b"lockstep:the%20client%27s%3A%20a%20secret%2F%25").decode()
                return self._granted(form) if given == f"Basic {pair}" else (401, {"error": "invalid_client"})
            case "/login/oauth/access_token":
                is_known = form.get("client_secret") == SECRET and self._is_good(form)
                return 200, {"access_token": self._token()} if is_known else {
                    "error": "bad_verification_code"
                }
            case "/userinfo" | "/user" | "/user/teams" if given.removeprefix("Bearer ") not in self._tokens:
                return 401, {"message": "Bad credentials"}
            case "/userinfo":
                return 200, {"sub": self.subject, "groups": self.groups}
            case "/user":
                return 200, {"id": int(self.subject), "login": self.name}
            case "/user/teams":
                return 200, [{"slug": one, "organization": {"login": "acme"}} for one in self.groups]
            case _:
                return 404, {}

    def _granted(self, form: dict[str, str]) -> tuple[int, Any]:
        nonce = self._codes.get(form.get("code", ""), {}).get("nonce")
        if form["grant_type"] == "refresh_token":
            is_good = form["refresh_token"] in self._tokens
            self._tokens.discard(form["refresh_token"])
        else:
            is_good = self._is_good(form)
        if not is_good:
            return 400, {"error": "invalid_grant"}
        claims = {"nonce": nonce} if nonce else {}
        more = {"refresh_token": self._token()} if self.refreshes else {}
        return 200, {"access_token": self._token(), "id_token": self._identity(claims), **more}

    def _identity(self, more: Mapping[str, str]) -> str:
        now = int(time.time())
        groups = {"groups": self.groups} if self.in_token else {}
        claims = {"iss": self.url, "aud": CLIENT, "sub": self.subject, "iat": now, "exp": now + 300}
        claims = {**claims, "preferred_username": self.name, **groups, **more, **self.claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            parts = ({"alg": "none"}, claims)
            written = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
            return ".".join([*(part.rstrip("=") for part in written), ""])
        return jwt.encode(
            {"alg": self.algorithm, "kid": "1"}, claims, self.signs or self.key, algorithms=[self.algorithm]
        )

    def _is_good(self, form: Mapping[str, str]) -> bool:
        begun = self._codes.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return (
            begun is not None
            and begun["code_challenge"] == challenge
            and begun["redirect_uri"] == form["redirect_uri"]
        )

    def _token(self) -> str:
        token = secrets.token_urlsafe(16)
        self._tokens.add(token)
        return token
