"""A controller as a process, and its page as anybody reads it."""

import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Mapping
from http.client import HTTPResponse
from pathlib import Path

from tests.support.waiting import until

__all__ = ["DIRECT", "Serving", "fetched", "in_shell", "shown", "stream"]

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Serving:
    """One ``lockstep serve``, with what it says."""

    def __init__(self, *words: str, env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lockstep", "serve", *words],
            env=dict(env) | {"PYTHONFAULTHANDLER": "1"},  # SIGABRT tells where its threads are
            stderr=subprocess.PIPE,
            text=True,
        )
        self.text = ""
        self.addresses: list[str] = []
        self._has_ended = False
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._more:
                self.text += line
                self._more.notify_all()
        with self._more:
            self._has_ended = True
            self._more.notify_all()

    def until(self, *patterns: str) -> str:
        """Wait until all of these were said, forget what was said up to then, and return it."""
        with self._more:
            is_said = [False]

            def is_over() -> bool:
                is_said[0] = all(re.search(one, self.text) for one in patterns)
                return is_said[0] or self._has_ended

            self._more.wait_for(is_over, timeout=60)
            assert is_said[0], self.text
            said, self.text = self.text, ""
            return said

    def end(self, number: signal.Signals) -> int:
        """Send a signal, and wait for the end."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end, whoever brings it about; one that does not come tells what its threads do."""
        try:
            code = self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self._reader.join(timeout=10)
            self.process.kill()
            self.process.wait(timeout=10)
            raise AssertionError(f"it did not end; what it said last:\n{self.text[-10_000:]}") from None
        self._reader.join(timeout=60)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


def fetched(url: str) -> str:
    """What an address of the page answers."""
    with DIRECT.open(url, timeout=30) as answer:
        text: str = answer.read().decode()
        return text


def shown(url: str, words: str) -> None:
    """Wait until the page shows some words."""
    until(lambda: words in fetched(url), seconds=60)


def stream(url: str) -> HTTPResponse:
    """A page that stays open."""
    request = urllib.request.Request(url, headers={"Accept": "text/html, text/event-stream"})
    answer: HTTPResponse = DIRECT.open(request, timeout=60)
    assert answer.headers["content-type"].startswith("text/event-stream")
    return answer


def in_shell(place: Path, script: str) -> str:
    """Do what the demo says that one may, as a person of its own."""
    person = "export GIT_AUTHOR_NAME=Ada GIT_COMMITTER_NAME=Ada EMAIL=ada@example.org HOME=/nonexistent"
    done = subprocess.run(
        ["sh", "-ec", f". {place}/env.sh; {person}; cd {place}/syrf/gitops; {script}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
