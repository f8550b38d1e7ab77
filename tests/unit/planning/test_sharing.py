"""One function for two environments: what is whose, what is done in which order, and what stays."""

from dataclasses import replace
from typing import Any

from lockstep.model import Alias, Change, Environment, Plan, Project, Published, Resource, Target, Verb
from lockstep.model.alias import described
from lockstep.planning.notifications import entry_for
from lockstep.planning.policy import Rules, ownership_tags
from tests.unit.planning.fixtures import (
    PROJECT,
    SCOPE,
    desired,
    ids,
    live,
    live_of,
    of,
    paths,
    permission,
    plan,
    position,
    step,
    target,
)

ONE, TWO = "production/api", "staging/api"


def sharer(key: str, **more: Any) -> Target:
    """A target that has the function with another one, by an alias named like its environment."""
    return target(key, name="api", alias=key.partition("/")[0], **more)


PRODUCTION, STAGING = sharer(ONE), sharer(TWO, digest="b", version="1.1.0")


def pointing(one: Target, number: str = "1", **more: Any) -> Alias:
    """The alias of a target, which points at a version that is as it is declared."""
    assert one.function is not None
    said = {
        "name": one.alias,
        "version": number,
        "function": replace(one.function, code=replace(one.function.code, package=None)),
        "description": described(PROJECT, one.key, one.version or ""),
        "revision": "r",
    }
    return Alias(**{**said, **more})


def found(*aliases: Alias, family: tuple[Target, ...] = (PRODUCTION, STAGING), **more: Any) -> list[Target]:
    """The function as each of its targets finds it: as the last one left it, with the aliases of all."""
    buckets = {trigger.bucket for one in family for trigger in one.triggers}
    tags = ownership_tags(
        PROJECT,
        family[0],
        buckets,
        leaving=[one.qualifier for one in family[1:]],
        sharers=[one.key for one in family],
    )
    shown = {key: value for key, value in tags.items() if value is not None}
    versions = more.pop("versions", ())
    return [
        replace(live_of(one, tags=shown, **more), aliases=aliases, versions=versions)
        if "statements" in more
        else replace(live_of(one, statements=(), tags=shown, **more), aliases=aliases, versions=versions)
        for one in family
    ]


def planned(wanted: list[Target], there: list[Target], allowed: Rules | None = None, **more: Any) -> Plan:
    """The plan of targets."""
    return plan(desired(*wanted), live(*there, **more), allowed)


def test_targets_that_are_as_declared_need_nothing() -> None:
    """Each compares what its own alias calls; what the function itself is, is nobody's."""
    there = found(pointing(PRODUCTION), pointing(STAGING, "2"))
    made = planned([PRODUCTION, STAGING], there)
    assert made.is_empty, made.steps


def test_the_function_is_made_once_and_published_by_one_after_the_other() -> None:
    """The second writes what differs from what the first has left, when that is published."""
    made = planned([PRODUCTION, STAGING], [])
    assert of(made, ONE).verb is Verb.CREATE
    first = [name for name in ids(made) if name.startswith(ONE)]
    assert first == [f"{ONE}:create", f"{ONE}:publish", f"{ONE}:alias"]
    assert [name for name in ids(made) if name.startswith(TWO)] == [
        f"{TWO}:code",
        f"{TWO}:publish",
        f"{TWO}:alias",
    ]
    assert f"{ONE}:publish" in step(made, f"{TWO}:code").needs
    assert step(made, f"{ONE}:create").function.tags == {
        "lockstep:project": PROJECT,
        "lockstep:target": ONE,
        "lockstep:shared": TWO,
        "lockstep:alias": "production staging",
    }


def test_two_releases_in_one_run_do_not_race_for_the_function() -> None:
    """Both change what is there; the second is told to write what it wants over the first's."""
    there = found(pointing(PRODUCTION), pointing(STAGING, "2"))
    wanted = [
        sharer(ONE, digest="c", version="2.0.0", settings={"memorySize": 256}),
        sharer(TWO, digest="d", version="2.1.0"),
    ]
    made = planned(wanted, there)
    assert position(made, f"{ONE}:publish") < position(made, f"{TWO}:code")
    assert step(made, f"{TWO}:configuration").changes == (Change(path="memorySize", old=256, new=128),)
    assert f"{ONE}:publish" in step(made, f"{TWO}:configuration").needs
    # What people see is what calls will meet, and not what lies in between.
    assert paths(of(made, TWO)) == {"code", "version", "alias"}


def test_a_version_goes_to_the_next_environment_by_one_write() -> None:
    """What staging has published already is what production wants: nothing else is done."""
    wanted = [sharer(ONE, digest="b", version="1.1.0"), STAGING]
    assert STAGING.function is not None
    versions = (Published(number="2", description="", function=STAGING.function),)
    there = found(pointing(PRODUCTION), pointing(STAGING, "2"), versions=versions)
    made = planned(wanted, there)
    assert ids(made) == [f"{ONE}:alias"]
    by_number = planned([sharer(ONE, digest="b", version="2"), STAGING], there)
    assert ids(by_number) == [f"{ONE}:alias"]


