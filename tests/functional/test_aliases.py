"""Functions that are called by an alias, on a strict AWS: what is published, called, and brought back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lockstep.engines.aws.remembered import FEW
from lockstep.model import Code, DeleteVersion, Environment, Fleet, Secret, SyncStatus, Target, Verb
from lockstep.model.alias import undated
from lockstep.model.kinds import KINDS
from tests.functional.kinds.samples import SAMPLES, furnish, resource
from tests.strict import Call, Notifications, Pages, Rule, Statements, Versions, everything
from tests.strict.wire import Answer
from tests.support.clouds import REGION, Cloud, client
from tests.support.engine import Lab, Meanwhile, Refuse, changes_of
from tests.support.projects import UPLOADS, make_fleet, make_project, make_target, trigger
from tests.support.waiting import until

KEY, NAME = "staging/notifier", "notifier-staging"
NEWER = "def handler(event, context):\n    return 2\n"


@pytest.fixture
def lab(lab_on: Callable[..., Lab], ministack: Cloud) -> Lab:
    """MiniStack, which runs the version that an alias points at; moto uses numbers again."""
    made = lab_on(ministack, *everything())
    furnish(ministack)
    return made


def declared(alias: str | None = "live", **fields: Any) -> Target:
    """The target, called by an alias."""
    return make_target(KEY, trigger("in/"), alias=alias, **fields)


def pointer(lab: Lab, name: str = "live") -> str:
    """The version that an alias points at."""
    return str(lab.client("lambda").get_alias(FunctionName=NAME, Name=name)["FunctionVersion"])


def numbers(lab: Lab) -> list[str]:
    """All published versions."""
    found = lab.client("lambda").list_versions_by_function(FunctionName=NAME)["Versions"]
    return [one["Version"] for one in found if one["Version"] != "$LATEST"]


def called(lab: Lab) -> list[str]:
    """What the bucket calls."""
    entries = lab.notifications().get("LambdaFunctionConfigurations", [])
    return [one["LambdaFunctionArn"].partition(":function:")[2] for one in entries]


def test_a_release_is_published_and_everything_calls_the_alias(lab: Lab) -> None:
    """The version says whose it is and which release; the bucket may call the alias, and calls it alone."""
    target = declared(commit="c" * 40, settings={"environment": {"MODE": "fast"}})
    lab.sync(make_fleet(target))
    lambda_ = lab.client("lambda")
    version = lambda_.get_function(FunctionName=NAME, Qualifier="1")["Configuration"]
    assert version["Description"] == f"lockstep shop {KEY} 1.0.0 {'c' * 12}"
    alias = lambda_.get_alias(FunctionName=NAME, Name="live")
    assert (alias["FunctionVersion"], undated(alias["Description"])) == ("1", f"lockstep shop {KEY} 1.0.0")
    assert called(lab) == [f"{NAME}:live"]
    policy = lambda_.get_policy(FunctionName=NAME, Qualifier="live")["Policy"]
    assert '"Resource": "arn:aws:lambda:eu-west-1:123456789012:function:notifier-staging"' not in policy


def test_the_next_release_moves_the_alias_and_the_one_before_comes_back_unpublished(lab: Lab) -> None:
    """One write of an alias moves all calls; coming back to what is published already is that write alone."""
    engine = lab.engine()
    lab.sync(make_fleet(declared()), engine=engine)
    lab.aws.forget()
    run = lab.sync(make_fleet(declared(source=NEWER, version="1.0.1")), engine=engine)
    assert changes_of(run.plan, KEY)["alias"] == "live: version of 1.0.1"
    assert (numbers(lab), pointer(lab)) == (["1", "2"], "2")
    counts = lab.aws.counts(mutating=True)
    assert counts["lambda.PublishVersion"] == counts["lambda.UpdateAlias"] == 1
    assert not counts["s3.PutBucketNotificationConfiguration"] + counts["lambda.AddPermission"]

    lab.aws.forget()
    back = lab.sync(make_fleet(declared()), engine=engine)
    assert changes_of(back.plan, KEY)["alias"] == "live: version 1"
    assert (numbers(lab), pointer(lab)) == (["1", "2"], "1")
    assert [(step.id, step.needs) for step in back.plan.steps] == [(f"{KEY}:alias", ())]
    assert lab.aws.counts(mutating=True) == {"lambda.UpdateAlias": 1}
    forward = lab.plan(make_fleet(declared(source=NEWER, version="1.0.1")))
    assert {"alias", "code", "version"} == changes_of(forward, KEY).keys()


def test_configuration_alone_makes_a_version_and_the_same_bytes_under_another_name_do_not(lab: Lab) -> None:
    """A version is known by code and configuration together, never by the release's name."""
    engine = lab.engine()
    lab.sync(make_fleet(declared()), engine=engine)
    lab.sync(make_fleet(declared(settings={"memorySize": 512})), engine=engine)
    assert (numbers(lab), pointer(lab)) == (["1", "2"], "2")
    lab.sync(make_fleet(declared(settings={"memorySize": 512}, version="1.0.1")), engine=engine)
    alias = lab.client("lambda").get_alias(FunctionName=NAME, Name="live")
    assert (numbers(lab), undated(alias["Description"])) == (["1", "2"], f"lockstep shop {KEY} 1.0.1")


