"""The repository that tests of previews begin with, and an AWS for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lockstep.engines.aws import engine
from tests.functional.git.conftest import _own_configuration
from tests.functional.previews.ground import World, make_world
from tests.strict import everything
from tests.strict.settings import Settings
from tests.support.clouds import Cloud
from tests.support.engine import PACE, Lab

__all__ = ["_own_configuration"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A project with a function and a Kubernetes service, and no preview yet."""
    return make_world(tmp_path)


@pytest.fixture
def aws(moto: Cloud, lab_on: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A strict AWS for the verbs, with short waits."""
    monkeypatch.setattr(engine, "Pace", lambda: PACE)
    return lab_on(moto, *everything(), Settings())
