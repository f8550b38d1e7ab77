"""Which git processes Lockstep starts, as git itself tells: git-config(1), ``trace2.eventTarget``."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["Calls", "counted"]

_ASKING = frozenset({"fetch", "ls-remote", "push"})
_WITH_VALUE = frozenset({"-C", "-c"})


@dataclass(frozen=True)
class Calls:
    """The command lines of git processes, in order; those that git starts itself do not count."""

    file: Path

    def lines(self) -> list[list[str]]:
        """What each was called with, without git's own options."""
        text = self.file.read_text() if self.file.exists() else ""
        events = [json.loads(line) for line in text.splitlines()]
        begun = [event for event in events if event["event"] == "start" and "/" not in event["sid"]]
        # What Lockstep starts never takes another object for the one that it names.
        return [_verb(event["argv"][1:]) for event in begun if "--no-replace-objects" in event["argv"]]

    @property
    def processes(self) -> int:
        """How many there were."""
        return len(self.lines())

    @property
    def asked(self) -> int:
        """How often a remote was asked, fetched from or pushed to."""
        return sum(line[0] in _ASKING and "--get-url" not in line for line in self.lines())

    def __str__(self) -> str:
        """How often each verb was called."""
        verbs = Counter(line[0] for line in self.lines())
        return f"{self.processes} processes, {self.asked} of a remote: " + ", ".join(
            f"{count} {verb}" for verb, count in verbs.most_common()
        )


@contextmanager
def counted(folder: Path) -> Iterator[Calls]:
    """Count the git processes that are started in the block; ``folder`` takes git's notes of them."""
    calls = Calls(folder / f"git-{len(list(folder.glob('git-*')))}.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_TRACE2_EVENT", str(calls.file))
        yield calls


def _verb(words: list[str]) -> list[str]:
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in _WITH_VALUE else words[1:]
    return words
