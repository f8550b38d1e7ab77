"""Provisioned concurrency of an alias on a strict AWS: when calls move, what waits, and what is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lockstep.model import Fleet, Health
from lockstep.model.alias import release_of
from lockstep.model.rollout import Rollout, RolloutWish, Stage, Word
from tests.functional.kinds.samples import resource
from tests.strict import Provisioned, everything
from tests.support.clouds import Cloud
from tests.support.engine import Lab
from tests.support.projects import make_fleet, make_target

KEY, NAME = "staging/notifier", "notifier-staging"
FAILED = "FUNCTION_ERROR_INIT_FAILURE"
STEPS = Rollout(name="1 step", stages=(Stage(weight=0.1, seconds=300),), place="values.yaml:9")


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        """Now."""
        return self.now


@pytest.fixture
def rule() -> Provisioned:
    """Provisioned concurrency that takes two looks."""
    return Provisioned(calls=2)


@pytest.fixture
def lab(lab_on: Callable[..., Lab], ministack: Cloud, rule: Provisioned) -> Lab:
    """MiniStack, whose aliases the rule moves as AWS does."""
    rules = [rule if isinstance(one, Provisioned) else one for one in everything()]
    return lab_on(ministack, *rules)


def release(number: int, executions: int | None = 2, rollout: Rollout | None = None, **fields: Any) -> Fleet:
    """One release after another, each with code of its own."""
    beside = resource("provisionedConcurrency", on="live", executions=executions)
    target = make_target(
        KEY,
        alias="live",
        rollout=rollout,
        source=f"def handler(event, context):\n    return {number}\n",
        version=f"1.0.{number}",
        resources=(beside,) if executions is not None else (),
        **fields,
    )
    return make_fleet(target)


def alias(lab: Lab) -> tuple[str, dict[str, float]]:
    """Where the alias points, and its weights."""
    found = lab.client("lambda").get_alias(FunctionName=NAME, Name="live")
    return found["FunctionVersion"], (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}


def writes(lab: Lab) -> list[str]:
    """The calls that changed something, by their names."""
    return [call.operation.name for call in lab.aws.calls if call.mutation and call.status in range(200, 300)]


def test_a_release_has_its_calls_once_its_environments_are_there(lab: Lab) -> None:
    """It is made after the alias; a release waits until AWS lets the calls go, and one write is enough."""
    lab.sync(release(0))
    assert writes(lab)[-2:] == ["CreateAlias", "PutProvisionedConcurrencyConfig"]
    lab.aws.forget()
    lab.sync(release(1))
    counts = lab.aws.counts(mutating=True)
    assert (counts["lambda.UpdateAlias"], counts["lambda.PutProvisionedConcurrencyConfig"]) == (1, 0)
    assert alias(lab) == ("2", {})
    assert lab.plan(release(1), full=True).is_empty


def test_what_aws_moves_itself_is_no_drift_and_the_next_run_goes_on(lab: Lab, rule: Provisioned) -> None:
    """A run that was killed while AWS held the calls leaves nothing to do; status tells who has them."""
    lab.sync(release(0))
    lab.sync(release(1))
    somebody, fields = lab.somebody("lambda"), {"FunctionName": NAME, "Name": "live"}
    description = somebody.get_alias(**fields)["Description"]
    somebody.update_alias(**fields, FunctionVersion="1")
    while alias(lab)[1]:
        somebody.get_provisioned_concurrency_config(FunctionName=NAME, Qualifier="live")
    somebody.update_alias(**fields, FunctionVersion="2", Description=description)
    assert alias(lab) == ("2", {"1": 1.0})
    engine = lab.engine()
    look = engine.preview(release(1))
    assert look.plan.is_empty
    function = engine.live.targets[KEY].function
    assert function is not None
    assert function.health is Health.PROGRESSING
    assert "AWS still calls version 1" in (function.reason or "")

    # Another release has to wait until the calls are where the alias points.
    lab.sync(release(2))
    assert alias(lab) == ("3", {})


def test_one_that_cannot_be_made_is_told_and_the_next_release_gets_out(lab: Lab, rule: Provisioned) -> None:
    """The calls stay where they are, with AWS's reason; the alias goes back before it goes on."""
    lab.sync(release(0))
    rule.fail[NAME] = FAILED
    run = lab.run(release(1))
    assert f"could not be made for version 2: {FAILED}" in run.error
    assert "AWS keeps all calls of live on version 1" in run.error
    assert alias(lab) == ("2", {"1": 1.0})
    engine = lab.engine()
    (blocked,) = engine.preview(release(1)).plan.blocked
    assert f"for version 2 ({FAILED}), and keeps all calls of live on version 1" in str(blocked.problem)
    function = engine.live.targets[KEY].function
    assert function is not None
    assert function.health is Health.DEGRADED

    lab.aws.forget()
    lab.sync(release(2))
    assert writes(lab).count("UpdateAlias") == 2
    assert alias(lab) == ("3", {})


