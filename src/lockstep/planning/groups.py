"""Rollouts of several functions that move as one: all take a step when each may, and one abort clears all.

``advance`` says what each would do alone; what they do together follows from that and from how far each of
them is. So their aliases are all the state that there is, and a run that was killed between two of them is
gone on with by the next. The end takes two steps, so that none has left its way back before all have passed:
first the new versions get all calls beside the stable ones, then the aliases point at them.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from lockstep.model.rolling import RolloutState
from lockstep.model.rollout import Rollout, RolloutWish, Word
from lockstep.planning.rollouts import (
    NO_ROLLOUT,
    Abort,
    Course,
    Decision,
    Finish,
    Forget,
    Pause,
    TakeStep,
    Wait,
    position,
    wished,
)
from lockstep.values import dataclass

__all__ = ["Member", "said_together", "together"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One target of a group, looked at alone."""

    policy: Rollout
    course: Course | None = None  # None: there is no alias yet, or it was not read
    decision: Decision | None = None  # None: no release comes to it step by step
    obstacle: str | None = None  # why nothing can be done about it

    @property
    def is_coming(self) -> bool:
        """Whether a release comes to it, as far as anybody knows."""
        return self.decision is not None or self.obstacle is not None

    @property
    def step(self) -> int:
        """The stage it is in, from 0; -1 before the first."""
        return position(self.policy, self.course) if self.course is not None else -1

    @property
    def may_go_on(self) -> bool:
        """Whether it would leave its stage now; one that begins the same stage anew does not."""
        match self.decision:
            case Finish():
                return self.obstacle is None
            case TakeStep(step=step):
                return self.obstacle is None and step > self.step
            case _:
                return False


def together(members: Mapping[str, Member], now: datetime) -> dict[str, Decision]:
    """What is done about each member to which a release comes, by its key.

    Those that are furthest behind go on when all of them may, and the others wait for them. Where one begins
    anew all do.
    """
    coming = {key: one for key, one in members.items() if one.is_coming}
    for key, one in coming.items():
        if (why := _taken_back(one.decision)) is not None:
            return {other: _cleared(each, f"with {key}: {why}") for other, each in coming.items()}
    behind = _behind(coming)
    if leading := _leading(coming, behind):
        first = next(iter(leading))
        return {
            key: Forget(findings=one.decision.findings)
            if key in leading
            else _waiting(one.decision, {first: coming[first]}, now)
            for key, one in coming.items()
            if one.decision is not None
        }
    holding = {key: one for key, one in behind.items() if not one.may_go_on}
    found: dict[str, Decision] = {}
    for key, one in coming.items():
        if one.decision is None:
            continue  # what is in its way is told of it
        if key in behind and not holding:
            found[key] = _in_step(one, one.decision, is_alone=len(coming) == 1)
        elif key in holding or isinstance(one.decision, Pause):
            found[key] = one.decision
        else:
            found[key] = _waiting(one.decision, holding or behind, now)
    return found


def said_together(members: Mapping[str, Member], wish: RolloutWish) -> dict[str, Decision | str]:
    """What somebody's word on one member does to each of the group; where it does nothing, why, for that one.

    Everything is said of the whole group: who approves lets all go on that wait, who aborts clears all.
    """
    said = {
        key: wished(wish, one.policy, one.course, one.decision) if one.course is not None else NO_ROLLOUT
        for key, one in members.items()
    }
    if wish.word is Word.APPROVE:
        coming = {key: one for key, one in members.items() if one.is_coming}
        behind = _behind(coming)
        for key in behind or (wish.target,):
            why = said[key] if behind and members[key].obstacle is None else NO_ROLLOUT
            if isinstance(why, str):
                return {wish.target: why if key == wish.target else f"{key} of its group: {why}"}
        return {
            key: _in_step(one, decision, is_alone=len(coming) == 1)
            for key, one in behind.items()
            if not isinstance(decision := said[key], str)
        }
    done = {key: one for key, one in said.items() if not isinstance(one, str)}
    if wish.word is Word.ABORT:
        # Weights of somebody else's are taken from the one that is named alone.
        done = {key: one for key, one in done.items() if key == wish.target or not isinstance(one, Forget)}
        first = wish.target if wish.target in done else next(iter(done), "")
        done |= {
            key: replace(one, reason=f"with {first}: {one.reason}", with_group=True)
            for key, one in done.items()
            if isinstance(one, Abort) and key != first
        }
    return {**done} if done else {wish.target: said[wish.target]}


def _taken_back(decision: Decision | None) -> str | None:
    match decision:
        case Abort(reason=reason) | Pause(is_bad=True, reason=reason):
            return reason
        case _:
            return None


def _cleared(one: Member, why: str) -> Decision:
    """What becomes of one when another one is taken back: it has no calls, or does not begin."""
    decision = one.decision
    if _taken_back(decision) is not None or (isinstance(decision, Pause) and decision.is_foreign):
        assert decision is not None  # noqa: S101 - it was looked at
        return decision
    findings = decision.findings if decision is not None else ()
    if one.course is not None and one.course.is_running:
        return Abort(reason=why, with_group=True, findings=findings)
    return Pause(reason=why, is_bad=True, findings=findings)


def _behind(coming: Mapping[str, Member]) -> dict[str, Member]:
    least = min((one.step for one in coming.values()), default=0)
    return {key: one for key, one in coming.items() if one.step == least}


def _leading(coming: Mapping[str, Member], behind: Mapping[str, Member]) -> list[str]:
    """Those that are more than a step ahead, since another one begins anew: they give their calls back.

    One that was given all calls has passed, and waits; unless what cleared that other one was to clear all.
    None while anything is in the way: what could not be read may be as far.
    """
    if any(one.obstacle is not None for one in coming.values()):
        return []
    is_cleared = any(
        one.course is not None
        and one.course.record is not None
        and one.course.record.state is RolloutState.CLEARED
        for one in behind.values()
    )
    least = min((one.step for one in behind.values()), default=0)
    return [
        key
        for key, one in coming.items()
        if one.step > least + 1 and (is_cleared or one.step < len(one.policy.stages))
    ]


def _in_step(one: Member, decision: Decision, *, is_alone: bool) -> Decision:
    """The last stage is left by all before any alias points at what has come."""
    last = len(one.policy.stages)
    if isinstance(decision, Finish) and one.step < last and not is_alone:
        return TakeStep(step=last, findings=decision.findings)
    return decision


def _waiting(decision: Decision, others: Mapping[str, Member], now: datetime) -> Decision:
    for key, one in others.items():
        if one.obstacle is not None:
            return Pause(reason=f"{key} of its group is held back", findings=decision.findings)
        if isinstance(one.decision, Pause):
            return Pause(
                reason=f"{key} of its group: {one.decision.reason}",
                is_asked=one.decision.is_asked,
                findings=decision.findings,
            )
    dues = {key: one.decision.due if isinstance(one.decision, Wait) else now for key, one in others.items()}
    last = max(dues, key=lambda key: dues[key])
    own = decision.due if isinstance(decision, Wait) else now
    return Wait(due=max(own, dues[last]), awaits=last, findings=decision.findings)
