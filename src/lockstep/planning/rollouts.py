"""What a rollout does next, decided from what is declared, the alias, what was measured, and the time.

Each decision is at most one write of the alias under its revision, and whoever asks next, whenever, goes on
from what the alias then says. So no process has to live as long as a rollout does.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from lockstep.model import Health
from lockstep.model.rolling import TAKEN_BACK, RolloutRecord, RolloutState
from lockstep.model.rollout import Finding, Measured, Progress, Rollout, RolloutWish, Ruling, Word
from lockstep.planning.judging import judge, settling
from lockstep.values import dataclass

__all__ = [
    "NO_ROLLOUT",
    "Abort",
    "Course",
    "Decision",
    "Finish",
    "Forget",
    "Mark",
    "Pause",
    "TakeStep",
    "Wait",
    "advance",
    "approved",
    "position",
    "progress_of",
    "wished",
]

NO_ROLLOUT = "no rollout is under way"
_SKEW = 300  # seconds by which clocks of two machines may differ
_GRACE = 3600  # seconds by which whoever syncs may be late, and as many as the step itself lasts


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """An alias in the middle of a rollout, or before one, as it was read.

    ``is_wanted``: the version that the record names is what is declared now. ``timeout`` is the function's,
    in seconds.
    """

    record: RolloutRecord | None = None
    is_wanted: bool = False
    is_foreign: bool = False  # somebody else gave it its weights
    timeout: int = 3

    @property
    def is_running(self) -> bool:
        """Whether a version is on its way, and was not taken back."""
        return self.record is not None and self.record.state not in TAKEN_BACK


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Nothing is to be done until then, at least."""

    due: datetime
    awaits: str = ""  # another one of its group, that has to come along
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeStep:
    """The stage with this number begins now. ``is_new``: it is the first of a release that comes.

    The number after the last stage's gives it all calls and keeps the way back open, until its group has
    come as far.
    """

    step: int
    is_new: bool = False
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """It stays as it is until somebody decides. ``is_bad``: what is declared was taken back before."""

    reason: str
    is_bad: bool = False
    is_foreign: bool = False
    is_asked: bool = False  # somebody, or the declaration, wants it so
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Abort:
    """All calls go back to the stable version. ``with_group``: another one of its group is why."""

    reason: str
    with_group: bool = False
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """All calls go to the new version."""

    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """The weights stay, and the record says that somebody paused it, or lets it go on."""

    state: RolloutState
    reason: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Forget:
    """The stable version has all calls, and nothing is remembered of any other."""

    findings: tuple[Finding, ...] = ()


Decision: TypeAlias = Wait | TakeStep | Pause | Abort | Finish | Mark | Forget


def advance(policy: Rollout, course: Course, measured: Measured | None, now: datetime) -> Decision:
    """What is to be done now for a release that is declared and that the alias does not point at.

    A step is left only when it has lasted as long as declared *and* every gate was judged after that and
    passed; a run that comes late takes one step, like any other.
    """
    record = course.record
    if course.is_foreign:
        return Pause(reason="its weights are not Lockstep's", is_foreign=True)
    if record is None or not course.is_wanted or record.state is RolloutState.CLEARED:
        return TakeStep(step=0, is_new=True) if policy.stages else Finish()
    if record.state is RolloutState.ABORTED:
        return Pause(reason=record.reason or "it was taken back", is_bad=True)
    step = position(policy, course)
    if step >= len(policy.stages):
        return Finish()  # it was judged before it came here
    stage = policy.stages[step]
    settle = settling(policy, course.timeout)
    due = record.since + timedelta(seconds=stage.seconds + settle)
    is_over = now >= due
    findings = judge(
        policy,
        measured,
        begun=record.begun,
        since=record.since,
        until=max(record.since, now - timedelta(seconds=settle)),
        weight=record.weight,
        is_end=is_over,
    )
    failed = [one for one in findings if one.ruling is Ruling.FAILED]
    if failed:
        return Abort(reason=_told(failed), findings=findings)
    if record.state is RolloutState.PAUSED:
        return Pause(reason=record.reason or "paused", is_asked=True, findings=findings)
    if stage.approval:
        return Pause(reason="waiting for approval", is_asked=True, findings=findings)
    if record.since > now + timedelta(seconds=_SKEW):
        # Whoever began the step had a clock that was ahead, or this one went back: it begins anew.
        return TakeStep(step=step, findings=findings)
    if not is_over:
        return Wait(due=due, findings=findings)
    broken = [one for one in findings if one.ruling is Ruling.BROKEN]
    if broken:
        return Pause(reason=_told(broken), findings=findings)
    undecided = [one for one in findings if one.ruling is Ruling.OPEN]
    if undecided:
        extended = due + timedelta(seconds=stage.seconds)
        if now < extended:
            return Wait(due=extended, findings=findings)
        return Pause(reason=_told(undecided), findings=findings)
    return _next(policy, step, findings)


