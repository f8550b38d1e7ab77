"""What the controller shows, asked without a socket; followers are real ones that were told what they saw."""

import asyncio
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from starlette.types import ASGIApp, Message

from lockstep.delivery.places.forges import Credentials
from lockstep.model import Change, Secret, StatusRow, SyncStatus
from lockstep.model.status import Cause
from lockstep.serve.deciding import Ask, asked, failed, looked
from lockstep.serve.file import Followed, Leave
from lockstep.serve.following import Follower
from lockstep.serve.web import intake
from lockstep.serve.web.app import make_app
from lockstep.serve.web.hooks import MOST, Hooks, Refusal
from lockstep.serve.web.pages import PAGE
from lockstep.store.entries import RunState
from tests.unit.serve.test_deciding import HEADS, row

SECRET = "It's a Secret to Everybody"
EVIL = "<script>alert(1)</script>\x1b[2J\u202e"


@dataclass(kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str
    lines: tuple[tuple[str, str], ...] = ()  # of the header, also those of one name

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for one, value in self.lines if one == name]


def ask(app: ASGIApp, path: str, *, body: bytes | None = None, **headers: str) -> Answer:
    """One request, with the body in pieces."""
    target, _, query = path.partition("?")
    given = {"host": "127.0.0.1:8321"} | {name.replace("_", "-"): value for name, value in headers.items()}
    pieces = [body[at : at + 65536] for at in range(0, len(body), 65536)] if body else [b""]
    sent: list[Message] = []

    async def receive() -> Message:
        if pieces:
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET" if body is None else "POST",
        "scheme": "http",
        "path": unquote(target),
        "raw_path": target.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        "server": ("127.0.0.1", 8321),
        "client": ("127.0.0.1", 1),
    }
    asyncio.run(app(scope, receive, send))
    start = sent[0]
    content = b"".join(one.get("body", b"") for one in sent[1:])
    lines = tuple((name.decode(), value.decode()) for name, value in start["headers"])
    return Answer(status=start["status"], headers=dict(lines), text=content.decode(), lines=lines)


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    """One that has seen nothing yet."""
    return Follower(
        Followed(
            name="shop",
            repository="https://user:hunter2@git.example.org/acme/Shop.git",
            environments={"staging": Leave(syncs=True)},
        ),
        data=tmp_path,
        credentials=Credentials(cache=tmp_path),
        tell=lambda words: None,
        clock=time.monotonic,
        stop=threading.Event(),
    )


def saw(follower: Follower, *rows: StatusRow) -> ASGIApp:
    """The page after a look."""
    now = time.monotonic()
    seen = asked(follower.seen, HEADS, now)
    follower.seen = looked(seen, HEADS, (), rows, {}, follower.project, now)
    return make_app([follower], secret=SECRET)


def test_the_matrix_shows_versions_and_leads_to_targets(follower: Follower) -> None:
    """Without a script of its own; no password is in it."""
    app = saw(follower, row("staging/api", SyncStatus.SYNCED), row("production/api", SyncStatus.UNKNOWN))
    page = ask(app, "/")
    assert page.status == 200
    assert "1.0.0 ● Synced/Healthy" in page.text
    assert "1 synced, 0 out of sync, 1 unknown" in page.text
    assert "hunter2" not in page.text
    assert re.findall(r"<script[^>]*>[^<]", page.text) == []
    links = re.findall(r'href="(/targets/[^"]+)"', page.text)
    assert links == ["/targets/shop/production/api", "/targets/shop/staging/api"]
    for link in links:
        assert ask(app, link).status == 200
    assert "it was not read" in ask(app, links[0]).text
    assert "AWS was read last on <time datetime=" in page.text
    assert " ago" not in page.text  # which an open page would say for ever


def test_a_target_shows_what_differs_and_what_is_done_about_it(follower: Follower) -> None:
    """In the plan's words, with secrets masked."""
    off = replace(
        row("staging/api", SyncStatus.OUT_OF_SYNC, Cause.AWS),
        changes=(
            Change(path="memorySize", old=1024, new=256),
            Change(path="environment.API_TOKEN", old=Secret("hunter2-hunter2-hunter2"), new=Secret("b" * 20)),
        ),
        author="Ada",
        commit="c" * 40,
        changed="2026-01-01T00:00:00+00:00",
    )
    app = saw(follower, off)
    text = ask(app, "/targets/shop/staging/api").text
    when = "2026-01-01 00:00:00 UTC"
    for words in (
        "memorySize: 1024 -&gt; 256",
        "AWS was changed",
        "selfHeal is off",
        "cccccccc",
        "Ada",
        when,
    ):
        assert words in text
    assert "hunter2" not in text + ask(app, "/api/v1/projects/shop/targets").text


