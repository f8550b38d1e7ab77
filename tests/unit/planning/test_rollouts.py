"""The next step of a rollout: laws of ``advance`` and of the record that it goes on from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model import Alias, Health
from lockstep.model.alias import dated, described, release_of, undated
from lockstep.model.rolling import TAKEN_BACK, RolloutRecord, RolloutState, noted, record_of, taken_over
from lockstep.model.rollout import (
    AlarmSeen,
    Compared,
    Finding,
    Measured,
    MetricGate,
    Rollout,
    RolloutWish,
    Ruling,
    Stage,
    Unjudged,
    Word,
    span_words,
)
from lockstep.planning.judging import LATE, greater_by_chance, judge, worse_by_chance
from lockstep.planning.rollouts import (
    NO_ROLLOUT,
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
    approved,
    progress_of,
    wished,
)

KEY, MARK = "staging/notifier", "lockstep shop staging/notifier 1.0.0"
BEGAN = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)
STEPS = Rollout(name="2 steps", stages=(Stage(weight=0.05, seconds=600), Stage(weight=0.5, seconds=600)))
WATCHED = replace(STEPS, alarms=("checkout-errors",))
COMPARED = replace(STEPS, metrics=(MetricGate(compared=Compared.ERRORS, worse=0.01, calls=20),))


def at(seconds: float) -> datetime:
    """A moment after the rollout began."""
    return BEGAN + timedelta(seconds=seconds)


def running(policy: Rollout = STEPS, step: int = 0, since: float = 0.0, **fields: object) -> Course:
    """A rollout in a step."""
    record = RolloutRecord(
        state=RolloutState.RUNNING,
        stable="1",
        candidate="2",
        weight=policy.stages[step].weight,
        digest="1a2b3c4d5e6f",
        policy=policy.digest,
        step=step,
        begun=BEGAN,
        since=at(since),
    )
    return Course(record=replace(record, **fields), is_wanted=True)  # type: ignore[arg-type]


def alarm(state: str, since: float = 60.0) -> Measured:
    """An alarm's state, and since when."""
    return Measured(alarms={"checkout-errors": AlarmSeen(state=state, since=at(since))})


def counted(
    new: tuple[int, int], stable: tuple[int, int], *, minute: int = 1, name: str = "errors"
) -> Measured:
    """Bad ones of so many calls in one minute, of both versions."""
    moment = at(60 * minute)
    one, other = (
        {"calls": {moment: float(calls)}, name: {moment: float(bad)}} for bad, calls in (new, stable)
    )
    return Measured(new=one, stable=other)


records = st.builds(
    RolloutRecord,
    state=st.sampled_from(RolloutState),
    stable=st.integers(1, 9_999_999).map(str),
    candidate=st.integers(10_000_000, 99_999_999).map(str),
    weight=st.integers(0, 10_000).map(lambda share: share / 10_000),
    digest=st.text("0123456789abcdef", min_size=12, max_size=12) | st.just(""),
    policy=st.text("0123456789abcdef", min_size=8, max_size=8),
    step=st.integers(0, 999),
    begun=st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
    ),
    since=st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
    ),
    reason=st.text(max_size=400),
)


def alias_of(record: RolloutRecord, description: str) -> Alias:
    """The alias as it is when a record was written."""
    has = record.weight and record.state not in TAKEN_BACK
    weights = {record.candidate: record.weight} if has else {}
    return Alias(name="live", version=record.stable, weights=weights, description=description)


@given(records)
def test_a_record_is_read_as_it_was_written(record: RolloutRecord) -> None:
    """Within AWS's 256 characters, behind the mark, which stays; only the reason may be cut."""
    text = noted(MARK, record)
    assert len(text) <= 256
    found = record_of(alias_of(record, text), "shop", KEY)
    assert found is not None
    assert replace(found, reason="") == replace(record, reason="")
    assert " ".join(record.reason.split()).startswith(found.reason)
    assert (undated(text), release_of(text)) == (MARK, "1.0.0")


