"""Rollouts that move as one: laws of ``together``, whatever is killed, late, or goes wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lockstep.model.rolling import TAKEN_BACK, RolloutRecord, RolloutState
from lockstep.model.rollout import AlarmSeen, Measured, Rollout, RolloutWish, Stage, Word
from lockstep.planning.groups import Member, said_together, together
from lockstep.planning.rollouts import (
    Abort,
    Course,
    Decision,
    Finish,
    Forget,
    Mark,
    Pause,
    TakeStep,
    Wait,
    advance,
)

BEGAN = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)
POLICY = Rollout(
    stages=(Stage(weight=0.1, seconds=60), Stage(weight=0.5, seconds=60)), alarms=("errors",), group="shop"
)
LAST = len(POLICY.stages)
KEYS = ("staging/a", "staging/b", "staging/c")
WELL = dict.fromkeys(KEYS, "OK")
Decided = dict[str, Decision]


@dataclass
class Group:
    """Aliases of several functions, changed by what is decided as AWS would change them."""

    courses: dict[str, Course] = field(default_factory=lambda: dict.fromkeys(KEYS, Course()))
    done: set[str] = field(default_factory=set)  # that have all calls
    now: datetime = BEGAN

    def members(self, alarms: Mapping[str, str] = WELL) -> dict[str, Member]:
        """Each looked at alone, where an alarm of each is in a state."""
        return {
            key: Member(
                policy=POLICY,
                course=course,
                decision=None
                if key in self.done
                else advance(POLICY, course, measured(alarms[key], self.now), self.now),
            )
            for key, course in self.courses.items()
        }

    def look(self, *alarms: Mapping[str, str], writers: Sequence[int | None] = (0, 0, 0)) -> list[Decided]:
        """One evaluation, or several at once that see other alarms.

        Of those one is the first to write an alias, and the others are told that it was changed; None: a
        killed run did not come to it.
        """
        runs = [together(self.members(seen), self.now) for seen in alarms or (WELL,)]
        for key, writer in zip(KEYS, writers, strict=True):
            if writer is not None and key in runs[writer]:
                self.write(key, runs[writer][key])
        return runs

    def write(self, key: str, decision: Decision | str) -> None:
        """At most one write of an alias."""
        course = self.courses[key]
        record = course.record
        match decision:
            case TakeStep(step=step):
                record = RolloutRecord(
                    state=RolloutState.RUNNING,
                    stable="1",
                    candidate="2",
                    weight=POLICY.stages[step].weight if step < LAST else 1.0,
                    digest="",
                    policy=POLICY.digest,
                    step=step,
                    begun=BEGAN,
                    since=self.now,
                )
            case Abort(with_group=with_group):
                assert record is not None
                record = replace(record, state=RolloutState.CLEARED if with_group else RolloutState.ABORTED)
            case Mark(state=state):
                assert record is not None
                record = replace(record, state=state)
            case Forget():
                record = None
            case Finish():
                self.done.add(key)
            case _:
                pass
        self.courses[key] = replace(course, record=record, is_wanted=record is not None)

    @property
    def steps(self) -> list[int]:
        """How far those are that have calls, or are about to; -1 before the first step."""
        return [
            -1 if course.record is None else course.record.step
            for key, course in self.courses.items()
            if key not in self.done and not self.is_back(key)
        ]

    def is_back(self, key: str) -> bool:
        """Whether it was taken back."""
        record = self.courses[key].record
        return record is not None and record.state in TAKEN_BACK


def measured(state: str, now: datetime) -> Measured | None:
    """An alarm in a state; not read for "?"."""
    return None if state == "?" else Measured(alarms={"errors": AlarmSeen(state=state, since=now)})


Look = tuple[int, tuple[str, ...], tuple[str, ...], tuple[int | None, ...]]

seen = st.tuples(*[st.sampled_from(["OK", "OK", "OK", "OK", "INSUFFICIENT_DATA", "?", "ALARM"])] * 3)
looks = st.lists(
    st.tuples(st.integers(-400, 400), seen, seen, st.tuples(*[st.sampled_from([0, 0, 1, None])] * 3)),
    max_size=40,
)


@given(looks)
def test_none_overtakes_and_none_is_left_behind(
    many: list[Look],
) -> None:
    """Clocks that jump, gates that fail, two runs at once, runs killed between any two writes: steps differ
    by one at most, none has all calls for good before all were given them, and what is taken back is so with
    all.
    """
    group = Group()
    for jump, one, other, writers in many:
        group.now += timedelta(seconds=jump)
        alarms = [dict(zip(KEYS, states, strict=True)) for states in (one, other)]
        before = {key: course.record for key, course in group.courses.items()}
        runs = group.look(*alarms, writers=writers)
        steps = group.steps
        back = [key for key in KEYS if group.is_back(key)]
        assert not (back and group.done)
        if group.done:
            assert set(steps) <= {LAST}
        elif not back:
            assert not steps or max(steps) - min(steps) <= 1
        for decisions, told in zip(runs, alarms, strict=True):
            for key, decision in decisions.items():
                record = before[key]
                if isinstance(decision, TakeStep) and record is not None and decision.step > record.step:
                    assert told[key] == "OK"
                    assert group.now >= record.since + timedelta(seconds=60)
        records = [course.record for course in group.courses.values() if course.record is not None]
        if any(record.state is RolloutState.ABORTED for record in records):
            # One whole evaluation clears all, whatever the gates say by then.
            again = Group(courses=dict(group.courses), done=set(group.done), now=group.now)
            again.look()
            assert not again.steps or set(again.steps) == {-1}


@given(looks)
def test_what_is_well_comes_to_its_end(many: list[Look]) -> None:
    """From wherever runs were killed, looks by a clock that goes on bring all of them to all calls."""
    group = Group()
    for jump, _, _, writers in many:
        group.now += timedelta(seconds=jump)
        group.look(WELL, WELL, writers=writers)
    group.now += timedelta(seconds=10**4)
    for _ in range(2 * LAST + 4):
        group.look()
        group.now += timedelta(seconds=100)
    assert group.done == set(KEYS)


def begun(step: int = 0, **others: int) -> Group:
    """All in a step, but for those that are named by their service."""
    group = Group()
    for key in KEYS:
        place = others.get(key.rpartition("/")[2], step)
        if place >= 0:
            group.write(key, TakeStep(step=place))
    return group


def test_the_slowest_is_waited_for_and_named() -> None:
    """Those that are ahead say whom they wait for, and until when."""
    group = begun(1, b=0)
    decisions = together(group.members(), BEGAN)
    due = BEGAN + timedelta(seconds=60)
    assert isinstance(decisions["staging/a"], Wait)
    assert (decisions["staging/a"].due, decisions["staging/a"].awaits) == (due, "staging/b")
    assert isinstance(decisions["staging/b"], Wait)
    assert not decisions["staging/b"].awaits
    group.now = due
    assert together(group.members(), due)["staging/b"] == TakeStep(
        step=1,
        findings=group.members()["staging/b"].decision.findings,  # type: ignore[union-attr]
    )
    held = group.members() | {"staging/b": Member(policy=POLICY, obstacle="its package is gone")}
    decision = together(held, due)["staging/a"]
    assert isinstance(decision, Pause)
    assert decision.reason == "staging/b of its group is held back"


def test_one_that_fails_is_remembered_and_the_others_follow_its_next_release() -> None:
    """What was cleared because of another one begins anew once that one declares something else."""
    group = begun(1)
    group.look(WELL | {"staging/b": "ALARM"})
    states = {key: course.record.state for key, course in group.courses.items() if course.record}
    assert states == {
        "staging/a": RolloutState.CLEARED,
        "staging/b": RolloutState.ABORTED,
        "staging/c": RolloutState.CLEARED,
    }
    (again,) = group.look()
    assert all(isinstance(one, Pause) and one.is_bad for one in again.values())
    group.courses["staging/b"] = replace(group.courses["staging/b"], is_wanted=False)
    assert group.look() == [dict.fromkeys(KEYS, TakeStep(step=0, is_new=True))]


def test_where_one_begins_anew_all_do() -> None:
    """Another release of one in the middle: those that are more than a step ahead give their calls back, and
    the same ones wait where they have all calls already.
    """
    group = begun(1, b=-1, c=0)
    decisions = together(group.members(), BEGAN)
    assert isinstance(decisions["staging/a"], Forget)
    for key in ("staging/b", "staging/c"):
        waiting = decisions[key]
        assert isinstance(waiting, Wait)
        assert waiting.awaits == "staging/a"
    group.look()
    assert group.steps == [-1, -1, 0]
    group.look()
    assert group.steps == [0, 0, 0]
    judged = begun(LAST, b=-1)
    assert isinstance(together(judged.members(), BEGAN)["staging/a"], Wait)


def test_a_release_of_one_moves_alone() -> None:
    """Members to which nothing comes hold nobody back, and the end takes no step more."""
    group = begun(1)
    group.done = {"staging/b", "staging/c"}
    group.now += timedelta(seconds=60)
    assert isinstance(group.look()[0]["staging/a"], Finish)


def say(group: Group, word: Word, key: str = "staging/a") -> dict[str, Decision | str]:
    """What somebody's word on one does."""
    return said_together(group.members(), RolloutWish(target=key, word=word, reason="by ann"))


