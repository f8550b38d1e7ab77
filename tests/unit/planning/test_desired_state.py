"""The repository is the whole truth for what Lockstep owns, and says nothing about the rest."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model import (
    Call,
    Change,
    Code,
    Obstacle,
    Reference,
    Secret,
    StagePackage,
    SyncStatus,
    Value,
    Verb,
)
from lockstep.model.fields import FIELDS
from tests.unit.planning.fixtures import (
    desired,
    entries_for,
    ids,
    live,
    live_of,
    of,
    package,
    paths,
    permission,
    plan,
    step,
    target,
)

KEY = "staging/api"


def test_a_fleet_that_is_as_declared_needs_nothing() -> None:
    """Synced, with an empty plan."""
    one = target(KEY, prefix="staging/")
    made = plan(desired(one), live(live_of(one), entries=entries_for(one)))
    assert made.is_empty
    assert of(made, KEY).verb is Verb.NOTHING
    assert of(made, KEY).status is SyncStatus.SYNCED
    assert of(made, KEY).changes == ()


def test_a_missing_function_is_created_then_allowed_then_triggered() -> None:
    """Package, function, permission, notification, in this order."""
    one = target(KEY, prefix="staging/")
    made = plan(desired(one), live())
    sid = permission().sid
    assert ids(made) == [
        f"package:packages/{one.function.code.package.key}",  # type: ignore[union-attr]
        f"{KEY}:create",
        f"{KEY}:permission:{sid}",
        "bucket:uploads",
    ]
    assert step(made, f"{KEY}:permission:{sid}").needs == (f"{KEY}:create",)
    assert set(step(made, "bucket:uploads").needs) == {f"{KEY}:create", f"{KEY}:permission:{sid}"}
    assert step(made, f"{KEY}:create").function.tags == {
        "lockstep:project": "syrf",
        "lockstep:target": KEY,
        "lockstep:version": "1.0.0",
        "lockstep:buckets": "uploads",
    }


def test_two_targets_with_one_package_stage_it_once() -> None:
    """A package goes up once however many functions use it."""
    made = plan(desired(target(KEY), target("staging/web")), live())
    assert sum(1 for name in ids(made) if name.startswith("package:")) == 1


def test_a_package_of_two_versions_is_staged_as_both() -> None:
    """The one step says every release that the package is wanted as."""
    both = []
    for name, release in ((KEY, "api@1.0.0"), ("staging/web", "web@2.0.0")):
        one = target(name)
        assert one.function is not None
        code = replace(one.function.code, package=package("a", releases=(release,)))
        both.append(replace(one, function=replace(one.function, code=code)))
    made = plan(desired(*both), live())
    (staging,) = (step for step in made.steps if isinstance(step, StagePackage))
    assert staging.package.releases == ("api@1.0.0", "web@2.0.0")


def test_removing_a_line_from_git_takes_effect() -> None:
    """An absent field means AWS's default."""
    one = target(KEY)
    found = live_of(one, settings={**one.function.settings, "memorySize": 512, "timeout": 60})  # type: ignore[union-attr]
    made = plan(desired(one), live(found))
    assert of(made, KEY).changes == (
        Change(path="memorySize", old=512, new=128),
        Change(path="timeout", old=60, new=3),
    )


def test_other_code_is_seen_by_its_digest() -> None:
    """Code drift is a difference like any other."""
    one = target(KEY)
    drifted = live_of(one)
    function = drifted.function
    assert function is not None
    drifted = replace(drifted, function=replace(function, code=replace(function.code, sha256="b" * 64)))
    made = plan(desired(one), live(drifted))
    assert of(made, KEY).changes == (Change(path="code", old="b" * 64, new="a" * 64),)


def order(had: tuple[str, ...], gets: tuple[str, ...], was: int, becomes: int, **more: Value) -> list[str]:
    """The updates of a function with these layers before and after, and packages of these sizes."""
    before = target(KEY, settings={"layers": had} if had else {})
    after = target(KEY, settings={**({"layers": gets} if gets else {}), **more}, digest="b")
    assert after.function is not None
    code = replace(after.function.code, package=package("b", size=becomes))
    found = live_of(before, code=Code(sha256="a" * 64, size=was))
    made = plan(desired(replace(after, function=replace(after.function, code=code))), live(found))
    return [
        name.removeprefix(f"{KEY}:")
        for name in ids(made)
        if name.rpartition(":")[2] in ("configuration", "code", "layers")
    ]


