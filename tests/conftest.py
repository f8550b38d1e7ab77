"""Fixtures that every test may use: the local clouds and the strict proxy; what a run tells at its end."""

import gc
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from lockstep.local.ministack import LocalCloud
from tests.strict import Proxy, Rule
from tests.support import clouds, skips
from tests.support.forking import forked
from tests.support.order import long_first, shuffled
from tests.support.pure import PURE
from tests.support.seed import chooser, seed
from tests.support.terraform import provider_settings

# How fast examples are made says how busy the machine is.
settings.register_profile("lockstep", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lockstep")


@pytest.hookimpl(tryfirst=True)  # Hypothesis looks at its option in the same hook
def pytest_configure(config: pytest.Config) -> None:
    """Settle the seed before any worker begins, for what Hypothesis draws too."""
    number = seed()
    if config.getoption("--hypothesis-seed") is None:
        config.option.hypothesis_seed = number


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for garbage once while tests are gathered, and never again among them.

    All modules and ten thousand tests stay to the end: each full collection would walk through them.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each worker begin with its share of the long tests; any order with LOCKSTEP_SHUFFLE=1."""
    if os.environ.get("LOCKSTEP_SHUFFLE"):
        items[:] = shuffled(items, chooser("order"), name=lambda item: item.nodeid)
        return
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = long_first(items, workers, name=lambda item: item.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which kinds of tests were not run here, and why, and by which seed the others chose."""
    terminalreporter.write_line(f"chosen by LOCKSTEP_SEED={seed()}")
    skipped = skips.skipped_in(terminalreporter.stats.get("skipped", ()))
    if told := skips.words(skipped):
        terminalreporter.write_line(told)
    if problem := skips.lost(skipped, os.environ):
        terminalreporter.write_line(problem, red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in CI that lost the tests for which everything seems to be there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and skips.lost(skips.skipped_in(reporter.stats.get("skipped", ())), os.environ):
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _no_ambient_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the AWS account, profile or proxy of whoever runs it."""
    for name in [*os.environ]:
        if name.startswith("AWS_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(autouse=True)
def _logs_as_a_new_process_does() -> Iterator[None]:
    """A command that a test runs in this process leaves its log to no other test."""
    log = logging.getLogger("lockstep")
    yield
    log.handlers, log.propagate = [], True
    log.setLevel(logging.NOTSET)


@pytest.fixture(autouse=True)
def _pure_tests_start_nothing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``./dev check`` runs starts no process; a test that needs one stands elsewhere."""
    if not request.node.nodeid.startswith(PURE):
        return

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a pure test starts a process: it belongs to tests/functional", pytrace=True)

    for module, name in ((subprocess, "Popen"), (os, "fork"), (os, "posix_spawn"), (os, "system")):
        monkeypatch.setattr(module, name, refuse, raising=False)


@pytest.fixture(scope="session", autouse=True)
def _terraform_providers() -> Iterator[None]:
    """Terraform finds a mirror of its provider, also where the product runs it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in provider_settings().items():
            patch.setenv(name, value)
        yield


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
def each_cloud(request: pytest.FixtureRequest, _running: Callable[[str], clouds.Cloud]) -> clouds.Cloud:
    """An empty local AWS; the test runs on each emulator."""
    return _running(request.param)


@pytest.fixture
def cloud(each_cloud: clouds.Cloud) -> clouds.Cloud:
    """An empty local AWS: each emulator, unless a folder or a file says otherwise."""
    return each_cloud


@pytest.fixture(scope="session")
def forks() -> Iterator[Path]:
    """A folder with a program ``lockstep`` whose start costs little; see tests.support.forking."""
    with forked() as folder:
        yield folder
    assert not folder.exists(), "the process that forks has left something"


@pytest.fixture
def strict() -> Iterator[Callable[..., Proxy]]:
    """``strict(cloud, *rules)`` puts a strict AWS in front of a cloud; see tests.strict."""
    open_proxies: list[Proxy] = []

    def start(cloud: clouds.Cloud, *rules: Rule) -> Proxy:
        open_proxies.append(Proxy(cloud, *rules))
        return open_proxies[-1]

    yield start
    for proxy in open_proxies:
        proxy.close()
