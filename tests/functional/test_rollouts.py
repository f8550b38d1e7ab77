"""Rollouts on a strict AWS: each step is one write of the alias, and gates are measured where they are."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lockstep.model import Alias, Code, Fleet, Health, Hold, SmokeTest, SyncStatus, TargetPlan, Verb
from lockstep.model.alias import release_of, written_at
from lockstep.model.rollout import Compared, MetricGate, Progress, Rollout, RolloutWish, Smoke, Stage, Word
from tests.strict import Fault, Faults, Trail, everything
from tests.support.clouds import Cloud, make_alarm
from tests.support.engine import Lab, Refuse, Run
from tests.support.projects import make_fleet, make_target, trigger
from tests.support.waiting import until

KEY, NAME = "staging/notifier", "notifier-staging"
STAGES = (Stage(weight=0.1, seconds=300), Stage(weight=0.5, seconds=300))
STEPS = Rollout(name="2 steps", stages=STAGES, place="values.yaml:9")


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        """Now."""
        return self.now

    def after(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def lab(lab_on: Callable[..., Lab], ministack: Cloud) -> Lab:
    """MiniStack, which keeps weights, alarms and metrics."""
    return lab_on(ministack, *everything())


@pytest.fixture
def clock() -> Clock:
    """The time of a test."""
    return Clock()


def release(number: int, rollout: Rollout | None = STEPS, **fields: Any) -> Fleet:
    """One release after another, each with code of its own."""
    source = f"def handler(event, context):\n    return {{'release': {number}, 'sent': event}}\n"
    target = make_target(
        KEY, trigger("in/"), alias="live", rollout=rollout, source=source, version=f"1.0.{number}", **fields
    )
    return make_fleet(target)


def alias(lab: Lab) -> tuple[str, dict[str, float]]:
    """Where the alias points, and its weights."""
    found = lab.client("lambda").get_alias(FunctionName=NAME, Name="live")
    return found["FunctionVersion"], (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}


def called(lab: Lab) -> Alias:
    """The alias as it is."""
    found = lab.client("lambda").get_alias(FunctionName=NAME, Name="live")
    return Alias(name="live", version=found["FunctionVersion"], description=found["Description"])


def version(lab: Lab, number: str) -> dict[str, Any]:
    """A published version."""
    answer = lab.client("lambda").get_function(FunctionName=NAME, Qualifier=number)
    found: dict[str, Any] = answer["Configuration"]
    return found


def begun(lab: Lab, clock: Clock, rollout: Rollout = STEPS) -> Fleet:
    """A second release in its first step."""
    lab.sync(release(1, rollout), clock=clock)
    fleet = release(2, rollout)
    assert run(lab, fleet, clock).report.is_success
    assert alias(lab) == ("1", {"2": rollout.stages[0].weight})
    return fleet


def run(lab: Lab, fleet: Fleet, clock: Clock) -> Run:
    """One evaluation, by a process of its own; whatever it writes of the alias is one call."""
    lab.aws.forget()
    done = lab.run(fleet, clock=clock)
    assert lab.aws.counts()["lambda.UpdateAlias"] <= 1
    return done


def looked(lab: Lab, fleet: Fleet, clock: Clock) -> TargetPlan:
    """What a plan says of the target."""
    (found,) = lab.plan(fleet, clock=clock).targets
    return found


def progress(lab: Lab, fleet: Fleet, clock: Clock) -> Progress:
    """How far the rollout is."""
    found = looked(lab, fleet, clock).progress
    assert found is not None
    return found


def test_a_release_comes_step_by_step(lab: Lab, clock: Clock) -> None:
    """One write for each step when it is due, whoever asks; nothing before, and a late run takes one."""
    fleet = begun(lab, clock)
    described = [called(lab).description, version(lab, "2")["Description"]]
    assert [release_of(text) for text in described] == ["1.0.1", "1.0.2"]
    assert progress(lab, fleet, clock).words == "Progressing 10% 1.0.2, step 1 of 2, 5 min left"
    clock.after(299)
    early = run(lab, fleet, clock)
    assert not early.plan.steps
    assert early.report.is_success
    assert early.plan.targets[0].status is SyncStatus.OUT_OF_SYNC
    assert early.plan.targets[0].health is Health.PROGRESSING
    clock.after(86_400)
    assert run(lab, fleet, clock).report.is_success
    assert alias(lab) == ("1", {"2": 0.5})
    clock.after(300)
    lab.aws.forget()
    lab.sync(fleet, clock=clock)
    assert lab.aws.counts(mutating=True) == {"lambda.UpdateAlias": 1}
    assert alias(lab) == ("2", {})
    assert looked(lab, fleet, clock).status is SyncStatus.SYNCED
    changed = lab.engine(clock=clock).preview(fleet).modified[KEY]
    # A soak of a promotion counts from here, and not from when the rollout began.
    assert changed is not None
    assert datetime.fromisoformat(changed) == written_at(called(lab))


def test_the_first_release_goes_at_once_and_so_does_one_that_was_taken_back(lab: Lab, clock: Clock) -> None:
    """There is nothing to share calls with; and what is on hold is left at once."""
    begun(lab, clock)
    for _ in range(2):
        clock.after(300)
        run(lab, release(2), clock)
    assert alias(lab) == ("2", {})
    lab.aws.forget()
    lab.sync(release(1, hold=Hold(version="1.0.2", since="", by="ann")), clock=clock)
    assert alias(lab) == ("1", {})
    assert lab.aws.counts()["lambda.UpdateAlias"] == 1


def test_what_is_held_on_its_way_is_left_at_once_for_any_release(lab: Lab, clock: Clock) -> None:
    """A rollback in the middle of a rollout waits for no step, wherever it goes."""
    begun(lab, clock)
    hold = Hold(version="1.0.2", since="", by="ann")
    lab.sync(release(3, hold=hold), clock=clock)
    assert alias(lab) == ("3", {})


def test_git_that_goes_back_takes_the_calls_back(lab: Lab, clock: Clock) -> None:
    """By one write, whatever step it is in."""
    begun(lab, clock)
    lab.sync(release(1), clock=clock)
    assert alias(lab) == ("1", {})


def test_a_published_number_comes_step_by_step_too(lab: Lab, clock: Clock) -> None:
    """It is known by its number, wherever the function itself has gone since."""
    begun(lab, clock)
    for _ in range(2):
        clock.after(300)
        run(lab, release(2), clock)
    assert alias(lab) == ("2", {})
    target = replace(release(2).targets[KEY], version="1", release=None)
    assert target.function is not None
    fleet = make_fleet(replace(target, function=replace(target.function, code=Code())))
    assert run(lab, fleet, clock).report.is_success
    assert alias(lab) == ("2", {"1": 0.1})
    assert progress(lab, fleet, clock).words == "Progressing 10% 1, step 1 of 2, 5 min left"
    for _ in range(2):
        clock.after(300)
        assert run(lab, fleet, clock).report.is_success
    assert alias(lab) == ("1", {})


def test_a_third_release_begins_from_the_stable_one(lab: Lab, clock: Clock) -> None:
    """The second one gives its calls to it in the same write, and its findings count for nothing."""
    begun(lab, clock)
    clock.after(300)
    assert run(lab, release(3), clock).report.is_success
    assert alias(lab) == ("1", {"3": 0.1})


def test_an_approval_and_a_pause_before_any_call(lab: Lab, clock: Clock) -> None:
    """The version is there, nothing calls it, and nothing goes on by itself."""
    policy = Rollout(name="2 steps", stages=(Stage(weight=0.0, approval=True), *STAGES[:1]))
    lab.sync(release(1, policy), clock=clock)
    fleet = release(2, policy)
    assert run(lab, fleet, clock).report.is_success
    assert alias(lab) == ("1", {})
    clock.after(10**6)
    assert not run(lab, fleet, clock).plan.steps
    found = looked(lab, fleet, clock)
    assert found.health is Health.SUSPENDED
    assert found.progress is not None
    assert found.progress.words == "Suspended (waiting for approval) 0% 1.0.2, step 1 of 2"


def put_alarm(lab: Lab, state: str) -> None:
    """An alarm in a state."""
    make_alarm(lab.aws.behind, "checkout", state)


WATCHED = replace(STEPS, alarms=("checkout",))


def test_an_alarm_takes_it_back_at_once_and_the_release_is_not_tried_again(lab: Lab, clock: Clock) -> None:
    """One call clears the weights in the middle of a step; another release may come."""
    put_alarm(lab, "OK")
    fleet = begun(lab, clock, WATCHED)
    clock.after(-60)  # the alarm fires by the cloud's clock
    put_alarm(lab, "ALARM")
    done = run(lab, fleet, clock)
    assert done.report.is_success
    assert [type(step).__name__ for step in done.plan.steps] == ["ShiftAlias"]
    assert alias(lab) == ("1", {})
    again = run(lab, fleet, clock)
    assert not again.plan.steps
    (target,) = again.plan.targets
    assert (target.verb, target.health) == (Verb.BLOCKED, Health.DEGRADED)
    assert "1.0.2 was taken back (alarm checkout: ALARM)" in str(target.problem)
    assert f"lockstep rollout retry {KEY}" in str(target.problem)
    put_alarm(lab, "OK")
    assert run(lab, release(3, WATCHED), clock).report.is_success
    assert alias(lab) == ("1", {"3": 0.1})


def test_a_missing_alarm_is_no_pass_and_holds_back_the_start(lab: Lab, clock: Clock) -> None:
    """Before the first call of a version that it is to watch, at its line; later the rollout pauses."""
    lab.sync(release(1, WATCHED), clock=clock)
    target = looked(lab, release(2, WATCHED), clock)
    assert target.verb is Verb.BLOCKED
    assert "values.yaml:9: there is no alarm checkout" in str(target.problem)
    put_alarm(lab, "OK")
    fleet = begun(lab, clock, WATCHED)
    lab.client("cloudwatch").delete_alarms(AlarmNames=["checkout"])
    clock.after(10**4)
    assert not run(lab, fleet, clock).plan.steps
    assert progress(lab, fleet, clock).health is Health.SUSPENDED


def put_metrics(lab: Lab, version: str, at: datetime, **values: float) -> None:
    """A minute of Lambda's own metrics, as AWS writes them for calls through an alias."""
    names = {"calls": "Invocations", "errors": "Errors"}
    lab.client("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {
                "MetricName": names[name],
                "Dimensions": [
                    {"Name": "FunctionName", "Value": NAME},
                    {"Name": "Resource", "Value": f"{NAME}:live"},
                    {"Name": "ExecutedVersion", "Value": version},
                ],
                "Timestamp": at,
                "Value": value,
            }
            for name, value in values.items()
        ],
    )


