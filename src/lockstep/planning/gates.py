"""What holds a promotion back, since when, and what lifts it."""

import datetime
from collections.abc import Callable, Iterator, Sequence

from lockstep.model import Health, Hold, Promotion, SyncStatus
from lockstep.model.version import Version
from lockstep.planning.freezes import frozen
from lockstep.values import dataclass

__all__ = ["Candidate", "Gate", "Standing", "duration", "gates_of", "is_backwards", "way_on"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a version stands in the environment that it comes from.

    ``since`` is when it began to be there as it is now; None where it never was. ``until`` is when
    another version took its place; None while it runs.
    """

    target: str  # "staging/s3-notifier"
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    status: SyncStatus = SyncStatus.UNKNOWN
    health: Health = Health.UNKNOWN
    is_watched: bool = True  # False: another tool deploys it, so only Git says something
    problem: str | None = None  # why AWS could not be asked
    rollout: str | None = None  # how far it is on its way to all calls, in words
    undone: str | None = None  # how it was taken back there


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One version on its way to one target."""

    target: str  # "production/s3-notifier"
    old: str | None
    new: str
    hold: Hold | None = None
    standing: Standing | None = None  # None: the policy names no source


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """One thing in the way."""

    name: str  # "hold", "freeze", "soak", "source", "backwards"
    target: str
    problem: str
    lifts: str  # what lifts it
    since: datetime.datetime | None = None
    can_override: bool = True
    lifts_itself: bool = False  # waiting is all that it takes
    until: datetime.datetime | None = None  # when it lifts, where that is known


def gates_of(
    policy: Promotion,
    candidate: Candidate,
    *,
    now: datetime.datetime,
    zone: Callable[[str], datetime.tzinfo],
) -> tuple[Gate, ...]:
    """Everything that holds a candidate back at an aware time; empty when nothing does."""
    return tuple(
        gate
        for find in (_holds, _freezes, _sources, _directions)
        for gate in find(policy, candidate, now, zone)
    )


def way_on(closed: Sequence[Gate]) -> str:
    """What lets a promotion through that gates hold back."""
    if not all(gate.can_override for gate in closed):
        is_only_that = all(not gate.can_override for gate in closed)
        return "lift the hold first" if is_only_that else "lift the hold first, then the others as they say"
    if all(gate.lifts_itself for gate in closed):
        return "wait, or say why it cannot: --override REASON"
    return "do what lifts them, or say why they do not count: --override REASON"


def is_backwards(old: str | None, new: str) -> bool:
    """Whether both are semantic versions and the new one comes before the old one."""
    first, second = Version.find(old or ""), Version.find(new)
    return first is not None and second is not None and second.precedence < first.precedence


_Zone = Callable[[str], datetime.tzinfo]


def _holds(policy: Promotion, one: Candidate, now: datetime.datetime, zone: _Zone) -> Iterator[Gate]:
    del now, zone
    if policy.hold is not None:
        yield Gate(
            name="hold",
            target=one.target,
            problem=f"the environment is on hold: {policy.hold}",
            lifts=f"removing promotion.hold from {policy.place} lifts it",
            can_override=False,
        )
    if one.hold is not None:
        taken = f" after {one.hold.version} was taken back" if one.hold.version else ""
        reason = f": {one.hold.reason}" if one.hold.reason else ""
        yield Gate(
            name="hold",
            target=one.target,
            problem=f"on hold by {one.hold.by}{taken}{reason}",
            since=_moment(one.hold.since),
            lifts=f"lockstep release-hold {one.target}",
            can_override=False,
        )


def _freezes(policy: Promotion, one: Candidate, now: datetime.datetime, zone: _Zone) -> Iterator[Gate]:
    found = frozen(policy.freezes, now, zone)
    if found is not None:
        reason = f": {found.freeze.reason}" if found.freeze.reason else ""
        yield Gate(
            name="freeze",
            target=one.target,
            problem=f"frozen{reason} ({found.freeze.place})",
            since=found.since,
            lifts=f"it ends {found.until:%Y-%m-%d %H:%M} ({found.freeze.timezone})",
            lifts_itself=True,
            until=found.until,
        )


def _sources(policy: Promotion, one: Candidate, now: datetime.datetime, zone: _Zone) -> Iterator[Gate]:
    del zone
    standing = one.standing
    if standing is None:
        return
    if standing.since is None:
        yield Gate(
            name="source",
            target=one.target,
            problem=f"{one.new} has never run as {standing.target}",
            lifts=f"promote it to {standing.target.rpartition('/')[0]} first",
        )
        return
    if standing.undone is not None:
        yield Gate(
            name="source",
            target=one.target,
            problem=f"{one.new} was taken back as {standing.target}: {standing.undone}",
            lifts=f"bring it back there first, or promote what {standing.target} declares",
        )
        return
    if standing.rollout is not None and standing.problem is None:
        yield Gate(
            name="source",
            target=one.target,
            problem=f"{one.new} has not all calls of {standing.target} yet: {standing.rollout}",
            lifts=f"its rollout ends, from when a soak counts: lockstep sync {standing.target} follows it",
            lifts_itself=standing.health is Health.PROGRESSING,
        )
        return
    if standing.until is None and standing.is_watched and not _is_well(standing):
        said = standing.problem or f"{standing.target} is {standing.status}/{standing.health}"
        yield Gate(
            name="source",
            target=one.target,
            problem=f"it is not known to be well where it comes from: {said}",
            lifts=_mends(standing),
            lifts_itself=standing.status is SyncStatus.SYNCED and standing.health is Health.PROGRESSING,
        )
    end = standing.until or now
    ran = int((end - standing.since).total_seconds())
    if ran < policy.soak:
        left = policy.soak - ran
        until = now + datetime.timedelta(seconds=left) if standing.until is None else None
        lifts = (
            f"it has run long enough in {duration(left)}, at {_short(until)}"
            if until is not None
            else f"{standing.target} runs another version; promote that, or bring this one back there"
        )
        yield Gate(
            name="soak",
            target=one.target,
            problem=f"{one.new} ran for {duration(ran)} as {standing.target}; "
            f"the policy asks for {duration(policy.soak)}",
            since=standing.since,
            lifts=lifts,
            lifts_itself=until is not None,
            until=until,
        )


def _directions(policy: Promotion, one: Candidate, now: datetime.datetime, zone: _Zone) -> Iterator[Gate]:
    del policy, now, zone
    if is_backwards(one.old, one.new):
        yield Gate(
            name="backwards",
            target=one.target,
            problem=f"{one.new} comes before {one.old}, which is declared",
            lifts=f"to go back: lockstep rollback {one.target} --to {one.new}",
        )


def _mends(standing: Standing) -> str:
    """What makes a target well that is not known to be."""
    match standing:
        case Standing(problem=str()):
            return f"mend that first; it is well when lockstep status {standing.target} says Synced/Healthy"
        case Standing(status=SyncStatus.OUT_OF_SYNC) | Standing(health=Health.MISSING):
            return f"lockstep sync {standing.target}"
        case Standing(status=SyncStatus.SYNCED, health=Health.PROGRESSING):
            return "AWS is still at work on it"
        case Standing(status=SyncStatus.SYNCED):
            return f"bring a version there that is healthy, or go back: lockstep rollback {standing.target}"
        case _:
            return f"lockstep status {standing.target} tells why it is not known"


def _is_well(standing: Standing) -> bool:
    return standing.status is SyncStatus.SYNCED and standing.health is Health.HEALTHY


def _moment(text: str) -> datetime.datetime | None:
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _short(moment: datetime.datetime) -> str:
    return f"{moment.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC"


def duration(seconds: int) -> str:
    """Seconds in the two largest units that say something: ``2 d 3 h``, ``5 min``, ``40 s``."""
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(max(seconds, 0), size)
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 s"
