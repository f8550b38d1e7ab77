"""The repository that tests of previews begin with."""

from pathlib import Path

import pytest

from tests.functional.previews.ground import World, make_world
from tests.unit.git.conftest import _own_configuration

__all__ = ["_own_configuration"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A project with a function and a Kubernetes service, and no preview yet."""
    return make_world(tmp_path)