@given(st.text(max_size=256) | st.text(max_size=120).map(lambda text: f"{MARK} ~{text}"))
def test_a_foreign_description_is_no_record(text: str) -> None:
    """Whatever somebody writes there is read without failing, and believed by nobody."""
    found = record_of(Alias(name="live", version="1", description=text), "shop", KEY)
    assert found is None or noted(MARK, found)


@pytest.mark.parametrize(
    ("off", "is_known"),
    [
        ({}, True),
        ({"version": "3"}, False),
        ({"weights": {"2": 0.4}}, False),
        ({"weights": {"3": 0.05}}, False),
        ({"weights": {}}, False),
        ({"weights": {"2": 0.05, "3": 0.1}}, False),
    ],
)
def test_a_record_counts_only_while_the_alias_is_as_it_says(off: dict[str, object], is_known: bool) -> None:
    """Weights or a pointer of somebody else's are seen, and the record is not gone on from."""
    record = running().record
    assert record is not None
    alias = replace(alias_of(record, noted(MARK, record)), **off)  # type: ignore[arg-type]
    found = record_of(alias, "shop", KEY)
    assert (found is not None) is is_known
    assert taken_over(alias, found) is (not is_known and bool(alias.weights))
    assert record_of(alias, "shop", "production/notifier") is None
    assert record_of(alias, "other", KEY) is None


@dataclass
class World:
    """An alias that is changed by what ``advance`` says, as AWS would change it."""

    policy: Rollout
    course: Course = field(default_factory=Course)
    pointer: str = "1"
    taken: list[int] = field(default_factory=list)

    def do(self, decision: Decision, now: datetime) -> None:
        """One write, or none."""
        record = self.course.record
        match decision:
            case TakeStep(step=step, is_new=is_new):
                self.taken.append(step)
                self.course = running(
                    self.policy,
                    step,
                    begun=now if is_new or record is None else record.begun,
                    since=(now - BEGAN).total_seconds(),
                )
            case Abort():
                assert record is not None
                self.course = replace(self.course, record=replace(record, state=RolloutState.ABORTED))
            case Finish():
                self.pointer = "2"
            case Wait() | Pause():
                pass


stages = st.lists(
    st.builds(Stage, weight=st.integers(1, 99).map(lambda share: share / 100), seconds=st.integers(1, 900)),
    min_size=1,
    max_size=5,
).map(lambda many: tuple(sorted(many, key=lambda stage: stage.weight)))


@given(stages, st.lists(st.tuples(st.integers(-3000, 3000), st.booleans()), max_size=60))
def test_no_measurement_is_skipped_whatever_the_clock_does(
    many: tuple[Stage, ...], looks: list[tuple[int, bool]]
) -> None:
    """Clocks that jump, looks that come late: one step at each, in order, each after its own time."""
    world, now = World(Rollout(stages=many, alarms=("checkout-errors",))), BEGAN
    for jump, is_seen in looks:
        now += timedelta(seconds=jump)
        record = world.course.record
        measured = Measured(alarms={"checkout-errors": AlarmSeen(state="OK")}) if is_seen else None
        decision = advance(world.policy, world.course, measured, now)
        if isinstance(decision, TakeStep | Finish) and record is not None:
            is_again = isinstance(decision, TakeStep) and decision.step == record.step
            if not is_again:  # a step that begins anew leaves none
                assert is_seen
                assert now >= record.since + timedelta(seconds=many[record.step].seconds)
                reached = decision.step if isinstance(decision, TakeStep) else len(many)
                assert reached == record.step + 1
        world.do(decision, now)
        if world.pointer == "2":
            assert sorted({*world.taken}) == list(range(len(many)))
            return


@given(stages, st.integers(0, 10**7))
def test_a_run_that_was_killed_goes_on_from_the_alias(many: tuple[Stage, ...], seconds: int) -> None:
    """What comes next follows from the alias alone: asked twice, or by another process, it is the same."""
    policy = Rollout(stages=many)
    course = running(policy, len(many) - 1)
    assert course.record is not None
    again = record_of(alias_of(course.record, noted(MARK, course.record)), "shop", KEY)
    now = at(seconds)
    one = advance(policy, course, None, now)
    assert one == advance(policy, replace(course, record=again), None, now)


