"""Who may what: logging in at a provider over real HTTP, sessions, tokens, and pages of other sites."""

import datetime
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from joserfc.jwk import ECKey, OctKey
from starlette.types import ASGIApp

from lockstep.cli import main
from lockstep.model import SyncStatus
from lockstep.model.roles import Grants, Role, Who
from lockstep.serve.access import Access, Login, Token, digest_of, new_token
from lockstep.serve.deciding import Waiting, moved
from lockstep.serve.file import read_serve_file
from lockstep.serve.following import Follower
from lockstep.serve.web.admission import Admission
from lockstep.serve.web.app import make_app
from lockstep.serve.web.login import within
from lockstep.serve.web.providers import provider_of
from lockstep.store.database import Database
from lockstep.store.history import History
from tests.support.identity import CLIENT, SECRET, Identity
from tests.unit.serve.test_deciding import row
from tests.unit.serve.test_page import Answer, ask, follower, saw

__all__ = ["follower"]

URL = "https://lockstep.example.org"
HOST = "lockstep.example.org"
AT = "2026-01-01T00:00:00.000+00:00"
GRANTS = Grants(
    everywhere={"developers": frozenset({Role.VIEW}), "admins": frozenset({Role.ADMIN})},
    environments={"staging": {"testers": frozenset({Role.SYNC})}},
)


@pytest.fixture
def identity() -> Iterator[Identity]:
    """Somebody who says who people are."""
    with Identity() as identity:
        yield identity