@pytest.mark.parametrize(("errors", "weights"), [(9.0, {}), (0.0, {"2": 0.5})])
def test_metrics_of_the_two_versions_decide(
    lab: Lab, clock: Clock, errors: float, weights: dict[str, float]
) -> None:
    """Read from CloudWatch for each version, once their minutes are complete."""
    policy = replace(STEPS, metrics=(MetricGate(compared=Compared.ERRORS, worse=0.01, calls=20),))
    clock.after(-3600)
    fleet = begun(lab, clock, policy)
    minute = clock.now.replace(second=0) + timedelta(minutes=2)
    put_metrics(lab, "1", minute, calls=400, errors=1)
    put_metrics(lab, "2", minute, calls=40, errors=errors)
    clock.after(300 + 120 + 3)
    done = run(lab, fleet, clock)
    assert done.report.is_success, done.failures
    assert alias(lab) == ("1", weights)
    (target,) = done.plan.targets
    assert target.progress is not None
    (finding,) = target.progress.findings
    assert finding.words.startswith(f"errors {errors:.0f} of 40 calls, stable 1 of 400")


def test_weights_of_somebody_else_are_left_alone_and_told(
    lab_on: Callable[..., Lab], ministack: Cloud, clock: Clock
) -> None:
    """Whether a rollout is under way or not: nothing is written, and the way out is named. So is who gave
    them, by one call, which nobody makes before.
    """
    refused = Refuse("cloudtrail.LookupEvents", "AccessDeniedException", "not allowed", times=0)
    lab = lab_on(ministack, refused, Trail(), *everything())
    fleet = begun(lab, clock)
    assert not lab.aws.counts()["cloudtrail.LookupEvents"]
    lab.somebody("lambda").update_alias(
        FunctionName=NAME, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.7}}
    )
    clock.after(10**4)
    plan = run(lab, fleet, clock).plan
    assert lab.aws.counts()["cloudtrail.LookupEvents"] == 1
    (target,) = plan.targets
    assert target.verb is Verb.BLOCKED
    assert "weights that are not Lockstep's" in str(target.problem)
    (note,) = plan.notes
    assert (
        "version 2: 70 %) are not Lockstep's: arn:aws:sts::123456789012:assumed-role/Operators/ann at" in note
    )
    assert alias(lab) == ("1", {"2": 0.7})
    refused.times = 1
    (note,) = lab.plan(fleet, clock=clock).notes
    assert "not allowed" in note
    assert "iam-policy trail" in note