@pytest.mark.parametrize(
    ("had", "gets", "was", "becomes", "expected"),
    [
        ((), ("a",), 90, 10, ["code", "configuration"]),  # libraries move into a layer
        (("a",), (), 10, 90, ["configuration", "code"]),  # and back into the package
        (("a",), ("a", "b"), 10, 90, ["code", "configuration"]),
        (("a", "b"), ("b",), 90, 10, ["configuration", "code"]),
        (("a",), ("b",), 90, 10, ["code", "configuration"]),  # one for another, and less code
        (("a",), ("b",), 10, 90, ["configuration", "code"]),
        (("a",), ("b",), 0, 90, ["configuration", "code"]),
        ((), (), 90, 10, ["code"]),
    ],
)
def test_layers_and_code_change_in_the_order_that_fits(
    had: tuple[str, ...], gets: tuple[str, ...], was: int, becomes: int, expected: list[str]
) -> None:
    """AWS counts both unpacked, at each of the two updates."""
    assert order(had, gets, was, becomes) == expected


def test_a_runtime_goes_before_the_code_and_growing_layers_after_it() -> None:
    """AWS takes no code for a runtime that it has blocked, and no layers beside the old code."""
    assert order((), ("a",), 90, 10, runtime="python3.14") == ["configuration", "code", "layers"]
    assert order(("a",), (), 10, 90, runtime="python3.14") == ["configuration", "code"]
    assert order((), (), 10, 90, runtime="python3.14") == ["configuration", "code"]


_SIZES = {"a": 1, "b": 7, "c": 20, "d": 50}
_layers = st.lists(st.sampled_from(sorted(_SIZES)), unique=True).map(tuple)


@given(had=_layers, gets=_layers, was=st.integers(1, 99), becomes=st.integers(1, 99), moves=st.booleans())
def test_no_step_between_two_states_that_fit_is_too_large(
    had: tuple[str, ...], gets: tuple[str, ...], was: int, becomes: int, moves: bool
) -> None:
    """Whatever moves between package and layers: each update leaves behind no more than fits."""
    code, layers = was, sum(map(_SIZES.__getitem__, had))
    most = max(code + layers, becomes + sum(map(_SIZES.__getitem__, gets)))
    updates = order(had, gets, was, becomes, **({"runtime": "python3.14"} if moves else {}))
    for name in updates:
        if name == "code":
            code = becomes
        elif name == "layers" or "layers" not in updates:
            layers = sum(map(_SIZES.__getitem__, gets))
        assert code + layers <= most, updates
    assert (code, layers) == (becomes, sum(map(_SIZES.__getitem__, gets)))


def test_the_version_tag_comes_after_the_code() -> None:
    """A run that is killed never says that a version runs which does not."""
    one = target(KEY, digest="b", version="2.0.0", settings={"timeout": 9})
    made = plan(desired(one), live(live_of(target(KEY))))
    assert step(made, f"{KEY}:tags").needs == (f"{KEY}:code",)
    assert f"{KEY}:configuration" in step(made, f"{KEY}:code").needs
    assert Change(path="version", old="1.0.0", new="2.0.0") in of(made, KEY).changes


@pytest.mark.parametrize("field", ["memorySize", "reservedConcurrency", "vpc.subnetIds", "logging.format"])
def test_an_ignored_field_is_left_to_others(field: str) -> None:
    """Whatever its value is, and however it is declared."""
    samples = {
        "memorySize": 999,
        "reservedConcurrency": 7,
        "vpc.subnetIds": ("subnet-9",),
        "logging.format": "JSON",
    }
    one = target(KEY, ignore=(field,))
    found = live_of(one, settings={**one.function.settings, field: samples[field]})  # type: ignore[union-attr]
    assert plan(desired(one), live(found)).is_empty


def test_an_ignored_variable_is_sent_as_it_is() -> None:
    """Lambda replaces the whole environment, so what others put there goes along."""
    one = target(KEY, settings={"environment": {"HOST": "new"}}, ignore=("environment.DD_*",))
    environment = {"DD_ENV": "theirs", "HOST": "old"}
    found = live_of(one, settings={**one.function.settings, "environment": environment})  # type: ignore[union-attr]
    made = plan(desired(one), live(found))
    assert paths(of(made, KEY)) == {"environment.HOST"}
    sent = step(made, f"{KEY}:configuration").function.settings["environment"]
    assert sent == {"DD_ENV": "theirs", "HOST": "new"}


