"""Who is let in: by the cookie of a session, by a token, or anybody of this machine where nobody logs in."""

import datetime
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lockstep.errors import LockstepError
from lockstep.model.foreign import read_json
from lockstep.model.roles import Who
from lockstep.serve.access import Access, digest_of
from lockstep.serve.clock import WALL
from lockstep.serve.web.asked import answer
from lockstep.serve.web.identity import Denied, Person, Provider, Unreachable
from lockstep.serve.web.sealing import seal, unseal
from lockstep.serve.web.visitor import Visitor, entering
from lockstep.store.entries import Session
from lockstep.store.sessions import Sessions
from lockstep.values import dataclass

__all__ = ["OPEN", "Admission", "Admitted"]

OPEN = ("/hooks/", "/healthz", "/readyz", "/static/", "/login", "/logged-out")
"""What is answered to everybody."""
_FRESH = datetime.timedelta(minutes=5)  # that groups are taken for what they were
_LONGEST = datetime.timedelta(hours=1)  # the same, while the provider cannot be asked
_QUIET = datetime.timedelta(seconds=30)  # in which one that could not be asked is left alone
_PROGRAMS = ("/api/", "/metrics")
_SAFE = ("GET", "HEAD")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Door:
    """What a browser brings: the name of its cookie, and whether it only sends it encrypted."""

    name: str
    is_secure: bool


class Admission:
    """Finds out who asks, and keeps sessions."""

    def __init__(
        self,
        access: Access | Callable[[], Access],
        sessions: Sessions | None,
        provider: Provider | None,
        now: Callable[[], datetime.datetime] = WALL.now,
    ) -> None:
        self._access = access if callable(access) else lambda: access
        self.sessions = sessions
        self.provider = provider
        self.now = now
        is_secure = (self.access.url or "").startswith("https://")
        self.door = _Door(name="__Host-lockstep" if is_secure else "lockstep", is_secure=is_secure)
        self._own = secrets.token_urlsafe(32)  # of forms, where nobody logs in
        self._lock = threading.Lock()
        self._quiet = datetime.datetime.min.replace(tzinfo=datetime.UTC)

    @property
    def access(self) -> Access:
        """Who may ask, as the file says at the moment."""
        return self._access()

    def visitor(self, headers: Headers) -> Visitor | None:
        """Who asks; None for nobody who is known. Raises LockstepError when sessions cannot be read."""
        given = headers.get("authorization")
        if given is not None:
            kind, _, token = given.partition(" ")
            who = self.access.bearer(token.strip(), self.now().date()) if kind.lower() == "bearer" else None
            return Visitor(who=who, secret=self._own) if who is not None else None
        if self.provider is None:
            somebody = Who(name="somebody at this machine", roles=self.access.anybody)
            return Visitor(who=somebody, secret=self._own)
        secret = cookie_parser(headers.get("cookie", "")).get(self.door.name, "")
        session = self._session(secret) if secret else None
        if session is None:
            return None
        who = Who(name=session.name, groups=frozenset(session.groups))
        return Visitor(who=who, secret=secret, session=session.id, subject=session.subject)

    def begin(self, person: Person, *, instead_of: str) -> str:
        """A session with an id that nobody had before; ends the one that the browser had."""
        assert self.sessions is not None  # noqa: S101 - nobody logs in without
        assert self.access.login is not None  # noqa: S101
        secret, now = secrets.token_urlsafe(32), self.now()
        session = Session(
            id=digest_of(secret),
            subject=person.subject,
            name=person.name,
            groups=person.groups,
            began=_written(now),
            checked=_written(now),
            ends=_written(now + datetime.timedelta(seconds=self.access.login.session)),
            sealed=seal(json.dumps(person.kept), secret),
        )
        self.sessions.begin(session, instead_of=digest_of(instead_of) if instead_of else "")
        return secret

    def _session(self, secret: str) -> Session | None:
        """Whose it is, with groups that are not older than five minutes."""
        assert self.sessions is not None  # noqa: S101 - as above
        now = self.now()
        session = self.sessions.find(digest_of(secret), _written(now))
        if session is None or _is_fresh(session, now, _FRESH):
            return session
        with self._lock:  # one at a time: a refresh token that is used twice may end all of its family
            session = self.sessions.find(session.id, _written(now))
            if session is None or _is_fresh(session, now, _FRESH):
                return session
            if now < self._quiet:
                return session if _is_fresh(session, now, _LONGEST) else None
            return self._again(self.sessions, session, secret, now)

    def _again(
        self, sessions: Sessions, session: Session, secret: str, now: datetime.datetime
    ) -> Session | None:
        assert self.provider is not None  # noqa: S101 - as above
        try:
            kept = unseal(session.sealed, secret)
            if kept is None:
                raise Denied("it was sealed by somebody else")
            person = self.provider.again(read_json(kept), session.subject)
        except Denied:
            sessions.end(session.id)
            return None
        except Unreachable:
            self._quiet = now + _QUIET
            return session if _is_fresh(session, now, _LONGEST) else None
        sealed = seal(json.dumps(person.kept), secret)
        sessions.check(session.id, at=_written(now), name=person.name, groups=person.groups, sealed=sealed)
        return replace(session, name=person.name, groups=person.groups)


def _is_fresh(session: Session, now: datetime.datetime, age: datetime.timedelta) -> bool:
    """Whether it was checked a while ago at most; a clock that was set back makes nothing fresh."""
    since = now - datetime.datetime.fromisoformat(session.checked)
    return datetime.timedelta(0) <= since < age


def _written(moment: datetime.datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


class Admitted:
    """Answers as ``app`` does, to those who are let in; what changes something has to come from its pages."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path, headers = scope["path"], Headers(scope=scope)
        if path.startswith(OPEN):
            await self._app(scope, receive, send)
            return
        try:
            visitor = await run_in_threadpool(self._admission.visitor, headers)
        except LockstepError as error:
            await _refusal(path, f"who is logged in cannot be read: {error}", 503)(scope, receive, send)
            return
        if visitor is None:
            await self._stranger(scope, path)(scope, receive, send)
            return
        if scope["method"] not in _SAFE and not visitor.who.is_program and not self._is_own(headers):
            await _refusal(path, "another site sent this", 403)(scope, receive, send)
            return
        entering(visitor)
        await self._app(scope, receive, send)

    def _stranger(self, scope: Scope, path: str) -> Response:
        if path.startswith(_PROGRAMS) or scope["method"] not in _SAFE:
            refusal = _refusal(path, "log in, or send a token that is taken", 401)
            refusal.headers["www-authenticate"] = "Bearer"
            return refusal
        if self._admission.provider is None:
            return _refusal(path, "the token is not known, or not any more", 401)
        asked = scope["query_string"].decode("latin-1")
        return RedirectResponse("/login?" + urlencode({"next": f"{path}?{asked}" if asked else path}), 303)

    def _is_own(self, headers: Headers) -> bool:
        """Whether a page of this address sent it, as far as the browser says."""
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return False
        origin = headers.get("origin")
        host = urlsplit(self._admission.access.url).netloc if self._admission.access.url else None
        return origin is None or urlsplit(origin).netloc in (host or headers.get("host"), headers.get("host"))


def _refusal(path: str, words: str, status: int) -> Response:
    is_api = path.startswith("/api/")
    return answer({"error": words}, status) if is_api else PlainTextResponse(f"{words}\n", status)
