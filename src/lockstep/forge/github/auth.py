"""Who asks: a token, or a GitHub App that is given one for an hour at a time."""

import json
import threading
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from lockstep.errors import BadInput, ForgeError
from lockstep.forge.github.problems import refused
from lockstep.forge.github.transport import Transport
from lockstep.model.foreign import expect, shaped
from lockstep.values import dataclass

__all__ = ["App", "Credential", "Installation", "Kind", "Token"]

_FIX = "check that the URL is the API's, not that of a page or a proxy; run again later"
_EARLY = 300.0  # seconds before its end that a token is replaced
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class Kind(StrEnum):
    """How a credential is given its permissions, which decides what a missing one needs."""

    NONE = "none"
    SCOPED = "scoped"  # a classic personal access token, or one of an OAuth app
    FINE_GRAINED = "fine-grained"  # a fine-grained personal access token
    INSTALLATION = "installation"  # GITHUB_TOKEN in GitHub Actions, or a token that some app was given
    APP = "app"  # the GitHub App that is set up here


class Credential(Protocol):
    """What a client shows to the API."""

    kind: Kind

    def token(self) -> str | None:
        """The token to send now."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """A GitHub App. ``installation`` is found from the repository where it is None.

    ``app_id`` is its number or its client id, ``private_key`` the PEM text that GitHub gave.
    """

    app_id: str
    private_key: str = field(repr=False)
    installation: int | None = None


class Token:
    """A token that somebody else looks after; None asks as nobody."""

    def __init__(self, token: str | None) -> None:
        self._token = token.strip() if token else None
        if self._token and not (self._token.isascii() and self._token.isprintable()):
            raise BadInput(
                "the token for GitHub has characters that no token has", fix="set GITHUB_TOKEN again"
            )
        self.kind = _kind(self._token)

    def token(self) -> str | None:
        """The token."""
        return self._token


class Installation:
    """Tokens of a GitHub App for one repository, kept until shortly before they end."""

    kind = Kind.APP

    def __init__(self, app: App, *, api: str, repository: str, transport: Transport) -> None:
        self._app = app
        self._api = api
        self._repository = repository
        self._transport = transport
        self._lock = threading.Lock()
        self._token: str | None = None
        self._until = 0.0

    def token(self) -> str:
        """A token that is valid for some minutes at least."""
        with self._lock:
            if self._token is None or self._transport.clock.now() > self._until - _EARLY:
                self._token, self._until = self._new()
            return self._token

    def _new(self) -> tuple[str, float]:
        number = self._app.installation or self._find()
        body = json.dumps({"repositories": [self._repository.partition("/")[2]]}).encode()
        value = self._ask("POST", f"/app/installations/{number}/access_tokens", body)
        with shaped(ForgeError("the answer is not GitHub's: it is no token of an app", fix=_FIX)):
            until = datetime.fromisoformat(value["expires_at"].replace("Z", "+00:00"))
            return expect(str, value["token"]), until.timestamp()

    def _find(self) -> int:
        with shaped(ForgeError("the answer is not GitHub's: it is no installation of an app", fix=_FIX)):
            return expect(int, self._ask("GET", f"/repos/{self._repository}/installation", None)["id"])

    def _ask(self, method: str, path: str, body: bytes | None) -> "dict[str, Any]":
        doing = f"getting a token of the GitHub App for {self._repository}"
        proof = _signed(self._app, now=int(self._transport.clock.now()))
        headers = _HEADERS if body is None else {**_HEADERS, "Content-Type": "application/json"}
        answer = self._transport.send(
            method, self._api + path, token=proof, headers=headers, body=body, is_safe=True, is_write=False
        )
        if answer.status == 404:
            raise ForgeError(
                f"the app is not installed for {self._repository}",
                doing=doing,
                fix="install it there (the app's settings, Install App), or check its id and installation",
            )
        if answer.status == 401:
            raise ForgeError(
                "GitHub does not accept the app's id and private key",
                doing=doing,
                fix="check the app's id and private key, and this machine's clock",
            )
        if answer.status >= 400:
            raise refused(answer, doing=doing, kind=self.kind.value, repository=self._repository, needs="")
        value = answer.json()
        return value if isinstance(value, dict) else {}


def _signed(app: App, *, now: int) -> str:
    """The app's proof of itself: a JSON Web Token, valid for nine minutes (GitHub allows ten)."""
    try:
        import jwt
    except ImportError:
        raise BadInput(
            "a GitHub App needs a library that signs",
            fix="pip install 'lockstep-gitops[github-app]', or set GITHUB_TOKEN instead",
        ) from None
    claims = {"iat": now - 60, "exp": now + 540, "iss": app.app_id}
    try:
        return jwt.encode(claims, app.private_key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):  # their messages may quote the key
        raise BadInput(
            "the private key of the GitHub App cannot be read",
            fix="give the whole PEM file that GitHub offered for download, its first and last line included",
        ) from None
    except NotImplementedError:
        raise BadInput(
            "the library that signs for the GitHub App lacks RS256",
            fix="pip install 'lockstep-gitops[github-app]'",
        ) from None


def _kind(token: str | None) -> Kind:
    """GitHub's tokens say by their first letters what they are (docs: "GitHub's token formats")."""
    match token:
        case None:
            return Kind.NONE
        case str() if token.startswith("github_pat_"):
            return Kind.FINE_GRAINED
        case str() if token.startswith(("ghs_", "ghu_")):
            return Kind.INSTALLATION
        case _:
            return Kind.SCOPED