@given(st.integers(0, 5000), st.sampled_from([STEPS, WATCHED, COMPARED]))
def test_a_gate_that_fails_takes_it_back_at_once(seconds: int, policy: Rollout) -> None:
    """In every step, before its end, while it is paused, and however late anybody looks."""
    bad = replace(counted((30, 40), (0, 4000)), alarms=alarm("ALARM").alarms)
    for state in (RolloutState.RUNNING, RolloutState.PAUSED):
        decision = advance(policy, running(policy, 1, state=state), bad, at(400 + seconds))
        assert isinstance(decision, Abort) is (policy is not STEPS)


def test_what_was_taken_back_is_not_tried_again() -> None:
    """Before the declaration changes: then another release begins from its first step."""
    bad = running(WATCHED, 1, state=RolloutState.ABORTED, reason="alarm checkout-errors: ALARM")
    decision = advance(WATCHED, bad, alarm("OK"), at(10**6))
    assert decision == Pause(reason="alarm checkout-errors: ALARM", is_bad=True)
    progress = progress_of(decision, WATCHED, bad, "1.0.1", at(0))
    assert (progress.health, progress.weight) == (Health.DEGRADED, 0.0)
    other = replace(bad, is_wanted=False)
    assert advance(WATCHED, other, alarm("OK"), at(10**6)) == TakeStep(step=0, is_new=True)


def test_a_third_version_begins_anew_and_foreign_weights_are_left_alone() -> None:
    """Nothing of the second one's findings counts for it."""
    assert advance(STEPS, replace(running(step=1), is_wanted=False), None, at(9999)) == TakeStep(
        step=0, is_new=True
    )
    decision = advance(STEPS, Course(is_foreign=True), None, at(9999))
    assert isinstance(decision, Pause)
    assert decision.is_foreign


def test_a_missing_or_unread_alarm_is_no_pass() -> None:
    """It pauses at the end of the step, and the reason names it."""
    for measured in (None, Measured(), Measured(problems={"alarms": "AccessDenied"})):
        decision = advance(WATCHED, running(WATCHED), measured, at(600))
        assert isinstance(decision, Pause)
        assert "alarm checkout-errors" in decision.reason
    troubled = Measured(alarms={"checkout-errors": AlarmSeen(state="OK", trouble="EVALUATION_ERROR")})
    assert isinstance(advance(WATCHED, running(WATCHED), troubled, at(600)), Pause)


def test_an_alarm_that_fired_before_does_not_block_a_fix() -> None:
    """It is told; the comparison decides, or, without one, somebody."""
    before = alarm("ALARM", since=-60)
    decision = advance(WATCHED, running(WATCHED), before, at(1300))
    assert isinstance(decision, Pause)
    assert "ALARM since before the rollout" in decision.reason
    both = replace(COMPARED, alarms=WATCHED.alarms)
    late = at(600 + LATE + 3)
    seen = replace(counted((0, 40), (400, 4000)), alarms=before.alarms)
    assert isinstance(advance(both, running(both), seen, late), TakeStep)
    assert isinstance(advance(both, running(both), replace(seen, alarms=alarm("ALARM").alarms), late), Abort)


@pytest.mark.parametrize(
    ("policy", "expected"), [(Unjudged.PAUSE, Pause), (Unjudged.PASS, TakeStep), (Unjudged.FAIL, Abort)]
)
def test_an_alarm_without_data_is_judged_as_the_policy_says(policy: Unjudged, expected: type) -> None:
    """A pause comes only after the step had its length once more."""
    rollout = replace(WATCHED, no_data=policy)
    seen = alarm("INSUFFICIENT_DATA")
    assert isinstance(advance(rollout, running(rollout), seen, at(1200)), expected)
    if policy is Unjudged.PAUSE:
        assert isinstance(advance(rollout, running(rollout), seen, at(900)), Wait)


