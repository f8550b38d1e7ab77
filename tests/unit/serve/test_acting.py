"""Buttons, and orders in JSON: who may give which, and what is refused. What verbs do is tested elsewhere."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from lockstep.model import SyncStatus
from lockstep.model.roles import Grants, Role
from lockstep.serve.access import Access
from lockstep.serve.deciding import asked
from lockstep.serve.following import Follower
from lockstep.serve.orders import Order, OrderVerb
from lockstep.serve.recording import Recorder
from lockstep.serve.web.admission import Admission
from lockstep.serve.web.app import make_app
from lockstep.store.database import Database
from lockstep.store.entries import Happened, RunState
from lockstep.store.history import History
from tests.unit.serve.test_deciding import HEADS, row
from tests.unit.serve.test_openapi import ORDERS, check
from tests.unit.serve.test_page import Answer, ask, follower, saw

__all__ = ["follower"]

TARGET = {"project": "shop", "target": "staging/api"}


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """An empty one."""
    history = History(Database(tmp_path / "history.db", pytest.fail))
    yield history
    history.close()


def page(follower: Follower, history: History, *roles: Role) -> ASGIApp:
    """The page for somebody at this machine with some roles."""
    follower._recorder = Recorder(history, keep=1e9)
    saw(follower, row("staging/api", SyncStatus.OUT_OF_SYNC), row("preview/pr-1/api", SyncStatus.SYNCED))
    admission = Admission(Access(anybody=frozenset(roles)), None, None)
    return make_app([follower], history, secret=None, admission=admission)


def send(app: ASGIApp, content_type: str = "application/json", **fields: object) -> Answer:
    """An order in JSON, whose answer is as it is described."""
    found = ask(app, ORDERS, body=json.dumps(fields).encode(), content_type=content_type)
    check(ORDERS, found.status, found.text, "post")
    return found


def form(app: ASGIApp, path: str, text: str, **headers: str) -> Answer:
    """A form of the page with its token, sent."""
    (token,) = {*re.findall(r'name="csrf" value="([0-9a-f]+)"', ask(app, path).text)} or {"none"}
    return ask(app, path, body=f"csrf={token}&{text}".encode(), **headers)


def test_only_what_somebody_may_is_shown_and_done(follower: Follower, history: History) -> None:
    """Each verb takes its role in the target's environment; nothing is asked of what is not seen."""
    for role, verbs in (
        (Role.VIEW, []),
        (Role.SYNC, ["sync"]),
        (Role.PROMOTE, ["promote"]),
        (Role.ROLLBACK, ["rollback"]),
        (Role.HOLD, ["hold", "release-hold"]),
        (Role.ADMIN, ["sync", "promote", "rollback", "hold", "release-hold"]),
    ):
        app = page(follower, history, role)
        text = ask(app, "/targets/shop/staging/api").text
        assert re.findall(r'href="/act/([^/]+)/shop/staging/api"', text) == verbs
        for verb in OrderVerb:
            expected = 202 if verb.value in verbs else 409 if role in (verb.role, Role.ADMIN) else 403
            assert send(app, verb=verb.value, **TARGET).status == expected, (role, verb)
    app = page(follower, history, Role.ADMIN)
    assert send(app, verb="sync", project="other", target="staging/api").status == 404
    assert send(app, verb="sync", project="shop", target="staging/other").status == 404
    assert send(app, verb="delete", **TARGET).status == 404
    assert send(app, verb="rollback", project="shop", target="preview/pr-1/api").status == 409


def test_a_role_holds_in_its_environment_alone(follower: Follower, history: History) -> None:
    """By groups, as for seeing."""
    app = page(follower, history)
    staging = {"staging": {"testers": frozenset({Role.SYNC})}}
    follower.project = replace(follower.project, grants=Grants(environments=staging))
    assert send(app, verb="sync", **TARGET).status == 404
    assert ask(app, "/act/sync/shop/staging/api").status == 404


