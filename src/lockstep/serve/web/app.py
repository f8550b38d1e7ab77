"""The addresses: pages, JSON below ``/api/v1``, health, figures and the webhook."""

import datetime
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockstep.errors import LockstepError
from lockstep.model import StatusRow
from lockstep.render.documents import status_document
from lockstep.serve.access import Access
from lockstep.serve.clock import WALL
from lockstep.serve.deciding import Seen
from lockstep.serve.file import Followed
from lockstep.serve.following import Follower
from lockstep.serve.web.acting import Acting, shown_verbs
from lockstep.serve.web.admission import Admission, Admitted
from lockstep.serve.web.around import Around
from lockstep.serve.web.asked import answer, number_of, query_of
from lockstep.serve.web.figures import figures
from lockstep.serve.web.health import KIND
from lockstep.serve.web.hooks import MOST, Hooks, Refusal, place_of
from lockstep.serve.web.intake import Intake
from lockstep.serve.web.live import Live, State
from lockstep.serve.web.login import Logins
from lockstep.serve.web.openapi import openapi_document
from lockstep.serve.web.pages import Moment, found, matrix_page, render, target_page
from lockstep.serve.web.past import Past
from lockstep.serve.web.telling import Telling
from lockstep.serve.web.visitor import seen_by, seen_of
from lockstep.store.entries import Event

if TYPE_CHECKING:
    from lockstep.store.history import History

__all__ = ["make_app"]

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_OWN = ("localhost", "127.0.0.1", "[::1]")
_RECORDS = 10  # of what became of a target
_LINES = 500  # of logs
_HOOKS = 8  # webhooks that are read at once; what more would say is found by polling
_FOR_ALL = ("/hooks/", "/healthz", "/readyz")


