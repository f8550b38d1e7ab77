"""What is due, from what was seen last and a clock. Pure: seconds are the caller's, and only ever grow.

Level-triggered: nothing is remembered but what was seen and what did not come out, so that a controller
that starts anew comes to the same by looking at everything once.
"""

import datetime
import math
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import TypeAlias

from lockstep.model import StatusRow, SyncStatus, select
from lockstep.model.rollout import Progress
from lockstep.model.status import Cause
from lockstep.serve.file import Followed
from lockstep.values import dataclass

__all__ = [
    "LONGEST",
    "Ask",
    "Clean",
    "Due",
    "Heads",
    "Look",
    "MoveOn",
    "Seen",
    "Try",
    "Wait",
    "Waiting",
    "asked",
    "backoff",
    "cleaned",
    "drifted",
    "due",
    "failed",
    "heard",
    "left_alone",
    "listened",
    "looked",
    "moved",
    "named",
    "read",
    "wanted",
]

LONGEST = 300.0  # seconds between two attempts at most
_APART = 1.0  # seconds between two questions to Git, however often a push is announced
_FIRST = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Heads:
    """What Git says: the commit of the branch, and of the branch of previews where they have their own."""

    commit: str
    previews: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Try:
    """What did not come out, and when it is tried again."""

    count: int  # failures in a row
    at: float
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A version that is not promoted, or not merged, yet."""

    version: str
    count: int = 0  # attempts in a row that failed; 0 where it only waits
    at: float = math.inf  # when it is looked at again at the latest; infinity: when Git is asked
    why: str
    number: int | None = None  # of the pull request that brings it
    url: str = ""

    def is_put_off(self, version: str, now: float) -> bool:
        """Whether this version failed, and is not tried again yet."""
        return self.count > 0 and self.version == version and now < self.at


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What is known of a project."""

    heads: Heads | None = None  # newest ones that could be read
    at: Heads | None = None  # those that the rows were compared with
    asked: float | None = None  # when Git answered
    tried: float | None = None  # when it was asked, answer or none
    looked: float | None = None  # when all of AWS was looked at
    is_hinted: bool = False  # somebody says that Git has moved
    heard: frozenset[str] = frozenset()  # targets of which AWS says that somebody changed them
    listened: float | None = None  # when those were looked at last
    git: Try | None = None
    aws: Try | None = None
    targets: Mapping[str, Try] = field(default_factory=dict)  # those that are not as Git says, or not known
    rows: Mapping[str, StatusRow] = field(default_factory=dict)
    moved: float | None = None  # when promotions were looked at
    moving: Try | None = None
    waiting: Mapping[str, Waiting] = field(default_factory=dict)  # by target
    cleaned: float | None = None  # when what previews leave behind was removed
    cleaning: Try | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask Git."""


@dataclass(frozen=True, slots=True)
class MoveOn:
    """Look at promotions: merge and promote what may be."""


@dataclass(frozen=True, slots=True)
class Clean:
    """Remove what previews have left behind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Look at AWS, and sync what may be."""

    targets: tuple[str, ...] | None = None  # None: all
    since: Heads | None = None  # only at what changed since
    is_heard: bool = False  # because AWS says that somebody changed them


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Nothing is due before."""

    until: float


Due: TypeAlias = Ask | Look | MoveOn | Clean | Wait


def due(seen: Seen, project: Followed, now: float) -> Due:
    """What to do now: what somebody was heard to change, then Git, then all of AWS, then what a push changed,
    then promotions and what previews left behind, then what did not come out.
    """
    listen = math.inf
    if seen.heard and seen.aws is None and seen.at is not None and seen.at == seen.heads:
        listen = _after(seen.listened, _APART, now)
    if listen <= now:
        return Look(targets=tuple(sorted(seen.heard)), is_heard=True)
    ask = seen.git.at if seen.git else _after(seen.asked, project.poll, now)
    if seen.is_hinted:
        ask = min(ask, _after(seen.tried, _APART, now))
    if ask <= now:
        return Ask()
    if seen.heads is None:
        return Wait(until=ask)
    look = seen.aws.at if seen.aws else _after(seen.looked, project.drift, now)
    if look <= now:
        return Look()
    if seen.aws is None and seen.at != seen.heads:
        return Look(since=seen.at)
    move, clean = _move(seen, project), _clean(seen, project, now)
    if move <= now:
        return MoveOn()
    if clean <= now:
        return Clean()
    again = {key: one.at for key, one in seen.targets.items()} if seen.aws is None else {}
    ready = tuple(sorted(key for key, at in again.items() if at <= now))
    if ready:
        return Look(targets=ready)
    return Wait(until=min((listen, ask, look, move, clean, *again.values())))


