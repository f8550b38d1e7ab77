"""What the command line shows of a project, as the documents that its own commands write."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lockstep.errors import LockstepError
from lockstep.model import StatusRow
from lockstep.model.preview import Listed, Preview
from lockstep.model.record import Done, Record
from lockstep.planning.previews import number_of
from lockstep.regexes import regex
from lockstep.render.history import history_document
from lockstep.render.previews import listing_document
from lockstep.render.trying import log_document
from lockstep.serve.deciding import Seen
from lockstep.serve.following import Follower
from lockstep.serve.web.asked import answer
from lockstep.serve.web.pages import Moment
from lockstep.serve.web.visitor import seen_by, sees
from lockstep.store.entries import Event

if TYPE_CHECKING:
    from lockstep.store.history import History

__all__ = ["Telling"]

_LONGEST = 86_400  # seconds of logs
_RECENT = 900
_SECONDS = regex(r"[1-9][0-9]{0,8}")


class Telling:
    """Documents of one project, asked by address."""

    def __init__(
        self, followers: Sequence[Follower], history: "History | None", now: Callable[[], Moment]
    ) -> None:
        self._followers = {one.project.name: one for one in followers}
        self._history = history
        self._now = now

    @property
    def routes(self) -> list[Route]:
        """Where they are asked."""
        documents = {
            "/api/v1/history": self._past,
            "/api/v1/logs": self._logs,
            "/api/v1/previews": self._previews,
        }
        return [Route(path, _told(document)) for path, document in documents.items()]

    def _past(self, request: Request) -> str:
        follower, seen = self._project(request)
        target = _target(request, seen)
        events = self._history.records(follower.project.name, target) if self._history is not None else []
        eras, deployed = follower.history(target, map(_record, events))
        return history_document(target, eras, deployed, self._now().wall)

    def _logs(self, request: Request) -> str:
        follower, seen = self._project(request)
        target = _target(request, seen)
        asked = request.query_params
        if not _SECONDS.fullmatch(given := asked.get("since", str(_RECENT))):
            raise HTTPException(400, "since is a number of seconds")
        return log_document(target, follower.logs(target, since=min(int(given), _LONGEST)))

    def _previews(self, request: Request) -> str:
        """As ``preview list`` tells them; the forge is not asked, so of pull requests nothing is said."""
        follower, seen = self._project(request)
        shown = [(one, ends) for one, ends in follower.previews() if sees(follower.project, one.environment)]
        recorded = {one.number: (one, ends) for one, ends in shown}
        rows: dict[int, list[StatusRow]] = {}
        for row in seen.rows.values():
            if (number := number_of(row.target)) is not None:
                rows.setdefault(number, []).append(row)
        listed = []
        for number in sorted({*recorded, *rows}):
            preview, ends = recorded.get(number, (Preview(number=number), None))
            listed.append(
                Listed(
                    preview=preview,
                    services=tuple(rows.get(number, ())),
                    is_recorded=number in recorded,
                    ends=ends.isoformat(timespec="seconds") if ends is not None else None,
                )
            )
        return listing_document(listed)

    def _project(self, request: Request) -> tuple[Follower, Seen]:
        follower = self._followers.get(request.query_params.get("project", ""))
        seen = seen_by(follower) if follower is not None else None
        if follower is None or seen is None:
            raise HTTPException(404, "there is no such project")
        return follower, seen


def _target(request: Request, seen: Seen) -> str:
    name = request.query_params.get("target", "")
    if name not in seen.rows:
        raise HTTPException(404, "there is no such target")
    return name


def _record(event: Event) -> Record:
    return Record(
        at=event.at,
        done=Done(event.kind.value),
        version=event.version,
        by=event.actor,
        commit=event.commit,
        source=event.source,
        run=event.run,
    )


def _told(document: Callable[[Request], str]) -> Callable[[Request], Response]:
    """The document, or why it cannot be made."""

    def tell(request: Request) -> Response:
        try:
            return Response(document(request), media_type="application/json")
        except LockstepError as error:
            return answer({"error": str(error)}, 502)

    return tell
