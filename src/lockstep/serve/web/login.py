"""Logging in and out, and the sessions there are."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from lockstep.errors import LockstepError
from lockstep.model.foreign import read_json
from lockstep.model.roles import Role
from lockstep.serve.web.admission import Admission
from lockstep.serve.web.asked import form_of
from lockstep.serve.web.identity import Denied, Provider, Unreachable
from lockstep.serve.web.pages import render
from lockstep.serve.web.sealing import seal, unseal
from lockstep.serve.web.visitor import visitor
from lockstep.store.entries import Session

__all__ = ["Logins", "within"]

_PATIENCE = 600  # seconds in which somebody has to come back
_BACK = "/login/callback"


def within(address: str) -> str:
    """The address where it is one of this page's own, else the first page: nobody is sent elsewhere."""
    parts = urlsplit(address) if address.isprintable() and "\\" not in address else None
    is_own = parts is not None and not parts.scheme and not parts.netloc and parts.path.startswith("/")
    return address if is_own and not address.startswith("//") else "/"


class Logins:
    """The addresses of a provider's login."""

    def __init__(self, admission: Admission, provider: Provider) -> None:
        self._admission = admission
        self._provider = provider
        self._own = secrets.token_urlsafe(32)  # a login that is under way does not outlive the process

    @property
    def routes(self) -> list[Route]:
        """Where it is asked."""
        return [
            Route("/login", self.begin),
            Route(_BACK, self.finish),
            Route("/logout", self.end, methods=["POST"]),
            Route("/logged-out", lambda request: _page("Nobody is logged in here any more.", 200)),
            Route("/sessions", self.sessions),
            Route("/sessions/end", self.end_one, methods=["POST"]),
        ]

    @property
    def _back(self) -> str:
        return f"{self._admission.access.url}{_BACK}"

    @property
    def _cookie(self) -> str:
        return f"{self._admission.door.name}-login"

    def begin(self, request: Request) -> Response:
        """Send the browser to the provider, and remember why in a cookie that only this process reads."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        try:
            address = self._provider.address(back=self._back, state=state, nonce=nonce, challenge=challenge)
        except (Denied, Unreachable) as error:
            return _page(f"Nobody can log in now: {error}", 503)
        begun = {
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "next": within(request.query_params.get("next", "/")),
            "until": self._admission.now().timestamp() + _PATIENCE,
        }
        answer = RedirectResponse(address, 303)
        self._set(answer, self._cookie, seal(json.dumps(begun), self._own), age=_PATIENCE)
        return answer

    def finish(self, request: Request) -> Response:
        """The browser is back: begin a session, when it is the browser that was sent."""
        asked = request.query_params
        begun = self._begun(request)
        if begun is None or not hmac.compare_digest(
            str(begun["state"]).encode(), asked.get("state", "").encode()
        ):
            return _page("This login began elsewhere, or too long ago.", 400)
        try:
            if "code" not in asked:
                raise Denied(str(asked.get("error", "no code came back"))[:200])
            person = self._provider.finish(
                asked["code"], back=self._back, verifier=str(begun["verifier"]), nonce=str(begun["nonce"])
            )
            old = request.cookies.get(self._admission.door.name, "")
            secret = self._admission.begin(person, instead_of=old)
        except Denied as error:
            return self._over(_page(f"The login was refused: {error}", 403))
        except (Unreachable, LockstepError) as error:
            return self._over(_page(f"Nobody can log in now: {error}", 503))
        answer = self._over(RedirectResponse(str(begun["next"]), 303))
        self._set(answer, self._admission.door.name, secret)
        return answer

    async def end(self, request: Request) -> Response:
        """Log out: the session is none any more, wherever its cookie is."""
        await form_of(request)
        if self._admission.sessions is not None and visitor().session:
            self._admission.sessions.end(visitor().session)
        answer = RedirectResponse("/logged-out", 303)
        answer.delete_cookie(self._admission.door.name)
        return answer

    def sessions(self, request: Request) -> Response:
        """One's own sessions; who is admin of all projects sees everybody's."""
        return HTMLResponse(render("sessions.html", sessions=self._shown(), own=visitor().session))

    async def end_one(self, request: Request) -> Response:
        """End a session that is shown."""
        form = await form_of(request)
        if self._admission.sessions is not None and any(one.id == form.get("id") for one in self._shown()):
            self._admission.sessions.end(form["id"])
        return RedirectResponse("/sessions", 303)

    def _shown(self) -> list[Session]:
        if self._admission.sessions is None or not visitor().session:
            return []
        is_admin = self._admission.access.grants.may(visitor().who, Role.ADMIN, "")
        now = self._admission.now().isoformat(timespec="milliseconds")
        subject = None if is_admin else visitor().subject
        return self._admission.sessions.all(now, subject=subject)

    def _begun(self, request: Request) -> Mapping[str, object] | None:
        text = unseal(request.cookies.get(self._cookie, ""), self._own)
        begun = read_json(text) if text is not None else None
        return begun if begun and begun["until"] > self._admission.now().timestamp() else None

    def _over(self, answer: Response) -> Response:
        """Forget what the login began with: it is of no use a second time."""
        self._set(answer, self._cookie, "", age=0)
        return answer

    def _set(self, answer: Response, name: str, value: str, *, age: int | None = None) -> None:
        is_secure = self._admission.door.is_secure
        answer.set_cookie(name, value, max_age=age, secure=is_secure, httponly=True, samesite="lax")


def _page(why: str, status: int) -> Response:
    return HTMLResponse(render("nothing.html", why=why, again="/login?" + urlencode({"next": "/"})), status)
