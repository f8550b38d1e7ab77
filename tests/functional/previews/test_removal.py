"""What a sync removes of a preview, and in which order."""

from collections.abc import Callable

from tests.strict import Notifications, everything
from tests.strict.settings import Settings
from tests.support.clouds import Cloud, client
from tests.support.engine import Lab
from tests.support.projects import make_fleet, make_target, trigger

KEY = "preview/pr-7/x"
NAME = "x-preview-pr-7"


def groups(lab: Lab) -> list[str]:
    """The log groups that there are."""
    return [one["logGroupName"] for one in client(lab.aws.behind, "logs").describe_log_groups()["logGroups"]]


def test_trigger_function_logs(moto: Cloud, lab_on: Callable[..., Lab]) -> None:
    """The entry goes first, then what it has logged, the function, and what came late."""
    lab = lab_on(moto, *everything())
    stays = make_target("staging/x", trigger("staging/"), settings={"logRetentionDays": 7})
    lab.sync(make_fleet(stays, make_target(KEY, trigger("preview/pr-7/"), settings={"logRetentionDays": 7})))
    assert groups(lab) == ["/aws/lambda/x-preview-pr-7", "/aws/lambda/x-staging"]
    lab.aws.forget()
    run = lab.run(make_fleet(stays))
    assert run.report.is_success, run.failures
    order = [call.name for call in lab.aws.calls if call.name in lab.aws.counts(mutating=True)]
    assert [name.partition(".")[2] for name in order if not name.startswith("s3.PutObject")] == [
        "PutBucketNotificationConfiguration",
        "DeleteLogGroup",
        "DeleteFunction",
        "DeleteLogGroup",
    ]
    assert groups(lab) == ["/aws/lambda/x-staging"]
    assert lab.plan(make_fleet(stays)).is_empty


def test_a_group_of_several_stays(moto: Cloud, lab_on: Callable[..., Lab]) -> None:
    """A log group that the declaration names may be others' too: it is kept."""
    lab = lab_on(moto, Notifications(), Settings())
    shared = {"logging.group": "/shop/previews", "logRetentionDays": 7}
    stays = make_target("staging/x")
    lab.sync(make_fleet(stays, make_target(KEY, settings=shared)))
    run = lab.run(make_fleet(stays))
    assert run.report.is_success, run.failures
    assert groups(lab) == ["/shop/previews"]


def test_a_group_that_is_not_there(moto: Cloud, lab_on: Callable[..., Lab]) -> None:
    """A function that never ran has logged nothing, which is no error."""
    lab = lab_on(moto, Notifications())
    stays = make_target("staging/x")
    lab.sync(make_fleet(stays, make_target(KEY)))
    run = lab.run(make_fleet(stays))
    assert run.report.is_success, run.failures
    assert len(lab.aws.named("logs.DeleteLogGroup")) == 2
