"""The strict AWS answers alike in front of both emulators."""

import pytest

from tests.support.clouds import Cloud


@pytest.fixture
def cloud(each_cloud: Cloud) -> Cloud:
    """Each emulator."""
    return each_cloud