def test_too_few_calls_are_waited_for_and_then_somebody_decides() -> None:
    """Nothing is concluded from nothing; what is approved goes on."""
    few, course = counted((0, 3), (0, 400)), running(COMPARED)
    due = 600 + LATE + course.timeout
    assert advance(COMPARED, course, few, at(due - 1)) == Wait(
        due=at(due), findings=(Finding(gate="errors", ruling=Ruling.OPEN, words=_FEW),)
    )
    assert isinstance(advance(COMPARED, course, few, at(due + 1)), Wait)
    decision = advance(COMPARED, course, few, at(due + 600))
    assert decision == Pause(
        reason=f"errors: {_FEW}", findings=(Finding(gate="errors", ruling=Ruling.OPEN, words=_FEW),)
    )
    assert course.record is not None
    assert approved(COMPARED, course.record) == TakeStep(step=1)
    enough = counted((0, 30), (0, 400))
    assert isinstance(advance(COMPARED, course, enough, at(due)), TakeStep)


_FEW = "3 calls of the new version, 20 are needed"


def test_minutes_that_are_not_whole_or_not_settled_do_not_count() -> None:
    """A window is complete when the function's time-out and CloudWatch's delay are over."""
    course = running(COMPARED, since=30)
    late = at(630 + LATE + course.timeout)
    for minute in (0, 10):  # begins before the step, and ends after what is complete
        decision = advance(COMPARED, course, counted((40, 40), (0, 400), minute=minute), late)
        assert isinstance(decision, Wait)
    assert isinstance(advance(COMPARED, course, counted((40, 40), (0, 400), minute=5), late), Abort)


def test_a_changed_policy_counts_from_the_step_that_is_under_way() -> None:
    """It neither jumps ahead nor begins again; the next step is the new policy's."""
    other = Rollout(stages=tuple(Stage(weight=w, seconds=60) for w in (0.01, 0.05, 0.2, 0.9)))
    course = running(STEPS, 0)
    assert advance(other, course, None, at(59)) == Wait(due=at(60))
    assert advance(other, course, None, at(60)) == TakeStep(step=2)
    assert isinstance(advance(Rollout(), course, None, at(1)), Finish)


def test_an_approval_is_waited_for_without_end() -> None:
    """And then the next step is taken; a pause of a person's ends by a person too."""
    policy = Rollout(stages=(Stage(weight=0.05, seconds=60), Stage(weight=0.05, approval=True)))
    decision = advance(policy, running(policy, 1), None, at(10**7))
    assert decision == Pause(reason="waiting for approval", is_asked=True)
    record = running(policy, 1).record
    assert record is not None
    assert approved(policy, record) == Finish()
    paused = running(STEPS, 0, state=RolloutState.PAUSED, reason="by ann")
    assert advance(STEPS, paused, None, at(10**7)) == Pause(reason="by ann", is_asked=True)


def test_progress_in_words() -> None:
    """As ``status`` shows it."""
    course = running(STEPS, 1)
    wait = advance(STEPS, course, None, at(400))
    words = progress_of(wait, STEPS, course, "0.1.6", at(400)).words
    assert words == "Progressing 50% 0.1.6, step 2 of 2, 4 min left"
    held = progress_of(Pause(reason="waiting for approval"), STEPS, course, "0.1.6", at(0))
    assert held.words == "Suspended (waiting for approval) 50% 0.1.6, step 2 of 2"
    assert [span_words(seconds) for seconds in (0, 59.2, 61, 3600, 3900)] == [
        *("0 s", "1 min", "2 min", "1 h", "1 h 5 min")
    ]


@pytest.mark.parametrize(
    ("seconds", "state", "measured", "late"),
    [
        (600 + 3600, RolloutState.RUNNING, True, 0),
        (600 + 3601, RolloutState.RUNNING, True, 3601),
        (600 + 3601, RolloutState.RUNNING, False, 3601),  # no gate could be looked at since
        (10**6, RolloutState.PAUSED, True, 0),
        (10**6, RolloutState.ABORTED, True, 0),
    ],
)
def test_a_share_that_nobody_moves_on_is_overdue(
    seconds: int, state: RolloutState, measured: bool, late: int
) -> None:
    """An hour after its step was over, or as long as the step itself; unless somebody wants it to stand."""
    course = running(WATCHED, 0, state=state)
    decision = advance(WATCHED, course, alarm("OK") if measured else None, at(seconds))
    progress = progress_of(decision, WATCHED, course, "0.1.6", at(seconds))
    assert progress.late == late
    assert ("overdue for 1 h 1 min" in progress.words) is bool(late)
    day = replace(WATCHED, stages=(Stage(weight=0.05, seconds=86_400),))
    slow = advance(day, running(day), alarm("OK"), at(2 * 86_400))
    assert not progress_of(slow, day, running(day), "0.1.6", at(2 * 86_400)).late


