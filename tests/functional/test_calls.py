"""How many calls each piece of work makes. A number that grows is a slower sync at AWS's quotas."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockstep.model import Fleet, Target
from tests.functional.kinds.samples import resource
from tests.strict import Notifications, Pages, Revisions, UpdatesInProgress
from tests.support.clouds import Cloud
from tests.support.engine import Lab
from tests.support.projects import make_fleet, make_target, trigger

PUT, GET = "s3.PutBucketNotificationConfiguration", "s3.GetBucketNotificationConfiguration"


def targets(count: int, *, triggers: bool, source: str = "x = 1\n", version: str = "1.0.0") -> list[Target]:
    """Return that many previews."""
    return [
        make_target(
            f"preview/pr-{n}/x",
            *([trigger(f"preview/pr-{n}/")] if triggers else []),
            source=source,
            version=version,
        )
        for n in range(count)
    ]


@pytest.fixture
def counted(ministack: Cloud, lab_on: Callable[..., Lab]) -> Lab:
    """A lab with pages and checks, and functions that are ready at once."""
    return lab_on(ministack, Pages(), UpdatesInProgress(calls=0), Notifications())


def planned(lab: Lab, fleet: Fleet, **options: Any) -> Counter[str]:
    """Return the calls of a plan that finds nothing to do."""
    lab.aws.forget()
    assert lab.plan(fleet, **options).is_empty
    return lab.aws.counts()


def synced(lab: Lab, fleet: Fleet, **options: Any) -> Counter[str]:
    """Return the calls of a plan and its application."""
    lab.aws.forget()
    run = lab.run(fleet, **options)
    assert run.report.is_success, run.failures
    assert sum(run.engine.calls.values()) == len(lab.aws.calls)  # what the report says is what was made
    return lab.aws.counts()


def test_ten_targets(counted: Lab) -> None:
    """Ten targets are asked for one by one, which also tells their health."""
    fleet = make_fleet(*targets(10, triggers=False))
    synced(counted, fleet)
    assert planned(counted, fleet) == {
        "sts.GetCallerIdentity": 1,
        "tagging.GetResources": 1,
        "lambda.GetFunction": 10,
        "logs.DescribeLogGroups": 1,
    }


def test_ten_targets_with_triggers(counted: Lab) -> None:
    """Triggers cost one policy each, and one read for their bucket."""
    fleet = make_fleet(*targets(10, triggers=True))
    synced(counted, fleet)
    assert planned(counted, fleet) == {
        "sts.GetCallerIdentity": 1,
        "tagging.GetResources": 1,
        "lambda.GetFunction": 10,
        "lambda.GetPolicy": 10,
        "logs.DescribeLogGroups": 1,
        GET: 1,
    }


def test_a_hundred_targets(counted: Lab) -> None:
    """A hundred targets: listed in pages, created in three calls each, updated in four, removed in one."""
    fleet = make_fleet(*targets(100, triggers=True))
    assert synced(counted, fleet) == {
        "sts.GetCallerIdentity": 1,
        "tagging.GetResources": 1,
        "lambda.ListFunctions": 1,
        "s3.HeadObject": 1,
        "s3.HeadBucket": 1,
        "lambda.CreateFunction": 100,
        "lambda.GetFunction": 200,  # absence is confirmed, and each creation is read back
        "lambda.AddPermission": 100,
        "lambda.GetPolicy": 100,  # each permission is read back
        GET: 3,  # planned, read again under the lease, read back
        PUT: 1,
        "s3.PutObject": 4,  # the package; the lease, taken, renewed before the PUT and given back
    }
    assert planned(counted, fleet) == {
        "sts.GetCallerIdentity": 1,
        "tagging.GetResources": 1,
        "lambda.ListFunctions": 2,
        "lambda.GetPolicy": 100,
        GET: 1,
    }
    raised = make_fleet(*targets(100, triggers=True, source="x = 2\n", version="1.0.1"))
    assert synced(counted, raised) == {
        "sts.GetCallerIdentity": 1,
        "tagging.GetResources": 1,
        "lambda.ListFunctions": 2,
        "lambda.GetPolicy": 100,
        GET: 1,
        "s3.HeadObject": 1,
        "s3.HeadBucket": 1,
        "s3.PutObject": 1,
        "lambda.UpdateFunctionCode": 100,
        "lambda.TagResource": 100,
        "lambda.GetFunction": 300,  # asked before new code goes there; code and tag are read back
    }


def test_one_version_of_a_hundred(counted: Lab) -> None:
    """One change among a hundred without triggers costs its own calls and the listings."""
    fleet = targets(100, triggers=False)
    synced(counted, make_fleet(*fleet))
    fleet[7] = make_target("preview/pr-7/x", source="x = 2\n", version="1.0.1")
    assert synced(counted, make_fleet(*fleet)) == {
        "sts.GetCallerIdentity": 1,
        "tagging.GetResources": 1,
        "lambda.ListFunctions": 2,
        "s3.HeadObject": 1,
        "s3.HeadBucket": 1,
        "s3.PutObject": 1,
        "lambda.UpdateFunctionCode": 1,
        "lambda.TagResource": 1,
        "lambda.GetFunction": 3,
    }


def test_one_preview_of_two_hundred(ministack: Cloud, lab_on: Callable[..., Lab]) -> None:
    """Looking at one selected preview costs the same however many there are, but for the page of tags.

    A third of AWS's page stands for AWS's: 66 previews in pages of 33 are 200 in pages of 100.
    """
    lab = lab_on(ministack, Pages(resources=33), Notifications())
    fleet = make_fleet(*targets(66, triggers=True))
    synced(lab, fleet)
    one = make_fleet(*fleet.targets.values(), selection=("preview/pr-7",))
    calls = planned(lab, one)
    assert calls == {
        "sts.GetCallerIdentity": 1,
        "tagging.GetResources": 2,
        "lambda.GetFunction": 1,
        "lambda.GetPolicy": 1,
        "logs.DescribeLogGroups": 1,
        GET: 1,
    }
    assert sum(calls.values()) <= 12


def test_a_thousand_functions(ministack: Cloud, lab_on: Callable[..., Lab]) -> None:
    """A plan of 1,000 functions without triggers, with nothing to do, is at most 32 calls.

    A 25th of AWS's pages stands for AWS's: 40 functions in pages of 2 and 4 are 1,000 in 50 and 100.
    """
    lab = lab_on(ministack, Pages(functions=2, resources=4))
    fleet = make_fleet(*targets(40, triggers=False))
    synced(lab, fleet)
    calls = planned(lab, fleet)
    assert calls == {
        "sts.GetCallerIdentity": 1,
        "tagging.GetResources": 10,
        "lambda.ListFunctions": 20,
    }
    assert sum(calls.values()) <= 32


def test_a_thousand_functions_with_queues(
    ministack: Cloud, lab_on: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 1,000 functions that each consume a queue, a plan reads all mappings in 10 pages, and nothing else.

    A 25th of AWS's pages stands for AWS's.
    """
    lab = lab_on(ministack, Pages(functions=2, resources=4, mappings=4))
    arn = "arn:aws:sqs:eu-west-1:123456789012"
    fleet = make_fleet(
        *(
            make_target(
                f"staging/n{number}", resources=(resource("eventSources", source=f"{arn}:queue-{number}"),)
            )
            for number in range(40)
        )
    )
    synced(lab, fleet)
    calls = planned(lab, fleet)
    assert calls == {
        "sts.GetCallerIdentity": 1,
        "tagging.GetResources": 10,
        "lambda.ListFunctions": 20,
        "lambda.ListEventSourceMappings": 10,
    }