def test_a_plan_that_reads_no_value_compares_none_of_a_version(lab: Lab) -> None:
    """Variables of what the alias points at are as little read as those of the function itself."""
    settings = {"environment": {"MODE": "fast", "DB_PASSWORD": Secret("hunter2-live")}}
    fleet = make_fleet(declared(settings=settings))
    lab.sync(fleet)
    plan = lab.plan(fleet, values=False)
    assert not plan.steps
    newer = lab.plan(make_fleet(declared(settings=settings, source=NEWER, version="1.0.1")), values=False)
    assert "alias" in changes_of(newer, KEY)


@pytest.mark.parametrize("weights", [{}, {"1": 0.25}])
def test_an_alias_that_somebody_moved_is_drift_and_is_moved_back(lab: Lab, weights: dict[str, float]) -> None:
    """Weights that are not ours are drift as well; both are mended by one write, and nothing is published."""
    engine = lab.engine()
    lab.sync(make_fleet(declared()), engine=engine)
    wanted = make_fleet(declared(source=NEWER, version="1.0.1"))
    lab.sync(wanted, engine=engine)
    version = "2" if weights else "1"
    lab.somebody("lambda").update_alias(
        FunctionName=NAME,
        Name="live",
        FunctionVersion=version,
        RoutingConfig={"AdditionalVersionWeights": weights},
    )
    plan = lab.plan(wanted)
    (change,) = (one for one in plan.targets[0].changes if one.path == "alias")
    assert change.old == ("live: version 2, version 1: 25 %" if weights else "live: version 1")
    assert plan.targets[0].status is SyncStatus.OUT_OF_SYNC
    lab.aws.forget()
    lab.sync(wanted, engine=engine)
    assert lab.aws.counts(mutating=True) == {"lambda.UpdateAlias": 1}
    alias = lab.client("lambda").get_alias(FunctionName=NAME, Name="live")
    assert (alias["FunctionVersion"], alias.get("RoutingConfig")) == ("2", None)


def test_an_alias_that_somebody_made_is_not_taken_over(lab: Lab) -> None:
    """It may serve others: the plan says so, and --adopt takes it over."""
    lab.sync(make_fleet(declared(alias=None)))
    lambda_ = lab.somebody("lambda")
    lambda_.publish_version(FunctionName=NAME)
    lab.settle(NAME)
    lambda_.get_function(FunctionName=NAME, Qualifier="1")
    lambda_.create_alias(FunctionName=NAME, Name="live", FunctionVersion="1", Description="terraform's")
    plan = lab.plan(make_fleet(declared()))
    assert plan.targets[0].verb is Verb.BLOCKED
    assert "Lockstep did not make it" in str(plan.targets[0].problem)
    lab.sync(make_fleet(declared()), adopt=True)
    assert called(lab) == [f"{NAME}:live"]


def test_what_a_plan_of_aliased_functions_costs(lab_on: Callable[..., Lab], ministack: Cloud) -> None:
    """Three calls each besides the listings: the alias, its version, its policy."""
    lab = lab_on(ministack, Pages())
    fleet = make_fleet(
        *(make_target(f"staging/n{n}", trigger(f"n{n}/"), alias="live") for n in range(FEW + 2))
    )
    lab.run(fleet)
    lab.aws.forget()
    assert lab.plan(fleet).is_empty
    each = dict.fromkeys(("lambda.GetAlias", "lambda.GetFunction", "lambda.GetPolicy"), FEW + 2)
    counts = lab.aws.counts()
    assert {name: counts[name] for name in each} == each


