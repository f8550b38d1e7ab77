"""What is remembered, as values. Times are ISO 8601 in UTC, so that later ones are greater."""

import hashlib
import secrets
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from lockstep.values import dataclass

__all__ = [
    "Drift",
    "Event",
    "Happened",
    "News",
    "Rollout",
    "RolloutEnd",
    "Run",
    "RunState",
    "Scope",
    "Sent",
    "Session",
    "StepEntry",
    "key_of",
    "new_run",
]

Scope: TypeAlias = Mapping[str, frozenset[str] | None] | None
"""What somebody may see: environments by project, None for all of one; None for everything."""


class RunState(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"  # somebody stopped the controller; the next run goes on with it
    LOST = "lost"  # the controller ended before it did


class Happened(StrEnum):
    """What an event tells of."""

    PUSHED = "pushed"  # the branch is at another commit
    DEPLOYED = "deployed"
    FAILED = "failed"
    REMOVED = "removed"
    DRIFTED = "drifted"  # what is live is not what Git says
    MENDED = "mended"
    UNREADABLE = "unreadable"  # Git or AWS
    PROMOTED = "promoted"  # a version was brought on its way to an environment
    MERGED = "merged"  # a pull request that waited
    CLEANED = "cleaned"  # what previews left behind
    ASKED = "asked"  # somebody wanted something of a target


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One sync of some targets of one environment."""

    id: str
    project: str
    began: str
    why: str
    actor: str
    commit: str | None
    targets: str  # their names
    state: RunState = RunState.RUNNING
    ended: str | None = None
    words: str = ""  # what it came to
    calls: int = 0  # of APIs
    first: str | None = None  # id of the first of the attempts in a row that this one is of, if not itself
    pull: str | None = None  # URL of the pull request that it made or merged


@dataclass(frozen=True, kw_only=True, slots=True)
class StepEntry:
    """One step of a run, which has ended."""

    at: str
    target: str
    words: str
    outcome: str
    seconds: float
    error: str = ""
    requests: str = ""  # ids of the requests to AWS that it made


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One thing that happened: a line of the audit."""

    at: str
    project: str
    kind: Happened
    words: str
    target: str | None = None
    version: str | None = None
    actor: str = ""
    commit: str | None = None  # of the GitOps repository
    source: str | None = None  # commit of the source that is declared
    run: str | None = None  # id of the run
    id: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """One target that was not as Git says, from when it was seen to when it was as Git says again."""

    project: str
    target: str
    seen: str
    cause: str
    words: str  # what differed at first
    mended: str | None = None
    id: int = 0


class RolloutEnd(StrEnum):
    """How far a rollout is."""

    RUNNING = "running"
    WAITING = "waiting"  # for somebody
    DONE = "done"  # the version has all calls
    FAILED = "failed"  # it was taken back
    LEFT = "left"  # something else is declared or live now


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """One rollout of a target, from when it was seen first to when it was seen to be over."""

    project: str
    target: str
    release: str  # that comes
    began: str
    state: RolloutEnd = RolloutEnd.RUNNING
    words: str = ""  # how far it is, or what became of it
    ended: str | None = None
    id: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What one destination was told of one thing last."""

    key: str
    destination: str
    remote: str = ""  # by what it is found there again
    digest: str = ""  # of the words; "" while they are being sent for the first time
    at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Somebody who is logged in."""

    id: str  # digest of what the browser has
    subject: str  # who it is, for the provider
    name: str
    groups: tuple[str, ...]
    began: str
    checked: str  # when the provider said so last
    ends: str
    sealed: str  # what the provider is asked with; only the browser's part opens it


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What goes on, and what ended lately: the newest first."""

    runs: tuple[Run, ...] = ()
    steps: Mapping[str, int]  # that have ended, of runs that go on
    drifts: tuple[Drift, ...] = ()
    rollouts: tuple[Rollout, ...] = ()


def key_of(one: Run | Drift | Rollout) -> str:
    """By what it is known everywhere: also where another history begins to count from 1."""
    match one:
        case Run():
            return f"run/{one.first or one.id}"
        case Drift():
            return f"drift/{_short(one.project, one.target, one.seen)}"
        case Rollout():
            return f"rollout/{_short(one.project, one.target, one.began)}"


def _short(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def new_run() -> str:
    """An id that no other run has, in this file or in one that was lost."""
    return secrets.token_hex(8)