def _move(seen: Seen, project: Followed) -> float:
    """When promotions are due: each time that Git has answered, and when one of them need not wait."""
    if not project.syncs or seen.asked is None:
        return math.inf
    if seen.moving is not None:
        return seen.moving.at
    if seen.moved is None or seen.moved < seen.asked:
        return seen.asked
    return min((one.at for one in seen.waiting.values()), default=math.inf)


def _clean(seen: Seen, project: Followed, now: float) -> float:
    if project.clean is None:
        return math.inf
    return seen.cleaning.at if seen.cleaning is not None else _after(seen.cleaned, project.clean, now)


def _after(last: float | None, seconds: float, now: float) -> float:
    return now if last is None else last + seconds


def backoff(count: int) -> float:
    """Seconds from the failure with this number, from 1 on, to the next attempt."""
    return float(min(LONGEST, _FIRST * 2 ** min(count - 1, 20)))


def heard(seen: Seen, targets: Iterable[str]) -> Seen:
    """Somebody may have changed these in AWS."""
    return replace(seen, heard=seen.heard.union(targets))


def listened(seen: Seen, now: float) -> Seen:
    """What was heard up to now is looked at: what is heard from here on counts anew."""
    return replace(seen, heard=frozenset(), listened=now)


def asked(seen: Seen, heads: Heads, now: float) -> Seen:
    """Git has answered, and what it holds could be read."""
    return replace(seen, heads=heads, asked=now, tried=now, git=None)


def failed(seen: Seen, what: Ask | Look | MoveOn | Clean, why: str, project: Followed, now: float) -> Seen:
    """It did not come out: what was known stays. It is tried again, Git after a poll at the latest."""
    match what:
        case Ask():
            return replace(seen, tried=now, git=_again(seen.git, why, now, project.poll))
        case MoveOn():
            return replace(seen, moving=_again(seen.moving, why, now))
        case Clean():
            return replace(seen, cleaning=_again(seen.cleaning, why, now))
        case Look(targets=None):
            return replace(seen, aws=_again(seen.aws, why, now))
        case Look(targets=keys):
            tries = {key: _again(seen.targets.get(key), why, now) for key in keys or ()}
            return replace(seen, targets={**seen.targets, **tries})


def moved(
    seen: Seen,
    held: Iterable[tuple[str, Waiting, float | None]],
    put_off: Iterable[str],
    now: float,
) -> Seen:
    """Promotions were looked at, and these do not go on yet: each a target, what it waits for, and in how
    many seconds it goes on where that is known; a ``count`` says that it was tried and failed, and grows with
    each attempt. What was put off waits on.
    """
    found = {key: seen.waiting[key] for key in put_off if key in seen.waiting}
    for target, one, seconds in held:
        before = seen.waiting.get(target)
        if one.count:
            count = before.count + 1 if before is not None and before.version == one.version else 1
            found[target] = replace(one, count=count, at=now + backoff(count))
        else:
            at = math.inf if seconds is None else now + max(seconds, _APART)
            found[target] = replace(one, at=at)
    return replace(seen, moved=now, moving=None, waiting=found)


def cleaned(seen: Seen, now: float) -> Seen:
    """What previews left behind was removed."""
    return replace(seen, cleaned=now, cleaning=None)


def _again(before: Try | None, why: str, now: float, most: float = LONGEST) -> Try:
    count = before.count + 1 if before else 1
    return Try(count=count, at=now + min(backoff(count), most), why=why)


