"""Whose a function is, taking over, and what two owners of one prefix are told."""

from dataclasses import replace
from typing import Any

import pytest

from lockstep.model import Environment, Project, SyncStatus, Verb
from lockstep.model.kinds import KINDS
from lockstep.planning.policy import Rules
from tests.unit.planning.fixtures import (
    PROJECT,
    SCOPE,
    desired,
    entries_for,
    ids,
    live,
    live_of,
    of,
    paths,
    plan,
    rules,
    step,
    target,
)

KEY = "production/notifier"
ONE = target(KEY, prefix="Projects/")


def foreign(**more: Any) -> dict[str, Any]:
    """The entry that somebody's Terraform made for the function."""
    (entry,) = entries_for(ONE)
    return {**entry, "Id": "tf-s3-lambda-1", **more}


def test_a_function_without_an_owner_is_never_taken_over_silently() -> None:
    """The plan says adopt, shows what would change, does nothing and names the way."""
    made = plan(desired(ONE), live(live_of(ONE, owner=None, settings={})))
    one = of(made, KEY)
    assert one.verb is Verb.ADOPT
    assert "--adopt" in str(one.problem)
    assert "adopt: true" in str(one.problem)
    assert {"runtime", "tags.lockstep:project"} <= paths(one)
    assert made.steps == ()
    assert not made.is_empty


@pytest.mark.parametrize("way", ["--adopt", "target", "environment"])
def test_adoption_is_asked_for_in_three_ways(way: str) -> None:
    """On the command line, in the declaration, or for a whole environment."""
    allowed = rules(adopt=way == "--adopt")
    if way == "environment":
        environments = {"production": Environment(name="production", adopt=True)}
        allowed = Rules(project=Project(name=PROJECT, environments=environments))
    made = plan(desired(replace(ONE, adopt=way == "target")), live(live_of(ONE, owner=None)), allowed)
    assert of(made, KEY).verb is Verb.ADOPT
    assert of(made, KEY).problem is None
    assert f"{KEY}:tags" in ids(made)


def test_adopting_leaves_an_entry_that_does_the_same() -> None:
    """Its trigger goes on under the id that it has; nothing is written to the bucket."""
    made = plan(desired(ONE), live(live_of(ONE, owner=None), entries=[foreign()]), rules(adopt=True))
    assert ids(made) == [f"{KEY}:tags"]
    after = plan(desired(ONE), live(live_of(ONE), entries=[foreign()]))
    assert after.is_empty


