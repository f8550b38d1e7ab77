"""Following what a server does, also while it cannot be reached."""

import threading
from collections.abc import Mapping
from typing import Any, cast

import pytest

from lockstep.delivery.asking import orders
from lockstep.delivery.asking.orders import follow
from lockstep.delivery.asking.server import Server
from lockstep.errors import Interrupted, Unreadable

STEP = {"title": "staging/web: update code"}
DONE: dict[str, Any] = {"state": "done", "steps": [STEP]}


class Answers:
    """A server that gives these answers, one for each question; None where it is away."""

    def __init__(self, *answers: dict[str, Any] | None) -> None:
        self.answers = [*answers]

    def get(self, path: str, name: str) -> dict[str, Any]:
        """The next answer."""
        answer = self.answers.pop(0)
        if answer is None:
            raise Unreadable("no such host", where="http://localhost", fix="start it")
        return {name: answer}


def followed(answers: Answers, stop: threading.Event) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
    """The run, and what was told of it."""
    told: list[Mapping[str, Any]] = []
    return follow(cast("Server", answers), "r1", told.append, stop=stop), told


def test_a_server_that_is_away_for_a_moment_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """No step is told twice."""
    monkeypatch.setattr(orders, "_EACH", 0.0)
    running = {"state": "running", "steps": [STEP]}
    assert followed(Answers(running, None, None, running, DONE), threading.Event()) == (DONE, [STEP])


def test_who_stops_while_the_server_is_away_waits_for_nothing() -> None:
    """It is not asked again, and the error names the command that goes on."""
    stop, answers = threading.Event(), Answers(None)
    stop.set()
    with pytest.raises(Interrupted, match="no such host") as caught:
        followed(answers, stop)
    assert (caught.value.fix, answers.answers) == ("ask again: lockstep runs r1", [])
