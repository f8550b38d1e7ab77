"""S3 triggers: one PUT for each bucket, in the right order, with everything of others as it was."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lockstep.errors import NotAllowed
from lockstep.local.ministack import LocalCloud
from lockstep.model import Environment, Verb
from tests.strict import Notifications, Pages
from tests.support.clouds import (
    ACCOUNT,
    REGION,
    Cloud,
    allow_bucket,
    make_bucket,
    make_function,
    make_queue,
    make_topic,
)
from tests.support.engine import Lab, Refuse, changes_of
from tests.support.projects import UPLOADS, make_fleet, make_project, make_target, trigger

KEY, NAME = "staging/notifier", "notifier-staging"
PUT = "s3.PutBucketNotificationConfiguration"


def order(lab: Lab, *names: str) -> list[str]:
    """Return the calls of the given names in the order in which they were made."""
    return [call.name.partition(".")[2] for call in lab.aws.calls if call.name in names]


def puts(lab: Lab) -> int:
    """Return how often S3 took a bucket's notifications."""
    return sum(call.status == 200 for call in lab.aws.named(PUT))


def served(lab: Lab, bucket: str = UPLOADS) -> dict[str, str]:
    """Return prefix -> function of the Lambda entries on a bucket."""
    found = {}
    for entry in lab.notifications(bucket).get("LambdaFunctionConfigurations", ()):
        rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", ())
        prefix = next((rule["Value"] for rule in rules if rule["Name"].lower() == "prefix"), "")
        found[prefix] = entry["LambdaFunctionArn"].rpartition(":")[2]
    return found


def statements(lab: Lab, name: str) -> dict[str, Any]:
    """Return statement id -> source of a function's resource policy."""
    functions = lab.client("lambda")
    try:
        policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
    except functions.exceptions.ResourceNotFoundException:
        return {}
    return {one["Sid"]: json.dumps(one["Condition"]) for one in policy["Statement"]}


@pytest.mark.parametrize("was_there", [False, True], ids=["new", "changed"])
@pytest.mark.parametrize("refused", ["lambda.PutFunctionConcurrency", "logs.PutRetentionPolicy"])
def test_a_function_whose_limits_are_refused_gets_no_trigger(
    ministack: LocalCloud, lab_on: Callable[..., Lab], refused: str, was_there: bool
) -> None:
    """No event reaches a function that is not as declared; what runs is told, and the next sync goes on."""
    refuse = Refuse(refused, "InvalidParameterValueException", "decreases the account's minimum", times=None)
    lab = lab_on(ministack, refuse, Notifications())
    if was_there:
        lab.sync(make_fleet(make_target(KEY, source="x = 0\n", version="0.9.0")))
    settings = {"reservedConcurrency": 1, "logRetentionDays": 7}
    wanted = make_fleet(make_target(KEY, trigger("staging/"), settings=settings))
    run = lab.run(wanted)
    assert len(run.failures) == 1
    assert served(lab) == {}
    assert statements(lab, NAME) == {}
    function = lab.client("lambda").get_function(FunctionName=NAME)
    assert function["Tags"]["lockstep:version"] == "1.0.0"
    refuse.times = 0
    lab.sync(wanted)
    assert served(lab) == {"staging/": NAME}


@pytest.fixture
def foreign(lab: Lab) -> dict[str, Any]:
    """What others have on the bucket: a function, a queue, a topic and EventBridge."""
    make_function(lab.aws.behind, "their-function")
    allow_bucket(lab.aws.behind, "their-function", UPLOADS)
    lab.put_notifications(
        {
            "LambdaFunctionConfigurations": [
                {
                    "Id": "tf-s3-lambda-20240101",
                    "LambdaFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:their-function",
                    "Events": ["s3:ObjectCreated:*", "s3:ObjectTagging:Put"],
                    "Filter": {
                        "Key": {
                            "FilterRules": [
                                {"Name": "prefix", "Value": "theirs/a+b/%C3%A9/"},
                                {"Name": "suffix", "Value": ".csv"},
                            ]
                        }
                    },
                }
            ],
            "QueueConfigurations": [
                {
                    "Id": "queue entry",
                    "QueueArn": make_queue(lab.aws.behind, "their-queue"),
                    "Events": ["s3:ObjectRemoved:Delete"],
                }
            ],
            "TopicConfigurations": [
                {
                    "Id": "topic-entry",
                    "TopicArn": make_topic(lab.aws.behind, "their-topic"),
                    "Events": ["s3:ObjectRestore:Completed"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "cold/"}]}},
                }
            ],
            "EventBridgeConfiguration": {},
        }
    )
    lab.aws.forget()
    return lab.notifications()