def test_a_thousand_functions_with_triggers(
    ministack: Cloud, lab_on: Callable[..., Lab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan of 1,000 functions with triggers, with nothing to do, is at most 45 calls after a sync.

    Policies are remembered by revision: in the package bucket for a job that begins with nothing, in the
    cache for a second run. Ten are read all the same. A 25th of AWS's pages stands for AWS's.
    """
    monkeypatch.setenv("LOCKSTEP_QUOTAS", "1000")
    lab = lab_on(ministack, Revisions(), Pages(functions=2, resources=4), Notifications())
    fleet = make_fleet(*targets(40, triggers=True))
    synced(lab, fleet)
    calls = planned(lab, fleet, cache=tmp_path / "fresh")
    assert calls == {
        "sts.GetCallerIdentity": 1,
        "tagging.GetResources": 10,
        "lambda.ListFunctions": 20,
        "s3.GetObject": 1,
        "lambda.GetPolicy": 10,
        GET: 1,
    }
    assert sum(calls.values()) <= 45
    again = planned(lab, fleet, cache=tmp_path / "fresh")
    assert again == calls - Counter({"s3.GetObject": 1})
    assert planned(lab, fleet, cache=tmp_path / "fresh", full=True)["lambda.GetPolicy"] == 40


def test_one_schedule_of_a_thousand(ministack: Cloud, lab_on: Callable[..., Lab]) -> None:
    """One changed schedule among 1,000 functions that have one costs no more calls than one changed version.

    Either reads each schedule once, which no listing tells. A 25th of AWS's pages stands for AWS's.
    """
    lab = lab_on(ministack, Pages(functions=2, resources=4))

    def fleet(version: str = "1.0.0", rate: str = "rate(1 day)") -> Fleet:
        role = "arn:aws:iam::123456789012:role/scheduler"
        said = [("1.0.0", "rate(1 day)")] * 39 + [(version, rate)]
        return make_fleet(
            *(
                make_target(
                    f"staging/n{number}",
                    version=its_version,
                    source=f"# {its_version}\n",
                    resources=(resource("schedules", name=f"n{number}", schedule=its_rate, role=role),),
                )
                for number, (its_version, its_rate) in enumerate(said)
            )
        )

    synced(lab, fleet())
    nothing = planned(lab, fleet())
    assert nothing == {
        "sts.GetCallerIdentity": 1,
        "tagging.GetResources": 10,
        "lambda.ListFunctions": 20,
        "scheduler.GetSchedule": 40,
    }
    schedule = synced(lab, fleet(rate="rate(2 days)"))
    assert schedule - nothing == {"scheduler.GetSchedule": 4, "scheduler.UpdateSchedule": 1}
    version = synced(lab, fleet(version="1.0.1", rate="rate(2 days)"))
    assert schedule.total() <= version.total()
