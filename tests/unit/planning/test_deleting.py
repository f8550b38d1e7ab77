"""What goes, what stays, and the guards."""

from dataclasses import replace

import pytest

from lockstep.model import DeleteFunction, DeleteLogGroup, Fleet, Obstacle, PutNotifications, Target, Verb
from lockstep.planning.policy import ownership_tags, remembered_buckets
from tests.unit.planning.fixtures import (
    desired,
    entries_for,
    ids,
    live,
    live_of,
    of,
    permission,
    plan,
    position,
    rules,
    step,
    target,
)

PREVIEW = target("preview/pr-1/api", prefix="preview/pr-1/")
STAGING = target("staging/api", prefix="staging/")


def previews(count: int) -> tuple[Target, ...]:
    """Live previews."""
    return tuple(live_of(target(f"preview/pr-{number}/api")) for number in range(1, count + 1))


def fleet_of(count: int) -> Fleet:
    """A declared project with that many targets."""
    return desired(*(target(f"staging/s{number}") for number in range(count)))


def deletes(made: object) -> int:
    """How many functions a plan deletes."""
    return sum(isinstance(one, DeleteFunction) for one in made.steps)  # type: ignore[attr-defined]


def test_a_preview_goes_when_its_folder_is_gone() -> None:
    """First its entry, then what it has logged, its function with its policy, and what came late."""
    found = live(live_of(STAGING), others=(live_of(PREVIEW),), entries=entries_for(STAGING, PREVIEW))
    made = plan(desired(STAGING), found)
    logs, function, late = (
        f"preview/pr-1/api:{what}" for what in ("delete-logs", "delete", "delete-late-logs")
    )
    assert ids(made) == ["bucket:uploads", logs, function, late]
    assert step(made, logs).needs == ("bucket:uploads",)
    assert step(made, function).needs == ("bucket:uploads", logs)
    assert step(made, late).needs == (function,)
    assert step(made, "bucket:uploads").remove == (entries_for(PREVIEW)[0]["Id"],)
    assert of(made, PREVIEW.key).verb is Verb.DELETE
    assert [(one.path, one.old) for one in of(made, PREVIEW.key).changes] == [
        ("trigger", "s3://uploads/preview/pr-1/*"),
        ("logs", f"/aws/lambda/{PREVIEW.function.name if PREVIEW.function else ''}"),
    ]


def test_an_entry_whose_function_is_gone_is_told_by_its_prefix() -> None:
    """It belongs to a target that nothing else is left of."""
    found = live(live_of(STAGING), entries=entries_for(STAGING, PREVIEW))
    made = plan(desired(STAGING), found)
    assert ids(made) == ["bucket:uploads"]
    gone = of(made, PREVIEW.key)
    assert (gone.verb, gone.function) == (Verb.DELETE, None)
    assert [(one.path, one.old) for one in gone.changes] == [("trigger", "s3://uploads/preview/pr-1/*")]


def test_staging_stays_without_prune() -> None:
    """Function and entry stay, and a note says how they would go."""
    found = live(others=(live_of(STAGING),), entries=entries_for(STAGING))
    made = plan(desired(target("production/web")), found)
    assert deletes(made) == 0
    assert "bucket:uploads" not in ids(made)
    (note,) = made.notes
    assert "`prune: true` for staging in lockstep.yaml" in note


def test_staging_goes_with_prune() -> None:
    """What prune is for."""
    found = live(others=(live_of(STAGING),), entries=entries_for(STAGING))
    made = plan(desired(target("production/web")), found, rules(prune=True))
    assert deletes(made) == 1
    assert not [one for one in made.steps if isinstance(one, DeleteLogGroup)]  # logs are kept but of previews
    assert step(made, "bucket:uploads").remove == (entries_for(STAGING)[0]["Id"],)


def test_an_entry_stays_although_its_function_was_not_found() -> None:
    """Absence from a listing never takes a trigger from an environment without prune."""
    made = plan(desired(target("production/web")), live(entries=entries_for(STAGING)))
    assert "bucket:uploads" not in ids(made)
    assert "staging-api" in made.notes[0]


def test_an_entry_that_a_preview_left_behind_goes() -> None:
    """An entry without a function makes S3 refuse every later change of the bucket."""
    made = plan(desired(STAGING), live(live_of(STAGING), entries=entries_for(STAGING, PREVIEW)))
    assert ids(made) == ["bucket:uploads"]


