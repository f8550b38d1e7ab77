"""Buttons: what would come of a verb, a form with the reason, and the order; the same in JSON."""

import re
from collections.abc import Mapping, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from lockstep.errors import LockstepError
from lockstep.model import StatusRow
from lockstep.render.cells import printable
from lockstep.serve.following import Follower
from lockstep.serve.orders import Order, OrderVerb, TooMany
from lockstep.serve.web.asked import answer, document_of, form_of
from lockstep.serve.web.intake import AGAIN
from lockstep.serve.web.pages import render
from lockstep.serve.web.visitor import may, seen_by, visitor

__all__ = ["PATH", "Acting", "shown_verbs", "verbs_for"]

PATH = "/act/"
_LONGEST = 1000  # characters of a reason
_WITH_VERSION = (OrderVerb.PROMOTE, OrderVerb.ROLLBACK)
_OF_ROLLOUTS = (OrderVerb.APPROVE, OrderVerb.PAUSE, OrderVerb.RESUME, OrderVerb.ABORT)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@:-]{0,199}")


def verbs_for(follower: Follower, row: StatusRow) -> list[OrderVerb]:
    """What who asks may do with a target, and what makes sense for it."""
    project = follower.project
    is_ours, is_preview = row.deployment_type == "lambda", row.environment.startswith("preview/")
    is_rolling = row.progress is not None and row.progress.is_under_way

    waiting = follower.seen.waiting.get(row.target)

    def makes_sense(verb: OrderVerb) -> bool:
        if verb is OrderVerb.SYNC:
            return is_ours
        if verb is OrderVerb.MERGE:
            return waiting is not None and waiting.number is not None
        return is_rolling if verb in _OF_ROLLOUTS else not is_preview

    return [one for one in OrderVerb if may(one.role, project, row.environment) and makes_sense(one)]


def shown_verbs(follower: Follower, row: StatusRow) -> list[OrderVerb]:
    """The same without what would come to nothing: to hold what is held, to release what is not."""
    held = follower.is_held(row.target)
    idle = None if held is None else OrderVerb.HOLD if held else OrderVerb.RELEASE_HOLD
    return [verb for verb in verbs_for(follower, row) if verb is not idle]


class Acting:
    """Orders, asked by address."""

    def __init__(self, followers: Sequence[Follower]) -> None:
        self._followers = {one.project.name: one for one in followers}

    @property
    def routes(self) -> list[Route]:
        """Where they are asked."""
        return [
            Route(PATH + "{verb}/{project}/{target:path}", self.show),
            Route(PATH + "{verb}/{project}/{target:path}", self.order, methods=["POST"]),
            Route("/api/v1/orders", self.order_document, methods=["POST"]),
        ]

    def show(self, request: Request) -> Response:
        """What would come of it, with the form; nothing is changed."""
        asked = {**request.path_params, "version": request.query_params.get("version", "")}
        follower, order = self._order(asked)
        lines, problem = [], ""
        try:
            lines = follower.look_ahead(order)
        except LockstepError as error:
            problem = str(error)
        page = render(
            "act.html",
            project=follower.project.name,
            order=order,
            takes_version=order.verb in _WITH_VERSION,
            lines=lines,
            problem=problem,
        )
        return HTMLResponse(page, 409 if problem else 200)

    async def order(self, request: Request) -> Response:
        """Take the order; its run is what is shown next."""
        form = await form_of(request)
        try:
            follower, order = self._order({**form, **request.path_params})
            run = await run_in_threadpool(follower.ask, order)
        except TooMany as error:
            return PlainTextResponse(f"{error}\n", 503, dict(AGAIN))
        except LockstepError as error:
            return PlainTextResponse(f"{error}\n", 409)
        return RedirectResponse(f"/runs/{run}", 303)

    async def order_document(self, request: Request) -> Response:
        """``lockstep.order/1``: the id of the run, or what would come of it where it is ``dryRun``."""
        asked = await document_of(request, ("project", "target", "verb", "reason", "version", "dryRun"))
        is_dry = asked.pop("dryRun", False)
        if not isinstance(is_dry, bool) or not all(isinstance(one, str) for one in asked.values()):
            raise HTTPException(400, "dryRun is true or false, and everything else a text")
        try:
            follower, order = self._order({name: str(value) for name, value in asked.items()})
            lines = await run_in_threadpool(follower.look_ahead, order) if is_dry else []
            run = None if is_dry else await run_in_threadpool(follower.ask, order)
        except TooMany as error:
            refusal = answer({"error": str(error)}, 503)
            refusal.headers.update(AGAIN)
            return refusal
        except LockstepError as error:
            return answer({"error": str(error)}, 409)
        return answer({"format": "lockstep.order/1", "run": run, "lines": lines}, 200 if is_dry else 202)

    def _order(self, asked: Mapping[str, str]) -> tuple[Follower, Order]:
        """The order, where who asks may give it; HTTPException otherwise."""
        follower = self._followers.get(asked.get("project", ""))
        seen = seen_by(follower) if follower is not None else None
        row = seen.rows.get(asked.get("target", "")) if seen is not None else None
        if follower is None or row is None:
            raise HTTPException(404, "there is no such target")
        try:
            verb = OrderVerb(asked.get("verb", ""))
        except ValueError:
            raise HTTPException(404, "there is no such verb") from None
        if not may(verb.role, follower.project, row.environment):
            raise HTTPException(403, f"it takes the role {verb.role} there")
        if verb not in verbs_for(follower, row):
            raise HTTPException(409, f"there is nothing to {verb} there now")
        version = asked.get("version", "") if verb in _WITH_VERSION else ""
        if version and not _VERSION.fullmatch(version):
            raise HTTPException(400, "it is no version")
        reason = " ".join(asked.get("reason", "").split())[:_LONGEST]
        by = " ".join(printable(visitor().who.name).split())[:_LONGEST]  # it goes into a commit's trailer
        order = Order(verb=verb, target=row.target, by=by, reason=reason, version=version or None)
        return follower, order
