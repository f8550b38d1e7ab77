"""One emulator: moto keeps a function's first asynchronous settings for ever, and no function URLs' rules."""

from collections.abc import Callable

import pytest

from tests.strict import everything
from tests.support.clouds import Cloud, make_queue
from tests.support.engine import Lab


@pytest.fixture
def lab(lab_on: Callable[..., Lab], ministack: Cloud) -> Lab:
    """A lab on MiniStack with every AWS rule switched on but throttling, and the queue of samples."""
    made = lab_on(ministack, *everything())
    make_queue(ministack, "orders")
    return made
