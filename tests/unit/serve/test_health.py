"""What a process without a page answers."""

import pytest

from lockstep.serve.following import Follower
from lockstep.serve.web.app import make_app
from lockstep.serve.web.figures import work_figures
from lockstep.serve.web.health import health_app
from lockstep.store.base import StoreError
from lockstep.store.entries import RunState
from tests.unit.serve.test_page import ask, follower

__all__ = ["follower"]


def away() -> None:
    """A database that does not answer."""
    raise StoreError("connection refused", where="database")


@pytest.mark.parametrize(("is_alive", "check"), [(True, lambda: None), (False, away)], ids=["well", "not"])
def test_a_worker_says_whether_it_lives_and_could_take_a_turn(is_alive: bool, check: object) -> None:
    """By status and in words; it answers nothing else."""
    app = health_app(lambda: is_alive, check, str)  # type: ignore[arg-type]
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
    assert ask(app, "/").status == 404


def test_a_worker_tells_what_it_does(follower: Follower) -> None:
    """In the figures of a page's, which on several machines are nobody's but a worker's own."""
    follower.counted = follower.counted.run(RunState.DONE, 0.5, 7)
    done = 'lockstep_runs_total{project="shop",state="done"} 1\n'
    found = ask(health_app(lambda: True, lambda: None, lambda: work_figures([follower])), "/metrics")
    assert found.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert done in found.text
    assert 'lockstep_busy{project="shop"} 0\n' in found.text
    assert "lockstep_targets" not in found.text  # those are what a page has seen
    assert done in ask(make_app([follower], secret=None), "/metrics").text
    assert done not in ask(make_app([follower], secret=None, working=[]), "/metrics").text
