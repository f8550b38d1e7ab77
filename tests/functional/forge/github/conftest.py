"""A GitHub on loopback with one repository, whose clock runs when somebody waits."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lockstep.forge.github import GitHub
from lockstep.forge.github.pace import Clock
from lockstep.forge.github.transport import Transport
from tests.support.github import GitHubServer, Repository, github_server

NAME = "acme/shop"
TOKEN = "ghp_made_up"


class Time:
    """A clock that stands still until somebody sleeps, and remembers how long."""

    def __init__(self) -> None:
        self.now = 1_799_999_000.0
        self.slept: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None  # what happens while somebody sleeps

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds
        self.meanwhile()

    def clock(self) -> Clock:
        """As the transport wants it."""
        return Clock(now=lambda: self.now, sleep=self.sleep)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHubServer]:
    """A GitHub; every request and answer of the test has to be as GitHub describes."""
    with github_server(tmp_path / "github") as running:
        yield running


@pytest.fixture
def repository(server: GitHubServer) -> Repository:
    """acme/shop, with one commit on main."""
    return server.world.add_repository(NAME)


@pytest.fixture
def time() -> Time:
    """The clock of ``connect``."""
    return Time()


@pytest.fixture
def connect(server: GitHubServer, time: Time) -> Callable[..., GitHub]:
    """Make a forge of acme/shop for a token (or another argument of GitHub's)."""

    def make(token: str | None = TOKEN, **options: object) -> GitHub:
        given = {"repository": NAME, "token": token, "api": server.api, **options}
        return GitHub(transport=Transport(clock=time.clock()), **given)  # type: ignore[arg-type]

    return make


@pytest.fixture
def forge(repository: Repository, connect: Callable[..., GitHub]) -> GitHub:
    """acme/shop as a forge, for somebody who may do everything."""
    return connect()
