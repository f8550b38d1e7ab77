"""How GitHub is asked: rate limits, retries, ETags, pages, redirects, and where the token goes."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lockstep.errors import BadInput, ForgeError
from lockstep.forge.base import CheckState
from lockstep.forge.github import GitHub
from lockstep.forge.github.pace import Clock, Pace
from lockstep.forge.github.transport import Transport
from tests.functional.forge.github.conftest import TOKEN, Time
from tests.support.github import Fault, GitHubServer, Repository


def status(forge: GitHub, repository: Repository) -> None:
    """Make some change."""
    sha = repository.git.resolve("main")
    assert sha is not None
    forge.set_status(sha, context="lockstep", state=CheckState.SUCCESS, description="d")


@pytest.mark.parametrize("code", [403, 429])
def test_retry_after_is_obeyed(
    forge: GitHub, repository: Repository, server: GitHubServer, time: Time, code: int
) -> None:
    """A secondary rate limit is waited out, of writes too: a limited request did nothing."""
    server.faults = [Fault(match="", status=code, headers={"Retry-After": "42"})]
    status(forge, repository)
    assert time.slept == [42]
    assert len(repository.statuses) == 1


def test_the_reset_is_waited_for(
    forge: GitHub, repository: Repository, server: GitHubServer, time: Time
) -> None:
    """A used up limit is waited for when it comes back soon."""
    server.remaining, server.reset_at = 0, int(time.now) + 90
    time.meanwhile = lambda: setattr(server, "remaining", 10)
    assert forge.pulls() == []
    assert time.slept == [91]


def test_a_limit_without_a_time_is_waited_for_longer_each_time(
    forge: GitHub, server: GitHubServer, time: Time
) -> None:
    """A minute, then two."""
    server.faults = [
        Fault(match="", status=403, message="You have exceeded a secondary rate limit.", times=2)
    ]
    assert forge.pulls() == []
    assert time.slept == [60, 120]


@pytest.mark.parametrize(
    "error", [{"type": "RATE_LIMITED", "message": "x"}, {"message": "exceeded a secondary rate limit"}]
)
def test_graphql_tells_of_its_limit_with_status_200(
    forge: GitHub, server: GitHubServer, time: Time, error: dict[str, str]
) -> None:
    """The error in its list is waited out; a text that only speaks of it is not."""
    server.faults = [Fault(match="graphql", status=200, value={"data": None, "errors": [error]})]
    forge.put_issue("m", title="Our secondary rate limit", body="RATE_LIMITED, secondary rate limit")
    assert forge.find_issue("m") is not None
    assert time.slept == [60]


def test_a_long_wait_is_an_error(
    forge: GitHub, connect: Callable[..., GitHub], server: GitHubServer, time: Time
) -> None:
    """It says until when, and what helps; nothing is waited for in vain."""
    server.remaining, server.reset_at = 0, int(time.now) + 3000
    with pytest.raises(ForgeError, match=r"rate limit is used up until \d\d:\d\d UTC[\s\S]*GitHub App's"):
        forge.pulls()
    with pytest.raises(ForgeError, match="set GITHUB_TOKEN"):
        connect(None).pulls()
    assert time.slept == []
    server.faults = [Fault(match="", status=429, headers={"Retry-After": "3600"})]
    with pytest.raises(ForgeError, match="secondary rate limit"):
        forge.pulls()


@pytest.mark.parametrize("code", [500, 502, 503, 504, 0])
def test_failures_that_pass_are_tried_again(
    forge: GitHub, server: GitHubServer, time: Time, code: int
) -> None:
    """GitHub's own failures and broken connections, with growing pauses."""
    server.faults = [Fault(match="", status=code, times=3)]
    assert forge.pulls() == []
    assert len(time.slept) == 3
    assert 0 < sum(time.slept) < 6


def test_failures_that_last_are_told(forge: GitHub, server: GitHubServer) -> None:
    """After four attempts it is an error that names the status."""
    server.faults = [Fault(match="", status=502, times=9)]
    with pytest.raises(ForgeError, match=r"GitHub answered 502 4 times[\s\S]*githubstatus.com"):
        forge.pulls()
    assert len(server.seen) == 4