def test_the_release_before_gets_its_calls_back_at_once(lab: Lab, rule: Provisioned) -> None:
    """Going back is the one write of the alias that AWS takes then, and waits for nothing; then it is asked
    for again, since it failed last."""
    lab.sync(release(0))
    rule.fail[NAME] = FAILED
    lab.run(release(1))
    lab.aws.forget()
    lab.sync(release(0))
    assert writes(lab) == ["UpdateAlias", "PutProvisionedConcurrencyConfig"]
    assert alias(lab) == ("1", {})
    found = lab.client("lambda").get_alias(FunctionName=NAME, Name="live")
    assert release_of(found["Description"]) == "1.0.0"


def test_less_of_it_comes_before_the_limit_and_none_of_it_before_the_alias(lab: Lab) -> None:
    """AWS takes less of both in one order alone; without it the alias moves at once."""
    lab.sync(release(0, 5, settings={"reservedConcurrency": 5}))
    lab.aws.forget()
    lab.sync(release(0, 2, settings={"reservedConcurrency": 3}))
    assert writes(lab) == ["PutProvisionedConcurrencyConfig", "PutFunctionConcurrency"]
    lab.aws.forget()
    lab.sync(release(1, None, settings={"reservedConcurrency": 3}))
    order = [name for name in writes(lab) if name in ("DeleteProvisionedConcurrencyConfig", "UpdateAlias")]
    assert order == ["DeleteProvisionedConcurrencyConfig", "UpdateAlias"]
    assert lab.plan(release(1, None, settings={"reservedConcurrency": 3}), full=True).is_empty


def test_a_rollout_leaves_it_alone_while_the_alias_has_weights(lab: Lab) -> None:
    """What is declared with the release is made before its first share; what comes later waits."""
    clock = Clock()
    lab.sync(release(0, None), clock=clock)
    lab.aws.forget()
    lab.sync(release(1, 2, STEPS), clock=clock)
    order = [name for name in writes(lab) if name in ("PutProvisionedConcurrencyConfig", "UpdateAlias")]
    assert order == ["PutProvisionedConcurrencyConfig", "UpdateAlias"]
    assert alias(lab) == ("1", {"2": 0.1})

    lab.aws.forget()
    clock.now += timedelta(seconds=60)
    run = lab.run(release(1, 4, STEPS), clock=clock)
    assert not lab.aws.named("lambda.PutProvisionedConcurrencyConfig")
    assert any("stays as it is for now" in note for note in run.plan.notes)

    clock.now += timedelta(seconds=3600)
    lab.run(release(1, 4, STEPS), clock=clock)
    assert alias(lab) == ("2", {})
    told = lab.somebody("lambda").get_provisioned_concurrency_config(FunctionName=NAME, Qualifier="live")
    assert told["RequestedProvisionedConcurrentExecutions"] == 4


def test_a_rollout_comes_back_at_once(lab: Lab) -> None:
    """The alias never pointed elsewhere, so AWS has nothing to make: one write, and the calls are back."""
    lab.sync(release(0))
    lab.sync(release(1, rollout=STEPS))
    assert alias(lab) == ("1", {"2": 0.1})
    lab.aws.forget()
    wish = RolloutWish(target=KEY, word=Word.ABORT, reason="said so")
    lab.run(release(1, rollout=STEPS), wish=wish)
    assert writes(lab) == ["UpdateAlias"]
    assert alias(lab) == ("1", {})


def test_a_version_that_has_it_by_itself_is_not_pruned(lab: Lab) -> None:
    """Somebody keeps environments of an old version: it stays, and the note says why."""
    lab.sync(release(0, None))
    lab.sync(release(1, None))
    lab.somebody("lambda").put_provisioned_concurrency_config(
        FunctionName=NAME, Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    fleet = release(2, None)
    (target,) = fleet.targets.values()
    fleet = make_fleet(replace(target, keep_versions=1, keep_seconds=0))
    run = lab.sync(fleet)
    assert any("version 1 (1.0.0) stays: it has provisioned concurrency" in note for note in run.plan.notes)


def test_more_than_the_account_has_left_is_told_in_the_words_of_aws(lab: Lab) -> None:
    """Only AWS knows it: the release is out, the step fails, and a number that fits is all that is left."""
    run = lab.run(release(0, 901))
    assert [*run.failures] == [f"{KEY}:provisionedConcurrency"]
    assert "UnreservedConcurrentExecution below its minimum value of [100]" in run.error
    assert alias(lab) == ("1", {})
    lab.aws.forget()
    lab.sync(release(0, 3))
    assert writes(lab) == ["PutProvisionedConcurrencyConfig"]