def test_a_version_that_fails_is_reported_and_the_alias_stays(
    lab_on: Callable[..., Lab], ministack: Cloud
) -> None:
    """A snapshot that is being made is waited for. Of one that AWS could not make it is told, each time, all
    calls go on to the version before, and the target is not told to be in sync.
    """
    versions = Versions(calls=3)
    lab = lab_on(ministack, Notifications(), Statements(), versions)
    snapped = {"snapStart": "PublishedVersions"}
    first = make_fleet(declared(settings=snapped))
    lab.sync(first)
    version = lab.client("lambda").get_function(FunctionName=NAME, Qualifier="1")["Configuration"]
    assert (version["State"], version["SnapStart"]["OptimizationStatus"]) == ("Active", "On")
    assert lab.plan(first).is_empty
    versions.fail[NAME] = ("FunctionError", "the snapshot could not be made")
    newer = make_fleet(declared(source=NEWER, version="1.0.1", settings=snapped))
    for _ in range(2):  # AWS publishes no other version of what is unchanged
        run = lab.run(newer)
        (told,) = run.failures.values()
        assert "version 2 of notifier-staging: State=Failed FunctionError" in told
        assert (numbers(lab), pointer(lab)) == (["1", "2"], "1")
    plan = lab.plan(newer)
    assert plan.targets[0].status is SyncStatus.OUT_OF_SYNC
    assert {one.path for one in plan.targets[0].changes} == {"alias", "code", "version"}  # for its calls


def test_an_alias_that_moves_between_plan_and_write_is_planned_again(
    lab_on: Callable[..., Lab], ministack: Cloud
) -> None:
    """Nobody's move is overwritten unread."""
    happens: list[Callable[[], Any]] = []
    meanwhile = Meanwhile("lambda.UpdateAlias", lambda _: happens[0]())
    lab = lab_on(ministack, meanwhile, *everything())
    lab.sync(make_fleet(declared()))
    happens.append(
        lambda: lab.client("lambda").update_alias(FunctionName=NAME, Name="live", Description="mine now")
    )
    run = lab.run(make_fleet(declared(source=NEWER, version="1.0.1")))
    assert "was changed since it was read" in run.failures[f"{KEY}:alias"]
    assert run.engine.stale == {KEY}
    assert pointer(lab) == "1"


def release(number: int, **fields: Any) -> Fleet:
    """One release after another, each with code of its own; of two versions both stay."""
    source = f"def handler(event, context):\n    return {number}\n"
    return make_fleet(declared(source=source, version=f"1.0.{number}", keep_versions=2, **fields))


def test_versions_that_nobody_needs_go_with_the_next_release(lab: Lab) -> None:
    """All of ours but the newest two that no alias names; the plan says which go, and which stay and why."""
    engine = lab.engine()
    for number in (1, 2):
        lab.sync(release(number, keep_seconds=0), engine=engine)
    somebody = lab.somebody("lambda")
    somebody.create_alias(FunctionName=NAME, Name="blue", FunctionVersion="1")
    lab.sync(release(3, keep_seconds=0), engine=engine)
    kept = lab.run(release(4, keep_seconds=0), engine=engine)
    assert f"{KEY}: version 1 (1.0.1) stays: the alias blue names it" in kept.plan.notes
    (gone,) = (step for step in kept.plan.steps if isinstance(step, DeleteVersion))
    assert (gone.version, gone.reason) == ("2", "more than 2 are there")
    assert (numbers(lab), pointer(lab)) == (["1", "3", "4"], "4")
    somebody.delete_alias(FunctionName=NAME, Name="blue")
    lab.sync(release(5, keep_seconds=0), engine=engine)
    assert numbers(lab) == ["4", "5"]


def test_a_version_stays_while_calls_may_still_end_there(lab: Lab) -> None:
    """For an hour after the alias was moved away, whatever there is of newer ones."""
    engine = lab.engine()
    for number in (1, 2, 3):
        lab.sync(release(number), engine=engine)
    run = lab.run(release(4), engine=engine)
    assert any("version 2 (1.0.2) stays: calls went there until 0 min ago" in note for note in run.plan.notes)
    assert numbers(lab) == ["1", "2", "3", "4"]