def test_a_whole_group_can_be_ignored() -> None:
    """``vpc`` stands for all of its fields."""
    one = target(KEY, ignore=("vpc",))
    settings = {**one.function.settings, "vpc.subnetIds": ("s",), "vpc.ipv6": True}  # type: ignore[union-attr]
    assert plan(desired(one), live(live_of(one, settings=settings))).is_empty


def test_ignored_code_stays_whatever_is_released() -> None:
    """Somebody else deploys the code, Lockstep the configuration."""
    one = target(KEY, digest="b", ignore=("code",))
    assert plan(desired(one), live(live_of(target(KEY)))).is_empty


def test_architectures_cannot_change_while_the_code_is_ignored() -> None:
    """AWS changes them only together; the way out is named."""
    one = target(KEY, settings={"architectures": ("arm64",)}, ignore=("code",))
    made = plan(desired(one), live(live_of(target(KEY))))
    assert "ignore architectures as well" in str(of(made, KEY).problem)
    assert made.steps == ()


def test_log_levels_follow_an_ignored_format() -> None:
    """A level that means nothing in the live format is not sent for ever in vain."""
    settings = {"logging.format": "JSON", "logging.applicationLevel": "DEBUG"}
    one = target(KEY, settings=settings, ignore=("logging.format",))
    assert plan(desired(one), live(live_of(target(KEY)))).is_empty


def test_tags_of_others_are_left_alone() -> None:
    """A tag that nobody declares stays."""
    one = target(KEY, tags={"team": "a"})
    found = live_of(one)
    function = found.function
    assert function is not None
    found = replace(found, function=replace(function, tags={**function.tags, "cost": "x"}))
    assert plan(desired(one), live(found)).is_empty


def test_a_tag_is_removed_by_null() -> None:
    """``team: null`` removes the tag, and an absent one is not removed twice."""
    one = target(KEY, tags={"team": None, "cost": "y"})
    found = live_of(target(KEY, tags={"team": "a"}))
    made = plan(desired(one), live(found))
    tags = step(made, f"{KEY}:tags")
    assert (tags.put, tags.remove) == ({"cost": "y"}, ("team",))
    assert plan(desired(one), live(live_of(target(KEY, tags={"cost": "y"})))).is_empty


def test_statements_and_entries_of_others_are_left_alone() -> None:
    """Only ids with the prefix of Lockstep are its own."""
    one = target(KEY)
    theirs = replace(permission("exports"), sid="AllowExports")
    entry = {"Id": "tf-1", "LambdaFunctionArn": "arn:x", "Events": ["s3:ObjectCreated:*"]}
    made = plan(desired(one), live(live_of(one, statements=(theirs,)), entries=[entry]))
    assert made.is_empty


def test_a_permission_that_somebody_else_gave_will_do() -> None:
    """A statement that says just what is wanted is not added twice."""
    one = target(KEY, prefix="staging/")
    theirs = replace(permission(), sid="AllowUploads")
    made = plan(desired(one), live(live_of(one, statements=(theirs,)), entries=entries_for(one)))
    assert made.is_empty


def test_a_missing_permission_is_drift() -> None:
    """The trigger is there, S3 may not call: shown and mended."""
    one = target(KEY, prefix="staging/")
    made = plan(desired(one), live(live_of(one, statements=()), entries=entries_for(one)))
    assert ids(made) == [f"{KEY}:permission:{permission().sid}"]
    assert of(made, KEY).verb is Verb.UPDATE


def test_an_edited_statement_under_our_id_is_removed_then_added() -> None:
    """The id has to be free before it is used again."""
    one = target(KEY, prefix="staging/")
    edited = replace(permission(), source_account=None)
    made = plan(desired(one), live(live_of(one, statements=(edited,)), entries=entries_for(one)))
    sid = permission().sid
    assert ids(made) == [f"{KEY}:free:{sid}", f"{KEY}:permission:{sid}"]
    assert step(made, f"{KEY}:permission:{sid}").needs == (f"{KEY}:free:{sid}",)