class Browser:
    """What a browser keeps between two requests, and a clock that tests move."""

    def __init__(self, follower: Follower, history: History, identity: Identity, **login: object) -> None:
        self.cookies: dict[str, str] = {}
        self.flags: dict[str, str] = {}
        self.now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        self.identity = identity
        self.follower = follower
        self.token = new_token()
        follower.project = replace(follower.project, grants=GRANTS)
        saw(follower, row("staging/api", SyncStatus.SYNCED), row("production/api", SyncStatus.SYNCED))
        given = Login(provider=identity.url, client=CLIENT, **login)  # type: ignore[arg-type]
        token = Token(
            name="ci",
            digest=digest_of(self.token),
            groups=frozenset({"testers"}),
            expires=datetime.date(2026, 1, 2),
        )
        access = Access(url=URL, login=given, tokens=(token,), grants=Grants(everywhere=GRANTS.everywhere))
        provider = provider_of(given, SECRET)
        self.admission = Admission(access, history.sessions, provider, lambda: self.now)
        self.app: ASGIApp = make_app([follower], history, secret=None, admission=self.admission)

    def ask(self, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """One request, with the cookies, from a page of its own."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        given = {"host": HOST, **({"cookie": cookie} if cookie else {}), **headers}
        body = None if form is None else urlencode(form).encode()
        answer = ask(self.app, path, body=body, **given)
        for one in answer.all("set-cookie"):
            name, _, rest = one.partition("=")
            value, _, self.flags[name] = rest.partition(";")
            if value.strip('"'):
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer

    def log_in(self, path: str = "/") -> Answer:
        """Go to a page, to the provider, and back."""
        sent = self.ask("/login?next=" + quote(path))
        assert sent.status == 303, sent.text
        return self.ask("/login/callback?" + urlencode(self.identity.visit(sent.headers["location"])))

    @property
    def csrf(self) -> str:
        """What the page's forms hold."""
        return re.findall(r'name="csrf" value="([0-9a-f]{64})"', self.ask("/sessions").text)[0]


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """An empty one."""
    history = History(Database(tmp_path / "history.db", pytest.fail))
    yield history
    history.close()


@pytest.fixture
def browser(follower: Follower, history: History, identity: Identity) -> Browser:
    """One that nobody has logged in with."""
    return Browser(follower, history, identity)


def test_who_is_not_logged_in_sees_nothing_and_comes_back_to_where_they_were(browser: Browser) -> None:
    """People are sent to the provider; programs are told. What tells nothing is answered to everybody."""
    sent = browser.ask("/targets/shop/staging/api?x=1")
    assert (sent.status, sent.headers["location"]) == (
        303,
        "/login?next=%2Ftargets%2Fshop%2Fstaging%2Fapi%3Fx%3D1",
    )
    for path in ("/", "/audit", "/runs", "/sessions", "/nothing", "/audit.csv"):
        assert browser.ask(path).status == 303
        assert browser.ask(path, accept="text/event-stream").status == 303
    for path in ("/api/v1/projects", "/api/v1/openapi.json", "/metrics"):
        answer = browser.ask(path)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert browser.ask("/healthz").text == browser.ask("/readyz").text == "ok\n"
    back = browser.log_in("/targets/shop/staging/api?x=1")
    assert (back.status, back.headers["location"]) == (303, "/targets/shop/staging/api?x=1")
    page = browser.ask("/targets/shop/staging/api")
    assert page.status == 200
    assert ">ada</a>" in page.text
    for name in ("__Host-lockstep", "__Host-lockstep-login"):
        assert {one.strip().lower() for one in browser.flags[name].split(";")} >= {
            "httponly",
            "secure",
            "samesite=lax",
            "path=/",
        }


@pytest.mark.parametrize("in_token", [True, False])
def test_roles_are_those_of_groups(browser: Browser, identity: Identity, in_token: bool) -> None:
    """Whether they stand in the identity token or are asked for; what may not be seen is not there."""
    identity.in_token, identity.groups = in_token, ["testers", "others"]
    browser.log_in()
    assert re.findall(r'href="(/targets/[^"]+)"', browser.ask("/").text) == ["/targets/shop/staging/api"]
    assert browser.ask("/targets/shop/production/api").status == 404
    assert browser.ask("/api/v1/projects/shop/targets/production/api").status == 404
    assert (
        "production" not in browser.ask("/metrics").text + browser.ask("/api/v1/projects/shop/targets").text
    )
    identity.groups = ["others"]
    browser.log_in()
    assert browser.ask("/api/v1/projects").text.count('"name"') == 0
    assert "none of your groups" in browser.ask("/").text


def test_a_role_that_lost_its_group_ends_while_somebody_is_logged_in(
    browser: Browser, identity: Identity
) -> None:
    """Groups are asked for anew after five minutes, by a refresh token that is used once."""
    browser.log_in()
    identity.groups = []
    assert browser.ask("/targets/shop/staging/api").status == 200
    for _ in range(3):
        browser.now += datetime.timedelta(minutes=5)
        assert browser.ask("/targets/shop/staging/api").status == 404
    identity.groups = ["developers"]
    browser.now += datetime.timedelta(minutes=5)
    assert browser.ask("/targets/shop/staging/api").status == 200
    identity.take_back()
    browser.now += datetime.timedelta(minutes=5)
    assert browser.ask("/").status == 303
    assert browser.admission.sessions is not None
    assert browser.admission.sessions.all(AT) == []


def test_without_a_refresh_token_the_access_token_is_asked_with(browser: Browser, identity: Identity) -> None:
    """As long as the provider takes it."""
    identity.refreshes = False
    browser.log_in()
    identity.groups = ["testers"]
    browser.now += datetime.timedelta(minutes=6)
    assert browser.ask("/targets/shop/production/api").status == 404
    assert identity.asked[-1] == "/userinfo"
    identity.take_back()
    browser.now += datetime.timedelta(minutes=6)
    assert browser.ask("/").status == 303


def test_a_provider_that_is_away_logs_nobody_out_at_once(browser: Browser, identity: Identity) -> None:
    """What it said last holds for an hour; nobody new comes in; it is not asked with each request."""
    browser.log_in()
    identity.is_away = True
    browser.now += datetime.timedelta(minutes=6)
    asked = len(identity.asked)
    assert {browser.ask("/").status for _ in range(3)} == {200}
    assert len(identity.asked) == asked + 1
    browser.now += datetime.timedelta(minutes=55)
    assert browser.ask("/").status == 303
    identity.is_away = False
    browser.now += datetime.timedelta(minutes=1)
    assert browser.ask("/").status == 200


def test_a_session_ends_by_its_time_by_hand_and_with_the_store(browser: Browser, history: History) -> None:
    """Then its cookie is worth nothing, wherever it is."""
    browser.log_in()
    kept = dict(browser.cookies)
    assert browser.ask("/logout", {"csrf": browser.csrf}).headers["location"] == "/logged-out"
    assert browser.cookies == {}
    browser.cookies = kept
    assert browser.ask("/").status == 303
    browser.log_in()
    browser.now += datetime.timedelta(hours=12)
    assert browser.ask("/").status == 303
    browser.log_in()
    assert browser.ask("/").status == 200
    Path(history.where).unlink()
    assert browser.ask("/").status == 303


def test_who_is_admin_ends_sessions_of_others_and_nobody_else_does(
    browser: Browser, identity: Identity, follower: Follower, history: History
) -> None:
    """One sees one's own."""
    identity.groups = ["admins"]
    browser.log_in()
    other = Browser(follower, history, identity)
    other.admission, other.app = browser.admission, browser.app
    identity.subject, identity.name, identity.groups = "4712", "<b>eve", ["developers"]
    other.log_in()
    (mine,) = re.findall(r'name="id" value="([^"]+)"', other.ask("/sessions").text)
    both = re.findall(r'name="id" value="([^"]+)"', browser.ask("/sessions").text)
    assert mine in both
    assert "<b>eve" not in browser.ask("/sessions").text
    (admins,) = {*both} - {mine}
    other.ask("/sessions/end", {"csrf": other.csrf, "id": admins})
    assert browser.ask("/").status == 200
    browser.ask("/sessions/end", {"csrf": browser.csrf, "id": mine})
    assert other.ask("/").status == 303


def test_a_login_gives_another_session_than_the_browser_had(browser: Browser) -> None:
    """An id that somebody else has put into it (fixation) is never let in; the old session ends."""
    browser.cookies["__Host-lockstep"] = "chosen-by-somebody-else"
    browser.log_in()
    first = browser.cookies["__Host-lockstep"]
    assert first != "chosen-by-somebody-else"
    browser.log_in()
    assert browser.cookies["__Host-lockstep"] != first
    assert browser.admission.sessions is not None
    assert len(browser.admission.sessions.all(AT)) == 1


def test_a_login_is_finished_by_the_browser_that_began_it_and_once(
    browser: Browser, identity: Identity
) -> None:
    """With its state, in time, in this process; an answer of somebody else's login logs nobody in."""
    other = browser.ask("/login").headers["location"]
    stolen = identity.visit(other)
    browser.cookies.clear()
    assert browser.ask("/login/callback?" + urlencode(stolen)).status == 400
    browser.ask("/login")
    assert browser.ask("/login/callback?" + urlencode(stolen)).status == 400
    sent = browser.ask("/login").headers["location"]
    back = identity.visit(sent)
    kept = dict(browser.cookies)
    browser.now += datetime.timedelta(minutes=11)
    assert browser.ask("/login/callback?" + urlencode(back)).status == 400
    browser.now -= datetime.timedelta(minutes=11)
    assert browser.ask("/login/callback?" + urlencode(back)).status == 303
    browser.cookies = kept
    again = browser.ask("/login/callback?" + urlencode(back))
    assert (again.status, "invalid_grant" in again.text) == (403, True)
    sent = browser.ask("/login").headers["location"]
    state = identity.visit(sent)["state"]
    denied = browser.ask("/login/callback?" + urlencode({"state": state, "error": "<script>access_denied"}))
    assert (denied.status, "&lt;script&gt;access_denied" in denied.text) == (403, True)
    assert browser.ask("/").status == 303


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"iss": "https://id.example.org"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"sub": ["4711"]},
    ],
    ids=str,
)
def test_an_identity_token_that_is_not_for_this_login_is_not_believed(
    browser: Browser, identity: Identity, claims: dict[str, object]
) -> None:
    """Source: OpenID Connect Core 1.0, 3.1.3.7."""
    identity.claims = claims
    answer = browser.log_in()
    assert (answer.status, "The login was refused" in answer.text) == (403, True)
    assert "__Host-lockstep" not in browser.cookies