def approved(policy: Rollout, record: RolloutRecord) -> TakeStep | Finish:
    """What follows when somebody says that the step is well."""
    return _next(policy, _stage_of(policy, record), ())


def wished(wish: RolloutWish, policy: Rollout, course: Course, decision: Decision | None) -> Decision | str:
    """What somebody wants done about a rollout, or why that cannot be.

    ``decision`` is what would be done otherwise; None where what is declared has all calls.
    """
    record = course.record
    match wish.word:
        case Word.ABORT if course.is_foreign:
            return Forget()
        case Word.ABORT if course.is_running:
            return Abort(reason=wish.reason)
        case Word.RETRY if record is not None and record.state is RolloutState.ABORTED:
            return Forget()
        case Word.RETRY:
            return "no release was taken back"
        case _ if record is None or not course.is_running:
            return NO_ROLLOUT
        case _ if decision is None or not course.is_wanted:
            return "what comes is not what is declared any more: the next sync sees to it"
        case Word.PAUSE:
            return Mark(state=RolloutState.PAUSED, reason=wish.reason)
        case Word.RESUME if record.state is RolloutState.PAUSED:
            return Mark(state=RolloutState.RUNNING)
        case Word.RESUME:
            return "it is not paused"
        case Word.APPROVE if isinstance(decision, TakeStep | Finish):
            return decision
        case Word.APPROVE if isinstance(decision, Pause) and record.state is RolloutState.RUNNING:
            return approved(policy, record)
        case Word.APPROVE if isinstance(decision, Pause):
            return "it is paused: resume it first"
        case Word.APPROVE if isinstance(decision, Abort):
            return f"a gate failed: {decision.reason}; the next sync takes it back"
        case _:
            return "nothing waits for approval: the step is not over"


def _next(policy: Rollout, step: int, findings: tuple[Finding, ...]) -> TakeStep | Finish:
    if step + 1 < len(policy.stages):
        return TakeStep(step=step + 1, findings=findings)
    return Finish(findings=findings)


def position(policy: Rollout, course: Course) -> int:
    """The stage that a release is in: -1 before the first one, and the number of stages after the last."""
    record = course.record
    return -1 if record is None or not (course.is_wanted and course.is_running) else _stage_of(policy, record)


def _stage_of(policy: Rollout, record: RolloutRecord) -> int:
    """The stage that a record is in. Of another policy: the last one of the new that gives no more calls."""
    if record.policy == policy.digest:
        return min(record.step, len(policy.stages))
    reached = [n for n, stage in enumerate(policy.stages) if stage.weight <= record.weight + 1e-9]
    return reached[-1] if reached else 0


def _told(findings: list[Finding]) -> str:
    return "; ".join(f"{one.gate}: {one.words}" for one in findings)


def _late(decision: Decision, policy: Rollout, course: Course, now: datetime) -> int:
    """For how long a share of the calls has stood still although its step is over; 0 within the grace."""
    record, step = course.record, position(policy, course)
    is_still = isinstance(decision, TakeStep | Finish) or (
        isinstance(decision, Pause) and not (decision.is_asked or decision.is_bad or decision.is_foreign)
    )
    if record is None or step < 0 or not is_still:
        return 0
    seconds = policy.stages[step].seconds if step < len(policy.stages) else 0
    over = record.since + timedelta(seconds=seconds + settling(policy, course.timeout))
    late = int((now - over).total_seconds())
    return late if late > max(seconds, _GRACE) else 0


def progress_of(decision: Decision, policy: Rollout, course: Course, release: str, now: datetime) -> Progress:
    """A decision as people are told of it, before anything is done about it."""
    record = course.record if course.is_wanted else None
    if record is not None and record.state is RolloutState.CLEARED:
        record = None  # it begins anew
    late = _late(decision, policy, course, now)
    base = Progress(
        late=late,
        health=Health.PROGRESSING,
        release=release,
        weight=record.weight if record is not None and record.state is not RolloutState.ABORTED else 0.0,
        step=min(_stage_of(policy, record) + 1, len(policy.stages)) if record is not None else 0,
        steps=len(policy.stages),
        at=now.astimezone(UTC).isoformat(timespec="seconds"),
        way=policy.way,
        gates=policy.gates,
        findings=decision.findings,
    )
    match decision:
        case Wait(due=due, awaits=awaits):
            reason = f"waits for {awaits}" if awaits else ""
            return replace(base, due=due.astimezone(UTC).isoformat(timespec="seconds"), reason=reason)
        case TakeStep() | Finish() | Mark() | Forget():
            moment = None if late else now.astimezone(UTC).isoformat(timespec="seconds")
            return replace(base, due=moment)
        case Pause(reason=reason, is_bad=is_bad, is_asked=is_asked):
            health = Health.DEGRADED if is_bad else Health.SUSPENDED
            reason = f"taken back: {reason}" if is_bad else reason
            return replace(base, health=health, reason=reason, is_asked=is_asked)
        case Abort(reason=reason):
            return replace(base, health=Health.DEGRADED, reason=f"taking it back: {reason}")