def without_ours(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration without Lockstep's entries."""
    kept = [one for one in raw["LambdaFunctionConfigurations"] if not one["Id"].startswith("lockstep-")]
    return {**raw, "LambdaFunctionConfigurations": kept}


def test_all_targets_of_a_bucket_are_one_put(lab: Lab) -> None:
    """Nine targets on a bucket are made with one PUT, after all their permissions."""
    targets = [make_target(f"preview/pr-{n}/notifier", trigger(f"preview/pr-{n}/")) for n in range(9)]
    lab.sync(make_fleet(*targets))
    assert puts(lab) == 1
    calls = order(lab, "lambda.AddPermission", PUT)
    assert calls[:9] == ["AddPermission"] * 9
    assert served(lab) == {f"preview/pr-{n}/": f"notifier-preview-pr-{n}" for n in range(9)}


def test_entries_of_others_stay_as_they_are(lab: Lab, foreign: dict[str, Any]) -> None:
    """Creating, changing, moving and removing triggers leaves functions, queues, topics and EventBridge."""
    staging, preview = make_target(KEY, trigger("staging/")), make_target("preview/pr-1/x", trigger("p/1/"))
    for fleet in (
        make_fleet(staging, preview),
        make_fleet(make_target(KEY, trigger("staging/", ".zip")), preview),
        make_fleet(make_target(KEY, trigger("p/1/")), make_target("preview/pr-1/x", trigger("staging/"))),
        make_fleet(make_target(KEY)),
    ):
        lab.sync(fleet)
        assert without_ours(lab.notifications()) == foreign
    assert lab.notifications() == foreign
    assert puts(lab) == 4


def test_entries_that_others_add_between_plan_and_put_are_kept(lab: Lab, foreign: dict[str, Any]) -> None:
    """What the bucket holds is read again just before the PUT."""
    more = {
        **foreign,
        "LambdaFunctionConfigurations": [
            *foreign["LambdaFunctionConfigurations"],
            {
                "Id": "late",
                "LambdaFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:their-function",
                "Events": ["s3:ObjectCreated:Put"],
                "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "late/"}]}},
            },
        ],
    }
    run = lab.run(
        make_fleet(make_target(KEY, trigger("staging/"))), between=lambda _: lab.put_notifications(more)
    )
    assert run.report.is_success, run.failures
    assert {"late/", "staging/"} <= set(served(lab))
    assert len(without_ours(lab.notifications())["LambdaFunctionConfigurations"]) == 2


def test_a_prefix_passes_to_another_function_in_one_put(lab: Lab) -> None:
    """Re-pointing is one PUT, after the new permission and before the old one is taken back."""
    old, new = "staging/old", "staging/new"
    lab.sync(make_fleet(make_target(old, trigger("in/")), make_target(new)))
    lab.aws.forget()
    lab.sync(make_fleet(make_target(old), make_target(new, trigger("in/"))))
    assert order(lab, "lambda.AddPermission", PUT, "lambda.RemovePermission")[0] == "AddPermission"
    assert order(lab, "lambda.AddPermission", PUT, "lambda.RemovePermission")[-1] == "RemovePermission"
    assert puts(lab) == 1
    assert served(lab) == {"in/": "new-staging"}
    assert not statements(lab, "old-staging")


def test_two_targets_swap_their_prefixes_in_one_put(lab: Lab) -> None:
    """A swap that no sequence of single changes could do is one PUT."""
    lab.sync(make_fleet(make_target("staging/a", trigger("1/")), make_target("staging/b", trigger("2/"))))
    lab.aws.forget()
    lab.sync(make_fleet(make_target("staging/a", trigger("2/")), make_target("staging/b", trigger("1/"))))
    assert puts(lab) == 1
    assert served(lab) == {"2/": "a-staging", "1/": "b-staging"}
    assert set(lab.aws.counts(mutating=True)) == {PUT, "s3.PutObject"}  # and the lease


def test_a_renamed_function_takes_its_trigger_along(lab: Lab) -> None:
    """Another functionName makes a new function, moves the trigger in one PUT and removes the old one."""
    project = make_project("shop", Environment(name="staging", region=REGION, prune=True))
    lab.sync(make_fleet(make_target(KEY, trigger("in/"), name="old-name")), project=project)
    lab.aws.forget()
    fleet = make_fleet(make_target(KEY, trigger("in/"), name="new-name"))
    run = lab.run(fleet, project=project)
    while "lambda.DeleteFunction" not in lab.aws.counts():  # the tagging API may be behind
        run = lab.run(fleet, project=project)
        assert run.report.is_success, run.failures
    assert puts(lab) == 1
    assert served(lab) == {"in/": "new-name"}
    calls = order(lab, "lambda.CreateFunction", "lambda.AddPermission", PUT, "lambda.DeleteFunction")
    assert list(dict.fromkeys(calls)) == ["CreateFunction", "AddPermission", PUT[3:], "DeleteFunction"]


def test_removal_goes_the_other_way_round(lab: Lab) -> None:
    """A removed preview loses its entry first, then the function goes with its policy."""
    stays, goes = make_target(KEY), make_target("preview/pr-1/x", trigger("p/1/"), name="goes")
    lab.sync(make_fleet(stays, goes))
    lab.run(make_fleet(stays))  # the tagging API may be behind
    lab.run(make_fleet(stays))
    calls = order(lab, PUT, "lambda.DeleteFunction")
    assert calls[-2:] == [PUT[3:], "DeleteFunction"]
    assert served(lab) == {}
    with pytest.raises(lab.client("lambda").exceptions.ResourceNotFoundException):
        lab.live("goes")


def test_a_removed_trigger_goes_before_its_permission(lab: Lab) -> None:
    """Taking a trigger away keeps the function: first the entry, then the permission, then the tag."""
    lab.sync(make_fleet(make_target(KEY, trigger("in/"))))
    assert lab.live(NAME)["Tags"]["lockstep:buckets"] == UPLOADS
    lab.aws.forget()
    lab.sync(make_fleet(make_target(KEY)))
    assert order(lab, PUT, "lambda.RemovePermission", "lambda.UntagResource") in (
        [PUT[3:], "RemovePermission", "UntagResource"],
        [PUT[3:], "UntagResource", "RemovePermission"],
    )
    assert not statements(lab, NAME)
    assert "lockstep:buckets" not in lab.live(NAME)["Tags"]


def test_a_bucket_that_git_no_longer_names_is_cleaned_up(lab: Lab) -> None:
    """The function's tag remembers its buckets, so a trigger that moves leaves nothing on the old one."""
    make_bucket(lab.aws.behind, "second-bucket")
    lab.sync(make_fleet(make_target(KEY, trigger("in/"))))
    lab.sync(make_fleet(make_target(KEY, trigger("in/", bucket="second-bucket"))))
    assert served(lab) == {}
    assert served(lab, "second-bucket") == {"in/": NAME}
    assert [json.loads(one) for one in statements(lab, NAME).values()] == [
        {
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::second-bucket"},
            "StringEquals": {"AWS:SourceAccount": ACCOUNT},
        }
    ]
    assert lab.live(NAME)["Tags"]["lockstep:buckets"] == "second-bucket"


def test_filters_reach_s3_as_they_are_written(lab: Lab) -> None:
    """Suffixes, several events, encoded characters and a trigger for everything come back unchanged."""
    lab.sync(
        make_fleet(
            make_target(
                KEY,
                trigger("a+b/%C3%A9/", ".csv", events=["s3:ObjectCreated:Put", "s3:ObjectCreated:Copy"]),
                trigger("", events=["s3:ObjectRemoved:*"]),
            )
        )
    )
    assert set(served(lab)) == {"a+b/%C3%A9/", ""}


@pytest.mark.parametrize("drift", ["entry gone", "entry edited", "permission gone", "all gone"])
def test_drift_of_a_trigger_is_seen_and_mended(lab: Lab, foreign: dict[str, Any], drift: str) -> None:
    """A removed or edited entry and a removed permission are named, and one sync mends them."""
    fleet = make_fleet(make_target(KEY, trigger("staging/")))
    lab.sync(fleet)
    live, (sid,) = lab.notifications(), statements(lab, NAME)
    ours = next(e for e in live["LambdaFunctionConfigurations"] if e["Id"].startswith("lockstep-"))
    if drift == "entry edited":
        ours["Filter"]["Key"]["FilterRules"] = [{"Name": "prefix", "Value": "elsewhere/"}]
        lab.put_notifications(live)
    elif drift != "permission gone":
        lab.put_notifications(foreign)
    if drift in ("permission gone", "all gone"):
        lab.somebody("lambda").remove_permission(FunctionName=NAME, StatementId=sid)
    plan = lab.plan(fleet)
    assert (
        set(changes_of(plan, KEY))
        == {
            "entry gone": {"trigger"},
            "entry edited": {"trigger"},
            "permission gone": {"permission"},
            "all gone": {"trigger", "permission"},
        }[drift]
    )
    lab.sync(fleet)
    assert served(lab)["staging/"] == NAME
    assert without_ours(lab.notifications()) == foreign


def test_statements_of_others_stay(lab: Lab) -> None:
    """Permissions that Lockstep did not give are neither read as ours nor removed."""
    lab.sync(make_fleet(make_target(KEY, trigger("in/"))))
    lab.somebody("lambda").add_permission(
        FunctionName=NAME,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    assert lab.plan(make_fleet(make_target(KEY, trigger("in/")))).is_empty
    lab.sync(make_fleet(make_target(KEY)))
    functions = lab.client("lambda")
    policy = json.loads(functions.get_policy(FunctionName=NAME)["Policy"])
    assert [one["Sid"] for one in policy["Statement"]] == ["api"]


def test_a_failed_successor_leaves_the_prefix_where_it_was(lab: Lab) -> None:
    """When the function that should take over cannot be made, the old one keeps serving the prefix."""
    old, new = "staging/old", "staging/new"
    lab.sync(make_fleet(make_target(old, trigger("in/"))))
    bad = make_target(new, trigger("in/"), settings={"role": "no-such-role"})
    run = lab.run(make_fleet(make_target(old), bad))
    assert f"{new}:create" in run.failures
    assert served(lab) == {"in/": "old-staging"}
    assert statements(lab, "old-staging")
    lab.sync(make_fleet(make_target(old), make_target(new, trigger("in/"))))
    assert served(lab) == {"in/": "new-staging"}


@pytest.mark.parametrize("prune", [False, True])
def test_only_pruned_environments_lose_what_git_no_longer_has(lab: Lab, prune: bool) -> None:
    """Without ``prune`` a function that left the repository stays and is noted; with it, it goes."""
    project = make_project("shop", Environment(name="staging", region=REGION, prune=prune))
    stays, goes = make_target("staging/a", trigger("a/")), make_target("staging/b", trigger("b/"))
    lab.sync(make_fleet(stays, goes), project=project)
    lab.plan(make_fleet(stays), project=project)  # the tagging API may be behind
    plan = lab.plan(make_fleet(stays), project=project)
    assert bool(plan.steps) is prune
    if not prune:
        assert any("b-staging belongs to this project" in note for note in plan.notes)
        assert served(lab) == {"a/": "a-staging", "b/": "b-staging"}
        return
    lab.sync(make_fleet(stays), project=project)
    assert served(lab) == {"a/": "a-staging"}


def test_too_many_deletions_are_refused(lab: Lab) -> None:
    """More than five deletions, or any when nothing is declared at all, need to be allowed by number."""
    targets = [make_target(f"preview/pr-{n}/x", trigger(f"p/{n}/")) for n in range(7)]
    lab.sync(make_fleet(*targets))
    lab.plan(make_fleet())
    lab.aws.forget()
    with pytest.raises(NotAllowed, match="--allow-deletes 7"):
        lab.run(make_fleet())
    with pytest.raises(NotAllowed, match="7 targets would be deleted and 0 are allowed"):
        lab.run(make_fleet())
    with pytest.raises(NotAllowed, match="6 targets would be deleted and 5 are allowed"):
        lab.run(make_fleet(targets[0]))
    assert not lab.aws.counts(mutating=True)
    lab.run(make_fleet(targets[0]), allow_deletes=6)
    assert served(lab) == {"p/0/": "x-preview-pr-0"}


def test_fifty_removed_previews_are_one_put(cloud: Cloud, lab_on: Callable[..., Lab]) -> None:
    """All entries of a bucket go in one PUT, and each function once."""
    lab = lab_on(cloud, Pages(), Notifications())
    stays = make_target(KEY, trigger("staging/"))
    targets = [make_target(f"preview/pr-{n}/x", trigger(f"p/{n}/")) for n in range(50)]
    run = lab.run(make_fleet(stays, *targets))
    assert run.report.is_success, run.failures
    lab.aws.forget()
    run = lab.run(make_fleet(stays), allow_deletes=50)
    assert run.report.is_success, run.failures
    assert lab.aws.counts(mutating=True) == {
        PUT: 1,
        "s3.PutObject": 4,  # the lease: taken, renewed twice, the last time just before the PUT, released
        "lambda.DeleteFunction": 50,
        "logs.DeleteLogGroup": 100,
    }
    assert served(lab) == {"staging/": NAME}


def test_another_projects_function_is_refused(lab: Lab) -> None:
    """A function that another project's tags claim is never touched, not even with --adopt."""
    lab.sync(make_fleet(make_target(KEY), project="other"), project=make_project("other"))
    lab.aws.forget()
    plan = lab.plan(make_fleet(make_target(KEY, settings={"timeout": 9})), adopt=True)
    assert plan.targets[0].verb is Verb.BLOCKED
    assert "belongs to the Lockstep project 'other'" in str(plan.targets[0].problem)
    assert not plan.steps


def test_another_projects_prefix_is_refused(lab: Lab) -> None:
    """A trigger that overlaps one of another project is a problem that names the other project."""
    other = make_fleet(make_target("staging/theirs", trigger("in/")), project="other")
    lab.sync(other, project=make_project("other"))
    plan = lab.plan(make_fleet(make_target(KEY, trigger("in/deep/"))))
    assert "staging/theirs of the Lockstep project 'other'" in str(plan.targets[0].problem)
    assert not plan.steps


def test_a_selection_leaves_the_rest_alone(lab: Lab, foreign: dict[str, Any]) -> None:
    """Syncing one of two targets of a bucket changes only its entry."""
    one, two = make_target("staging/a", trigger("a/")), make_target("staging/b", trigger("b/"))
    lab.sync(make_fleet(one, two))
    moved = make_fleet(
        make_target("staging/a", trigger("a2/")),
        make_target("staging/b", trigger("b2/")),
        selection=("staging/a",),
    )
    lab.sync(moved)
    assert set(served(lab)) == {"theirs/a+b/%C3%A9/", "a2/", "b/"}


def test_a_package_bucket_is_not_needed_for_triggers(lab: Lab) -> None:
    """The lease lies in the bucket with the triggers, so that writers without a common bucket share it."""
    project = make_project("shop", package_bucket=None)
    lab.sync(make_fleet(make_target(KEY, trigger("in/"))), project=project)
    put = [call.operation.params for call in lab.aws.named("s3.PutObject")]
    assert {one["Bucket"] for one in put if "leases" in one["Key"]} == {UPLOADS}
    assert served(lab) == {"in/": NAME}


def test_a_swap_that_half_fails_leaves_both_prefixes_served_and_says_so(
    ministack: Cloud, lab_on: Callable[..., Lab]
) -> None:
    """When one of two targets that swap prefixes cannot be made ready, the other one is told why it waits."""
    refuse = Refuse(
        "lambda.UpdateFunctionConfiguration", "InvalidParameterValueException", "no such layer", times=0
    )
    lab = lab_on(ministack, Notifications(), refuse)
    one = make_target("staging/one", trigger("a/"))
    two = make_target("staging/two", trigger("b/"))
    lab.sync(make_fleet(one, two))
    before = served(lab)

    refuse.times = 100
    swapped = make_fleet(
        make_target("staging/one", trigger("b/")),
        make_target("staging/two", trigger("a/"), settings={"memorySize": 512}),
    )
    run = lab.run(swapped)

    assert served(lab) == before
    assert "staging/one got no trigger" in run.failures[f"bucket:{UPLOADS}"]
    refuse.times = 0
    lab.sync(swapped)
    assert served(lab) == {"a/": "two-staging", "b/": "one-staging"}
