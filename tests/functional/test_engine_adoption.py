"""Adoption: a function, its trigger and its permission that Terraform made pass to Lockstep undisturbed."""

from typing import Any

import pytest

from lockstep.model import Environment, Verb
from tests.support.clouds import ACCOUNT, REGION, allow_bucket, make_function
from tests.support.engine import Lab, changes_of
from tests.support.projects import UPLOADS, make_fleet, make_project, make_target, trigger

KEY, NAME = "production/s3-notifier", "syrfAppUploadS3Notifier"
SETTINGS = {"memorySize": 512, "timeout": 30, "environment": {"RabbitMqHost": "rabbit.example"}}
PUT = "s3.PutBucketNotificationConfiguration"


@pytest.fixture
def made(lab: Lab) -> Lab:
    """A function with an alien entry, permission and tag, as Terraform leaves them."""
    make_function(
        lab.aws.behind,
        NAME,
        MemorySize=512,
        Timeout=30,
        Environment={"Variables": {"RabbitMqHost": "rabbit.example"}},
        Tags={"ManagedBy": "terraform"},
    )
    allow_bucket(lab.aws.behind, NAME, UPLOADS, sid="AllowExecutionFromS3Bucket")
    lab.put_notifications(
        {
            "LambdaFunctionConfigurations": [
                {
                    "Id": "tf-s3-lambda-20240101",
                    "LambdaFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}",
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "Projects/"}]}},
                }
            ],
            "EventBridgeConfiguration": {},
        }
    )
    lab.aws.forget()
    return lab


def declared(prefix: str = "Projects/", **settings: Any) -> Any:
    """Return the fleet that declares the function as Terraform made it, with changes."""
    return make_fleet(make_target(KEY, trigger(prefix), name=NAME, settings={**SETTINGS, **settings}))


def state(lab: Lab) -> list[Any]:
    """Return everything about the function and its bucket apart from tags, times and states."""
    times = ("LastModified", "RevisionId", "State", "LastUpdateStatus")
    config = {k: v for k, v in lab.live(NAME)["Configuration"].items() if not k.startswith(times)}
    policy = lab.client("lambda").get_policy(FunctionName=NAME)["Policy"]
    return [config, policy, lab.notifications()]


def test_a_function_that_nobody_owns_is_not_taken_over_silently(made: Lab) -> None:
    """Without leave the plan says what adopting would change, and does nothing."""
    plan = made.plan(declared(memorySize=1024))
    assert plan.targets[0].verb is Verb.ADOPT
    assert "--adopt" in str(plan.targets[0].problem)
    assert "memorySize" in changes_of(plan, KEY)
    assert not plan.steps
    assert not made.aws.counts(mutating=True)


@pytest.mark.parametrize("how", ["--adopt", "adopt: true", "environment"])
def test_adopting_what_is_declared_as_it_is_sets_tags_and_nothing_else(made: Lab, how: str) -> None:
    """One TagResource call: code, settings, policy, entry and EventBridge stay; no gap of the trigger."""
    before = state(made)
    project = make_project("shop", Environment(name="production", region=REGION, adopt=how == "environment"))
    fleet = make_fleet(
        make_target(KEY, trigger("Projects/"), name=NAME, settings=SETTINGS, adopt=how == "adopt: true")
    )
    made.sync(fleet, project=project, adopt=how == "--adopt")
    assert made.aws.counts(mutating=True) == {"lambda.TagResource": 1}
    assert state(made) == before
    assert made.live(NAME)["Tags"] == {
        "ManagedBy": "terraform",
        "lockstep:project": "shop",
        "lockstep:target": KEY,
        "lockstep:version": "1.0.0",
        "lockstep:buckets": UPLOADS,
    }


def test_adopting_with_another_prefix_replaces_the_entry_in_one_put(made: Lab) -> None:
    """An overlapping entry for the adopted function makes way in the same PUT that brings ours."""
    made.sync(declared("Projects/new/"), adopt=True)
    entries = made.notifications()["LambdaFunctionConfigurations"]
    assert [entry["Filter"]["Key"]["FilterRules"][0]["Value"] for entry in entries] == ["Projects/new/"]
    assert [call.status for call in made.aws.named(PUT)][-1] == 200
    assert "EventBridgeConfiguration" in made.notifications()


def test_an_adopted_function_follows_git(made: Lab) -> None:
    """After adoption, changes of code, settings and version are applied as to any other function."""
    made.sync(declared(), adopt=True)
    made.aws.forget()
    fleet = make_fleet(
        make_target(
            KEY,
            trigger("Projects/"),
            name=NAME,
            settings={"memorySize": 256},
            source="x = 2\n",
            version="2.0",
        )
    )
    made.sync(fleet)
    live = made.live(NAME)
    assert live["Configuration"]["MemorySize"] == 256
    assert "Environment" not in live["Configuration"] or not live["Configuration"]["Environment"]["Variables"]
    assert PUT not in made.aws.counts()


def test_an_adopted_function_that_is_removed_leaves_no_dead_entry(made: Lab) -> None:
    """Pruning an adopted function removes the entry that calls it, or S3 would refuse every later change."""
    project = make_project("shop", Environment(name="production", region=REGION, prune=True))
    stays = make_target("production/stays", trigger("stays/"))
    both = make_fleet(*declared().targets.values(), stays)
    made.sync(both, project=project, adopt=True)
    made.plan(make_fleet(stays), project=project)  # the tagging API may be behind
    made.sync(make_fleet(stays), project=project)
    arns = [e["LambdaFunctionArn"] for e in made.notifications()["LambdaFunctionConfigurations"]]
    assert [arn.rpartition(":")[2] for arn in arns] == ["stays-production"]


def test_the_adopted_entry_makes_way_when_git_moves_the_trigger(made: Lab) -> None:
    """An entry adopted as it is stays somebody else's; under --adopt an overlapping trigger replaces it."""
    made.sync(declared(), adopt=True)
    plan = made.plan(declared("Projects/new/"))
    assert "--adopt replaces it" in str(plan.targets[0].problem)
    made.sync(declared("Projects/new/"), adopt=True)
    entries = made.notifications()["LambdaFunctionConfigurations"]
    assert [entry["Filter"]["Key"]["FilterRules"][0]["Value"] for entry in entries] == ["Projects/new/"]
