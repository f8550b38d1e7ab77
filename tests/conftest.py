"""Fixtures that every test may use: the local clouds and the strict proxy."""

import os
from collections.abc import Callable, Iterator

import pytest

from lockstep.local.ministack import LocalCloud
from tests.support import clouds
from tests.support.strict import Proxy, Rule


@pytest.fixture(autouse=True)
def _no_ambient_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the AWS account, profile or proxy of whoever runs it."""
    for name in [*os.environ]:
        if name.startswith("AWS_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(scope="session")
def _running() -> Iterator[Callable[[str], "LocalCloud | clouds.Moto"]]:
    """Emulators of this session, each started when first asked for."""
    started: dict[str, LocalCloud | clouds.Moto] = {}

    def get(kind: str) -> LocalCloud | clouds.Moto:
        if kind not in started:
            started[kind] = clouds.start(kind)
        started[kind].reset()
        return started[kind]

    yield get
    for cloud in started.values():
        cloud.stop()


@pytest.fixture
def ministack(_running: Callable[[str], LocalCloud]) -> LocalCloud:
    """An empty MiniStack: runs functions."""
    return _running("ministack")


@pytest.fixture
def moto(_running: Callable[[str], clouds.Moto]) -> clouds.Moto:
    """An empty moto server."""
    return _running("moto")


@pytest.fixture(params=["ministack", "moto"])
def cloud(request: pytest.FixtureRequest, _running: Callable[[str], clouds.Cloud]) -> clouds.Cloud:
    """An empty local AWS; the test runs on each emulator."""
    return _running(request.param)


@pytest.fixture
def strict() -> Iterator[Callable[..., Proxy]]:
    """``strict(cloud, *rules)`` puts a strict AWS in front of a cloud; see tests.support.strict."""
    open_proxies: list[Proxy] = []

    def start(cloud: clouds.Cloud, *rules: Rule) -> Proxy:
        open_proxies.append(Proxy(cloud, *rules))
        return open_proxies[-1]

    yield start
    for proxy in open_proxies:
        proxy.close()
