"""What promotion to an environment asks for, and what holds it back."""

from dataclasses import field
from enum import StrEnum

from lockstep.values import dataclass

__all__ = ["Freeze", "Hold", "Merge", "Promotion"]


class Merge(StrEnum):
    """How a promotion reaches the branch that is deployed from."""

    AUTO = "auto"  # a pull request that merges itself once its checks pass
    REVIEW = "review"  # a pull request that a person merges
    DIRECT = "direct"  # a commit, without a pull request


@dataclass(frozen=True, kw_only=True, slots=True)
class Freeze:
    """A time in which nothing is promoted, by the clock of ``timezone``.

    Weekly with ``days`` (0 is Monday): from ``start`` (HH:MM) on each of those days to ``end``, on the
    next day when that is not later. Else once, from ``start`` to ``end``, ISO 8601 without offset; a
    date alone counts from its beginning or to its end.
    """

    start: str
    end: str
    timezone: str
    days: tuple[int, ...] = ()
    reason: str | None = None
    place: str = field(default="", compare=False)  # file:line


@dataclass(frozen=True, kw_only=True, slots=True)
class Promotion:
    """The policy of one environment."""

    merge: Merge = Merge.REVIEW
    source: str | None = None  # environment that versions come from; None: any release
    is_automatic: bool = False  # whoever is awake promotes by itself what no gate holds back
    soak: int = 0  # seconds that a version must have been Synced and Healthy in the source
    freezes: tuple[Freeze, ...] = ()
    hold: str | None = None  # why nothing is promoted to it at all
    place: str = field(default="", compare=False)  # file:line


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """A target whose version only people change, as its declaration says."""

    version: str | None  # the version that was taken back
    since: str  # ISO 8601
    by: str
    reason: str | None = None
    place: str = field(default="", compare=False)  # file:line