@given(st.integers(1, 12), st.integers(1, 40), st.data())
def test_chance_is_that_of_counting_all_ways(calls: int, before: int, data: st.DataObject) -> None:
    """Fisher's exact test against plain counting, at the lowest traffic there is."""
    bad, bad_before = data.draw(st.integers(0, calls)), data.draw(st.integers(0, before))
    all_bad = bad + bad_before
    ways = sum(
        math.comb(all_bad, count) * math.comb(calls + before - all_bad, calls - count)
        for count in range(bad, min(calls, all_bad) + 1)
    )
    exact = ways / math.comb(calls + before, calls)
    assert math.isclose(worse_by_chance(bad, calls, bad_before, before), exact, rel_tol=1e-9)
    assert math.isclose(
        greater_by_chance(bad, calls), sum(math.comb(calls, n) for n in range(bad, calls + 1)) / 2**calls
    )


@pytest.mark.parametrize(
    ("new", "stable", "ruling"),
    [
        ((1, 20), (0, 400), Ruling.FAILED),
        ((1, 20), (4, 400), Ruling.PASSED),  # may be chance
        ((0, 20), (0, 400), Ruling.PASSED),
        ((300, 100_000), (200, 100_000), Ruling.PASSED),  # sure, and less than was allowed
        ((3, 3), (0, 400), Ruling.FAILED),  # too few to pass, and enough to fail
        ((1, 3), (0, 400), Ruling.OPEN),
        ((0, 20), (0, 0), Ruling.OPEN),
    ],
)
def test_errors_are_judged_by_shares_and_by_chance(
    new: tuple[int, int], stable: tuple[int, int], ruling: Ruling
) -> None:
    """A single error of few calls is no verdict, and a sure difference below what is allowed neither."""
    assert one_finding(COMPARED, counted(new, stable)).ruling is ruling


def test_durations_are_judged_minute_by_minute() -> None:
    """Worse in all of enough minutes fails; a few minutes say nothing; minutes of one side do not count."""
    policy = replace(COMPARED, metrics=(MetricGate(compared=Compared.P95, worse=0.2, calls=1),))

    def timed(new: float, stable: float, minutes: int) -> Measured:
        def side(value: float) -> Mapping[str, Mapping[datetime, float]]:
            every = {at(60 * n): 1.0 for n in range(minutes)}
            return {"calls": every, "p95": dict.fromkeys(every, value)}

        return Measured(new=side(new), stable=side(stable))

    assert one_finding(policy, timed(130, 100, 8)).ruling is Ruling.FAILED
    assert one_finding(policy, timed(115, 100, 8)).ruling is Ruling.PASSED
    assert one_finding(policy, timed(120, 100, 8)).ruling is Ruling.PASSED  # above by just what is allowed
    assert one_finding(policy, timed(130, 100, 4)).ruling is Ruling.OPEN
    apart = replace(timed(130, 100, 8), stable={"p95": {}})
    assert one_finding(policy, apart).ruling is Ruling.OPEN