def test_a_role_or_a_queue_that_changes_with_the_code_is_refused(lab: Lab, clock: Clock) -> None:
    """Before any call: AWS would refuse the weights after the version was published."""
    lab.sync(release(1), clock=clock)
    for name, value in (("role", "other-role"), ("deadLetterTarget", "arn:aws:sqs:eu-west-1:123456789012:x")):
        target = looked(lab, release(2, settings={name: value}), clock)
        assert target.verb is Verb.BLOCKED
        assert f"values.yaml:9: {name} changes, and AWS lets two versions share" in str(target.problem)


@pytest.mark.parametrize(
    ("expected", "error"),
    [('{"release": 2, "sent": {"a": 1}}', None), ('{"release": 3}', "$.release is not 3")],
)
def test_a_smoke_call_comes_before_any_other(
    lab: Lab, clock: Clock, expected: str, error: str | None
) -> None:
    """The new version answers it itself; where the answer is another one, no call follows."""
    smoke = Smoke(payload="a.json", sent='{"a": 1, "b": 2}', expected=expected, place="values.yaml:9")
    lab.sync(release(1), clock=clock)
    done = run(lab, release(2, replace(STEPS, smoke=smoke)), clock)
    (test,) = (step for step in done.plan.steps if isinstance(step, SmokeTest))
    assert test.needs == (f"{KEY}:publish",)
    if error is None:
        assert done.report.is_success, done.failures
        assert alias(lab) == ("1", {"2": 0.1})
    else:
        assert error in done.failures[f"{KEY}:smoke"]
        assert alias(lab) == ("1", {})