def looked(
    seen: Seen,
    heads: Heads,
    patterns: tuple[str, ...],
    rows: Iterable[StatusRow],
    why: Mapping[str, str],
    project: Followed,
    now: float,
) -> Seen:
    """AWS was read at ``heads`` for the targets that the patterns select (no patterns select all).

    What could be synced was, before it was read: ``why`` says of which targets that failed. What still
    differs, or is not known, is tried again: a rollout that goes on by itself when its step is over, and at
    the next poll at the latest, anything else later each time.
    """
    found = {row.target: row for row in rows}
    left = set(wanted(found.values(), project))
    about = _about(seen, patterns)
    tries = {key: one for key, one in seen.targets.items() if key not in about and key not in found}
    for key, row in found.items():
        before = seen.targets.get(key)
        if key in left and key not in why and row.progress is not None and row.progress.is_under_way:
            soon = min(project.poll, LONGEST, _left(row.progress))
            tries[key] = Try(count=0, at=now + soon, why=row.progress.words)
        elif key in left or (row.is_ours and row.status is SyncStatus.UNKNOWN):
            told = why.get(key) or row.problem or ("it still differs" if key in left else "it was not read")
            tries[key] = _again(before, told, now)
    return replace(read(seen, patterns, found.values(), now), at=heads, aws=None, targets=tries)


def _left(progress: Progress) -> float:
    """Seconds until its step is over; without end where nothing says when, or it was over already."""
    if progress.due is None or progress.at is None:
        return math.inf
    due, at = (datetime.datetime.fromisoformat(text) for text in (progress.due, progress.at))
    left = (due - at).total_seconds()
    return left if left > 0 else math.inf


def read(seen: Seen, patterns: tuple[str, ...], rows: Iterable[StatusRow], now: float) -> Seen:
    """AWS was read for the targets that the patterns select, and nothing was done yet."""
    about = _about(seen, patterns)
    kept = {key: row for key, row in seen.rows.items() if key not in about}
    return replace(
        seen,
        looked=seen.looked if patterns else now,
        rows={**kept, **{row.target: row for row in rows}},
    )


def _about(seen: Seen, patterns: tuple[str, ...]) -> frozenset[str]:
    """What is known of the targets that the patterns select."""
    keys = (*seen.rows, *seen.targets)
    chosen = {*select({named(key) for key in keys}, patterns)}
    return frozenset(key for key in keys if named(key) in chosen)


def wanted(rows: Iterable[StatusRow], project: Followed) -> tuple[str, ...]:
    """Targets to sync: those that differ, where the environment is synced.

    What was changed in AWS alone is left as it is where the environment does not heal; where nothing tells
    whose the difference is, Git's word counts.
    """
    return tuple(
        row.target
        for row in rows
        if row.is_ours
        and row.status is SyncStatus.OUT_OF_SYNC
        and (leave := project.leave(row.environment)).syncs
        and (leave.heals or row.cause is not Cause.AWS)
    )


def drifted(rows: Iterable[StatusRow], project: Followed) -> tuple[StatusRow, ...]:
    """Rows that differ because AWS was changed; or nobody knows why, and nobody brings them back."""
    rows = tuple(rows)
    syncing = {*wanted(rows, project)}
    return tuple(
        row
        for row in rows
        if row.is_ours
        and row.status is SyncStatus.OUT_OF_SYNC
        and (row.cause in (Cause.AWS, Cause.BOTH) or (row.cause is None and row.target not in syncing))
    )


def left_alone(seen: Seen, project: Followed) -> dict[str, str]:
    """Targets that differ and are not synced, and why not."""
    found = {}
    syncing = {*wanted(seen.rows.values(), project)}
    for key, row in seen.rows.items():
        if row.status is SyncStatus.OUT_OF_SYNC and row.is_ours and key not in syncing:
            is_synced = project.leave(row.environment).syncs
            why = "AWS was changed, and selfHeal is off" if is_synced else "sync is off"
            found[key] = f"differs from Git, and is left alone: {why} for {row.environment}"
    return found


def named(target: str) -> str:
    """The key of a target, without what tells two functions of one key apart."""
    return target.partition(" ")[0]
