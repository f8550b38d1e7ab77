"""A bucket's notifications: moved in one PUT, mended when edited, never left without a function."""

from dataclasses import replace

import pytest

from lockstep.model import Change, Obstacle, PutNotifications, Trigger, Verb
from lockstep.planning.notifications import LAMBDA, describe, entry_for, merge, owner_of
from lockstep.planning.triggers import survivors
from tests.unit.planning.fixtures import (
    SCOPE,
    desired,
    entries_for,
    ids,
    live,
    live_of,
    of,
    plan,
    step,
    target,
)

A = target("staging/a", prefix="one/")
B = target("staging/b", prefix="two/")


def test_a_prefix_passes_from_one_function_to_another_in_one_put() -> None:
    """Nobody uploads into a gap."""
    a, b = target("staging/a"), target("staging/b", prefix="one/")
    found = live(live_of(A), live_of(target("staging/b")), entries=entries_for(A))
    made = plan(desired(a, b), found)
    puts = [one for one in made.steps if isinstance(one, PutNotifications)]
    assert len(puts) == 1
    assert puts[0].put == tuple(entries_for(b))
    assert puts[0].remove == (entries_for(A)[0]["Id"],)
    assert puts[0].targets == ("staging/a", "staging/b")


def test_two_targets_swap_prefixes_in_one_put() -> None:
    """Neither order of two PUTs would do."""
    a, b = target("staging/a", prefix="two/"), target("staging/b", prefix="one/")
    made = plan(desired(a, b), live(live_of(A), live_of(B), entries=entries_for(A, B)))
    assert ids(made) == ["bucket:uploads"]
    assert len(step(made, "bucket:uploads").put) == len(step(made, "bucket:uploads").remove) == 2
    assert of(made, "staging/a").changes == (
        Change(path="trigger", old="s3://uploads/one/*", new="s3://uploads/two/*"),
    )


def test_a_prefix_stays_while_its_next_function_is_blocked() -> None:
    """Whoever has it waits for whoever is to have it, and is told why."""
    a = target("staging/a", settings={"timeout": 9})
    b = replace(target("staging/b", prefix="one/"), obstacle=Obstacle(text="no release"))
    made = plan(desired(a, b), live(live_of(A), entries=entries_for(A)))
    assert made.steps == ()
    assert "is to pass to staging/b (staging/b.yaml:7)" in str(of(made, "staging/a").problem)


def test_a_prefix_stays_while_its_next_function_is_not_selected() -> None:
    """Half of a handover is none."""
    a, b = target("staging/a"), target("staging/b", prefix="one/")
    made = plan(desired(a, b, selection=("staging/a",)), live(live_of(A), entries=entries_for(A)))
    assert made.steps == ()
    assert of(made, "staging/a").verb is Verb.BLOCKED


def test_a_preview_stays_while_the_next_owner_of_its_prefix_is_blocked() -> None:
    """Deleting waits, too."""
    gone = target("preview/pr-1/a", prefix="one/")
    b = replace(target("staging/b", prefix="one/"), obstacle=Obstacle(text="no release"))
    made = plan(desired(b), live(others=(live_of(gone),), entries=entries_for(gone)))
    assert made.steps == ()
    assert of(made, gone.key).verb is Verb.BLOCKED
    assert "staging/b" in str(of(made, gone.key).problem)


def test_an_entry_that_was_edited_under_our_id_is_put_back_in_its_place() -> None:
    """Its neighbours keep theirs."""
    (entry,) = entries_for(A)
    edited = {**entry, "Events": ["s3:ObjectRemoved:*"]}
    first = {"Id": "tf-1", "LambdaFunctionArn": "arn:x", "Events": ["s3:ObjectRestore:*"]}
    last = {**first, "Id": "tf-2", "Events": ["s3:ObjectAcl:Put"]}
    found = live(live_of(A), entries=[first, edited, last], EventBridgeConfiguration={})
    made = plan(desired(A), found)
    put = step(made, "bucket:uploads")
    assert put.put == (entry,)
    merged = merge(found.buckets["uploads"].raw, put=put.put, remove=put.remove)
    assert merged == {LAMBDA: [first, entry, last], "EventBridgeConfiguration": {}}


def test_a_trigger_waits_for_its_function_and_its_permission() -> None:
    """S3 validates that it may call the function."""
    b = target("staging/b", prefix="two/", digest="b")
    made = plan(desired(b), live(live_of(target("staging/b"))))
    assert {one.partition(":")[2].partition(":")[0] for one in step(made, "bucket:uploads").needs} == {
        "code",
        "tags",
        "permission",
    }