def test_a_smoke_call_that_fails_shows_the_end_of_its_log(lab: Lab, clock: Clock) -> None:
    """Ten lines at the most, beside what the function raised: nobody has to look it up in CloudWatch."""
    lab.sync(release(1), clock=clock)
    source = (
        "def handler(event, context):\n"
        "    for number in range(20):\n"
        "        print(f'line {number}.')\n"
        "    raise ValueError('no such table')\n"
    )
    smoke = Smoke(payload="a.json", sent="{}", place="values.yaml:9")
    (target,) = release(2, replace(STEPS, smoke=smoke)).targets.values()
    fields: dict[str, Any] = {
        "alias": "live",
        "rollout": target.rollout,
        "version": target.version,
        "source": source,
    }
    done = run(lab, make_fleet(make_target(KEY, trigger("in/"), **fields)), clock)
    told = done.failures[f"{KEY}:smoke"]
    assert "no such table" in told
    assert "\n      line 19." in told
    assert "line 3." not in told
    assert alias(lab) == ("1", {})


def test_two_runs_at_once_take_one_step(lab: Lab, clock: Clock) -> None:
    """The second one's revision is that of before: it is told, and what it plans then is to wait."""
    fleet = begun(lab, clock)
    clock.after(300)
    one, other = lab.engine(clock=clock), lab.engine(clock=clock)
    plans = [engine.preview(fleet).plan for engine in (one, other)]
    assert one.apply(plans[0], lambda _: None).is_success
    assert not other.apply(plans[1], lambda _: None).is_success
    assert other.stale == {KEY}
    assert alias(lab) == ("1", {"2": 0.5})
    assert not other.preview(fleet).plan.steps