def test_an_identity_token_that_the_provider_has_not_signed_is_not_believed(
    browser: Browser, identity: Identity
) -> None:
    """By another key, by none, or by the client's secret; a key that was changed is asked for anew."""
    identity.signs = ECKey.generate_key("P-256", {"kid": "1"})
    assert browser.log_in().status == 403
    identity.algorithm = "none"
    assert browser.log_in().status == 403
    identity.algorithm, identity.signs = "HS256", OctKey.import_key(SECRET.ljust(32))
    assert browser.log_in().status == 403
    identity.algorithm, identity.signs = "ES256", None
    assert browser.log_in().status == 303
    identity.key = ECKey.generate_key("P-256", {"kid": "1"})
    assert browser.log_in().status == 303


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.org/",
        "//evil.example.org/",
        "/\\evil.example.org",
        "\\\\evil.example.org",
        "/\t/evil.example.org",
        "javascript:alert(1)",
        "///evil.example.org",
        "evil",
        "",
    ],
)
def test_nobody_is_sent_elsewhere_after_a_login(browser: Browser, address: str) -> None:
    """Whatever an address says."""
    assert within(address) == "/"
    assert browser.log_in(address).headers["location"] == "/"


def test_what_another_site_sends_is_refused(browser: Browser) -> None:
    """Whether the browser says so, or the form is not of this session."""
    browser.log_in()
    csrf = browser.csrf
    for headers in (
        {"origin": "https://evil.example.org"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ):
        assert browser.ask("/logout", {"csrf": csrf}, **headers).status == 403
    for form in ({}, {"csrf": ""}, {"csrf": "\xe9"}, {"csrf": "0" * 64}, {"csrf": csrf[:-1]}):
        assert browser.ask("/logout", form).status == 403
    assert browser.ask("/logout", {"csrf": csrf, "x": "y" * 70_000}).status == 413
    first = browser.cookies["__Host-lockstep"]
    browser.log_in()
    assert browser.ask("/logout", {"csrf": csrf}).status == 403, "the form of a session that has ended"
    assert browser.cookies["__Host-lockstep"] != first
    own = {"origin": URL, "sec_fetch_site": "same-origin"}
    assert browser.ask("/logout", {"csrf": browser.csrf}, **own).status == 303
    assert browser.ask("/logout").status == 303  # a link logs nobody out


def test_pages_are_in_no_frame_and_run_no_script_of_their_own(browser: Browser) -> None:
    """Each answer says so, that of a login, too; it is asked for by its own name alone."""
    sent = browser.ask("/login")
    browser.log_in()
    for answer in (sent, browser.ask("/"), browser.ask("/sessions"), browser.ask("/logged-out")):
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|javascript:", answer.text)
    assert browser.ask("/", host="evil.example.org").status == 421
    assert browser.ask("/", host="localhost:8321").status == 200


def test_a_token_has_the_roles_of_its_groups_until_it_expires(browser: Browser) -> None:
    """In its own projects only; it stands nowhere but at who has it, and a cookie is no token."""
    given = {"authorization": f"Bearer {browser.token}"}
    waits = Waiting(version="2", why="it soaks")
    held = [(f"{name}/api", waits, 60.0) for name in ("staging", "production")]
    browser.follower.seen = moved(browser.follower.seen, held, [], 0)
    (project,) = json.loads(browser.ask("/api/v1/projects", **given).text)["projects"]
    assert [*project["waiting"]] == ["staging/api"]
    targets = json.loads(browser.ask("/api/v1/projects/shop/targets", **given).text)["targets"]
    assert [one["target"] for one in targets] == ["staging/api"]
    assert browser.ask("/api/v1/projects/other/targets", **given).status == 404
    assert browser.token not in repr(browser.admission.access)
    for odd in (f"Bearer {browser.token}x", f"Basic {browser.token}", "Bearer", "Bearer \xe9", browser.token):
        assert browser.ask("/api/v1/projects", authorization=odd).status == 401
    browser.now += datetime.timedelta(days=1)
    assert browser.ask("/api/v1/projects", **given).status == 200
    browser.now += datetime.timedelta(days=1)
    assert browser.ask("/api/v1/projects", **given).status == 401
    browser.log_in()
    cookie = browser.cookies["__Host-lockstep"]
    assert browser.ask("/api/v1/projects", authorization=f"Bearer {cookie}").status == 401


def test_the_command_makes_a_token_that_the_file_knows_by_its_digest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The token alone goes to stdout, what is to be written of it beside it; nothing is followed."""
    assert main(["serve", "--token", "ci"]) == 0
    token, said = capsys.readouterr()
    lines = said.partition("\n")[2]
    path = tmp_path / "lockstep-serve.yaml"
    path.write_text(f"projects:\n  shop: {{repository: .}}\ntokens:\n{lines}")
    access = read_serve_file(path, {}).access
    assert access.tokens[0].expires > datetime.datetime.now(datetime.UTC).date()
    assert access.bearer(token.strip(), datetime.date(2026, 1, 1)) == access.tokens[0].who()
    assert token.strip() not in said


def test_a_token_of_another_project_sees_nothing_of_this_one(follower: Follower) -> None:
    """Roles are by project; what is not seen is answered as what is not there."""
    token = new_token()
    own = Token(name="ci", digest=digest_of(token), groups=frozenset({"others"}), expires=datetime.date.max)
    follower.project = replace(follower.project, grants=GRANTS)
    saw(follower, row("staging/api", SyncStatus.SYNCED))
    app = make_app([follower], secret=None, admission=Admission(Access(tokens=(own,)), None, None))
    given = {"authorization": f"Bearer {token}"}
    assert json.loads(ask(app, "/api/v1/projects", **given).text)["projects"] == []
    for path in ("/targets/shop/staging/api", "/api/v1/projects/shop/targets"):
        assert ask(app, path, **given).status == 404
    assert ask(app, "/", authorization="Bearer x").status == 401
    assert ask(app, "/targets/shop/staging/api").status == 200  # anybody of this machine, as before


def test_github_says_who_people_are_and_their_teams(
    follower: Follower, history: History, identity: Identity
) -> None:
    """Teams by their organization; a token that is taken back logs out."""
    browser = Browser(follower, history, identity, is_github=True, api=identity.url)
    follower.project = replace(
        follower.project, grants=Grants(everywhere={"acme/developers": frozenset({Role.VIEW})})
    )
    assert browser.log_in().status == 303
    assert browser.ask("/targets/shop/staging/api").status == 200
    identity.groups = ["others"]
    browser.now += datetime.timedelta(minutes=5)
    assert browser.ask("/targets/shop/staging/api").status == 404
    identity.take_back()
    browser.now += datetime.timedelta(minutes=5)
    assert browser.ask("/").status == 303
    assert browser.log_in().status == 303
    identity.subject = "1"
    browser.now += datetime.timedelta(minutes=5)
    assert browser.ask("/").status == 303, "somebody else's answer"


def test_what_is_kept_of_a_session_is_of_no_use_without_its_cookie(
    browser: Browser, history: History, identity: Identity
) -> None:
    """The file has neither the cookie's value nor a token of the provider's that could be read."""
    browser.log_in()
    history.close()
    kept = b"".join(one.read_bytes() for one in Path(history.where).parent.glob("history.db*"))
    assert b"4711" in kept
    assert browser.cookies["__Host-lockstep"].encode() not in kept
    assert not [one for one in identity._tokens if one.encode() in kept]


def test_a_role_includes_seeing_and_admin_includes_each() -> None:
    """By environment in addition to the project; previews are one environment."""
    who = Who(name="ada", groups=frozenset({"testers", "previewers"}))
    grants = replace(
        GRANTS, environments={**GRANTS.environments, "preview": {"previewers": frozenset({Role.ADMIN})}}
    )
    assert [role for role in Role if grants.may(who, role, "staging")] == [Role.VIEW, Role.SYNC]
    assert [role for role in Role if grants.may(who, role, "preview/pr-1")] == [*Role]
    assert not grants.may(who, Role.VIEW, "production")
    assert grants.seen(who) == {"staging", "preview"}
    assert grants.seen(Who(name="x", roles=frozenset({Role.VIEW}))) is None
    assert grants.seen(Who(name="x")) == frozenset()
