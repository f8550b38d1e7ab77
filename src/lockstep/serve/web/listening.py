"""Answering, in a thread of its own, until the controller ends."""

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
    from lockstep.store.history import History

__all__ = ["listening"]

_GRACE = 3  # seconds that open requests have at the end
_MOST = 700  # connections at once


@contextlib.contextmanager
def listening(
    address: tuple[str, int],
    followers: Sequence[Follower],
    history: "History | None",
    *,
    access: Callable[[], Access],
    hook_secret: str | None,
    login_secret: str | None,
) -> Iterator[str]:
    """Answer at the address while the block runs; yields its URL. BadInput where nobody can listen there."""
    try:
        import uvicorn

        from lockstep.serve.web.admission import Admission
        from lockstep.serve.web.app import make_app
        from lockstep.serve.web.providers import provider_of
    except ImportError as error:
        raise BadInput(
            f"the page needs what is not installed ({error.name})",
            where="listen",
            fix="pip install 'lockstep-gitops[serve]'; without listen it is not needed",
        ) from None
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        place = socket.create_server(address, family=family)
    except OSError as error:
        raise BadInput(
            f"{address[0]}:{address[1]} cannot be listened at: {error.strerror}",
            where="listen",
            fix="name a port that nobody uses",
        ) from None
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # what is no HTTP is answered, and not told
    is_over, login = threading.Event(), access().login
    config = uvicorn.Config(
        make_app(
            followers,
            history,
            secret=hook_secret,
            admission=Admission(
                access,
                history.sessions if history is not None else None,
                provider_of(login, login_secret) if login is not None else None,
            ),
            is_over=is_over.is_set,
        ),
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
