"""The record of a rollout, in the description of the alias that it moves: all the state that there is.

    lockstep shop staging/notifier 1.0.0 ~running 1>2 0.1 1a2b3c4d5e6f 9f8e7d6c 0 20261130T0120Z... reason

The mark before it names the release of the stable version, as without a rollout. Pointer, weight and record
are changed by one conditional write, so a run that is killed leaves the step before or the step after.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum

from lockstep.model.alias import Alias, is_ours, pointed_at, target_of
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = [
    "LONGEST_MARK",
    "TAKEN_BACK",
    "RolloutRecord",
    "RolloutState",
    "is_recorded",
    "named_beside",
    "noted",
    "record_of",
    "taken_over",
]

_MOST = 256  # characters of a description. Source: Lambda's service model, Alias
_TIME = "%Y%m%dT%H%M%SZ"
_DIGEST, _POLICY = 12, 8  # hexadecimal digits
_RECORD = regex(
    r" ~(?P<state>[a-z]+) (?P<stable>\d{1,10})>(?P<candidate>\d{1,10}) (?P<weight>[0-9.e-]{1,12})"
    rf" (?P<digest>[0-9a-f]{{{_DIGEST}}}|-) (?P<policy>[0-9a-f]{{{_POLICY}}}) (?P<step>\d{{1,3}})"
    r" (?P<begun>\d{8}T\d{6}Z) (?P<since>\d{8}T\d{6}Z)(?: (?P<reason>.*))?\Z",
    re.ASCII | re.DOTALL,
)
LONGEST_MARK = 150
"""Characters of project, target and release with the words between them, which leave room for a record."""


class RolloutState(StrEnum):
    """What a rollout is doing."""

    RUNNING = "running"
    PAUSED = "paused"  # somebody said so
    ABORTED = "aborted"  # the stable version has all calls again
    CLEARED = "cleared"  # likewise, because another one of its group was taken back


TAKEN_BACK = frozenset({RolloutState.ABORTED, RolloutState.CLEARED})
"""In which the version that was to come has no calls any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutRecord:
    """How far a rollout is. Times are whole seconds in UTC."""

    state: RolloutState
    stable: str  # number of the version that the alias points at
    candidate: str  # number of the version that comes
    weight: float  # share of calls that it has
    digest: str  # beginning of the SHA-256 of its code; "" where none is known
    policy: str  # ``Rollout.digest`` that the step was taken by
    step: int  # from 0
    begun: datetime  # the rollout
    since: datetime  # the step
    reason: str = ""


def noted(mark: str, record: RolloutRecord) -> str:
    """A description with a record; the reason is cut to what fits."""
    text = (
        f"{mark} ~{record.state} {record.stable}>{record.candidate} {record.weight:.6g}"
        f" {record.digest[:_DIGEST] or '-'} {record.policy} {record.step}"
        f" {record.begun.astimezone(UTC):{_TIME}} {record.since.astimezone(UTC):{_TIME}}"
    )
    reason = " ".join(record.reason.split())
    return f"{text} {reason}"[:_MOST].rstrip() if reason else text


def record_of(alias: Alias, project: str, target: str) -> RolloutRecord | None:
    """The record of a live alias; None where there is none, and for one that the alias itself belies.

    It has to stand behind our own mark of this target, and the alias has to point where it says with the
    weight that it says. Whatever somebody else wrote there is not believed.
    """
    found = _RECORD.search(alias.description)
    if found is None or not is_ours(alias.description, project) or target_of(alias.description) != target:
        return None
    try:
        record = RolloutRecord(
            state=RolloutState(found["state"]),
            stable=found["stable"],
            candidate=found["candidate"],
            weight=float(found["weight"]),
            digest="" if found["digest"] == "-" else found["digest"],
            policy=found["policy"],
            step=int(found["step"]),
            begun=_time(found["begun"]),
            since=_time(found["since"]),
            reason=found["reason"] or "",
        )
    except ValueError:
        return None
    return record if _fits(record, alias) else None


def named_beside(description: str, version: str) -> str | None:
    """The number of another version that a description names: the one that comes, or one that was left."""
    found = _RECORD.search(description)
    number = found["candidate"] if found is not None else pointed_at(description)
    return number if number != version else None


def is_recorded(description: str) -> bool:
    """Whether a description has a record, believed or not."""
    return _RECORD.search(description) is not None


def taken_over(alias: Alias, record: RolloutRecord | None) -> bool:
    """Whether somebody else gave an alias its weights."""
    return bool(alias.weights) and record is None


def _fits(record: RolloutRecord, alias: Alias) -> bool:
    if record.stable != alias.version or not 0 <= record.weight <= 1 or record.stable == record.candidate:
        return False
    if record.state in TAKEN_BACK or not record.weight:
        return not alias.weights
    return alias.weights.keys() == {record.candidate} and (
        abs(alias.weights[record.candidate] - record.weight) < 1e-5
    )


def _time(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
