"""Pages about more than one target, asked without a socket."""

import datetime
import re
from dataclasses import replace

import pytest

from lockstep.errors import ForgeError
from lockstep.model import SyncStatus
from lockstep.model.calling import CallGraph, Party, Standing, Way
from lockstep.model.preview import Preview
from lockstep.model.roles import Grants, Role
from lockstep.serve.access import Access, Token, digest_of, new_token
from lockstep.serve.deciding import Waiting
from lockstep.serve.following import Follower
from lockstep.serve.web.admission import Admission
from lockstep.serve.web.app import make_app
from tests.unit.serve.test_deciding import row
from tests.unit.serve.test_page import EVIL, ask, follower, saw

__all__ = ["follower"]

GRAPH = CallGraph(
    parties={
        "api": Party(kind="function", name=f"api{EVIL}", target="staging/api"),
        "web": Party(kind="function", name="web", target="production/web"),
        "queue": Party(kind="queue", name="orders", is_foreign=True),
    },
    ways=(
        Way(source="queue", sink="api", words=f"at most 10{EVIL}", standing=Standing.LIVE),
        Way(source="queue", sink="web", words="at most 20", standing=Standing.MISSING),
    ),
    unread={"api": ("rule of others",), "web": ("rule of others",)},
)


def test_calls_are_drawn_and_told_for_the_targets_that_are_asked_for(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a picture that brings no script, and in a table; what AWS did not tell is said."""
    monkeypatch.setattr(follower, "calls", lambda: (GRAPH, ""))
    app = saw(follower, row("staging/api", SyncStatus.SYNCED))
    page = ask(app, "/calls").text
    assert "not there" in page
    assert "rule of others (of staging/api, production/web)" in page
    assert 'src="/calls/shop.svg"' in page
    assert "<script>alert" not in page
    only = ask(app, "/calls?q=web").text
    assert "at most 20" in only
    assert "at most 10" not in only
    picture = ask(app, "/calls/shop.svg?target=staging/api")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "script" not in picture.headers["content-security-policy"]
    assert "at most 10" in picture.text
    assert "at most 20" not in picture.text
    assert "<script>" not in picture.text
    assert ask(app, "/calls/other.svg").status == 404
    assert "Nothing matches." in ask(app, "/calls?q=nobody").text


def test_what_waits_has_its_pull_request_and_a_button_for_who_may(follower: Follower) -> None:
    """A link where a browser can follow it; a version that nothing brings yet has neither."""
    grants = Grants(everywhere={"team": frozenset({Role.PROMOTE}), "all": frozenset({Role.VIEW})})
    follower.project = replace(follower.project, grants=grants)
    saw(follower, row("staging/api", SyncStatus.SYNCED), row("staging/web", SyncStatus.SYNCED))
    waits = Waiting(version="2.0.0", why="waits for a person", number=7, url="https://git.example.org/7")
    follower.seen = replace(
        follower.seen, waiting={"staging/api": waits, "staging/web": replace(waits, number=None, url="")}
    )
    for group, has_button in (("team", True), ("all", False)):
        token = new_token()
        known = Token(name="t", digest=digest_of(token), groups=frozenset({group}), expires=datetime.date.max)
        admission = Admission(Access(tokens=(known,), grants=grants, anybody=frozenset()), None, None)
        app = make_app([follower], secret=None, admission=admission)
        page = ask(app, "/promotions", authorization=f"Bearer {token}").text
        assert page.count('<a href="https://git.example.org/7" rel="noreferrer">#7</a>') == 1
        assert ("/act/merge/shop/staging/api" in page) is has_button
        assert "/act/merge/shop/staging/web" not in page
        target = ask(app, "/targets/shop/staging/api", authorization=f"Bearer {token}").text
        assert ("/act/merge/shop/staging/api" in target) is has_button
    follower.seen = replace(follower.seen, waiting={"staging/api": replace(waits, url="javascript:alert(1)")})
    assert "javascript:" not in ask(make_app([follower], secret=None), "/promotions").text


def test_calls_that_cannot_be_read_say_why(follower: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Git says is shown beside it; before Git was read there is nothing."""
    app = saw(follower)
    assert "was not read yet" in ask(app, "/calls").text
    assert ask(app, "/calls/shop.svg").status == 200
    monkeypatch.setattr(follower, "calls", lambda: (GRAPH, f"AccessDenied{EVIL}"))
    page = ask(app, "/calls").text
    assert "this is what Git says" in page
    assert "AccessDenied&lt;script" in page
    assert "staging/api" in page


def test_promotions_say_for_what_and_until_when(follower: Follower) -> None:
    """What failed is told from what only waits; what has no time has none."""
    live = replace(row("staging/api", SyncStatus.SYNCED), live="1.0.0")
    app = saw(follower, live, row("staging/web", SyncStatus.SYNCED))
    assert "Nothing waits" in ask(app, "/promotions").text
    soak = Waiting(version="2.0.0", at=float("inf"), why=f"soaks until 14:05{EVIL}")
    lost = Waiting(version="3.0.0", at=follower.seen.looked or 0.0, why="push refused", count=2)
    follower.seen = replace(follower.seen, waiting={"staging/api": soak, "staging/web": lost})
    page = ask(app, "/promotions").text
    assert "soaks until 14:05&lt;script" in page
    assert "1.0.0 &rarr; 2.0.0" in page
    assert "when Git was asked" in page
    assert re.search(r'class="bad">push refused</td><td>-</td><td><time datetime="[^."]+">', page)
    assert "push refused" not in ask(app, "/promotions?q=api").text


def test_previews_say_how_old_they_are_and_when_they_end(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that Git records, and those that only run; what cannot be read is told."""
    app = saw(
        follower,
        replace(row("preview/pr-7/api", SyncStatus.SYNCED), author="Ada", changed="2026-01-01T00:00:00Z"),
        row("preview/pr-8/api", SyncStatus.SYNCED),
        row("staging/api", SyncStatus.SYNCED),
    )
    assert "not in Git" in ask(app, "/previews").text
    ended = "2026-01-03T00:00:00+00:00"
    kept = Preview(number=7, created="2026-01-01T00:00:00+00:00")
    lone = Preview(number=9)
    monkeypatch.setattr(
        follower, "previews", lambda: ((kept, datetime.datetime.fromisoformat(ended)), (lone, None))
    )
    page = ask(app, "/previews").text
    assert re.findall(r'<th scope="row">(preview/pr-\d)( <span|<)', page) == [
        ("preview/pr-9", "<"),
        ("preview/pr-8", " <span"),
        ("preview/pr-7", "<"),
    ]
    assert f'over since <time datetime="{ended}">' in page
    assert "Ada" in page
    assert "with its pull request" in page
    assert "staging/api" not in page

    def refuse() -> None:
        raise ForgeError("pr.yaml contradicts itself")

    monkeypatch.setattr(follower, "previews", refuse)
    assert "pr.yaml contradicts itself" in ask(app, "/previews").text