def make_app(
    followers: Sequence[Follower],
    history: "History | None" = None,
    *,
    secret: str | None,
    working: Sequence[Follower] | None = None,
    admission: Admission | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> ASGIApp:
    """The application. Without the webhook's secret announcements are not taken.

    ``working`` are those that do what is due, where ``followers`` only look on.
    Without ``admission`` whoever asks from this machine sees everything. Streams end when it ``is_over``.
    """
    admission = admission or Admission(Access(), None, None)
    hooks = Hooks(secret) if secret else None
    shown = _Shown(followers, followers if working is None else working, history, hooks)
    routes = [
        Route("/", shown.matrix),
        Route("/targets/{project}/{target:path}", shown.target),
        Route("/logs/{project}/{target:path}", shown.logs),
        Route("/api/v1/openapi.json", lambda request: answer(openapi_document())),
        Route("/api/v1/projects", shown.projects),
        Route("/api/v1/projects/{project}/targets", shown.targets),
        Route("/api/v1/projects/{project}/targets/{target:path}", shown.one_target),
        *Acting(followers).routes,
        *Around(followers, _now).routes,
        *Past(followers, history).routes,
        *Telling(followers, history, _now).routes,
        *(Logins(admission, admission.provider).routes if admission.provider is not None else ()),
        Route("/healthz", shown.healthz),
        Route("/readyz", shown.readyz),
        Route("/metrics", shown.metrics),
        Route("/hooks/github", shown.hook, methods=["POST"]),
        Mount("/static", StaticFiles(directory=Path(__file__).with_name("static"))),
    ]

    def state() -> State:
        changes = history.changes if history is not None else 0
        return State(seen=tuple(one.seen for one in followers), changes=changes)

    app = Starlette(routes=routes, exception_handlers={HTTPException: _refused})
    live = Live(Admitted(app, admission), state=state, is_over=is_over)
    return _Guarded(live, urlsplit(admission.access.url or "").netloc)


def _refused(request: Request, error: Exception) -> Response:
    """What is not there, or is asked for in another way than by reading: in the form of its neighbours."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = error.detail if isinstance(error, HTTPException) else "a fault of Lockstep's"
    is_api = request.url.path.startswith("/api/")
    refusal = answer({"error": words}, status) if is_api else PlainTextResponse(f"{words}\n", status)
    refusal.headers.update((error.headers or {}) if isinstance(error, HTTPException) else {})
    return refusal


class _Guarded:
    """Answers nobody who came by another name than its own, and says what browsers may do.

    A page of somebody else whose name leads here (DNS rebinding) must not read this: where nobody logs in
    its names are this machine's, else the one that ``url`` gives as well.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                headers = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                more = [(name, value) for name, value in headers if name not in own]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        if scope["type"] != "http":
            return
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        app = self._app
        is_own = name in _OWN or (self._host != "" and host.lower() == self._host.lower())
        if not is_own and not scope["path"].startswith(_FOR_ALL):
            app = PlainTextResponse(f"ask for it as {self._host or '127.0.0.1 or localhost'}\n", 421)
        await app(scope, receive, guarded)


class _Shown:
    """What followers have seen, in the forms that are asked for."""

    def __init__(
        self,
        followers: Sequence[Follower],
        working: Sequence[Follower],
        history: "History | None",
        hooks: Hooks | None,
    ) -> None:
        self._followers = {one.project.name: one for one in followers}
        self._working = working
        self._history = history
        self._hooks = hooks
        self._intake = Intake(MOST, _HOOKS)
        self._answered: Counter[int] = Counter()  # webhooks, by status

    @property
    def _seen(self) -> list[tuple[Followed, Seen]]:
        """What who asks may see."""
        return [(one.project, seen) for one, seen in seen_of(self._followers.values())]

    def matrix(self, request: Request) -> Response:
        """Services by environments."""
        asked = request.query_params
        problems = asked.get("problems") == "1"
        page = matrix_page(self._seen, query_of(asked), number_of(asked), _now(), problems=problems)
        return HTMLResponse(page)

    def target(self, request: Request) -> Response:
        """One target."""
        project, seen, row = self._row(request)
        if project is None or row is None:
            return PlainTextResponse("there is no such target\n", 404)
        follower = self._followers[project.name]
        page = target_page(
            project,
            seen,
            row,
            _now(),
            verbs=shown_verbs(follower, row),
            values=follower.explained(row.target),
            records=self._records(project.name, row.target),
        )
        return HTMLResponse(page)

    def _records(self, project: str, target: str) -> Sequence[Event]:
        """What became of a target last, the newest first; nothing where the history cannot be read."""
        if self._history is None:
            return ()
        try:
            return self._history.events(project=project, target=target, limit=_RECORDS)
        except LockstepError:
            return ()

    def logs(self, request: Request) -> Response:
        """What one target has logged lately."""
        project, _, row = self._row(request)
        if project is None or row is None:
            return PlainTextResponse("there is no such target\n", 404)
        lines: Sequence[tuple[str, str]] = ()
        problem = ""
        try:
            found = self._followers[project.name].logs(row.target)
            lines = [(_iso(one.at), one.text) for one in found[-_LINES:]]
        except LockstepError as error:
            problem = str(error)
        page = render("logs.html", project=project.name, row=row, lines=lines, problem=problem)
        return HTMLResponse(page, 502 if problem else 200)

    def projects(self, request: Request) -> Response:
        """``lockstep.projects/1``."""
        now = _now()
        return answer(
            {"format": "lockstep.projects/1", "projects": [_project(*one, now) for one in self._seen]}
        )

    def targets(self, request: Request) -> Response:
        """``lockstep.status/1``, of targets whose names hold the words of ``q``."""
        _, seen = self._one(request)
        if seen is None:
            return answer({"error": "there is no such project"}, 404)
        query = query_of(request.query_params)
        document = status_document(found(seen.rows.values(), query), ())
        return Response(document, media_type="application/json")

    def one_target(self, request: Request) -> Response:
        """``lockstep.status/1`` with one target."""
        _, _, row = self._row(request)
        if row is None:
            return answer({"error": "there is no such target"}, 404)
        return Response(status_document([row], ()), media_type="application/json")

    def healthz(self, request: Request) -> Response:
        """Whether every project has somebody who follows it."""
        dead = [name for name, one in self._followers.items() if not one.is_alive]
        words = f"{len(dead)} of {len(self._followers)} projects followed by nobody\n" if dead else "ok\n"
        return PlainTextResponse(words, 503 if dead else 200)

    def readyz(self, request: Request) -> Response:
        """Whether every project was read, in Git and in AWS, once, and the history can be."""
        try:
            if self._history is not None:
                self._history.check()
        except LockstepError as error:
            return PlainTextResponse(f"the history cannot be read: {error.problem}\n", 503)
        waiting = [one.project.name for one in self._followers.values() if one.seen.looked is None]
        words = f"{len(waiting)} of {len(self._followers)} projects not read yet\n" if waiting else "ok\n"
        return PlainTextResponse(words, 503 if waiting else 200)

    def metrics(self, request: Request) -> Response:
        """Figures for Prometheus."""
        seen = seen_of(self._followers.values())
        return PlainTextResponse(figures(seen, self._working, self._answered, _now().ticks), media_type=KIND)

    async def hook(self, request: Request) -> Response:
        """Wake whoever follows the repository that an announcement names."""
        try:
            answer = await self._hook(request)
        except HTTPException as refusal:
            self._answered[refusal.status_code] += 1
            raise
        self._answered[answer.status_code] += 1
        return answer

    async def _hook(self, request: Request) -> Response:
        if self._hooks is None:
            return PlainTextResponse("no secret is set, so no announcement is taken\n", 503)
        body = await self._intake.body(request)
        try:
            places = self._hooks.places(
                body,
                signature=request.headers.get("x-hub-signature-256"),
                form=request.headers.get("content-type", ""),
            )
        except Refusal as refusal:
            return PlainTextResponse(f"{refusal.words}\n", refusal.status)
        woken = [one for one in self._followers.values() if place_of(one.project.repository) in places]
        for one in woken:
            one.hint()
        return PlainTextResponse(f"{len(woken)} asked\n", 202)

    def _one(self, request: Request) -> tuple[Follower | None, Seen | None]:
        """The project that is named, where who asks may see any of it."""
        follower = self._followers.get(request.path_params["project"])
        seen = seen_by(follower) if follower is not None else None
        return follower if seen is not None else None, seen

    def _row(self, request: Request) -> tuple[Followed | None, Seen, StatusRow | None]:
        follower, seen = self._one(request)
        if follower is None or seen is None:
            return None, Seen(), None
        return follower.project, seen, seen.rows.get(request.path_params["target"])


def _project(project: Followed, seen: Seen, now: Moment) -> Mapping[str, Any]:
    return {
        "name": project.name,
        "repository": project.shown,
        "commit": seen.at.commit if seen.at else None,
        "targets": len(seen.rows),
        "looked": None if seen.looked is None else now.iso(seen.looked),
        "failing": {
            name: {"why": one.why, "next": now.at(one.at)}
            for name, one in (
                ("git", seen.git),
                ("aws", seen.aws),
                ("promotions", seen.moving),
                ("previews", seen.cleaning),
                *seen.targets.items(),
            )
            if one is not None
        },
        "waiting": {
            target: {
                "version": one.version,
                "why": one.why,
                "next": None if math.isinf(one.at) else now.at(one.at),
                "pull": one.number,
                "url": one.url or None,
            }
            for target, one in seen.waiting.items()
        },
    }


def _iso(milliseconds: int) -> str:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC).isoformat()


def _now() -> Moment:
    return Moment(wall=WALL.now(), ticks=WALL.ticks())
