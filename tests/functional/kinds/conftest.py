"""One emulator: moto keeps a function's first asynchronous settings for ever, and no function URLs' rules."""

from collections.abc import Callable

import pytest

from tests.functional.kinds.samples import furnish
from tests.strict import everything
from tests.support.clouds import Cloud
from tests.support.engine import Lab


@pytest.fixture
def lab(lab_on: Callable[..., Lab], ministack: Cloud) -> Lab:
    """A lab on MiniStack with every AWS rule switched on but throttling, and what samples name."""
    made = lab_on(ministack, *everything())
    furnish(ministack)
    return made