def test_nobody_there(time: Time) -> None:
    """A closed port is tried again, for writes too, and then named without the token."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{closed.getsockname()[1]}/api/v3"
        forge = GitHub(repository="a/b", token=TOKEN, api=api, transport=Transport(clock=time.clock()))
        with pytest.raises(ForgeError, match="cannot be reached") as error:
            forge.set_status("0" * 40, context="c", state=CheckState.PENDING, description="")
    assert len(time.slept) == 3
    assert TOKEN not in str(error.value)


def test_what_has_not_changed_is_free(forge: GitHub, repository: Repository, server: GitHubServer) -> None:
    """A second look sends the ETag, costs nothing of the limit and gives the same; a change is seen."""
    repository.add_pull(head="main")
    server.remaining = 2
    assert forge.pull(1) == forge.pull(1) == forge.pull(1)
    assert [seen.status for seen in server.seen] == [200, 304, 304]
    assert server.remaining == 1
    repository.issues[1].title = "Other"
    assert forge.pull(1).title == "Other"


def test_many_writes_are_spaced(forge: GitHub, repository: Repository, time: Time) -> None:
    """At most 80 in any minute: the first ones at once, then one each second."""
    begun = time.now
    for _ in range(79):
        status(forge, repository)
    assert 58 <= time.now - begun <= 60
    for _ in range(3):  # asking is no write, by GraphQL neither
        assert forge.find_issue("m") is None
    assert time.now - begun <= 60


def test_one_write_at_a_time() -> None:
    """Threads take turns."""
    pace = Pace(Clock(now=lambda: 0.0, sleep=lambda _: None))
    inside: list[int] = []
    most: list[int] = []

    def write() -> None:
        for _ in range(50):
            with pace.write():
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer with what the server was told to."""
        server = self.server
        assert isinstance(server, Redirecting)
        server.seen.append(self.headers.get("Authorization"))
        self.send_response(server.status)
        for name, value in server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    do_PATCH = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class Redirecting(ThreadingHTTPServer):
    """A server that gives one answer to everything."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Elsewhere)
        self.seen: list[str | None] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b"[]"
        self.api = f"http://127.0.0.1:{self.server_port}/api/v3"


@pytest.fixture
def elsewhere() -> Iterator[Redirecting]:
    """Two names for one machine: 127.0.0.1 is the API, localhost is not."""
    server = Redirecting()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", ["Location", "Link"])
def test_the_token_goes_to_no_other_host(elsewhere: Redirecting, name: str) -> None:
    """Neither a redirect nor the next page leads away from the API."""
    target = elsewhere.api.replace("127.0.0.1", "localhost") + "/repositories/1/pulls"
    elsewhere.status = 301 if name == "Location" else 200
    elsewhere.headers = {name: target if name == "Location" else f'<{target}>; rel="next"'}
    forge = GitHub(repository="a/b", token=TOKEN, api=elsewhere.api)
    with pytest.raises(ForgeError, match=r"another host.* which gets no token"):
        forge.pulls()
    assert elsewhere.seen == [f"Bearer {TOKEN}"]


def test_a_renamed_repository_is_read_but_not_written(elsewhere: Redirecting) -> None:
    """A circle of redirects ends; a write that would be moved asks for the new name."""
    elsewhere.status, elsewhere.headers = 301, {"Location": f"{elsewhere.api}/repositories/1/pulls"}
    forge = GitHub(repository="a/b", token=TOKEN, api=elsewhere.api)
    with pytest.raises(ForgeError, match="redirects too often"):
        forge.pulls()
    assert len(elsewhere.seen) == 4
    with pytest.raises(ForgeError, match=r"has moved[\s\S]*new name"):
        forge.update_pull(1, title="x")


def test_an_answer_that_is_not_json(elsewhere: Redirecting) -> None:
    """A page of a proxy is named as such."""
    elsewhere.body = b"<html>"
    with pytest.raises(ForgeError, match=r"the answer is not JSON[\s\S]*proxy"):
        GitHub(repository="a/b", api=elsewhere.api).pulls()


def test_the_token_is_nowhere(
    forge: GitHub, repository: Repository, server: GitHubServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in repr, not in the log, not in errors."""
    server.faults = [Fault(match="", times=5)]
    with caplog.at_level(logging.DEBUG), pytest.raises(ForgeError) as error:
        forge.pulls()
    texts = (repr(forge), repr(vars(forge)), caplog.text, str(error.value))
    assert not any(TOKEN in text for text in texts)
    assert "GET http://127.0.0.1" in caplog.text
    assert server.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("token", ["ghp_ä", "a\nb", "a\r\nX-Other: 1"])
def test_tokens_that_cannot_be_one(connect: Callable[..., GitHub], token: str) -> None:
    """Characters that would break a header are refused without repeating the token."""
    with pytest.raises(BadInput, match="characters that no token has") as error:
        connect(token)
    assert token not in str(error.value)


@pytest.mark.parametrize("name", ["shop", "a/b/c", "a/..", "a/b?x", "/b", "a b/c", "a/"])
def test_names_that_are_no_repository(connect: Callable[..., GitHub], name: str) -> None:
    """Owner and name, and nothing that would change the path."""
    with pytest.raises(BadInput, match="write owner/name"):
        connect(repository=name)
