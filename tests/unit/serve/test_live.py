"""Pages that are sent again when they change, asked without a socket; and the scripts that read them."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message

import lockstep.serve.web
from lockstep.serve.web import live
from lockstep.serve.web.live import Live, State

WEB = Path(lockstep.serve.web.__file__).parent
VENDORED = {
    "htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "hx-sse.min.js": "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
    "LICENSE": "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
}
"""Of npm htmx.org 4.0.1: dist/htmx.min.js, dist/ext/hx-sse.min.js, LICENSE."""


class World:
    """An application of one page, whose words tests change."""

    def __init__(self) -> None:
        self.words = "<b>first</b>"
        self.changes = 0
        self.status = 200
        self.renders = 0
        self.is_over = False
        self.live = Live(
            Starlette(routes=[Route("/", self.page), Route("/text", self.text)]),
            state=lambda: State(seen=(), changes=self.changes),
            is_over=lambda: self.is_over,
        )

    def page(self, request: Request) -> Response:
        """The page."""
        self.renders += 1
        return HTMLResponse(f"<html><main id=x>\n{self.words}\n</main></html>", self.status)

    def text(self, request: Request) -> Response:
        """No page."""
        return PlainTextResponse("text")

    def change(self, words: str) -> None:
        """Another state."""
        self.words = words
        self.changes += 1


async def messages(
    world: World, path: str = "/", accept: str = "text/event-stream", cookie: bytes = b""
) -> AsyncIterator[Message]:
    """What is sent, as it is sent; the browser leaves when nobody asks for more."""
    queue: asyncio.Queue[Message | None] = asyncio.Queue()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def serve() -> None:
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": path,
            "root_path": "",
            "query_string": b"",
            "headers": [(b"accept", accept.encode()), (b"host", b"localhost"), (b"cookie", cookie)],
        }
        await world.live(scope, receive, queue.put)
        await queue.put(None)

    task = asyncio.create_task(serve())
    try:
        while (message := await queue.get()) is not None:
            yield message
    finally:
        task.cancel()


def run(work: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do it with looks that follow each other at once."""
    monkeypatch.setattr(live, "_LOOK", 0.001)

    async def bounded() -> None:
        await asyncio.wait_for(work(), timeout=30)

    asyncio.run(bounded())


def test_a_page_is_sent_again_when_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its main part, whole; what changed nothing in it is not sent, and without a change it is not made."""
    world = World()

    async def work() -> None:
        sent = messages(world)
        start = await anext(sent)
        assert dict(start["headers"])[b"content-type"].startswith(b"text/event-stream")
        assert (await anext(sent))["body"] == b"data: \ndata: <b>first</b>\n\n"
        assert world.renders == 1
        world.change("<b>first</b>")
        world.change("two\nlines")
        assert (await anext(sent))["body"] == b"data: \ndata: two\ndata: lines\n\n"
        assert world.renders == 2
        world.is_over = True
        assert [one async for one in sent][-1] == {
            "type": "http.response.body",
            "body": b"",
            "more_body": False,
        }

    run(work, monkeypatch)


def test_who_has_a_page_gets_the_pieces_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the page that was sent before, also where what lay between was never sent; else all of it."""
    world = World()
    world.words = line = f'<p id="a">1</p>{"<p>long</p>" * 20}'.replace("</p><p>", "</p>\n<p>")

    async def work() -> None:
        sent = messages(world)
        assert [await anext(sent) for _ in range(2)]
        for number in ("2", "3"):
            world.change(line.replace("1", number))
            partial = f'<hx-partial hx-target="#a" hx-swap="innerMorph">{number}</hx-partial>'
            assert (await anext(sent))["body"] == f"data: {partial}\n\n".encode()
        world.change("all another")
        assert (await anext(sent))["body"] == b"data: \ndata: all another\n\n"

    run(work, monkeypatch)


def test_a_change_is_made_once_for_all_who_see_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has another cookie may see something else, and a stream that ends takes nothing from others."""
    world = World()

    async def work() -> None:
        streams = [messages(world, cookie=cookie) for cookie in (b"", b"", b"", b"of=another")]
        for sent in streams:
            assert [await anext(sent) for _ in range(2)]
        assert world.renders == 4
        world.change("two")
        waiting = [asyncio.ensure_future(anext(sent)) for sent in streams]
        assert {(await one)["body"] for one in waiting} == {b"data: \ndata: two\n\n"}
        assert world.renders == 6

    run(work, monkeypatch)


def test_a_page_that_is_not_there_any_more_is_not_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was logged out elsewhere sees nothing any more; what cannot be made for a moment stays."""
    world = World()

    async def work() -> None:
        sent = messages(world)
        assert [await anext(sent) for _ in range(2)]
        world.status = 503
        world.change("the history cannot be read")
        waiting = asyncio.ensure_future(anext(sent))
        while world.renders < 2:
            await asyncio.sleep(0)
        world.status = 200
        world.change("again")
        assert (await waiting)["body"] == b"data: \ndata: again\n\n"
        world.status = 303
        world.change("nothing for you")
        body = (await anext(sent))["body"].decode()
        assert "load it again" in body
        assert "nothing for you" not in body
        assert body.endswith("event: over\ndata:\n\n")
        assert [one.get("more_body") async for one in sent] == [False]

    run(work, monkeypatch)


def test_silence_is_broken_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a comment, so that who has gone is noticed."""
    monkeypatch.setattr(live, "_BEAT", 0.001)
    world = World()

    async def work() -> None:
        sent = messages(world)
        assert [(await anext(sent)).get("body") for _ in range(3)][-1] == b":\n\n"

    run(work, monkeypatch)


def test_what_is_no_page_is_answered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As to everybody else: what is not there, what is no page, and a page that is asked for as one."""
    world = World()

    async def work() -> None:
        for path, accept, status in (
            ("/gone", "text/event-stream", 404),
            ("/text", "text/event-stream", 200),
            ("/", "text/html", 200),
        ):
            start, *_ = [one async for one in messages(world, path, accept)]
            assert start["status"] == status
            assert b"event-stream" not in dict(start["headers"])[b"content-type"]

    run(work, monkeypatch)


def test_streams_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is too many is refused, and there is room again when another one was left."""
    monkeypatch.setattr(live, "MOST", 1)
    world = World()

    async def work() -> None:
        first = messages(world)
        await anext(first)
        start, *_ = [one async for one in messages(world)]
        assert start["status"] == 503
        assert dict(start["headers"])[b"retry-after"] == b"5"
        await first.aclose()  # type: ignore[attr-defined]
        while world.live._open:
            await asyncio.sleep(0)
        again = messages(world)
        assert (await anext(again))["status"] == 200

    run(work, monkeypatch)


def test_what_is_vendored_is_what_was_published() -> None:
    """Byte by byte."""
    folder = WEB / "static" / "vendor"
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert found == VENDORED


def test_no_page_brings_a_script_or_a_style_of_its_own() -> None:
    """The policy forbids them; every file that a page names is there."""
    for path in (WEB / "templates").iterdir():
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]* src=)", text), (
            path.name
        )
        for name in re.findall(r'(?:src|href)="/static/([^"]+)"', text):
            assert (WEB / "static" / name).is_file()


def test_what_listens_is_there_before_the_script_that_starts_it_begins() -> None:
    """htmx begins at once when the page is read already: a deferred script races with its own extension."""
    page = (WEB / "templates" / "base.html").read_text()
    assert re.findall(r'<script src="/static/vendor/([^"]+)"([^>]*)>', page) == [
        ("htmx.min.js", ""),
        ("hx-sse.min.js", ""),
    ]
