"""Whether a process without a page lives, whether it could do anything, and its figures: all it answers."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from lockstep.errors import LockstepError

__all__ = ["KIND", "health_app"]

KIND = "text/plain; version=0.0.4; charset=utf-8"
"""Of figures for Prometheus."""


def health_app(
    is_alive: Callable[[], bool], check: Callable[[], None], figures: Callable[[], str]
) -> Starlette:
    """The application; ``check`` raises LockstepError while the database does not answer."""

    def healthz(request: Request) -> Response:
        """Whether everything that it began goes on."""
        is_well = is_alive()
        return PlainTextResponse("ok\n" if is_well else "a part of it has ended\n", 200 if is_well else 503)

    def readyz(request: Request) -> Response:
        """Whether it could take a turn."""
        try:
            check()
        except LockstepError as error:
            return PlainTextResponse(f"the database does not answer: {error.problem}\n", 503)
        return PlainTextResponse("ok\n")

    def metrics(request: Request) -> Response:
        """Figures for Prometheus, of what this process does."""
        return PlainTextResponse(figures(), media_type=KIND)

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    )
