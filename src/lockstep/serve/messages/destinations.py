"""Who is told what, as the controller's file says. Secrets come from the environment or from files."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from email.errors import MessageError
from email.headerregistry import Address
from pathlib import Path
from typing import Any, TypeAlias

from lockstep.errors import BadInput
from lockstep.serve.access import is_own_machine
from lockstep.serve.messages.message import Rule, Subject
from lockstep.values import dataclass
from lockstep.web import check_url

__all__ = [
    "Deployments",
    "Destination",
    "Mail",
    "Slack",
    "SlackWebhook",
    "Way",
    "Webhook",
    "read_destinations",
]

_SECRET, _FILE = "LOCKSTEP_MESSAGE_SECRET__", "LOCKSTEP_MESSAGE_SECRET_FILE__"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_Add = Callable[[tuple[str, ...], str, str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Slack:
    """A bot in a channel."""

    channel: str
    token: str = field(repr=False)
    api: str = "https://slack.com/api"


@dataclass(frozen=True, kw_only=True, slots=True)
class SlackWebhook:
    """An incoming webhook."""

    url: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """Somebody's URL."""

    url: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A server of mails."""

    host: str
    port: int
    security: str = "starttls"  # tls, none
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    sender: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deployments:
    """GitHub's."""


Way: TypeAlias = Slack | SlackWebhook | Webhook | Mail | Deployments


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """One place with what it is told."""

    name: str
    way: Way
    rules: tuple[Rule, ...] = (Rule(),)


def read_destinations(
    values: Mapping[str, Any], environ: Mapping[str, str], add: _Add
) -> Iterator[Destination]:
    """Read ``messages``; ``add`` takes what is wrong: the path of the key, words, and how to mend it."""
    for name, said in (values.get("messages") or {}).items():
        given: Mapping[str, Any] = said or {}
        if not _NAME.fullmatch(name):
            fix = "write up to 63 lower-case letters, digits and hyphens"
            add(("messages", name), f"{name!r} is no name of a destination", fix)
            continue
        named = [one for one in _WAYS if given.get(one)]
        if len(named) != 1:
            problem = f"{name} names {'two ways' if named else 'no way'} to tell anybody"
            add(("messages", name), problem, f"write one of {', '.join(_WAYS)}")
            continue
        reader = _Reader(name, given, environ, add)
        way = _WAYS[named[0]](reader)
        if way is not None:
            yield Destination(name=name, way=way, rules=tuple(_rules(name, given, values, add)))


def _rules(name: str, given: Mapping[str, Any], values: Mapping[str, Any], add: _Add) -> Iterator[Rule]:
    if given.get("rules") is None:
        yield Rule()
    known = values.get("projects") or {}
    for said in given.get("rules") or ():
        one = said or {}
        for project in one.get("projects") or ():
            if project and project not in known:
                add(
                    ("messages", name, "rules"),
                    f"no project {project} is followed",
                    f"write one of {', '.join(known)}",
                )
        yield Rule(
            projects=_texts(one.get("projects")),
            environments=_texts(one.get("environments")),
            events=frozenset(Subject(event) for event in _texts(one.get("events"))),
        )


def _texts(given: Any) -> frozenset[str]:
    return frozenset(one for one in given or () if one)


@dataclass(frozen=True, slots=True)
class _Reader:
    """One destination's keys, and where its secret is."""

    name: str
    given: Mapping[str, Any]
    environ: Mapping[str, str]
    add: _Add

    def slack(self) -> Way | None:
        token = self.secret("the bot's token")
        api = self.given.get("api") or "https://slack.com/api"
        if token is None or not self.is_usable(("api",), api):
            return None
        return Slack(channel=self.given["slack"], token=token, api=api.rstrip("/"))

    def slack_webhook(self) -> Way | None:
        url = self.secret("its whole URL")
        if url is None:
            return None
        try:
            check_url(url)
        except BadInput:
            self.wrong((), f"the secret of {self.name} is no https URL", "give the URL that Slack shows")
            return None
        return SlackWebhook(url=url)

    def webhook(self) -> Way | None:
        url, secret = self.given["webhook"], self.secret("whsec_ and its key in base64")
        if secret is None or not self.is_usable(("webhook",), url):
            return None
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        # Source: Standard Webhooks, "Signature scheme": between 24 and 64 bytes.
        if not 24 <= len(key) <= 64:
            fix = 'make one: echo "whsec_$(openssl rand -base64 32)"'
            self.wrong((), f"the secret of {self.name} is not 24 to 64 bytes in base64", fix)
            return None
        return Webhook(url=url, key=key)

    def mail(self) -> Way | None:
        said = self.given["mail"]
        host, _, port = (said.get("server") or "").rpartition(":")
        host, security, user = host.strip("[]"), said.get("security") or "starttls", said.get("user")
        to = tuple(one for one in said.get("to") or () if one)
        if not (host and said.get("from")) or len(to) < len(said.get("to") or ()):
            return None  # it was told
        if not to:
            self.wrong(("mail",), f"{self.name} mails nobody", "add to: with addresses")
            return None
        if int(port) > 65_535:
            self.wrong(
                ("mail", "server"), f"{said['server']} has no port that there is", "write one up to 65535"
            )
            return None
        for key, address in (("from", said["from"]), *(("to", one) for one in to)):
            if not _is_address(address):
                self.wrong(("mail", key), f"{address!r} is no address", "write name@example.org")
                return None
        if security == "none" and not is_own_machine(host):
            fix = "write security: starttls or tls"
            self.wrong(("mail", "security"), f"{host} is another machine, and anybody could read it", fix)
            return None
        password = self.secret(f"the password of {user}") if user else None
        if user and password is None:
            return None
        return Mail(
            host=host,
            port=int(port),
            security=security,
            user=user,
            password=password,
            sender=said["from"],
            to=to,
        )

    def deployments(self) -> Way | None:
        return Deployments()

    def secret(self, what: str) -> str | None:
        word = self.name.upper().replace("-", "_")
        text, file = self.environ.get(_SECRET + word), self.environ.get(_FILE + word)
        if file and not text:
            try:
                text = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, ValueError):
                self.wrong((), f"the file that {_FILE}{word} names cannot be read", "name another one")
                return None
        if not text:
            fix = f"set {_SECRET}{word}, or {_FILE}{word} to the path of a file that holds it"
            self.wrong((), f"there is no secret of {self.name}: {what}", fix)
        return text or None

    def is_usable(self, path: tuple[str, ...], url: str) -> bool:
        try:
            check_url(url)
        except BadInput as error:
            self.wrong(path, error.problem, error.fix or "")
            return False
        return True

    def wrong(self, path: tuple[str, ...], problem: str, fix: str) -> None:
        self.add(("messages", self.name, *path), problem, fix)


_WAYS: Mapping[str, Callable[[_Reader], Way | None]] = {
    "slack": _Reader.slack,
    "slackWebhook": _Reader.slack_webhook,
    "webhook": _Reader.webhook,
    "mail": _Reader.mail,
    "deployments": _Reader.deployments,
}


def _is_address(text: str) -> bool:
    """Whether it is a plain address, without a name before it."""
    try:
        address = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        return False
    return bool(address.username and address.domain) and text.isascii() and text.isprintable()