@pytest.mark.parametrize("text", [EVIL, "{{ 7*7 }}", "\"'><img src=x>", "../../etc/passwd", "a b%2fc?d#e"])
def test_everything_is_escaped(follower: Follower, text: str) -> None:
    """Names, problems, authors and words that are searched for; a name with anything in it is found again."""
    one = replace(row(f"staging/{text}", SyncStatus.OUT_OF_SYNC), problem=text, author=text, commit="c" * 40)
    app = saw(follower, one)
    link = re.findall(r'href="(/targets/[^"]+)"', ask(app, "/").text)[0]
    answers = [
        ask(app, "/?q=" + quote(text[:20])),
        ask(app, "/"),
        ask(app, link),
        ask(app, link.replace("/targets/shop", "/api/v1/projects/shop/targets")),
    ]
    assert link == f"/targets/shop/staging/{quote(text, safe='/')}"
    for answer in answers:
        assert answer.status == 200
        assert "<script>" not in answer.text or "json" in answer.headers["content-type"]
        assert "<img src=x" not in answer.text or "json" in answer.headers["content-type"]
        assert not re.search("[\x1b\u202e]", answer.text)


def test_services_are_searched_and_paged(follower: Follower) -> None:
    """By the server: thousands of rows are never sent at once."""
    rows = [row(f"staging/s{number:04}", SyncStatus.SYNCED) for number in range(PAGE + 1)]
    app = saw(follower, *rows, row("staging/bad", SyncStatus.OUT_OF_SYNC))
    first = ask(app, "/")
    assert first.text.count('<th scope="row">') == PAGE
    assert 'rel="next" href="?q=&amp;page=2"' in first.text
    assert ask(app, "/?page=2").text.count('<th scope="row">') == 2
    assert ask(app, "/?q=S0007").text.count('<th scope="row">') == 1
    assert ask(app, "/?problems=1").text.count('<th scope="row">') == 1
    for odd in ("-1", "x", "99999999999", "%C2%B2", "0"):
        assert ask(app, f"/?page={odd}").status == 200


def test_health_is_told_as_it_is(follower: Follower) -> None:
    """Ready when everything was read once; alive as long as everything is followed."""
    app = make_app([follower], secret=None)
    assert (ask(app, "/healthz").status, ask(app, "/readyz").status) == (200, 503)
    assert "AWS was not looked at yet" in ask(app, "/").text
    app = saw(follower, row("staging/api", SyncStatus.SYNCED))
    assert ask(app, "/readyz").status == 200
    follower.is_alive = False
    assert ask(app, "/healthz").status == 503


def test_a_project_that_cannot_be_read_any_more_stays_and_says_so(follower: Follower) -> None:
    """With why, and when it is tried again."""
    app = saw(follower, row("staging/api", SyncStatus.SYNCED))
    seen = failed(follower.seen, Ask(), "lockstep.yaml:3: <b>wrong</b>", follower.project, time.monotonic())
    follower.seen = seen
    text = ask(app, "/").text
    assert "1.0.0 ● Synced/Healthy" in text
    assert "lockstep.yaml:3: &lt;b&gt;wrong" in text
    assert re.search(r'The next attempt is at <time datetime="[^."]+">', text)
    (project,) = json.loads(ask(app, "/api/v1/projects").text)["projects"]
    assert project["failing"]["git"]["why"] == "lockstep.yaml:3: <b>wrong</b>"


def test_figures_are_those_that_prometheus_reads(follower: Follower) -> None:
    """One line each: a name, labels with everything escaped, a number."""
    app = saw(follower, row('sta"g\\i\nng/api', SyncStatus.SYNCED), row("staging/b", SyncStatus.UNKNOWN))
    follower.counted = follower.counted.run(RunState.DONE, 0.5, 7).run(RunState.FAILED, 70, 2)
    assert ask(app, "/hooks/github", body=b"{}").status == 401
    text = ask(app, "/metrics").text
    label = r'[a-z]+="([^"\\\n]|\\["\\n])*"'
    sample = re.compile(rf"lockstep_[a-z_]+\{{{label}(,{label})*\}} [0-9.e+-]+")
    lines = [line for line in text.splitlines() if not line.startswith("# ")]
    assert all(sample.fullmatch(line) for line in lines), lines
    assert 'lockstep_targets_retried{project="shop"} 1' in lines
    assert sum(line.startswith("lockstep_targets{") for line in lines) == 2
    assert {
        'lockstep_runs_total{project="shop",state="failed"} 1',
        'lockstep_run_calls_total{project="shop"} 9',
        'lockstep_hooks_total{status="401"} 1',
        'lockstep_run_seconds_bucket{project="shop",le="60.0"} 1',
        'lockstep_run_seconds_bucket{project="shop",le="+Inf"} 2',
        'lockstep_run_seconds_sum{project="shop"} 70.5',
        'lockstep_drifted_targets{project="shop"} 0',
        'lockstep_busy{project="shop"} 0',
    } <= {*lines}
    declared = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
    assert len(declared) == len({*declared})