def test_what_was_not_selected_stays() -> None:
    """Syncing staging deletes no preview."""
    found = live(live_of(STAGING), others=(live_of(PREVIEW),), entries=entries_for(STAGING, PREVIEW))
    assert plan(replace(desired(STAGING), selection=("staging",)), found).is_empty


@pytest.mark.parametrize(
    ("declared", "gone", "allowed", "refused"),
    [
        (1, 5, None, False),  # five are free
        (1, 6, None, True),
        (40, 10, None, False),  # 20 % of 50
        (40, 11, None, True),
        (1, 6, 6, False),
        (1, 6, 5, True),
        (40, 1, 0, True),
        (0, 1, None, True),  # an empty listing never deletes
        (0, 1, 1, False),
        (0, 0, None, False),
    ],
)
def test_one_sync_deletes_only_so_many(declared: int, gone: int, allowed: int | None, refused: bool) -> None:
    """At most 5 targets or 20 % of the project, whichever is larger, unless it is allowed."""
    made = plan(fleet_of(declared), live(others=previews(gone)), rules(allow_deletes=allowed))
    assert bool(made.problems) == refused
    if refused:
        assert f"--allow-deletes {gone}" in made.problems[0]


def test_the_guard_counts_a_target_once() -> None:
    """A function and its entry are one target."""
    gone = [target(f"preview/pr-{n}/api", prefix=f"preview/pr-{n}/") for n in range(5)]
    found = live(others=tuple(live_of(one) for one in gone), entries=entries_for(*gone))
    assert plan(fleet_of(1), found).problems == ()


def test_a_former_function_goes_after_its_successor_is_there() -> None:
    """A new functionName in a preview: create, move the trigger in one PUT, delete."""
    renamed = replace(PREVIEW, function=replace(PREVIEW.function, name="new-name"))  # type: ignore[type-var]
    found = live(others=(live_of(PREVIEW),), entries=entries_for(PREVIEW))
    made = plan(desired(renamed), found)
    key = "preview/pr-1/api (former preview-pr-1-api)"
    assert of(made, key).verb is Verb.DELETE
    put = step(made, "bucket:uploads")
    assert (put.put, put.remove) == (tuple(entries_for(renamed)), (entries_for(PREVIEW)[0]["Id"],))
    assert {"bucket:uploads", f"{PREVIEW.key}:create"} <= set(step(made, f"{key}:delete").needs)


def test_a_former_function_stays_while_its_successor_is_blocked() -> None:
    """A release that cannot be had never takes down what runs."""
    renamed = replace(
        PREVIEW, function=replace(PREVIEW.function, name="new-name"), obstacle=Obstacle(text="no release")
    )  # type: ignore[type-var]
    found = live(others=(live_of(PREVIEW),), entries=entries_for(PREVIEW))
    made = plan(desired(renamed), found)
    assert made.steps == ()
    assert [one.target for one in made.targets] == [PREVIEW.key]


def test_an_adopted_entry_goes_with_the_function_that_it_calls() -> None:
    """S3 refuses every later change of a bucket that calls a function that is gone."""
    (entry,) = entries_for(PREVIEW)
    found = live(others=(live_of(PREVIEW),), entries=[{**entry, "Id": "tf-1"}])
    made = plan(desired(STAGING), found)
    assert step(made, "bucket:uploads").remove == ("tf-1",)
    assert step(made, f"{PREVIEW.key}:delete").needs == ("bucket:uploads", f"{PREVIEW.key}:delete-logs")


@pytest.mark.parametrize("qualifier", ["live", "7", "$LATEST"])
def test_an_entry_that_calls_a_version_goes_with_its_function(qualifier: str) -> None:
    """A function goes with all its aliases and versions, and S3 refuses entries for those just the same."""
    (entry,) = entries_for(PREVIEW)
    by_alias = {**entry, "Id": "tf-1", "LambdaFunctionArn": f"{entry['LambdaFunctionArn']}:{qualifier}"}
    foreign = {**by_alias, "Id": "tf-2", "LambdaFunctionArn": f"{entry['LambdaFunctionArn']}-other:live"}
    found = live(others=(live_of(PREVIEW),), entries=[by_alias, foreign])
    made = plan(desired(STAGING), found)
    assert step(made, "bucket:uploads").remove == ("tf-1",)
    assert "bucket:uploads" in step(made, f"{PREVIEW.key}:delete").needs