def test_versions_that_cannot_be_looked_at_stay(lab_on: Callable[..., Lab], ministack: Cloud) -> None:
    """Nothing is deleted because it was not seen: the release goes on, and a note says why they stay."""
    refuse = Refuse("lambda.ListAliases", "AccessDeniedException", "not yours", status=403)
    lab = lab_on(ministack, refuse, *everything())
    for number in (1, 2, 3):
        run = lab.run(release(number, keep_seconds=0))
        assert run.report.is_success, run.failures
    assert any("no published version is removed" in note for note in run.plan.notes)
    assert numbers(lab) == ["1", "2", "3"]


def test_a_published_number_is_pointed_at_and_nothing_else_is_done(lab: Lab) -> None:
    """By one write of the alias, wherever somebody moved it; one that is not there is told at its line."""
    engine = lab.engine()
    for number in (1, 2, 3):
        lab.sync(release(number), engine=engine)

    def numbered(number: str, **fields: Any) -> Fleet:
        target = declared(version=number, **fields)
        assert target.function is not None
        return make_fleet(replace(target, function=replace(target.function, code=Code())))

    for wanted in ("1", "2"):
        lab.aws.forget()
        lab.sync(numbered(wanted), engine=engine)
        assert lab.aws.counts(mutating=True) == {"lambda.UpdateAlias": 1}
        assert pointer(lab) == wanted
        assert engine.live.targets[KEY].version == wanted
    lab.somebody("lambda").update_alias(FunctionName=NAME, Name="live", FunctionVersion="3")
    drifted = lab.plan(numbered("2"))
    assert changes_of(drifted, KEY)["alias"] == "live: version 2"
    lab.sync(numbered("2"), engine=engine)

    (missing,) = lab.plan(numbered("9")).targets
    assert missing.problem is not None
    assert missing.problem.startswith(f"{KEY}/config.yaml:4: version 9 of {NAME} does not exist")
    (other,) = lab.plan(numbered("2", settings={"memorySize": 512})).targets
    assert "version 2 of notifier-staging has other memorySize than is declared" in str(other.problem)
    assert pointer(lab) == "2"
    lab.sync(release(4), engine=engine)  # and on with releases
    assert pointer(lab) == "4"


