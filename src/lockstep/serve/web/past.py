"""What happened: pages, JSON and exports of the history. Without one they say so."""

import csv
import datetime
import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from lockstep.errors import LockstepError
from lockstep.render.cells import printable
from lockstep.render.wire import compact
from lockstep.serve.clock import WALL
from lockstep.serve.following import Follower
from lockstep.serve.web.asked import answer, number_of, query_of
from lockstep.serve.web.drawing import bars
from lockstep.serve.web.pages import render
from lockstep.serve.web.visitor import scope_of
from lockstep.store.entries import Event, Scope

if TYPE_CHECKING:
    from lockstep.store.history import History

__all__ = ["Past"]

_PAGE = 50
_DAYS = 30  # of drift that are drawn
_EXPORTED = 500  # events that are read at once
_COLUMNS = ("at", "project", "target", "kind", "version", "actor", "words", "commit", "source", "run")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class Past:
    """The history, asked by address."""

    def __init__(self, followers: Sequence[Follower], history: "History | None") -> None:
        self._followers = followers
        self._history = history

    @property
    def routes(self) -> list[Route]:
        """Where it is asked."""
        pages = {
            "/runs": self._runs,
            "/runs/{run}": self._run,
            "/drift": self._drift,
            "/audit": self._audit,
        }
        documents = {
            "/api/v1/runs": self._runs_document,
            "/api/v1/runs/{run}": self._run_document,
            "/api/v1/drift": self._drift_document,
            "/api/v1/events": self._events_document,
        }
        exports = {"/audit.csv": self._csv, "/audit.jsonl": self._lines}
        return [
            *(Route(path, self._shown(page)) for path, page in pages.items()),
            *(Route(path, self._told(page)) for path, page in documents.items()),
            *(Route(path, self._told(page)) for path, page in exports.items()),
        ]

    def _shown(self, page: Callable[["History", Request], Response]) -> Callable[[Request], Response]:
        """The page, or one that says why there is none."""

        def show(request: Request) -> Response:
            try:
                if self._history is None:
                    return HTMLResponse(render("nothing.html", why="No history is kept here."), 503)
                return page(self._history, request)
            except LockstepError as error:
                return HTMLResponse(render("nothing.html", why=f"The history cannot be read: {error}"), 503)

        return show

    def _told(self, page: Callable[["History", Request], Response]) -> Callable[[Request], Response]:
        """The answer, or an error in JSON."""

        def tell(request: Request) -> Response:
            try:
                if self._history is None:
                    return answer({"error": "no history is kept here"}, 503)
                return page(self._history, request)
            except LockstepError as error:
                return answer({"error": f"the history cannot be read: {error}"}, 503)

        return tell

    @property
    def _scope(self) -> Scope:
        return scope_of(self._followers)

    def _runs(self, history: "History", request: Request) -> Response:
        return _listed("runs.html", "runs", request, partial(history.runs, scope=self._scope))

    def _drift(self, history: "History", request: Request) -> Response:
        asked, today = request.query_params, WALL.now().date()
        counts = history.drift_by_day(
            [(today - datetime.timedelta(days=back)).isoformat() for back in reversed(range(_DAYS))],
            project=asked.get("project", ""),
            query=query_of(asked),
            scope=self._scope,
        )
        read = partial(history.drifts, scope=self._scope)
        return _listed("drift.html", "drifts", request, read, over_time=bars(counts))

    def _run(self, history: "History", request: Request) -> Response:
        found = history.run(request.path_params["run"], scope=self._scope)
        if found is None:
            return HTMLResponse(render("nothing.html", why="There is no such run (any more)."), 404)
        return HTMLResponse(render("run.html", run=found[0], steps=found[1]))

    def _audit(self, history: "History", request: Request) -> Response:
        asked = request.query_params
        query, project = query_of(asked), asked.get("project", "")
        found = history.events(
            query=query, project=project, before=_before(asked), limit=_PAGE + 1, scope=self._scope
        )
        older = found[_PAGE - 1].id if len(found) > _PAGE else None
        events = found[:_PAGE]
        return HTMLResponse(render("audit.html", events=events, query=query, project=project, older=older))

    def _runs_document(self, history: "History", request: Request) -> Response:
        return _document("runs", request, partial(history.runs, scope=self._scope))

    def _drift_document(self, history: "History", request: Request) -> Response:
        return _document("drift", request, partial(history.drifts, scope=self._scope))

    def _run_document(self, history: "History", request: Request) -> Response:
        found = history.run(request.path_params["run"], scope=self._scope)
        if found is None:
            return answer({"error": "there is no such run"}, 404)
        run, steps = found
        told = {**asdict(run), "steps": [asdict(step) for step in steps]}
        return answer({"format": "lockstep.run/1", "run": told})

    def _events_document(self, history: "History", request: Request) -> Response:
        asked = request.query_params
        found = history.events(
            query=query_of(asked),
            project=asked.get("project", ""),
            target=asked.get("target", ""),
            before=_before(asked),
            limit=_PAGE,
            scope=self._scope,
        )
        return answer({"format": "lockstep.events/1", "events": [asdict(one) for one in found]})

    def _csv(self, history: "History", request: Request) -> Response:
        cells = (
            [_cell(getattr(one, name)) for name in _COLUMNS] for one in _all(history, request, self._scope)
        )
        lines = (_csv_line(line) for line in itertools.chain([_COLUMNS], cells))
        return _file(lines, "text/csv; charset=utf-8", "audit.csv")

    def _lines(self, history: "History", request: Request) -> Response:
        lines = ("".join(compact(asdict(one))) + "\n" for one in _all(history, request, self._scope))
        return _file(lines, "application/jsonl", "audit.jsonl")


def _listed(
    name: str, what: str, request: Request, read: Callable[..., list[Any]], **more: object
) -> Response:
    """A page of a listing, with whether there is another."""
    asked = request.query_params
    query, project, page = query_of(asked), asked.get("project", ""), number_of(asked)
    found = read(project=project, query=query, limit=_PAGE + 1, skip=(page - 1) * _PAGE)
    shown = {what: found[:_PAGE], "query": query, "project": project, "page": page}
    return HTMLResponse(render(name, **shown, **more, is_last=len(found) <= _PAGE))


def _document(what: str, request: Request, read: Callable[..., list[Any]]) -> Response:
    asked = request.query_params
    skip = (number_of(asked) - 1) * _PAGE
    found = read(project=asked.get("project", ""), query=query_of(asked), limit=_PAGE, skip=skip)
    return answer({"format": f"lockstep.{what}/1", what: [asdict(one) for one in found]})


def _before(asked: Mapping[str, str]) -> int | None:
    return number_of(asked, "before") if "before" in asked else None


def _all(history: "History", request: Request, scope: Scope) -> Iterator[Event]:
    """All events that are asked for, the newest first, a part at a time; the first part is read at once."""
    asked = request.query_params
    query, project = query_of(asked), asked.get("project", "")
    read = partial(history.events, query=query, project=project, limit=_EXPORTED, scope=scope)
    first = read()

    def each() -> Iterator[Event]:
        found = first
        while found:
            yield from found
            found = read(before=found[-1].id)

    return each()


def _cell(value: object) -> str:
    """A text that no spreadsheet takes for a formula."""
    text = printable(str(value if value is not None else ""))
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _file(lines: Iterator[str], kind: str, name: str) -> Response:
    """A file to keep, sent while it is made."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type=kind, headers=headers)
