"""What a process without a page answers."""

import pytest

from lockstep.serve.web.health import health_app
from lockstep.store.base import StoreError
from tests.unit.serve.test_page import ask


def away() -> None:
    """A database that does not answer."""
    raise StoreError("connection refused", where="database")


@pytest.mark.parametrize(("is_alive", "check"), [(True, lambda: None), (False, away)], ids=["well", "not"])
def test_a_worker_says_whether_it_lives_and_could_take_a_turn(is_alive: bool, check: object) -> None:
    """By status and in words; it answers nothing else."""
    app = health_app(lambda: is_alive, check)  # type: ignore[arg-type]
    status, words = (
        (200, ["ok", "ok"])
        if is_alive
        else (
            503,
            ["a part of it has ended", "the database does not answer: connection refused"],
        )
    )
    found = [ask(app, path) for path in ("/healthz", "/readyz")]
    assert [(one.status, one.text) for one in found] == [(status, f"{line}\n") for line in words]
    assert ask(app, "/metrics").status == 404