@pytest.mark.parametrize("pattern", ["preview/pr-1", "preview/pr-1/api", "*"])
def test_what_a_file_may_declare_that_is_not_read_stays(pattern: str) -> None:
    """Function and entries, with the file's name; it counts for no guard, and others go."""
    other = target("preview/pr-2/web")
    found = live(others=(live_of(PREVIEW), live_of(other)), entries=entries_for(PREVIEW))
    why = "services/x/confg.yaml: not read; did you mean services/x/config.yaml?"
    wanted = replace(desired(target("staging/a")), doubts={pattern: why})
    made = plan(wanted, replace(found, targets={}), rules(allow_deletes=1))
    held = of(made, PREVIEW.key)
    assert (held.verb, held.problem) == (Verb.BLOCKED, why)
    deleted = [one.target for one in made.steps if isinstance(one, DeleteFunction)]
    assert deleted == ([] if pattern == "*" else [other.key])
    assert not [one for one in made.steps if isinstance(one, PutNotifications)]
    assert made.problems == ()


def test_an_adopted_entry_stays_with_a_function_that_stays() -> None:
    """A blocked successor keeps the former function, and what calls it."""
    (entry,) = entries_for(PREVIEW)
    renamed = replace(
        PREVIEW, function=replace(PREVIEW.function, name="new-name"), obstacle=Obstacle(text="no release")
    )  # type: ignore[type-var]
    found = live(others=(live_of(PREVIEW),), entries=[{**entry, "Id": "tf-1"}])
    assert plan(desired(renamed), found).steps == ()


def test_a_renamed_function_outside_previews_leaves_the_former_one() -> None:
    """The trigger moves; the former function stays until prune."""
    renamed = replace(STAGING, function=replace(STAGING.function, name="new-name"))  # type: ignore[type-var]
    found = live(others=(live_of(STAGING),), entries=entries_for(STAGING))
    made = plan(desired(renamed), found)
    assert deletes(made) == 0
    assert step(made, "bucket:uploads").remove == (entries_for(STAGING)[0]["Id"],)
    assert "staging-api belongs to this project" in made.notes[0]


def test_a_preview_that_is_no_lambda_any_more_is_taken_down_whole() -> None:
    """The entry goes before the function, although the service is still declared."""
    declared = replace(PREVIEW, deployment_type="kubernetes", function=None, triggers=())
    found = live(others=(live_of(PREVIEW),), entries=entries_for(PREVIEW))
    made = plan(desired(declared, STAGING), found)
    assert position(made, "bucket:uploads") < position(made, f"{PREVIEW.key}:delete")
    assert step(made, f"{PREVIEW.key}:delete").needs == ("bucket:uploads", f"{PREVIEW.key}:delete-logs")


def test_a_trigger_is_taken_down_after_its_bucket_vanished_from_git() -> None:
    """The function's tag remembers the bucket until its entry is gone; then entry, permission, tag."""
    now = target("staging/api")
    found = live(live_of(STAGING, statements=(permission(),)), entries=entries_for(STAGING))
    made = plan(desired(now), found)
    key = "staging/api"
    assert ids(made) == ["bucket:uploads", f"{key}:revoke:{permission().sid}", f"{key}:tags-after"]
    assert step(made, f"{key}:revoke:{permission().sid}").needs == ("bucket:uploads",)
    assert step(made, f"{key}:tags-after").remove == ("lockstep:buckets",)
    assert step(made, f"{key}:tags-after").needs == ("bucket:uploads", f"{key}:revoke:{permission().sid}")


def test_many_buckets_are_remembered_in_several_tags() -> None:
    """A tag's value holds 256 characters; none is lost and order does not count."""
    names = [f"{'b' * 50}-{number}" for number in range(9)]
    tags = ownership_tags("p", STAGING, names)
    assert all(len(value or "") <= 256 for value in tags.values())
    assert remembered_buckets(tags) == set(names)
    assert tags == ownership_tags("p", STAGING, reversed(names))


def test_fewer_buckets_leave_no_tag_behind() -> None:
    """The other tags go when one is enough."""
    names = [f"{'b' * 50}-{number}" for number in range(9)]
    found = live_of(STAGING)
    function = found.function
    assert function is not None
    many = {key: value or "" for key, value in ownership_tags("syrf", STAGING, names).items()}
    found = replace(found, function=replace(function, tags={**function.tags, **many}))
    made = plan(desired(STAGING), live(found, entries=entries_for(STAGING)))
    tags = step(made, "staging/api:tags")
    assert tags.put == {"lockstep:buckets": "uploads"}
    assert tags.remove == ("lockstep:buckets.2", "lockstep:buckets.3")
