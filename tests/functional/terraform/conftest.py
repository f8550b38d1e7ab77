"""Fixtures of the terraform engine's tests."""

from pathlib import Path

import pytest

from tests.support.terraform_engine import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A repository with a folder that takes the map of functions, and an empty state."""
    return Desk.make(tmp_path)
