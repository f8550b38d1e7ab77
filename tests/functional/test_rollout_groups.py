"""Rollouts of two functions that move as one, on a strict AWS."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lockstep.model import Fleet, TargetPlan, Verb
from lockstep.model.rollout import Rollout, RolloutWish, Smoke, Stage, Word
from tests.strict import everything
from tests.support.clouds import Cloud, make_alarm
from tests.support.engine import Lab, Refuse, Run
from tests.support.projects import make_fleet, make_target

ORDERS, STOCK = "staging/orders", "staging/stock"
STEPS = Rollout(
    stages=(Stage(weight=0.1, seconds=300), Stage(weight=0.5, seconds=300)),
    group="shop",
    place="values.yaml:9",
)
WATCHED = Rollout(stages=STEPS.stages, group="shop", alarms=("stock-errors",))


class Clock:
    """Time that passes when a test says so."""

    now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        """Now."""
        return self.now

    def after(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def refusing() -> Refuse:
    """One write of an alias that AWS refuses, once a test says so: a run that does not come to it."""
    return Refuse("lambda.UpdateAlias", "AccessDeniedException", "not now", status=403, times=0)


@pytest.fixture
def lab(lab_on: Callable[..., Lab], ministack: Cloud, refusing: Refuse) -> Lab:
    """MiniStack, which keeps weights and alarms."""
    return lab_on(ministack, *everything(), refusing)


def release(orders: int, stock: int, stock_rollout: Rollout = STEPS, **fields: Any) -> Fleet:
    """A release of each, with code of its own."""
    targets = [
        make_target(
            key,
            alias="live",
            rollout=rollout,
            source=f"def handler(event, context):\n    return {{'release': {number}}}\n",
            version=f"1.0.{number}",
        )
        for key, number, rollout in ((ORDERS, orders, STEPS), (STOCK, stock, stock_rollout))
    ]
    return make_fleet(*targets, **fields)


def aliases(lab: Lab) -> list[tuple[str, dict[str, float]]]:
    """Where both aliases point, and their weights."""
    found = [
        lab.client("lambda").get_alias(FunctionName=f"{name}-staging", Name="live")
        for name in ("orders", "stock")
    ]
    return [
        (one["FunctionVersion"], (one.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {})
        for one in found
    ]


def told(run: Run, key: str) -> TargetPlan:
    """What a plan says of one of them."""
    return next(one for one in run.plan.targets if one.target == key)


def test_two_functions_take_each_step_together(lab: Lab, refusing: Refuse) -> None:
    """Also when one of them alone is named, and when a run ends between the two writes: the one that is
    behind is brought along, and the other waits for it. The end is in two steps.
    """
    clock = Clock()
    lab.sync(release(1, 1), clock=clock)
    fleet = release(2, 2, selection=(ORDERS,))
    assert lab.run(fleet, clock=clock).report.is_success
    assert aliases(lab) == [("1", {"2": 0.1})] * 2
    clock.after(300)
    refusing.times = 1
    assert len(lab.run(fleet, clock=clock).failures) == 1
    assert sorted(weights["2"] for _, weights in aliases(lab)) == [0.1, 0.5]
    clock.after(600)  # the one that is ahead is over its step, too
    second = lab.run(fleet, clock=clock)
    assert second.report.is_success
    assert aliases(lab) == [("1", {"2": 0.5})] * 2
    waiting = [one.progress.words for one in second.plan.targets if one.progress is not None]
    assert any("waits for staging/" in words for words in waiting)
    clock.after(300)
    assert lab.run(fleet, clock=clock).report.is_success
    assert aliases(lab) == [("1", {"2": 1.0})] * 2
    lab.aws.forget()
    lab.sync(fleet, clock=clock)
    assert lab.aws.counts(mutating=True) == {"lambda.UpdateAlias": 2}
    assert aliases(lab) == [("2", {})] * 2


def test_one_that_fails_takes_both_back_until_it_is_mended(lab: Lab) -> None:
    """By one write each, at once; the other one comes along with what mends it, and needs no word."""
    clock = Clock()
    make_alarm(lab.aws.behind, "stock-errors", "OK")
    lab.sync(release(1, 1, WATCHED), clock=clock)
    assert lab.run(release(2, 2, WATCHED), clock=clock).report.is_success
    clock.after(-60)  # the alarm fires by the cloud's clock
    make_alarm(lab.aws.behind, "stock-errors", "ALARM")
    lab.aws.forget()
    assert lab.run(release(2, 2, WATCHED), clock=clock).report.is_success
    assert lab.aws.counts(mutating=True) == {"lambda.UpdateAlias": 2}
    assert aliases(lab) == [("1", {})] * 2
    again = lab.run(release(2, 2, WATCHED), clock=clock)
    assert not again.plan.steps
    assert [one.verb for one in again.plan.targets] == [Verb.BLOCKED] * 2
    assert "1.0.2 was taken back (with staging/stock: alarm stock-errors" in str(told(again, ORDERS).problem)
    make_alarm(lab.aws.behind, "stock-errors", "OK")
    assert lab.run(release(2, 3, WATCHED), clock=clock).report.is_success
    assert aliases(lab) == [("1", {"2": 0.1}), ("1", {"3": 0.1})]


def test_none_gets_a_call_before_all_were_tried(lab: Lab) -> None:
    """The smoke call of one fails: no alias was written. What somebody says of one is said of both."""
    clock = Clock()
    smoke = Smoke(expected='{"release": 7}')
    lab.sync(release(1, 1), clock=clock)
    tried = Rollout(stages=STEPS.stages, group="shop", smoke=smoke)
    done = lab.run(release(2, 2, tried), clock=clock)
    assert [*done.failures] == [f"{STOCK}:smoke"]
    assert aliases(lab) == [("1", {})] * 2
    assert lab.run(release(2, 2), clock=clock).report.is_success
    wish = RolloutWish(target=ORDERS, word=Word.ABORT, reason="by ann")
    lab.aws.forget()
    assert lab.run(release(2, 2, selection=(ORDERS,)), clock=clock, wish=wish).report.is_success
    assert lab.aws.counts(mutating=True) == {"lambda.UpdateAlias": 2}
    assert aliases(lab) == [("1", {})] * 2
    wish = RolloutWish(target=STOCK, word=Word.RETRY, reason="by ann")
    assert lab.run(release(2, 2, selection=(STOCK,)), clock=clock, wish=wish).report.is_success
    assert lab.run(release(2, 2), clock=clock).report.is_success
    assert aliases(lab) == [("1", {"2": 0.1})] * 2