def test_s3_answers_with_other_capitals() -> None:
    """``Prefix`` is ``prefix``."""
    (entry,) = entries_for(A)
    answered = {**entry, "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "one/"}]}}}
    assert plan(desired(A), live(live_of(A), entries=[answered])).is_empty


def test_names_with_dots_are_no_other_targets() -> None:
    """``staging/web.v2`` is not ``staging/web/v2``."""
    one = target("staging/web.v2", name="web", prefix="web/")
    (entry,) = entries_for(one)
    assert owner_of(entry["Id"]) == ("syrf", "staging/web.v2")
    assert plan(desired(one), live(live_of(one), entries=[entry])).is_empty


@pytest.mark.parametrize(
    "entry_id",
    ["", "lockstep-", "lockstep-x", "lockstep-x.y", "lockstep-p.staging.a.short", "tf-s3-lambda-1"],
)
def test_ids_that_only_look_like_ours_are_foreign(entry_id: str) -> None:
    """Project, target and the twelve digits of a hash make an id ours."""
    assert owner_of(entry_id) is None


def test_a_trigger_in_words() -> None:
    """Events are named unless they are all creations."""
    assert describe(Trigger(bucket="b", prefix="p/", suffix=".csv")) == "s3://b/p/*.csv"
    removed = Trigger(bucket="b", events=("s3:ObjectRemoved:*",))
    assert describe(removed) == "s3://b/* [s3:ObjectRemoved:*]"


def _entry(key: str, prefix: str) -> dict[str, object]:
    return entry_for("syrf", key, SCOPE.function_arn(key), Trigger(bucket="b", prefix=prefix))


def test_a_failed_target_leaves_the_prefix_with_its_former_function() -> None:
    """The entry is neither put nor removed."""
    old, new = _entry("staging/a", "p/"), _entry("staging/b", "p/")
    other = _entry("staging/c", "c/")
    put, remove = survivors({LAMBDA: [old]}, [new, other], [str(old["Id"])], frozenset({"staging/b"}))
    assert (put, remove) == ([other], [])


def test_a_failed_target_keeps_what_it_had() -> None:
    """It gives nothing up before it has the new."""
    old, new = _entry("staging/a", "old/"), _entry("staging/a", "new/")
    put, remove = survivors({LAMBDA: [old]}, [new], [str(old["Id"])], frozenset({"staging/a"}))
    assert (put, remove) == ([], [])


def test_when_one_of_two_that_swap_fails_neither_moves() -> None:
    """What no longer fits beside the entry that stays is not put either, so S3 takes the rest."""
    a, b = _entry("staging/a", "one/"), _entry("staging/b", "two/")
    put, remove = survivors(
        {LAMBDA: [a, b]},
        [_entry("staging/a", "two/"), _entry("staging/b", "one/"), _entry("staging/c", "c/")],
        [str(a["Id"]), str(b["Id"])],
        frozenset({"staging/a"}),
    )
    assert put == [_entry("staging/c", "c/")]
    assert remove == []


def test_without_a_failure_the_whole_change_is_made() -> None:
    """Nothing is held back."""
    a, b = _entry("staging/a", "one/"), _entry("staging/b", "one/")
    assert survivors({LAMBDA: [a]}, [b], [str(a["Id"])], frozenset()) == ([b], [str(a["Id"])])


def test_an_entry_that_others_added_meanwhile_does_not_silence_ours() -> None:
    """A clash with something new is for S3 to refuse and for the engine to explain."""
    foreign = {**_entry("staging/x", "one/"), "Id": "tf-new"}
    mine = _entry("staging/a", "one/")
    assert survivors({LAMBDA: [foreign]}, [mine], [], frozenset()) == ([mine], [])


@pytest.mark.parametrize("others", [97, 98, 99, 100])
def test_a_bucket_that_is_full_refuses_whom_it_has_no_room_for(others: int) -> None:
    """S3 allows 100 entries; whoever finds room goes on, and nothing is written that S3 would refuse."""
    foreign = [
        {
            "Id": f"theirs-{number}",
            "LambdaFunctionArn": SCOPE.function_arn("theirs"),
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": f"theirs/{number}/"}]}},
        }
        for number in range(others)
    ]
    found = live(live_of(target("staging/a")), live_of(target("staging/b")), entries=foreign)
    made = plan(desired(A, B), found)
    refused = {one.target for one in made.blocked}
    assert refused == {key for key, room in (("staging/a", 1), ("staging/b", 2)) if others + room > 100}
    written = [one for one in made.steps if isinstance(one, PutNotifications)]
    assert sum(len(one.put) for one in written) == min(2, 100 - others)
    assert all("S3 allows 100" in str(one.problem) for one in made.blocked)