def test_adopting_replaces_an_entry_that_overlaps_and_calls_the_same_function() -> None:
    """In one PUT, so no object is missed."""
    wide = foreign(Events=["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])
    made = plan(desired(ONE), live(live_of(ONE, owner=None), entries=[wide]), rules(adopt=True))
    put = step(made, "bucket:uploads")
    assert (put.put, put.remove) == (tuple(entries_for(ONE)), ("tf-s3-lambda-1",))


def test_an_entry_that_calls_an_alias_calls_the_same_function() -> None:
    """It is replaced under adoption, and else the message says what it calls and the way out."""
    wide = foreign(Events=["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])
    wide["LambdaFunctionArn"] += ":live"
    found = live(live_of(ONE, owner=None), entries=[wide])
    assert step(plan(desired(ONE), found, rules(adopt=True)), "bucket:uploads").remove == (wide["Id"],)
    blocked = of(plan(desired(ONE), live(live_of(ONE), entries=[wide])), ONE.key)
    assert "it calls the same function: --adopt replaces it" in str(blocked.problem)
    same = foreign()
    same["LambdaFunctionArn"] += ":live"
    made = plan(desired(ONE), live(live_of(ONE, owner=None), entries=[same]), rules(adopt=True))
    assert step(made, "bucket:uploads").remove == (same["Id"],)


def test_an_adoption_that_was_killed_half_way_goes_on() -> None:
    """The tags are set, the entry of others is still there: --adopt still replaces it."""
    wide = foreign(Events=["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])
    half = live(live_of(ONE), entries=[wide])
    assert step(plan(desired(ONE), half, rules(adopt=True)), "bucket:uploads").remove == ("tf-s3-lambda-1",)
    blocked = of(plan(desired(ONE), half), KEY)
    assert blocked.verb is Verb.BLOCKED
    assert "--adopt replaces it" in str(blocked.problem)


def test_adopting_never_takes_an_entry_of_another_function() -> None:
    """What calls somebody else's function is theirs, and the clash is explained."""
    theirs = foreign(LambdaFunctionArn=SCOPE.function_arn("theirs"))
    made = plan(desired(ONE), live(live_of(ONE, owner=None), entries=[theirs]), rules(adopt=True))
    one = of(made, KEY)
    assert "tf-s3-lambda-1" in str(one.problem)
    assert "ask its owner" in str(one.problem)
    assert made.steps == ()


def test_an_entry_without_an_id_is_nobodys_to_remove() -> None:
    """It cannot be named in a removal, so it is a clash even under adoption."""
    wide = foreign(Events=["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])
    del wide["Id"]
    made = plan(desired(ONE), live(live_of(ONE, owner=None), entries=[wide]), rules(adopt=True))
    assert "(no id)" in str(of(made, KEY).problem)
    assert made.steps == ()


@pytest.mark.parametrize("adopt", [False, True])
def test_a_function_of_another_project_is_an_error(adopt: bool) -> None:
    """No flag takes it over."""
    found = live_of(ONE, owner=("elsewhere", "staging/x"))
    made = plan(desired(ONE), live(found), rules(adopt=adopt))
    assert of(made, KEY).verb is Verb.BLOCKED
    assert "'elsewhere' (staging/x)" in str(of(made, KEY).problem)
    assert made.steps == ()


def test_a_function_of_another_target_that_still_declares_it_is_an_error() -> None:
    """The other declaration is named with its place."""
    other = target("staging/notifier", name=ONE.function.name)  # type: ignore[union-attr]
    found = live_of(ONE, owner=(PROJECT, "staging/notifier"))
    made = plan(desired(ONE, other, selection=(KEY,)), live(found))
    assert "staging/notifier (staging/notifier.yaml:1)" in str(of(made, KEY).problem)


def test_a_target_that_was_renamed_keeps_its_function_and_its_trigger() -> None:
    """The former target's entry is replaced in one PUT; nothing is deleted or created."""
    former = target("production/s3-notifier", name=ONE.function.name, prefix="Projects/")  # type: ignore[union-attr]
    found = live_of(ONE, owner=(PROJECT, former.key))
    made = plan(desired(ONE), live(found, entries=entries_for(former)))
    put = step(made, "bucket:uploads")
    assert put.put == tuple(entries_for(ONE))
    assert put.remove == (entries_for(former)[0]["Id"],)
    assert ids(made) == [f"{KEY}:tags", "bucket:uploads"]


def test_a_renamed_target_without_a_trigger_loses_the_former_entry() -> None:
    """The function is declared, and nothing declares that entry any more."""
    former = target("production/s3-notifier", name=ONE.function.name, prefix="Projects/")  # type: ignore[union-attr]
    found = live_of(ONE, owner=(PROJECT, former.key))
    made = plan(desired(replace(ONE, triggers=())), live(found, entries=entries_for(former)))
    assert step(made, "bucket:uploads").remove == (entries_for(former)[0]["Id"],)


def test_an_entry_of_a_target_that_is_not_selected_stays_whatever_it_calls() -> None:
    """Only its own target's sync may change it."""
    other = target("production/other", prefix="other/")
    entry = {**entries_for(other)[0], "LambdaFunctionArn": SCOPE.function_arn(ONE.function.name)}  # type: ignore[union-attr]
    found = live(live_of(ONE), entries=[*entries_for(ONE), entry])
    assert plan(desired(ONE, other, selection=(KEY,)), found).is_empty


def test_two_targets_that_want_one_prefix_are_told_of_each_other() -> None:
    """Both places are named, and neither is served; a third is."""
    other = target("production/other", prefix="Projects/sub/")
    third = target("production/third", prefix="third/")
    made = plan(desired(ONE, other, third), live())
    assert "production/other (production/other.yaml:7)" in str(of(made, KEY).problem)
    assert f"{KEY} ({KEY}.yaml:7)" in str(of(made, other.key).problem)
    assert step(made, "bucket:uploads").targets == ("production/third",)


def test_a_target_that_is_served_is_not_blocked_by_a_newcomer() -> None:
    """Only the new wish is refused."""
    other = target("production/other", prefix="Projects/sub/")
    made = plan(desired(ONE, other), live(live_of(ONE), entries=entries_for(ONE)))
    assert of(made, KEY).status is SyncStatus.SYNCED
    assert KEY in str(of(made, other.key).problem)


def test_overlap_counts_across_lambda_sns_and_sqs() -> None:
    """An SNS entry on the same prefix is a clash, named with its destination."""
    topic = {"Id": "t", "TopicArn": "arn:aws:sns:x:1:topic", "Events": ["s3:ObjectCreated:Put"]}
    made = plan(desired(ONE), live(TopicConfigurations=[topic]))
    assert "arn:aws:sns:x:1:topic" in str(of(made, KEY).problem)


def test_a_clash_with_another_project_names_it() -> None:
    """Two projects that share a bucket see each other's entries by their ids."""
    entry = {**foreign(), "Id": "lockstep-elsewhere.staging.x.0123456789ab", "LambdaFunctionArn": "arn:x"}
    made = plan(desired(ONE), live(entries=[entry]))
    assert "staging/x of the Lockstep project 'elsewhere'" in str(of(made, KEY).problem)


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        ("http", {"api": "abcdef1234", "route": "GET /orders"}),
        ("rules", {"name": "nightly", "schedule": "rate(1 day)"}),
    ],
)
def test_what_aws_keeps_one_of_goes_to_one_target(kind: str, declared: dict[str, str]) -> None:
    """Two that declare it are held back where AWS tells that their environments have one account."""
    one = KINDS[kind].declared(declared, "", "a", "", "notifier")
    keys = (KEY, "staging/notifier")
    made = plan(desired(*(replace(target(key), resources=(one,)) for key in keys)), live())
    assert {each.target for each in made.blocked} == set(keys)
    assert f"{kind}.a is declared by staging/notifier too" in str(of(made, KEY).problem)