def test_a_statement_of_ours_under_the_id_of_another_is_put_right() -> None:
    """Content and id have to fit, or a later add would meet a taken id."""
    one = target(
        KEY,
        triggers=(*target(KEY, prefix="a/").triggers, *target(KEY, prefix="b/", bucket="exports").triggers),
    )
    wrong = replace(permission("exports"), sid=permission("uploads").sid)
    found = live(live_of(one, statements=(wrong,)), entries=entries_for(one))
    found = replace(found, buckets={**found.buckets, "exports": found.buckets["uploads"]})
    made = plan(desired(one), found)
    uploads, exports = permission("uploads").sid, permission("exports").sid
    first = [name for name in ids(made) if ":free:" in name or ":permission:" in name]
    assert first[0] == f"{KEY}:free:{uploads}"
    assert set(first[1:]) == {f"{KEY}:permission:{uploads}", f"{KEY}:permission:{exports}"}


def test_a_policy_that_nobody_read_is_left_alone() -> None:
    """Unread is not absent."""
    one = target(KEY, prefix="staging/")
    found = live_of(one, statements=(), unread=frozenset({"statements"}))
    assert plan(desired(one), live(found, entries=entries_for(one))).is_empty


def test_an_unread_field_is_no_difference() -> None:
    """What the pages do not tell is neither in sync nor drifted."""
    one = target(KEY, settings={"reservedConcurrency": 5})
    found = live_of(target(KEY), unread=frozenset({"reservedConcurrency"}))
    assert plan(desired(one), live(found)).is_empty


def test_a_secret_compares_by_value_and_shows_on_neither_side() -> None:
    """AWS returns what came from a store as plain text."""
    reference = Reference(store="ssm", name="/host")
    one = target(KEY, settings={"environment": {"HOST": Secret("new", reference)}})

    def found(value: str) -> object:
        settings = {**one.function.settings, "environment": {"HOST": value}}  # type: ignore[union-attr]
        return plan(desired(one), live(live_of(one, settings=settings)))

    assert found("new").is_empty  # type: ignore[attr-defined]
    (change,) = of(found("old"), KEY).changes  # type: ignore[arg-type]
    assert (change.old, change.new) == (Secret("old"), Secret("new"))


@pytest.mark.parametrize("row", [row for row in FIELDS if row.call is Call.NEVER], ids=lambda row: row.name)
def test_what_is_fixed_at_creation_blocks(row: object) -> None:
    """AWS has no call for it, so the plan says so and does nothing."""
    name = row.name  # type: ignore[attr-defined]
    one = target(KEY, settings={name: "PER_TENANT", "memorySize": 256})
    made = plan(desired(one), live(live_of(target(KEY))))
    assert of(made, KEY).verb is Verb.BLOCKED
    assert name in str(of(made, KEY).problem)
    assert "declare another functionName" in str(of(made, KEY).problem)
    assert made.steps == ()


def test_what_can_never_be_taken_back_blocks() -> None:
    """A field without a reset value cannot go back to AWS's default."""
    found = live_of(target(KEY, settings={"durable.executionTimeout": 60}))
    made = plan(desired(target(KEY)), live(found))
    assert "no call that removes it" in str(of(made, KEY).problem)


def test_what_is_there_from_the_beginning_or_never_blocks() -> None:
    """A function that was created without durable execution never gets it; another time-out it does get."""
    one = desired(target(KEY, settings={"durable.executionTimeout": 60}))
    made = plan(one, live(live_of(target(KEY))))
    assert "created without it; declare another functionName" in str(of(made, KEY).problem)
    assert made.steps == ()
    other = plan(one, live(live_of(target(KEY, settings={"durable.executionTimeout": 90}))))
    assert of(other, KEY).verb is Verb.UPDATE


@pytest.mark.parametrize(("was", "becomes"), [("repo:1", None), (None, "repo:1")])
def test_a_zip_function_never_becomes_an_image_function(was: str | None, becomes: str | None) -> None:
    """AWS cannot change the package kind."""
    made = plan(desired(target(KEY, image=becomes)), live(live_of(target(KEY, image=was))))
    assert "the other kind" in str(of(made, KEY).problem)
    assert made.steps == ()


def test_an_image_is_the_same_by_name_or_by_digest() -> None:
    """A pinned digest equals what AWS resolved a tag to."""
    pinned = target(KEY, image=f"repo@sha256:{'d' * 64}")
    tagged = live_of(target(KEY, image="repo:1"))
    function = tagged.function
    assert function is not None
    tagged = replace(tagged, function=replace(function, code=replace(function.code, sha256="d" * 64)))
    assert plan(desired(pinned), live(tagged)).is_empty