def test_a_target_that_goes_takes_its_alias_and_leaves_the_function() -> None:
    """Only where its environment is pruned; else a note says what stays, and why."""
    production, staging = sharer(ONE, prefix="p/"), sharer(TWO, digest="b", prefix="s/")
    both = (production, staging)
    said = [permission(qualifier=str(one.alias)) for one in both]
    statements = tuple(replace(one, sid=one.content_id) for one in said)
    there = found(pointing(production), pointing(staging, "2"), family=both, statements=statements)
    entries = [
        entry_for(PROJECT, one.key, f"{SCOPE.function_arn('api')}:{one.alias}", one.triggers[0])
        for one in both
    ]

    def without(gone: Target, *, prune: bool) -> Plan:
        left = next(one for one in both if one is not gone)
        environments = {name: Environment(name=name, prune=prune) for name in ("staging", "production")}
        rules = Rules(project=Project(name=PROJECT, environments=environments))
        return planned([left], [one for one in there if one.key == left.key], rules, entries=entries)

    for gone, left in ((staging, production), (production, staging)):
        made = without(gone, prune=True)
        assert not [one for one in made.steps if one.id.endswith(":delete")]
        assert f"{left.key}:delete-alias:{gone.alias}" in ids(made)
        assert step(made, "bucket:uploads").remove == (entries[both.index(gone)]["Id"],)
        (revoked,) = [name for name in ids(made) if ":revoke:" in name]
        assert revoked.endswith(f"@{gone.alias}")
        tags = step(made, f"{left.key}:tags")
        assert tags.put.get("lockstep:target", left.key) == left.key

    kept = without(staging, prune=False)
    assert kept.is_empty, kept.steps
    assert any("the alias staging of api was made for staging/api" in note for note in kept.notes)
    owner = without(production, prune=False)
    assert ids(owner) == [f"{TWO}:tags"]  # it has another owner now, which remembers what was left
    assert step(owner, f"{TWO}:tags").put == {"lockstep:target": TWO, "lockstep:shared": ONE}


def test_a_function_goes_with_the_last_of_its_targets_and_only_if_all_may_go() -> None:
    """Its tags name all of them: one whose environment is not pruned keeps it."""
    (former, _) = found(pointing(PRODUCTION), pointing(STAGING, "2"))
    environments = {
        "production": Environment(name="production", prune=True),
        "staging": Environment(name="staging", prune=False),
    }
    rules = Rules(project=Project(name=PROJECT, environments=environments), allow_deletes=5)
    kept = plan(desired(target("staging/web")), live(live_of(target("staging/web")), others=(former,)), rules)
    assert kept.is_empty
    assert any("staging/api, which keeps it" in note for note in kept.notes)


def test_one_that_is_blocked_holds_back_the_one_that_comes_after_it() -> None:
    """It was to write over what the first had left, which is not there now."""
    foreign = {
        "Id": "theirs",
        "LambdaFunctionArn": SCOPE.function_arn("other"),
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "p/"}]}},
    }
    made = planned([sharer(ONE, prefix="p/"), STAGING], [], entries=[foreign])
    assert of(made, ONE).verb is Verb.BLOCKED
    assert f"{ONE} has the same function and comes first" in str(of(made, TWO).problem)
    assert not made.steps


def test_versions_stay_as_the_most_careful_of_the_targets_says() -> None:
    """A release of one does not take away what another one would go back to."""
    careful = sharer(ONE, keep_versions=3, keep_seconds=0)
    hasty = sharer(TWO, keep_versions=1, keep_seconds=0, digest="e", version="2.0.0")
    assert STAGING.function is not None
    versions = tuple(
        Published(number=str(n), description=described(PROJECT, ONE, f"0.{n}"), function=STAGING.function)
        for n in (1, 2, 3, 4)
    )
    there = found(pointing(careful, "9"), pointing(STAGING, "8"), versions=versions)
    made = planned([careful, hasty], [replace(one, settled=100) for one in there])
    gone = [name.rpartition(":")[2] for name in ids(made) if ":delete-version:" in name]
    assert gone == ["2", "1"]


def test_a_version_has_provisioned_concurrency_for_one_alias() -> None:
    """Where another one's alias calls the version and has it, the target is told so, and it alone."""
    warm = Resource(kind="provisionedConcurrency", settings={"executions": 2}, place="values.yaml:9")
    one, two = (
        replace(each, resources=(replace(warm, qualifier=str(each.alias)),))
        for each in (PRODUCTION, replace(STAGING, version="1.0.0", function=PRODUCTION.function))
    )
    there = [
        replace(each, resources=one.resources)
        for each in found(pointing(one), pointing(two, "2"), family=(one, two))
    ]
    assert all(each.problem is None for each in planned([one, two], there).targets)
    there = [
        replace(each, resources=one.resources)
        for each in found(pointing(one), pointing(two), family=(one, two))
    ]
    made = planned([one, two], there)
    assert of(made, ONE).problem is None
    assert "values.yaml:9: the alias production of production/api calls version 1 too" in str(
        of(made, TWO).problem
    )
