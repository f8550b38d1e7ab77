"""Answering, in a thread of its own, until the controller ends: pages, or whether it lives."""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from lockstep.errors import BadInput
from lockstep.serve.access import Access
from lockstep.serve.following import Follower

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from lockstep.store.history import History

__all__ = ["HEALTH", "answering_health", "listening"]

HEALTH = ("127.0.0.1", 8322)
"""Where a process without a page is asked, unless its file says otherwise."""

_GRACE = 3  # seconds that open requests have at the end
_MOST = 700  # connections at once


@contextlib.contextmanager
def listening(
    address: tuple[str, int],
    followers: Sequence[Follower],
    history: "History | None",
    *,
    working: Sequence[Follower],
    access: Callable[[], Access],
    hook_secret: str | None,
    login_secret: str | None,
) -> Iterator[str]:
    """Answer at the address while the block runs; yields its URL. BadInput where nobody can listen there.

    ``working`` are the followers of this process that do what is due.
    """
    try:
        from lockstep.serve.web.admission import Admission
        from lockstep.serve.web.app import make_app
        from lockstep.serve.web.providers import provider_of
    except ImportError as error:
        raise BadInput(
            f"the page needs what is not installed ({error.name})",
            where="listen",
            fix="pip install 'lockstep-gitops[serve]'; without listen it is not needed",
        ) from None
    is_over, login = threading.Event(), access().login
    app = make_app(
        followers,
        history,
        secret=hook_secret,
        working=working,
        admission=Admission(
            access,
            history.sessions if history is not None else None,
            provider_of(login, login_secret) if login is not None else None,
        ),
        is_over=is_over.is_set,
    )
    with _answering(address, app, is_over, where="listen") as url:
        yield url


@contextlib.contextmanager
def answering_health(
    address: tuple[str, int],
    is_alive: Callable[[], bool],
    history: "History",
    working: Sequence[Follower],
) -> Iterator[str]:
    """Say at the address whether a process without a page lives, whether its database answers, and what it
    does. Yields the URL. BadInput where nobody can listen there.
    """
    from lockstep.serve.web.figures import work_figures
    from lockstep.serve.web.health import health_app

    app = health_app(is_alive, history.check, lambda: work_figures(working))
    with _answering(address, app, threading.Event(), where="health") as url:
        yield url


@contextlib.contextmanager
def _answering(
    address: tuple[str, int], app: "ASGIApp", is_over: threading.Event, *, where: str
) -> Iterator[str]:
    """Answer while the block runs; at its end ``is_over`` is set."""
    import uvicorn

    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        place = socket.create_server(address, family=family)
    except OSError as error:
        raise BadInput(
            f"{address[0]}:{address[1]} cannot be listened at: {error.strerror}",
            where=where,
            fix="name a port that nobody uses",
        ) from None
    # Connections inherit it. asyncio sets it on sockets that name TCP alone; without it the end of an answer
    # waits until the client has acknowledged its beginning, for which it takes 40 ms.
    place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # what is no HTTP is answered, and not told
    config = uvicorn.Config(
        app,
        access_log=False,
        http="h11",
        limit_concurrency=_MOST,
        lifespan="off",
        log_config=None,
        loop="asyncio",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        ws="none",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, name="page")
    host, port = place.getsockname()[:2]
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    finally:
        is_over.set()
        server.should_exit = True
        thread.join()
        place.close()
