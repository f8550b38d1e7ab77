"""Pages that stay as they are asked for: whoever accepts server-sent events gets them again when they change.

The address is the page's own, and so is what is sent: what stands in its ``<main>``, rendered anew, at
first all of it and then the pieces that differ. So a page without script, a page that was loaded a moment
ago and one that lives show the same.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import field
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockstep.serve.web.intake import AGAIN
from lockstep.serve.web.pieces import pieces
from lockstep.values import dataclass

__all__ = ["MOST", "Live", "State"]

MOST = 500  # streams at once; beyond, pages are as old as their loading
_LOOK = 0.02  # seconds between two looks at whether something changed
_BEAT = 15.0  # seconds without a message before an empty one, which finds out who has gone
_WHO = ("host", "cookie", "authorization")  # what tells those apart who ask for one address
_KIND = "text/event-stream"
_OVER = (
    'data: <p role="status">This page is not shown any more: <a href="">load it again</a> to see why.</p>\n\n'
    "event: over\ndata:\n\n"
)  # what was shown before may be what somebody must not see any more
_STILL = ("/act/", "/calls", "/logs/")  # what AWS is asked for each time, and what somebody decides by


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What pages are made of at one time: values that are replaced whole, and how much was written down."""

    seen: tuple[object, ...]
    changes: int

    def is_same(self, other: "State") -> bool:
        """Whether nothing was replaced since, and nothing was written; cheap, whatever the values hold."""
        same = all(one is another for one, another in zip(self.seen, other.seen, strict=True))
        return same and self.changes == other.changes


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """One page at one state, and what it is for those who have it as it was before."""

    state: State
    page: asyncio.Task[str | None]
    messages: dict[str, str] = field(default_factory=dict)


class Live:
    """Answers as ``app`` does, and goes on answering those who want a stream of it.

    When ``state`` is another one, they may have changed. Streams end when
    ``is_over``, or a server with an open one would never stop.
    """

    def __init__(self, app: ASGIApp, *, state: Callable[[], State], is_over: Callable[[], bool]) -> None:
        self._app = app
        self._state = state
        self._is_over = is_over
        self._open = 0
        self._moved = asyncio.Event()  # set when the state is another one, and then replaced
        self._made: dict[tuple[object, ...], _Made] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _wants_stream(scope):
            await self._app(scope, receive, send)
            return
        if self._open >= MOST:
            refusal = PlainTextResponse("too many pages are open\n", 503, dict(AGAIN))
            await refusal(scope, receive, send)
            return
        state = self._state()
        page = await self._page(scope)
        if not page:  # no page, or one that is not there: the answer says so
            await self._app(scope, receive, send)
            return
        self._open += 1
        if self._open == 1:
            self._looking = asyncio.create_task(self._look(state))
        try:
            stream = StreamingResponse(self._pieces(scope, state, page), media_type=_KIND)
            await stream(scope, receive, send)
        finally:
            self._open -= 1
            if not self._open:
                self._looking.cancel()
                self._made.clear()

    async def _pieces(self, scope: Scope, state: State, page: str) -> AsyncIterator[str]:
        yield _message(page)  # it may have changed since it was loaded
        while not self._is_over():
            moved = self._moved
            if (now := self._state()).is_same(state):
                try:
                    await asyncio.wait_for(moved.wait(), _BEAT)
                except TimeoutError:
                    yield ":\n\n"
                continue
            state, made = now, self._again(scope, now)
            new = await asyncio.shield(made.page)
            if new == "":
                yield _OVER
                return
            if new is not None and new != page:
                if (message := made.messages.get(page)) is None:
                    message = made.messages[page] = _message(pieces(page, new) or new)
                page = new
                yield message

    async def _look(self, state: State) -> None:
        """See for all streams whether the state is another one."""
        while True:
            await asyncio.sleep(_LOOK)
            if not (now := self._state()).is_same(state) or self._is_over():
                state, moved, self._moved = now, self._moved, asyncio.Event()
                moved.set()

    def _again(self, scope: Scope, state: State) -> _Made:
        """The page at another state: made once for all that cannot be told apart."""
        headers = Headers(scope=scope)
        key = (scope["path"], scope["query_string"], *(headers.get(name) for name in _WHO))
        made = self._made.get(key)
        if made is None or not made.state.is_same(state):
            if len(self._made) >= MOST:
                self._made.clear()
            made = self._made[key] = _Made(state=state, page=asyncio.create_task(self._page(scope)))
        return made

    async def _page(self, scope: Scope) -> str | None:
        """What stands in the page's main part now; None while that cannot be said.

        "" where there is nothing to see for whoever asks, or not any more.
        """
        sent: list[Message] = []

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def keep(message: Message) -> None:
            sent.append(message)

        await self._app(scope, nothing, keep)
        body = b"".join(message.get("body", b"") for message in sent[1:]).decode()
        _, opened, rest = body.partition("<main")
        if sent[0]["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return None
        if sent[0]["status"] != HTTPStatus.OK or not opened:
            return ""
        return rest.partition(">")[2].rpartition("</main>")[0]


def _wants_stream(scope: Scope) -> bool:
    is_page = not scope["path"].startswith(_STILL)
    return is_page and _KIND in Headers(scope=scope).get("accept", "")


def _message(page: str) -> str:
    lines = "".join(f"data: {line}\n" for line in page.splitlines())
    return f"{lines}\n"