def say(lab: Lab, fleet: Fleet, clock: Clock, word: Word) -> Run:
    """Somebody says something of the rollout."""
    lab.aws.forget()
    done = lab.run(fleet, clock=clock, wish=RolloutWish(target=KEY, word=word, reason="by ann"))
    assert lab.aws.counts(mutating=True).total() == lab.aws.counts()["lambda.UpdateAlias"] <= 1
    return done


def test_a_rollout_is_approved_paused_and_resumed(lab: Lab, clock: Clock) -> None:
    """Each by one write; a pause outlasts any time, and who resumes it begins the step anew."""
    policy = Rollout(name="3 steps", stages=(STAGES[0], Stage(weight=0.1, approval=True), STAGES[1]))
    fleet = begun(lab, clock, policy)
    assert "the step is not over" in str(say(lab, fleet, clock, Word.APPROVE).plan.targets[0].problem)
    assert say(lab, fleet, clock, Word.PAUSE).report.is_success
    clock.after(10**5)
    assert not run(lab, fleet, clock).plan.steps
    assert progress(lab, fleet, clock).words == "Suspended (by ann) 10% 1.0.2, step 1 of 3"
    assert say(lab, fleet, clock, Word.RESUME).report.is_success
    assert progress(lab, fleet, clock).words == "Progressing 10% 1.0.2, step 1 of 3, 5 min left"
    clock.after(300)
    run(lab, fleet, clock)
    assert progress(lab, fleet, clock).is_asked
    assert say(lab, fleet, clock, Word.APPROVE).report.is_success
    assert alias(lab) == ("1", {"2": 0.5})


def test_a_rollout_is_aborted_and_retried(lab: Lab, clock: Clock) -> None:
    """All calls come back, it is not tried again, and after a retry it begins with its first step."""
    fleet = begun(lab, clock)
    assert say(lab, fleet, clock, Word.ABORT).report.is_success
    assert alias(lab) == ("1", {})
    assert "1.0.2 was taken back (by ann)" in str(run(lab, fleet, clock).plan.targets[0].problem)
    assert say(lab, fleet, clock, Word.RETRY).report.is_success
    assert run(lab, fleet, clock).report.is_success
    assert alias(lab) == ("1", {"2": 0.1})
    somebody = lab.somebody("lambda")
    somebody.update_alias(
        FunctionName=NAME, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.7}}
    )
    assert say(lab, fleet, clock, Word.ABORT).report.is_success
    assert alias(lab) == ("1", {})


@pytest.mark.parametrize("word", Word)
def test_nothing_is_said_of_what_is_not_under_way(lab: Lab, clock: Clock, word: Word) -> None:
    """Whatever else there is to do of the target, nothing is written."""
    lab.sync(release(1), clock=clock)
    for fleet in (release(1), release(2)):
        done = say(lab, fleet, clock, word)
        assert not done.plan.steps
        assert done.plan.targets[0].problem


def test_calls_go_on_while_a_rollout_runs_and_is_aborted(lab: Lab, clock: Clock) -> None:
    """No call fails because of us, and the new version has its share of them."""
    fleet = begun(lab, clock, Rollout(name="1 step", stages=(Stage(weight=0.3, seconds=60),)))
    is_over, seen = threading.Event(), []

    def call() -> None:
        functions = lab.somebody("lambda")
        while not is_over.is_set():
            answer = functions.invoke(FunctionName=NAME, Qualifier="live", Payload=b"{}")
            seen.append((answer["ExecutedVersion"], answer.get("FunctionError")))

    thread = threading.Thread(target=call)
    thread.start()
    try:
        until(lambda: len(seen) > 60, seconds=20)
        share = sum(version == "2" for version, _ in seen) / len(seen)
        wish = RolloutWish(target=KEY, word=Word.ABORT, reason="by ann")
        assert lab.run(fleet, clock=clock, wish=wish).report.is_success
        after = len(seen) + 1
        until(lambda: len(seen) > after + 5, seconds=20)
    finally:
        is_over.set()
        thread.join()
    assert 0.1 < share < 0.5
    assert {error for _, error in seen} == {None}
    assert {version for version, _ in seen[after:]} == {"1"}


