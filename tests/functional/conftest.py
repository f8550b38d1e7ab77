"""Fixtures of the functional tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.session
import pytest

from lockstep.engines.aws import connection
from tests.strict import Proxy, Rule, everything
from tests.strict.settings import Settings
from tests.support.clouds import Cloud
from tests.support.connecting import share_clients
from tests.support.engine import Lab, prepare


@pytest.fixture(scope="session", autouse=True)
def _clients_made_once() -> Iterator[None]:
    """Botocore makes a session and clients for each engine, and reads its service models for each session."""
    loader = botocore.loaders.create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lambda *_: loader)
        share_clients(patch)
        yield


@pytest.fixture(autouse=True)
def _fresh_quotas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Token buckets belong to a process; each test begins as a new one does."""
    monkeypatch.setattr(connection, "_QUOTAS", {})


@pytest.fixture
def lab_on(
    strict: Callable[..., Proxy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Lab]:
    """``lab_on(cloud, *rules)``: a strict AWS as this process's AWS, with the usual role and buckets."""

    def make(cloud: Cloud, *rules: Rule, **fields: Any) -> Lab:
        aws = strict(cloud, *rules)
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        return prepare(aws, tmp_path, **fields)

    return make


@pytest.fixture
def cloud(ministack: Cloud) -> Cloud:
    """An empty local AWS: MiniStack, which honours revisions and is the quicker one.

    What is asked of AWS's rules is answered by the strict AWS in front of it, in the same way on both
    emulators; a file whose tests are about what an emulator itself keeps or answers takes ``each_cloud``.
    """
    return ministack


@pytest.fixture
def lab(cloud: Cloud, lab_on: Callable[..., Lab]) -> Lab:
    """A lab with every AWS rule switched on but throttling."""
    return lab_on(cloud, *everything(), Settings())