def test_a_package_that_cannot_be_had_blocks_its_target_only() -> None:
    """The others go on, and no made-up code change is shown."""
    one = replace(target(KEY), obstacle=Obstacle(text="no such release"))
    function = one.function
    assert function is not None
    one = replace(one, function=replace(function, code=replace(function.code, sha256=None, package=None)))
    other = target("staging/web", settings={"timeout": 9})
    made = plan(desired(one, other), live(live_of(target(KEY)), live_of(target("staging/web"))))
    assert of(made, KEY).problem == "no such release"
    assert paths(of(made, KEY)) == set()
    assert ids(made) == ["staging/web:configuration"]


def test_a_bucket_that_is_not_there_blocks_its_target() -> None:
    """Said with the bucket's name, before anything is created."""
    made = plan(desired(target(KEY, prefix="x/", bucket="nowhere")), live())
    assert "nowhere" in str(of(made, KEY).problem)
    assert made.steps == ()


def test_settings_with_calls_of_their_own() -> None:
    """Concurrency and retention are no part of the function's configuration."""
    one = target(KEY, settings={"reservedConcurrency": 5, "logRetentionDays": 14})
    made = plan(desired(one), live())
    assert step(made, f"{KEY}:concurrency").reserved == 5
    assert (step(made, f"{KEY}:logs").log_group, step(made, f"{KEY}:logs").days) == (
        "/aws/lambda/staging-api",
        14,
    )
    assert step(made, f"{KEY}:logs").needs == (f"{KEY}:create",)
    back = plan(desired(target(KEY)), live(live_of(one)))
    assert step(back, f"{KEY}:concurrency").reserved is None
    assert step(back, f"{KEY}:logs").days is None


def test_limits_and_logs_come_before_triggers() -> None:
    """A bucket calls a function when all that the sync does to it is done, its limits above all."""
    settings = {"reservedConcurrency": 1, "logRetentionDays": 14}
    wanted = target(KEY, settings=settings, prefix="staging/", digest="b")
    for found in (live(), live(live_of(target(KEY)))):
        made = plan(desired(wanted), found)
        own = {one.id for one in made.steps if one.target == KEY}
        assert {f"{KEY}:concurrency", f"{KEY}:logs"} < own
        assert set(step(made, "bucket:uploads").needs) == own
        assert {f"{KEY}:concurrency", f"{KEY}:logs"} < {
            *step(made, f"{KEY}:permission:{permission().sid}").needs
        }
    assert step(made, f"{KEY}:concurrency").needs == (f"{KEY}:tags",)  # which follow the code


def test_two_targets_never_share_one_function() -> None:
    """Each would undo the other; both wait, and both places are named."""
    one, other = target(KEY, name="same"), target("staging/web", name="same")
    made = plan(desired(one, other), live())
    assert made.steps == ()
    assert "staging/web.yaml:1" in str(of(made, KEY).problem)
    assert "staging/api.yaml:1" in str(of(made, "staging/web").problem)


def test_two_packages_never_share_one_key() -> None:
    """A fixed key for two services would deploy one's code to the other."""
    fixed = {
        digest: target(key, digest=digest, name=key.replace("/", "-"))
        for digest, key in (("a", KEY), ("b", "staging/web"))
    }
    targets = []
    for one in fixed.values():
        function = one.function
        assert function is not None
        assert function.code.package is not None
        package = replace(function.code.package, key="lambda-packages/staging.zip")
        targets.append(replace(one, function=replace(function, code=replace(function.code, package=package))))
    made = plan(desired(*targets), live())
    assert made.steps == ()
    assert "{service} or {sha256}" in str(of(made, KEY).problem)


def test_a_lost_bucket_tag_is_shown_although_it_is_our_own() -> None:
    """Something to do always has something to show."""
    one = target(KEY, prefix="staging/")
    found = live_of(one)
    function = found.function
    assert function is not None
    tags = {key: value for key, value in function.tags.items() if key != "lockstep:buckets"}
    made = plan(
        desired(one), live(replace(found, function=replace(function, tags=tags)), entries=entries_for(one))
    )
    assert ids(made) == [f"{KEY}:tags"]
    assert paths(of(made, KEY)) == {"tags.lockstep:buckets"}