def test_two_environments_roll_out_one_function_each_by_its_alias(lab: Lab, clock: Clock) -> None:
    """One is in the middle of a rollout while the other begins, goes on, is taken back: neither touches the
    other's alias, and no version goes that the other needs.
    """

    def both(staging: int, production: int) -> Fleet:
        targets = [
            make_target(
                f"{environment}/notifier",
                name="notifier",
                alias=environment,
                rollout=STEPS,
                source=f"def handler(event, context):\n    return {number}\n",
                version=f"1.0.{number}",
                keep_versions=1,
                keep_seconds=0,
            )
            for environment, number in (("staging", staging), ("production", production))
        ]
        return make_fleet(*targets)

    def aliases() -> list[tuple[str, dict[str, float]]]:
        told = [
            lab.client("lambda").get_alias(FunctionName="notifier", Name=name)
            for name in ("staging", "production")
        ]
        return [
            (one["FunctionVersion"], (one.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {})
            for one in told
        ]

    lab.sync(both(1, 1), clock=clock)
    assert run(lab, both(2, 1), clock).report.is_success
    assert aliases() == [("1", {"2": 0.1}), ("1", {})]
    for _ in range(2):
        clock.after(300)
        assert run(lab, both(2, 1), clock).report.is_success
    assert aliases() == [("2", {}), ("1", {})]
    begins = run(lab, both(2, 2), clock)
    assert begins.report.is_success
    assert [type(step).__name__ for step in begins.plan.steps] == ["ShiftAlias"]
    assert aliases() == [("2", {}), ("1", {"2": 0.1})]
    clock.after(300)
    lab.aws.forget()
    both_move = lab.run(both(3, 2), clock=clock)
    assert both_move.report.is_success, both_move.failures
    assert aliases() == [("2", {"3": 0.1}), ("1", {"2": 0.5})]
    wish = RolloutWish(target="production/notifier", word=Word.ABORT, reason="by ann")
    assert lab.run(both(3, 2), clock=clock, wish=wish).report.is_success
    assert aliases() == [("2", {"3": 0.1}), ("1", {})]
    clock.after(300)
    done = run(lab, both(3, 2), clock)
    assert done.report.is_success
    assert aliases() == [("2", {"3": 0.5}), ("1", {})]
    assert [one.verb for one in done.plan.targets] == [Verb.UPDATE, Verb.BLOCKED]
    clock.after(300)
    assert lab.run(both(3, 4), clock=clock).report.is_success
    assert aliases() == [("3", {}), ("1", {"4": 0.1})]


def test_a_run_that_ends_at_any_call_is_gone_on_with(
    lab_on: Callable[..., Lab], ministack: Cloud, clock: Clock
) -> None:
    """Behind it: the next one goes on from the alias alone, publishes nothing and takes no step twice."""
    faults = Faults()
    lab = lab_on(ministack, faults, *everything())
    lab.sync(release(1), clock=clock)
    number = 1

    def broken(operation: str, fleet: Fleet) -> None:
        fault = faults.add(Fault(mode="error_after", operation=f"lambda.{operation}", at=1, persist=True))
        assert not lab.run(fleet, clock=clock).report.is_success
        assert fault.happened
        faults.faults.clear()

    for operation in ("UpdateFunctionCode", "PublishVersion", "UpdateAlias"):
        number += 1
        broken(operation, release(number))
        assert run(lab, release(number), clock).report.is_success
        assert alias(lab) == ("1", {str(number): 0.1}), operation
    for weights in ({str(number): 0.5}, {}):
        clock.after(300)
        broken("UpdateAlias", release(number))
        assert run(lab, release(number), clock).report.is_success
        assert alias(lab) == (("1", weights) if weights else (str(number), {}))
