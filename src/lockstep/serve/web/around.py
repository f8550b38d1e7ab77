"""What goes beyond one target: who calls what, what waits to be promoted, and previews."""

import datetime
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from lockstep.errors import LockstepError
from lockstep.model import StatusRow
from lockstep.model.calling import CallGraph, Standing
from lockstep.model.preview import Preview
from lockstep.model.roles import Role
from lockstep.model.target import environment_of
from lockstep.planning.calling import among
from lockstep.planning.previews import number_of
from lockstep.render.calling import WORDS, label_of, ordered
from lockstep.render.picture import svg_text
from lockstep.serve.deciding import Seen
from lockstep.serve.following import Follower
from lockstep.serve.web.asked import query_of
from lockstep.serve.web.pages import Moment, cell, holds, render
from lockstep.serve.web.visitor import may, seen_of, sees

__all__ = ["PATH", "Around"]

PATH = "/calls"
_TONES: Mapping[Standing, str] = {
    Standing.DECLARED: "other",
    Standing.LIVE: "good",
    Standing.MISSING: "off",
    Standing.UNKNOWN: "unknown",
    Standing.LEFT: "bad",
    Standing.FOREIGN: "other",
}
# The picture brings its own style, and nothing else.
_PICTURE = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}


class Around:
    """Pages of all projects, asked by address."""

    def __init__(self, followers: Sequence[Follower], now: Callable[[], Moment]) -> None:
        self._followers = followers
        self._now = now

    @property
    def routes(self) -> list[Route]:
        """Where they are asked."""
        return [
            Route(PATH, self.calls),
            Route(PATH + "/{project}.svg", self.picture),
            Route("/promotions", self.promotions),
            Route("/previews", self.previews),
        ]

    @property
    def _seen(self) -> list[tuple[Follower, Seen]]:
        """What who asks may see."""
        return seen_of(self._followers)

    def calls(self, request: Request) -> Response:
        """Who calls which functions: a picture, and the same in a table."""
        query = query_of(request.query_params)
        parts = [self._calls(follower, query) for follower, _ in self._seen]
        return HTMLResponse(render("calls.html", projects=parts, query=query))

    def picture(self, request: Request) -> Response:
        """The picture of one project."""
        for follower, _ in self._seen:
            if follower.project.name == request.path_params["project"]:
                target = request.query_params.get("target")
                graph, _ = _graph(follower, query_of(request.query_params), target)
                return Response(svg_text(graph), headers=_PICTURE, media_type="image/svg+xml")
        raise HTTPException(404, "there is no such project")

    def _calls(self, follower: Follower, query: str) -> Mapping[str, Any]:
        graph, problem = _graph(follower, query)
        name = follower.project.name
        labels = {key: (party.target, label_of(party)) for key, party in graph.parties.items()}
        unread: dict[tuple[str, ...], list[str]] = {}
        for key, what in sorted(graph.unread.items()):
            unread.setdefault(what, []).append(graph.parties[key].target)
        asked = f"?{urlencode({'q': query})}" if query else ""
        return {
            "name": name,
            "picture": f"{PATH}/{name}.svg{asked}" if graph.ways else "",
            "problem": problem,
            "ways": [
                (labels[way.source], labels[way.sink], way.words, WORDS[way.standing], _TONES[way.standing])
                for way in ordered(graph)
            ],
            "unread": [(", ".join(what), keys) for what, keys in sorted(unread.items())],
            "notes": graph.notes,
        }

    def promotions(self, request: Request) -> Response:
        """What is not promoted, or not merged, yet: for what it waits, and until when."""
        query, now = query_of(request.query_params), self._now()
        waiting = [
            {
                "project": follower.project.name,
                "target": target,
                "from": seen.rows[target].live if target in seen.rows else None,
                "version": one.version,
                "why": one.why,
                "next": None if math.isinf(one.at) else now.iso(one.at),
                "has_failed": one.count > 0,
                "number": one.number,
                "url": one.url,
                "may_merge": one.number is not None
                and may(Role.PROMOTE, follower.project, environment_of(target)),
            }
            for follower, seen in self._seen
            for target, one in sorted(seen.waiting.items())
            if holds(target, query)
        ]
        troubles = [
            (follower.project.name, seen.moving.why, now.iso(seen.moving.at))
            for follower, seen in self._seen
            if seen.moving is not None
        ]
        page = render("promotions.html", waiting=waiting, troubles=troubles, query=query)
        return HTMLResponse(page)

    def previews(self, request: Request) -> Response:
        """Previews with their age, who changed them last, what runs in them, and when they end."""
        query, now = query_of(request.query_params), self._now()
        listed: list[Mapping[str, Any]] = []
        troubles: list[tuple[str, str]] = []
        for follower, seen in self._seen:
            name = follower.project.name
            try:
                listed += _previews(follower, seen, query, now.wall)
            except LockstepError as error:
                troubles.append((name, str(error)))
        return HTMLResponse(render("previews.html", previews=listed, troubles=troubles, query=query))


def _graph(follower: Follower, query: str, target: str | None = None) -> tuple[CallGraph, str]:
    """The graph of the targets that who asks may see and wants to, and why it is not all of it."""
    try:
        graph, problem = follower.calls()
    except LockstepError as error:
        return CallGraph(), str(error)
    project = follower.project

    def is_shown(key: str) -> bool:
        return sees(project, environment_of(key)) and holds(key, query) and target in (None, key)

    return among(graph, is_shown), problem


def _previews(
    follower: Follower, seen: Seen, query: str, now: datetime.datetime
) -> Iterable[Mapping[str, Any]]:
    """Those that are recorded, and those that only run, the newest first."""
    project = follower.project
    rows: dict[int, list[StatusRow]] = {}
    for row in seen.rows.values():
        if (number := number_of(row.target)) is not None:
            rows.setdefault(number, []).append(row)
    shown = ((one, ends) for one, ends in follower.previews() if sees(project, one.environment))
    recorded = {one.number: (one, ends) for one, ends in shown}
    for number in sorted({*rows, *recorded}, reverse=True):
        preview, ends = recorded.get(number, (Preview(number=number), None))
        own = rows.get(number, [])
        if not any(holds(name, query) for name in (preview.environment, *(row.target for row in own))):
            continue
        last = max(own, key=lambda row: row.changed or "", default=None)
        yield {
            "project": project.name,
            "preview": preview,
            "is_recorded": number in recorded,
            "by": last.author if last is not None else None,
            "ends": ends.isoformat() if ends is not None else None,
            "is_over": ends is not None and ends <= now,
            "services": [(row.service, cell(row, seen)) for row in own],
        }
