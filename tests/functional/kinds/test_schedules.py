"""Schedules of EventBridge Scheduler on a strict AWS: told by what they call, and others' never changed."""

from typing import Any

from lockstep.model import Environment, Fleet, Resource
from tests.functional.kinds.samples import resource
from tests.support.clouds import ACCOUNT, REGION
from tests.support.engine import Lab, changes_of
from tests.support.projects import make_fleet, make_project, make_target

KEY, NAME = "staging/notifier", "notifier-staging"
SCHEDULE = "notifier-staging-orders"
ROLE = "arn:aws:iam::123456789012:role/scheduler"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"


def declared(*beside: Resource, **fields: Any) -> Fleet:
    """One function and its schedules."""
    return make_fleet(make_target(KEY, resources=beside, **fields))


def schedule(on: str = "", **settings: Any) -> Resource:
    """A schedule once a day."""
    return resource("schedules", on=on, **{"schedule": "rate(1 day)", "role": ROLE, **settings})


def made(lab: Lab, arn: str, rate: str = "rate(2 days)", **said: Any) -> None:
    """Somebody makes a schedule of the name that ours has."""
    lab.client("scheduler").create_schedule(
        Name=SCHEDULE,
        ScheduleExpression=rate,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": ROLE},
        **said,
    )


def live(lab: Lab) -> dict[str, Any]:
    """The schedule past the proxy; {} without it."""
    scheduler = lab.client("scheduler")
    if SCHEDULE not in [one["Name"] for one in scheduler.list_schedules()["Schedules"]]:
        return {}
    found: dict[str, Any] = scheduler.get_schedule(Name=SCHEDULE)
    return found


def test_one_that_calls_the_function_is_taken_over_with_what_nobody_declares(lab: Lab) -> None:
    """No 409 and no --adopt: it is the function's. UpdateSchedule would reset what it is not told."""
    lab.sync(declared())
    made(lab, f"{ARN}:7", State="DISABLED", ActionAfterCompletion="DELETE", Description="theirs")
    run = lab.sync(declared(schedule()))
    changes = changes_of(run.plan, KEY)
    assert changes["schedules.orders"] == "on the function itself"
    assert changes["schedules.orders.schedule"] == "rate(1 day)"
    assert changes["schedules.orders.description"] == ""
    found = live(lab)
    assert (found["State"], found["ActionAfterCompletion"]) == ("DISABLED", "DELETE")
    assert found["Target"]["Arn"] == ARN
    assert [call.name for call in lab.aws.calls if call.name.endswith("teSchedule")] == [
        "scheduler.UpdateSchedule"
    ]


def test_one_that_calls_something_else_is_never_overwritten(lab: Lab) -> None:
    """Not by a plan that saw it, not with --adopt, and not where the function is new. It is not ours because
    all else of it is what is declared, either."""
    made(lab, f"{ARN}-other", rate="rate(1 day)")
    run = lab.run(declared(schedule()))
    assert "is there already, and is not Lockstep's" in run.error
    assert "give it another name" in run.error
    (target,) = lab.plan(declared(schedule()), adopt=True).blocked
    assert "the schedule of schedules.orders is there, and is not Lockstep's; give it another name" in str(
        target.problem
    )
    assert changes_of(lab.plan(declared(schedule())), KEY) == {"schedules.orders": "Lockstep's"}
    lab.sync(declared())
    assert live(lab)["Target"]["Arn"] == f"{ARN}-other"


def test_a_schedule_moves_to_an_alias_in_place(lab: Lab) -> None:
    """The same schedule, which never stands still; one call reads it wherever it is."""
    lab.sync(declared(schedule()))
    run = lab.sync(declared(schedule("live"), alias="live"))
    assert changes_of(run.plan, KEY)["schedules.orders"] == "on live"
    assert live(lab)["Target"]["Arn"] == f"{ARN}:live"
    lab.aws.forget()
    assert lab.plan(declared(schedule("live"), alias="live")).is_empty
    assert {name: count for name, count in lab.aws.counts().items() if name.startswith("scheduler.")} == {
        "scheduler.GetSchedule": 1
    }


def test_a_function_that_goes_takes_its_schedule_along(lab: Lab) -> None:
    """AWS keeps it, and it would call nobody."""
    project = make_project("shop", Environment(name="staging", region=REGION, prune=True))
    lab.sync(declared(schedule("live"), alias="live"), project=project)
    run = lab.run(make_fleet(), project=project, allow_deletes=1)
    assert run.report.is_success, run.failures
    assert live(lab) == {}
