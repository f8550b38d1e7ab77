"""Pull requests as a forge tells them, with what a reviewer looks at."""

from enum import StrEnum

from lockstep.values import dataclass

__all__ = ["Check", "CheckState", "Commit", "Pull", "PullState", "Ready", "Remark", "Review"]


class PullState(StrEnum):
    """Where a pull request stands."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"  # without having been merged


class CheckState(StrEnum):
    """Where a check of a commit stands."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pull:
    """A pull request. ``conflict`` is None while the forge has not found out."""

    number: int
    title: str
    body: str
    head: str  # branch
    base: str  # branch
    sha: str  # head commit, 40 hex digits
    state: PullState
    url: str
    author: str = ""
    labels: tuple[str, ...] = ()
    is_draft: bool = False
    is_fork: bool = False  # its head is in another repository
    conflict: bool | None = None
    is_blocked: bool | None = None  # by reviews or checks that the base branch requires
    merge_commit: str | None = None
    merged_by: str | None = None
    closed_by: str | None = None
    created: str = ""  # ISO 8601
    ended: str | None = None  # when it was merged or closed


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One check run or commit status."""

    name: str
    state: CheckState
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """A commit as a reviewer wants to see it."""

    sha: str
    subject: str
    author: str
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """A comment."""

    author: str
    written: str  # ISO 8601
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """A promotion that nothing is in the way of any more."""

    pull: Pull
    moves: tuple[tuple[str, str | None, str], ...]  # target, version that it declares, and the one to come
    checks: tuple[Check, ...] = ()  # all of them successes


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """Everything that a reviewer looks at. GitHub's comments stand on the pull request's page."""

    pull: Pull
    checks: tuple[Check, ...] = ()
    commits: tuple[Commit, ...] = ()
    remarks: tuple[Remark, ...] = ()
