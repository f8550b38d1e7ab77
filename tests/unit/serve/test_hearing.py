"""Listening for what somebody changed in AWS."""

import threading

from lockstep.errors import CloudError
from lockstep.serve.hearing import Listener
from tests.unit.planning.test_heard import event


class Letters:
    """A queue that tests fill."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.removed: list[str] = []
        self.failures = 0
        self.stop = threading.Event()

    def receive(self) -> tuple[tuple[str, str], ...]:
        """What was filled in; when that is over, so is the test."""
        if self.failures:
            self.failures -= 1
            raise CloudError("the queue is gone", where="sqs:ReceiveMessage")
        found = tuple((body, f"{number}") for number, body in enumerate(self.bodies))
        self.bodies = []
        if not found:
            self.stop.set()
        return found

    def remove(self, handles: list[str]) -> None:
        """Remember them."""
        self.removed += handles


class Stop(threading.Event):
    """Waits for no time."""

    def wait(self, timeout: float | None = None) -> bool:
        """At once."""
        return self.is_set()


def test_what_is_heard_is_told_and_removed() -> None:
    """Also what is no event; while the queue does not answer it is opened again, and that is said once."""
    letters, heard, said = Letters(), list[frozenset[str]](), list[str]()
    letters.stop = Stop()
    letters.failures = 3
    change = event("UpdateFunctionCode20150331v2", requestParameters={"functionName": "api"})
    letters.bodies = [change, "<html>", change]
    opened: list[Letters] = []

    def opening() -> Letters:
        opened.append(letters)
        return letters

    Listener(opening, heard.append, tell=said.append, stop=letters.stop).run()
    assert letters.removed == ["0", "1", "2"]
    assert len(opened) == 4  # what failed is not used again
    assert [sorted(one) for one in heard] == [["api"]]
    assert [line.partition(":")[0] for line in said] == [
        "events are not heard, and what they would tell is found later",
        "removed what is no event of EventBridge",
        "events are heard again",
    ]