@pytest.mark.parametrize(
    ("statistic", "bound", "ruling"),
    [
        ("Sum", {"most": 5.0}, Ruling.FAILED),
        ("Average", {"most": 5.0}, Ruling.PASSED),
        ("Maximum", {"most": 3.0}, Ruling.FAILED),
        ("Minimum", {"least": 3.0}, Ruling.FAILED),
        ("Minimum", {"least": 2.0, "most": 9.0}, Ruling.PASSED),
        ("Sum", {"most": 6.0, "least": 6.0}, Ruling.PASSED),
        ("SampleCount", {"least": 7.0}, Ruling.FAILED),
        ("Average", {"most": 2.9}, Ruling.FAILED),
        ("Average", {"least": 3.1}, Ruling.FAILED),
        ("p95", {"most": 4.0}, Ruling.PASSED),
    ],
)
def test_a_metric_of_ones_own_has_a_bound(statistic: str, bound: dict[str, float], ruling: Ruling) -> None:
    """Over all minutes of the step; without a minute nothing is known."""
    gate = MetricGate(namespace="Shop", metric="Failed", statistic=statistic, **bound)  # type: ignore[arg-type]
    policy = replace(STEPS, metrics=(gate,))
    seen = Measured(own={0: {at(60): 2.0, at(120): 4.0}})
    found = one_finding(policy, seen)
    assert (found.gate, found.ruling) == ("Shop Failed", ruling)
    assert found.words.startswith(f"{statistic} ")
    off = [f", at {what} {value:g}" for what, value in bound.items()]
    assert any(words in found.words for words in off) is (ruling is Ruling.FAILED)
    assert one_finding(policy, Measured()).ruling is Ruling.OPEN


ABORT = Abort(reason="alarm x: ALARM")
PAUSED = running(state=RolloutState.PAUSED)
ABORTED = running(state=RolloutState.ABORTED)


@pytest.mark.parametrize(
    ("word", "course", "decision", "expected"),
    [
        (Word.ABORT, running(), Wait(due=at(600)), Abort(reason="by ann")),
        (Word.ABORT, PAUSED, None, Abort(reason="by ann")),
        (Word.ABORT, replace(running(), is_foreign=True), None, Forget()),
        (Word.ABORT, ABORTED, None, NO_ROLLOUT),
        (Word.ABORT, Course(), None, NO_ROLLOUT),
        (Word.RETRY, ABORTED, None, Forget()),
        (Word.RETRY, running(), None, "no release was taken back"),
        (Word.RETRY, Course(), None, "no release was taken back"),
        (Word.PAUSE, running(), Wait(due=at(600)), Mark(state=RolloutState.PAUSED, reason="by ann")),
        (
            Word.PAUSE,
            running(),
            None,
            "what comes is not what is declared any more: the next sync sees to it",
        ),
        (
            Word.PAUSE,
            replace(running(), is_wanted=False),
            ABORT,
            "what comes is not what is declared any more",
        ),
        (Word.PAUSE, ABORTED, None, NO_ROLLOUT),
        (Word.RESUME, PAUSED, Pause(reason="paused"), Mark(state=RolloutState.RUNNING)),
        (Word.RESUME, running(), Wait(due=at(600)), "it is not paused"),
        (Word.APPROVE, running(), TakeStep(step=1), TakeStep(step=1)),
        (Word.APPROVE, running(step=1), Finish(), Finish()),
        (Word.APPROVE, running(), Pause(reason="waiting for approval"), TakeStep(step=1)),
        (Word.APPROVE, running(step=1), Pause(reason="waiting for approval"), Finish()),
        (Word.APPROVE, PAUSED, Pause(reason="paused"), "it is paused: resume it first"),
        (Word.APPROVE, running(), ABORT, "a gate failed: alarm x: ALARM; the next sync takes it back"),
        (Word.APPROVE, running(), Wait(due=at(600)), "nothing waits for approval: the step is not over"),
    ],
)
def test_what_a_word_does_follows_from_the_record_and_from_what_would_be_done(
    word: Word, course: Course, decision: Decision | None, expected: Decision | str
) -> None:
    """Or why it cannot be, in words: nothing is done for one that does not fit."""
    done = wished(RolloutWish(target=KEY, word=word, reason="by ann"), STEPS, course, decision)
    if isinstance(expected, str):
        assert isinstance(done, str)
        assert done.startswith(expected)
    else:
        assert done == expected


def one_finding(policy: Rollout, measured: Measured) -> Finding:
    """What the only gate says at the end of a step."""
    (found,) = judge(policy, measured, begun=BEGAN, since=BEGAN, until=at(600), weight=0.05, is_end=True)
    return found


def test_a_description_without_a_record_is_as_before() -> None:
    """What an alias was pointed at is still read, and a record takes its place."""
    plain = dated(described("shop", KEY, "1.0.0"), "1", BEGAN)
    assert undated(plain) == MARK
    assert record_of(Alias(name="live", version="1", description=plain), "shop", KEY) is None
