"""Who may ask a controller, as its file says: how people log in, tokens of programs, roles of groups."""

import datetime
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any
from urllib.parse import urlsplit

from lockstep.config.durations import duration
from lockstep.errors import BadInput
from lockstep.model.roles import Grants, Role, Who
from lockstep.values import dataclass
from lockstep.web import check_url

__all__ = [
    "Access",
    "Login",
    "Token",
    "digest_of",
    "is_own_machine",
    "new_token",
    "read_access",
    "read_roles",
]

_SESSION = 12 * 3600  # seconds
_SCOPES = ("profile", "email", "groups")
_ANYBODY = frozenset({Role.VIEW})
_Add = Callable[[tuple[str, ...], str, str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """Where people log in: at a provider of OpenID Connect, or at a GitHub."""

    provider: str  # its URL
    client: str
    is_github: bool = False
    api: str = "https://api.github.com"
    claim: str = "groups"
    scopes: tuple[str, ...] = _SCOPES
    session: int = _SESSION  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A token of a program, known by its digest."""

    name: str
    digest: str
    groups: frozenset[str]
    expires: datetime.date  # the last day

    def who(self) -> Who:
        """Whom it stands for."""
        return Who(name=f"token {self.name}", groups=self.groups, is_program=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """All of it."""

    url: str | None = None  # as browsers write it, without a slash at its end
    login: Login | None = None
    tokens: tuple[Token, ...] = ()
    anybody: frozenset[Role] = _ANYBODY
    grants: Grants = field(default_factory=Grants)  # in all projects

    def bearer(self, token: str, today: datetime.date) -> Who | None:
        """Whom a token stands for; None for one that is not known, or not any more."""
        digest = digest_of(token)
        found = [one for one in self.tokens if hmac.compare_digest(one.digest, digest)]
        return found[0].who() if found and today <= found[0].expires else None


def digest_of(secret: str) -> str:
    """What is kept of a secret that was drawn: nobody finds 256 bits by trying."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def new_token() -> str:
    """A token that nobody has."""
    return f"lockstep_{secrets.token_urlsafe(32)}"


def read_roles(*places: Mapping[str, Any]) -> Mapping[str, frozenset[Role]]:
    """What ``roles`` of each of the places give to a group, together."""
    found: dict[str, frozenset[Role]] = {}
    for place in places:
        for group, roles in (place.get("roles") or {}).items():
            held = frozenset(Role(role) for role in roles or () if role)
            found[group] = found.get(group, frozenset()) | held
    return found


def read_access(values: Mapping[str, Any], add: _Add) -> Access:
    """Read the keys; ``add`` takes what is wrong: the path of the key, words, and how to mend it."""
    login = _login(values.get("login"), add)
    url = (values.get("url") or "").rstrip("/") or None
    if url is not None and not _is_usable(("url",), url, add):
        url = None
    if login is not None and not values.get("url"):
        add(("login",), "nothing says where the provider sends people back to", "add url: with this page's")
    if login is not None and values.get("anybody") is not None:
        add(("anybody",), "anybody may something, though people log in", "leave out anybody, or login")
    host = (values.get("listen") or "").rpartition(":")[0]
    if host and login is None and not is_own_machine(host):
        add(
            ("listen",),
            f"{values['listen']} may be asked by other machines, and nobody logs in",
            "write 127.0.0.1 or [::1] and a port, or add login:",
        )
    anybody = values.get("anybody")
    return Access(
        url=url,
        login=login,
        tokens=tuple(_tokens(values.get("tokens") or {}, add)),
        anybody=_ANYBODY if anybody is None else frozenset(Role(role) for role in anybody if role),
        grants=Grants(everywhere=read_roles(values)),
    )


def _login(given: Mapping[str, Any] | None, add: _Add) -> Login | None:
    if given is None:
        return None
    named = [name for name in ("issuer", "github") if given.get(name)]
    if len(named) != 1:
        problem = "no provider is named" if not named else "two providers are named"
        add(("login",), problem, "write either issuer: or github: with a URL below login:")
        return None
    for name in (*named, "api"):
        if given.get(name) and not _is_usable(("login", name), given[name], add):
            return None
    seconds = _SESSION if given.get("session") is None else duration(given["session"])
    if not seconds:
        add(("login", "session"), f"session: {given['session']} is no time at all", "write at least 1m")
    return Login(
        provider=given[named[0]].rstrip("/"),
        client=given.get("client") or "",
        is_github=named == ["github"],
        api=(given.get("api") or "https://api.github.com").rstrip("/"),
        claim=given.get("groups") or "groups",
        scopes=tuple(one for one in given["scopes"] if one) if given.get("scopes") is not None else _SCOPES,
        session=seconds or _SESSION,
    )


def _tokens(given: Mapping[str, Any], add: _Add) -> list[Token]:
    found = []
    for name, said in given.items():
        try:
            expires = datetime.date.fromisoformat((said or {}).get("expires") or "")
        except ValueError:
            if (said or {}).get("expires"):
                add(("tokens", name, "expires"), "there is no such day", "write one, such as 2027-06-30")
            continue
        groups = frozenset(one for one in said.get("groups") or () if one)
        found.append(Token(name=name, digest=said.get("sha256") or "", groups=groups, expires=expires))
    return found


def _is_usable(path: tuple[str, ...], url: str, add: _Add) -> bool:
    try:
        check_url(url)
    except BadInput as error:
        add(path, error.problem, error.fix or "")
        return False
    return True


def is_own_machine(host: str) -> bool:
    """Whether only this machine can ask there."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def host_of(url: str) -> str:
    """The name in a URL, with its port where one is written."""
    return urlsplit(url).netloc