def test_an_order_is_a_run_with_who_and_why(follower: Follower, history: History) -> None:
    """From when it is given; the audit tells of it, and it waits for its turn."""
    app = page(follower, history, Role.SYNC)
    run = json.loads(send(app, verb="sync", reason="it is\nmine <b>", **TARGET).text)["run"]
    found = history.run(run)
    assert found is not None
    assert (found[0].state, found[0].actor) == (RunState.RUNNING, "somebody at this machine")
    (event,) = history.events(kinds=[Happened.ASKED])
    assert (event.run, event.target, event.words) == (
        run,
        "staging/api",
        "sync was asked for: it is mine <b>",
    )
    assert follower.wake.is_set()
    follower._workspace = None  # as before anything was read: it fails, and says so
    assert follower.step() is None
    found = history.run(run)
    assert found is not None
    assert (found[0].state, "was not read yet" in found[0].words) == (RunState.FAILED, True)


def test_a_button_shows_first_what_would_come_of_it(
    follower: Follower, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the form, which wants a reason; a look that fails has no button."""
    app = page(follower, history, Role.ROLLBACK)
    failing = ask(app, "/act/rollback/shop/staging/api")
    assert (failing.status, "was not read yet" in failing.text) == (409, True)
    assert 'method="post"' not in failing.text
    seen: list[Order] = []

    def look(order: Order) -> list[str]:
        seen.append(order)
        return ["staging/api 2 -> 1 <b>"]

    monkeypatch.setattr(follower, "look_ahead", look)  # what verbs say is tested with real repositories
    path = "/act/rollback/shop/staging/api?version=1.0.0"
    text = ask(app, path).text
    assert "2 -&gt; 1 &lt;b&gt;" in text
    assert 'name="reason" maxlength="1000" required' in text
    assert "hx-sse:connect" not in text
    assert ask(app, path, accept="text/event-stream").headers["content-type"].startswith("text/html")
    sent = form(app, path, "version=1.0.0&reason=it+is+slow")
    (run,) = history.runs()
    assert (sent.status, sent.headers["location"]) == (303, f"/runs/{run.id}")
    order = seen[-1]
    assert (order.verb, order.target, order.version) == (OrderVerb.ROLLBACK, "staging/api", "1.0.0")
    assert run.why == "rollback 1.0.0 was asked for: it is slow"
    assert ask(app, "/act/rollback/shop/staging/api?version=-x;").status == 400


def test_an_order_of_another_site_is_refused(
    follower: Follower, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a form without its token, by what the browser says, or in JSON that a form can send."""
    app = page(follower, history, Role.ADMIN)
    monkeypatch.setattr(follower, "look_ahead", lambda order: [])
    path = "/act/sync/shop/staging/api"
    assert ask(app, path, body=b"reason=x").status == 403
    assert form(app, path, "reason=x", origin="https://evil.example.org").status == 403
    assert send(app, "text/plain", verb="sync", **TARGET).status == 415
    assert send(app, "application/x-www-form-urlencoded", verb="sync", **TARGET).status == 415
    assert form(app, path, "reason=x", origin="http://127.0.0.1:8321").status == 303


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b'{"more": 1}', b'{"dryRun": "x"}', b'{"verb": 1}']
)
def test_what_is_no_order_is_refused(follower: Follower, history: History, body: bytes) -> None:
    """As it is described."""
    app = page(follower, history, Role.ADMIN)
    found = ask(app, ORDERS, body=body, content_type="application/json")
    assert found.status == 400
    check(ORDERS, found.status, found.text, "post")
    assert ask(app, ORDERS, body=b"x" * 70_000, content_type="application/json").status == 413


def test_no_more_is_taken_than_can_wait(follower: Follower, history: History) -> None:
    """And nothing before the project was read."""
    app = page(follower, history, Role.ADMIN)
    found = {send(app, verb="sync", **TARGET).status for _ in range(100)}
    assert found == {202}
    full = send(app, verb="sync", **TARGET)
    assert (full.status, full.headers["retry-after"]) == (503, "5")
    follower.seen = replace(asked(follower.seen, HEADS, 0), heads=None)
    assert send(app, verb="sync", **TARGET).status == 409
