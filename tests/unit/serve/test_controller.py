"""The loop ends when it is told to."""

import threading
from pathlib import Path

import pytest

from lockstep.delivery.places.forges import Credentials
from lockstep.serve.controller import Controller
from lockstep.serve.file import read_serve_file
from lockstep.serve.following import Follower


def test_a_stop_during_a_step_that_takes_the_wake_away_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the next poll, which may be an hour away."""
    path = tmp_path / "lockstep-serve.yaml"
    path.write_text(f"data: {tmp_path / 'data'}\nprojects:\n  shop: {{repository: {tmp_path}}}\n")
    (tmp_path / "data").mkdir()
    stop, told = threading.Event(), []

    def step(follower: Follower) -> float:
        stop.set()
        assert follower.wake.wait(20)
        follower.wake.clear()
        return 1e6

    monkeypatch.setattr(Follower, "step", step)
    controller = Controller(
        read_serve_file(path, {}),
        credentials=Credentials(cache=tmp_path),
        tell=lambda *words: told.append(words),
        stop=stop,
        environ={},
    )
    running = threading.Thread(target=controller.run, daemon=True)
    running.start()
    running.join(20)
    assert (running.is_alive(), told) == (False, [])