def test_every_answer_says_what_browsers_may_do(follower: Follower) -> None:
    """Also errors; who comes by another name reads nothing, but may announce a push."""
    app = saw(follower, row("staging/api", SyncStatus.SYNCED))
    for path in ("/", "/nothing", "/targets/shop/no", "/api/v1/projects/x/targets", "/static/style.css"):
        answer = ask(app, path)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        rebound = ask(app, path, host="evil.example.org")
        assert rebound.status == 421
        assert "api" not in rebound.text
    assert ask(app, "/static/../app.py").status == 404
    assert ask(app, "/", host="localhost:1").status == ask(app, "/", host="[::1]:1").status == 200
    assert ask(app, "/hooks/github", body=b"{}", host="hooks.example.org").status == 401


def signed(body: bytes) -> str:
    """As GitHub signs."""
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def push(url: str, **more: object) -> bytes:
    """What GitHub sends of a push, as far as it matters."""
    return json.dumps({"ref": "refs/heads/main", "repository": {"clone_url": url}, **more}).encode()


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org/acme/shop.git",
        "https://git.example.org/acme/Shop",
        "git@git.example.org:acme/shop.git",
    ],
)
def test_an_announcement_wakes_who_follows_the_repository(follower: Follower, url: str) -> None:
    """However its URL is written, in both of GitHub's forms; and only once."""
    app = make_app([follower], secret=SECRET)
    body = push(url)
    assert ask(app, "/hooks/github", body=body, x_hub_signature_256=signed(body)).text == "1 asked\n"
    assert follower.wake.is_set()
    follower.wake.clear()
    again = ask(app, "/hooks/github", body=body, x_hub_signature_256=signed(body), x_github_delivery="new")
    assert again.status == 202
    assert not follower.wake.is_set()
    form = b"payload=" + quote(push(url, more=1)).encode()
    kind = "application/x-www-form-urlencoded"
    ask(app, "/hooks/github", body=form, x_hub_signature_256=signed(form), content_type=kind)
    assert follower.wake.is_set()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"repository": 1}', b"{}"])
def test_what_is_no_announcement_wakes_nobody(follower: Follower, body: bytes) -> None:
    """Signed or not."""
    app = make_app([follower], secret=SECRET)
    assert ask(app, "/hooks/github", body=body, x_hub_signature_256=signed(body)).status in (202, 400)
    other = push("https://git.example.org/acme/other.git", after=len(body))
    assert ask(app, "/hooks/github", body=other, x_hub_signature_256=signed(other)).text == "0 asked\n"
    real = push(follower.project.repository)
    for signature in ({}, {"x_hub_signature_256": signed(b"else")}, {"x_hub_signature_256": "sha256=\xe9"}):
        assert ask(app, "/hooks/github", body=real, **signature).status == 401
    assert ask(make_app([follower], secret=None), "/hooks/github", body=real).status == 503
    assert ask(app, "/hooks/github").status == 405
    assert not follower.wake.is_set()


def test_an_announcement_without_end_is_not_read(follower: Follower) -> None:
    """What is too large is refused before it is judged."""
    app = make_app([follower], secret=SECRET)
    assert ask(app, "/hooks/github", body=b"x" * (MOST + 1)).status == 413
    assert ask(app, "/hooks/github", body=b"x", content_length=str(30_000_000)).status == 413


def test_webhooks_are_read_a_few_at_a_time(follower: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    """Senders that never end hold a bounded part of the memory, for a bounded time."""
    monkeypatch.setattr(intake, "_SECONDS", 0.2)
    app = make_app([follower], secret=SECRET)
    statuses: list[int] = []
    retry: list[bytes | None] = []

    async def slow() -> None:
        pieces = [{"type": "http.request", "body": b"{", "more_body": True}]

        async def receive() -> Message:
            if pieces:
                return pieces.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                retry.append(dict(message["headers"]).get(b"retry-after"))

        headers = [(b"host", b"127.0.0.1:8321")]
        scope = {"type": "http", "method": "POST", "path": "/hooks/github", "headers": headers}
        await app({**scope, "query_string": b"", "root_path": ""}, receive, send)

    async def many() -> None:
        await asyncio.gather(*(slow() for _ in range(12)))

    asyncio.run(many())
    assert statuses == [503] * 4 + [408] * 8
    assert set(retry[:4]) == {b"5"}
    body = push(follower.project.repository)
    assert ask(app, "/hooks/github", body=body, x_hub_signature_256=signed(body)).text == "1 asked\n"
    assert 'lockstep_hooks_total{status="503"} 4' in ask(app, "/metrics").text


def test_the_signature_is_the_one_that_github_documents() -> None:
    """Its example: what it signs is no JSON, which is found only behind the signature."""
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    with pytest.raises(Refusal) as caught:
        Hooks(SECRET).places(b"Hello, World!", signature=signature, form="application/json")
    assert caught.value.status == 400