def test_a_word_on_one_is_said_of_all() -> None:
    """Pausing, resuming, taking back, trying again; and where it does nothing, why."""
    group = begun(0)
    assert say(group, Word.RESUME) == {"staging/a": "it is not paused"}
    for word in (Word.PAUSE, Word.RESUME, Word.ABORT, Word.RETRY):
        for key, decision in say(group, word).items():
            group.write(key, decision)
        if word is Word.ABORT:
            assert [group.is_back(key) for key in KEYS] == [True] * 3
            # Only the one that was named is bad: the others wait for it.
            assert say(group, Word.RETRY, "staging/c") == {"staging/a": Forget()}
    assert group.look() == [dict.fromkeys(KEYS, TakeStep(step=0, is_new=True))]


def test_an_approval_needs_all_that_are_furthest_behind() -> None:
    """One whose step is not over refuses it for all, by its name."""
    group = begun(0, c=1)
    group.courses["staging/b"] = replace(
        group.courses["staging/b"],
        record=replace(group.courses["staging/b"].record, since=BEGAN + timedelta(seconds=30)),  # type: ignore[type-var]
    )
    group.now += timedelta(seconds=60)
    refused = say(group, Word.APPROVE)
    assert "staging/b of its group: nothing waits for approval" in str(refused["staging/a"])
    group.now += timedelta(seconds=30)
    taken = say(group, Word.APPROVE, "staging/c")
    assert {key: one.step for key, one in taken.items() if isinstance(one, TakeStep)} == {
        "staging/a": 1,
        "staging/b": 1,
    }
