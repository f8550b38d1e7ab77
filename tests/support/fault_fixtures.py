"""Fixtures of the tests of faults: ``pytest_plugins = ["tests.support.fault_fixtures"]``."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lockstep.engines.aws import engine
from lockstep.local.ministack import LocalCloud
from tests.support.fault_lab import Clean, FaultLab, keep_connections
from tests.support.fault_runner import Runner
from tests.support.faults import StrictAws


@pytest.fixture(scope="session")
def _fault_connections() -> Callable[..., object]:
    """Connections that stay open from run to run."""
    return keep_connections()


@pytest.fixture(scope="session")
def _fault_cleans() -> dict[str, Clean]:
    """Runs in which nothing went wrong, by scenario."""
    return {}


@pytest.fixture(scope="session")
def _fault_kept() -> set[str]:
    """Scenarios of which the emulator of this session keeps what is live before."""
    return set()


@pytest.fixture(scope="session")
def _fault_aws(_running: Callable[[str], LocalCloud]) -> Iterator[StrictAws]:
    """One strict AWS for all scenarios."""
    with StrictAws(_running("ministack")) as aws:
        yield aws


@pytest.fixture
def faults(
    ministack: LocalCloud,
    _fault_aws: StrictAws,
    _fault_connections: Callable[..., object],
    _fault_cleans: dict[str, Clean],
    _fault_kept: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> FaultLab:
    """A lab on MiniStack in which each call is tried once, unless a test says otherwise."""
    for name, value in _fault_aws.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(engine, "Connections", _fault_connections)
    return FaultLab(cloud=ministack, aws=_fault_aws, folder=tmp_path, known=_fault_cleans, kept=_fault_kept)


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    """Syncs in processes of their own."""
    with Runner() as one:
        yield one


@pytest.fixture(scope="session")
def other_runner() -> Iterator[Runner]:
    """A second one, for two syncs at once."""
    with Runner() as one:
        yield one
