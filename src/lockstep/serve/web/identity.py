"""What providers of identities have in common: who somebody is, and how it goes wrong."""

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol
from urllib.parse import urlencode

from urllib3.exceptions import HTTPError

from lockstep.model.foreign import read_json
from lockstep.values import dataclass
from lockstep.web import USER_AGENT, manager, shown, trouble

__all__ = ["Denied", "Person", "Provider", "Unreachable", "asked", "texts_of"]

_MOST = 2_000_000  # bytes of an answer
_GROUPS = 2000


class Denied(Exception):
    """The provider says no, or what it says is not to be believed."""


class Unreachable(Exception):
    """The provider cannot be asked now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who somebody is; ``kept`` is what the provider is asked with the next time."""

    subject: str
    name: str
    groups: tuple[str, ...]
    kept: Mapping[str, str] = field(repr=False)


class Provider(Protocol):
    """Where people log in, by the authorization code flow with PKCE. All raise Denied and Unreachable."""

    def address(self, *, back: str, state: str, nonce: str, challenge: str) -> str:
        """Where a browser is sent; it comes ``back``."""
        ...

    def finish(self, code: str, *, back: str, verifier: str, nonce: str) -> Person:
        """Who came back with a code."""
        ...

    def again(self, kept: Mapping[str, str], subject: str) -> Person:
        """Who somebody is by now."""
        ...


def asked(
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[Any, Mapping[str, str]]:
    """The JSON that an address answers, with its headers; ``form`` is posted."""
    given = {"accept": "application/json", "user-agent": USER_AGENT, **(headers or {})}
    if token is not None:
        given["authorization"] = f"Bearer {token}"
    if form is not None:
        given["content-type"] = "application/x-www-form-urlencoded"
    try:
        answer = manager(url).request(
            "GET" if form is None else "POST",
            url,
            body=None if form is None else urlencode(form),
            headers=given,
            redirect=False,
            retries=False,
            timeout=10.0,
            preload_content=False,
        )
        body = answer.read(_MOST, decode_content=True)
        answer.release_conn() if len(body) < _MOST else answer.close()
    except HTTPError as error:
        raise Unreachable(f"{shown(url)}: {trouble(error)[0]}") from None
    if answer.status == 429 or answer.status >= 500:
        raise Unreachable(f"{shown(url)} answered {answer.status}")
    try:
        document = read_json(body.decode())
    except ValueError:
        document = None
    if answer.status != 200 or document is None:
        said = document.get("error") if isinstance(document, dict) else None
        raise Denied(f"{shown(url)} answered {answer.status}{f': {json.dumps(said)[:200]}' if said else ''}")
    return document, {name.lower(): value for name, value in answer.headers.items()}


def texts_of(value: object) -> tuple[str, ...]:
    """Names of groups in a claim: a list of texts, or one text; anything else is none."""
    found = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(dict.fromkeys(one for one in found[:_GROUPS] if isinstance(one, str)))