def test_one_function_serves_two_environments_each_by_its_alias(lab: Lab) -> None:
    """Made and published by one after the other, promoted by one write, and left by one of them."""
    engine = lab.engine(
        project=make_project(
            "shop", *(Environment(name=name, region=REGION, prune=True) for name in ("production", "staging"))
        )
    )

    def sharer(environment: str, number: int, **fields: Any) -> Target:
        key = f"{environment}/notifier"
        settings = {"environment": {"PLACE": environment}} if fields.pop("apart", True) else {}
        return make_target(
            key,
            trigger(f"{environment}/"),
            name="shared",
            alias=environment,
            source=f"def handler(event, context):\n    return {number}\n",
            version=f"1.0.{number}",
            settings=settings,
            **fields,
        )

    def points() -> dict[str, str]:
        aliases = lab.client("lambda").list_aliases(FunctionName="shared")["Aliases"]
        return {one["Name"]: one["FunctionVersion"] for one in aliases}

    def entries() -> set[str]:
        found = lab.notifications().get("LambdaFunctionConfigurations", [])
        return {one["LambdaFunctionArn"].partition(":function:")[2] for one in found}

    lab.sync(make_fleet(sharer("production", 1), sharer("staging", 1)), engine=engine)
    assert points() == {"production": "1", "staging": "2"}
    assert entries() == {"shared:production", "shared:staging"}
    tags = lab.live("shared")["Tags"]
    assert tags["lockstep:target"] == "production/notifier"
    assert (tags["lockstep:shared"], tags["lockstep:alias"]) == ("staging/notifier", "production staging")

    # Both move in one run, and neither loses what is its own.
    lab.sync(make_fleet(sharer("production", 2), sharer("staging", 3)), engine=engine)
    assert points() == {"production": "3", "staging": "4"}
    variables = {
        name: lab.client("lambda").get_function_configuration(FunctionName="shared", Qualifier=name)
        for name in ("production", "staging")
    }
    assert {name: one["Environment"]["Variables"]["PLACE"] for name, one in variables.items()} == {
        "production": "production",
        "staging": "staging",
    }

    # The same configuration in both: what staging runs is what production gets, by one write.
    lab.sync(make_fleet(sharer("production", 2), sharer("staging", 4, apart=False)), engine=engine)
    lab.aws.forget()
    fleet = make_fleet(sharer("production", 4, apart=False), sharer("staging", 4, apart=False))
    lab.sync(fleet, engine=engine)
    assert lab.aws.counts(mutating=True) == {"lambda.UpdateAlias": 1}
    assert points() == {"production": "5", "staging": "5"}
    alone = replace(fleet, selection=("production",))
    assert lab.plan(alone, project=engine.rules.project).is_empty

    # One of them goes, the owner: its alias, permission and entry, and not the function.
    lab.sync(make_fleet(sharer("staging", 4, apart=False)), engine=engine)
    assert points() == {"staging": "5"}
    assert entries() == {"shared:staging"}
    tags = lab.live("shared")["Tags"]
    assert tags["lockstep:target"] == "staging/notifier"
    assert (tags.get("lockstep:shared"), tags["lockstep:alias"]) == (None, "staging")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_stands_beside_the_function_moves_to_the_alias_and_back(lab: Lab, kind: str) -> None:
    """AWS keeps it for each alias; what is on the function itself goes when its successor is there."""

    def fleet(alias: str | None) -> Fleet:
        is_possible = alias is not None or not KINDS[kind].published
        beside = resource(kind, on=alias or "", **SAMPLES[kind].FIRST)
        return make_fleet(declared(alias=alias, resources=(beside,) if is_possible else ()))

    for alias in (None, "live", "blue", None):
        lab.sync(fleet(alias))
        assert lab.plan(fleet(alias), full=True).is_empty
        assert called(lab) == [f"{NAME}:{alias}" if alias else NAME]
        tags = lab.live(NAME)["Tags"]
        assert tags.get("lockstep:alias") == alias
        there = lab.client("lambda").list_aliases(FunctionName=NAME)["Aliases"]
        assert [one["Name"] for one in there] == ([alias] if alias else [])


class Uploads(Rule):
    """Somebody uploads an object whenever something has changed, before Lockstep hears of it."""

    def __init__(self, cloud: Cloud) -> None:
        self.s3 = client(cloud, "s3")
        self.keys: list[str] = []

    def after(self, call: Call, answer: Answer) -> Answer:
        """Upload one more."""
        if call.mutation is not None and answer.is_success:
            self.keys.append(f"in/{call.mutation}-{len(self.keys)}")
            self.s3.put_object(Bucket=UPLOADS, Key=self.keys[-1], Body=b"x")
        return answer


def test_moving_to_an_alias_and_back_loses_no_event(
    lab_on: Callable[..., Lab], ministack: Cloud, tmp_path: Path
) -> None:
    """An object is uploaded between any two changes; each is handled, by whatever is called then."""
    seen = tmp_path / "handled.txt"
    source = (
        "def handler(event, context):\n"
        "    key = event['Records'][0]['s3']['object']['key']\n"
        f"    with open({str(seen)!r}, 'a') as file:\n"
        "        file.write(key + '\\n')\n"
    )
    uploads = Uploads(ministack)
    lab = lab_on(ministack, *everything())
    lab.sync(make_fleet(declared(alias=None, source=source)))
    lab.aws.rules = (*lab.aws.rules, uploads)
    for alias in ("live", None):
        lab.aws.forget()
        lab.sync(make_fleet(declared(alias=alias, source=source)))
        done = [call for call in lab.aws.calls if call.mutation and call.status in range(200, 300)]
        order = [call.name.partition(".")[2] for call in done]
        assert order.count("PutBucketNotificationConfiguration") == 1
        put = order.index("PutBucketNotificationConfiguration")
        assert order.index("AddPermission") < put < order.index("RemovePermission")
    until(lambda: seen.exists() and {*seen.read_text().split()} >= {*uploads.keys}, seconds=20)
    assert len(uploads.keys) > 10
