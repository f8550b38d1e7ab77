"""How many calls a change of one preview costs among 200, and 50 that go at once."""

from collections.abc import Callable

from tests.strict import Notifications, Pages
from tests.support.clouds import Cloud
from tests.support.engine import Lab
from tests.support.projects import make_fleet, make_target, trigger

PUT = "s3.PutBucketNotificationConfiguration"


def test_a_change_of_one_of_two_hundred(moto: Cloud, lab_on: Callable[..., Lab]) -> None:
    """A plan after a push to one pull request is at most 12 calls, whatever the other previews are.

    A third of AWS's page stands for AWS's: 66 previews in pages of 33 are 200 in pages of 100.
    """
    lab = lab_on(moto, Pages(resources=33), Notifications())
    targets = {
        f"preview/pr-{n}/x": make_target(f"preview/pr-{n}/x", trigger(f"preview/pr-{n}/")) for n in range(66)
    }
    run = lab.run(make_fleet(*targets.values()))
    assert run.report.is_success, run.failures
    targets["preview/pr-7/x"] = make_target(
        "preview/pr-7/x", trigger("preview/pr-7/"), source="x = 2\n", version="1.0.1"
    )
    lab.aws.forget()
    plan = lab.plan(make_fleet(*targets.values(), selection=("preview/pr-7",)))
    assert [one.target for one in plan.targets] == ["preview/pr-7/x"]
    assert plan.steps
    assert sum(lab.aws.counts().values()) <= 12


def test_fifty_that_go_at_once(moto: Cloud, lab_on: Callable[..., Lab]) -> None:
    """One PUT takes all their entries off the bucket; whatever else goes, goes once for each."""
    lab = lab_on(moto, Pages(), Notifications())
    stays = make_target("staging/x", trigger("staging/"))
    run = lab.run(
        make_fleet(stays, *(make_target(f"preview/pr-{n}/x", trigger(f"preview/pr-{n}/")) for n in range(50)))
    )
    assert run.report.is_success, run.failures
    lab.aws.forget()
    run = lab.run(make_fleet(stays, selection=("preview",)), allow_deletes=50)
    assert run.report.is_success, run.failures
    assert len(lab.aws.named(PUT)) == 1
    assert len(lab.aws.named("lambda.DeleteFunction")) == 50
