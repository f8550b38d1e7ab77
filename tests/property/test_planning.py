"""Laws of planning: what a plan does, in which order, and what it never does.

``EXAMPLES=2000 pytest tests/property/test_planning.py`` hunts longer.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lockstep.model import (
    AddPermission,
    DeleteFunction,
    Fleet,
    Plan,
    PutNotifications,
    SetTags,
    StagePackage,
    SyncStatus,
    Target,
    UpdateConfiguration,
    Verb,
    select,
)
from lockstep.planning.fingerprint import fingerprint
from lockstep.planning.notifications import LAMBDA, owner_of
from lockstep.planning.planner import make_plan
from lockstep.planning.policy import deletion_problem, is_prunable, remembered_buckets
from lockstep.planning.replay import replay
from tests.support.fleets import PROJECT, World, dim, worlds
from tests.support.replaying import closed_subset, foreign_parts, perform, unreached

many = settings(
    max_examples=int(os.environ.get("EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def plan_of(world: World, live: Fleet | None = None) -> Plan:
    """The plan of a world, or of its desired fleet and another live one."""
    return make_plan(world.desired, live or world.live, world.rules)


def planned(plan: Plan, world: World) -> list[str]:
    """Declared targets that the plan brings in sync."""
    return [one.target for one in plan.targets if one.problem is None and one.target in world.desired.targets]


@many
@given(worlds())
def test_a_plan_replayed_gives_the_desired_fleet(world: World) -> None:
    """After the steps every target that is not blocked has what Git says, and AWS refused none of them."""
    plan = plan_of(world)
    after = perform(plan.steps, world.live)
    assert unreached(world.desired, after, planned(plan, world), world.live) == []
    assert after == replay(plan, world.live)


@many
@given(worlds())
def test_planning_after_the_replay_finds_nothing(world: World) -> None:
    """A fleet that is what a plan made of it needs no step; what was blocked still is."""
    plan = plan_of(world)
    again = plan_of(world, perform(plan.steps, world.live))
    assert again.steps == ()
    assert {one.target for one in again.blocked} == {one.target for one in plan.blocked}
    assert {one.verb for one in again.targets if one.problem is None} <= {Verb.NOTHING}


@many
@given(worlds())
def test_a_tag_for_the_meantime_tells_what_the_end_makes_of_it(world: World) -> None:
    """Who reads a tag back while another run is through with the same plan knows what may stand there."""
    plan = plan_of(world)
    after = perform(plan.steps, world.live)
    for step in plan.steps:
        if isinstance(step, SetTags) and step.target in after.targets:
            function = after.targets[step.target].function
            assert function is not None
            ends = {key: function.tags.get(key) for key in step.put}
            assert dict(step.later) == {key: end for key, end in ends.items() if end != step.put[key]}


@many
@given(worlds(), st.data())
def test_a_run_that_was_killed_anywhere_is_finished_by_the_next(world: World, data: st.DataObject) -> None:
    """Any part of the steps that respects their needs, then a plan of what is there: the desired fleet."""
    plan = plan_of(world)
    chosen = [data.draw(st.booleans()) for _ in plan.steps]
    done = closed_subset(plan.steps, chosen)
    half = perform(done, world.live)
    second = plan_of(world, half)
    after = perform(second.steps, half)
    foreign, *later = (
        foreign_parts(fleet, world.rules, world.desired, plan, second) for fleet in (world.live, half, after)
    )
    assert later == [foreign, foreign]
    assert unreached(world.desired, after, planned(plan, world), world.live) == []
    assert {one.target for one in second.blocked} <= {one.target for one in plan.blocked}
    assert plan_of(world, after).steps == ()


@many
@given(worlds())
def test_a_step_never_precedes_what_it_needs(world: World) -> None:
    """Every need is an earlier step, so the graph has no cycle and the listed order can be run."""
    before: set[str] = set()
    for step in plan_of(world).steps:
        assert before.issuperset(step.needs)
        assert step.id not in before
        before.add(step.id)


@many
@given(worlds(selected=True))
def test_a_selection_is_all_that_is_touched(world: World) -> None:
    """Targets, functions and entries that were not selected stay as they are."""
    plan = plan_of(world)
    patterns = world.desired.selection
    assert all(select([one.target.partition(" (")[0]], patterns) for one in plan.targets)
    for step in plan.steps:
        if isinstance(step, PutNotifications):
            assert all(select([key], patterns) for key in step.targets)
        elif not isinstance(step, StagePackage):
            assert select([step.target], patterns)
    after = perform(plan.steps, world.live)
    for key in world.live.targets.keys() - set(world.desired.selected()):
        assert after.targets[key] == world.live.targets[key]
    for name, bucket in world.live.buckets.items():
        kept = {entry["Id"]: entry for entry in after.buckets[name].raw.get(LAMBDA, ())}
        for entry in bucket.raw.get(LAMBDA, ()):
            owner = owner_of(entry["Id"])
            if owner and owner[1] in world.desired.targets and not select([owner[1]], patterns):
                assert kept[entry["Id"]] == entry


@many
@given(worlds(selected=True))
def test_nothing_is_deleted_without_policy(world: World) -> None:
    """Only previews and environments with prune lose functions or entries of undeclared targets."""
    plan = plan_of(world)
    project = world.rules.project
    deleted = [step for step in plan.steps if isinstance(step, DeleteFunction)]
    for step in deleted:
        owner = world.live.others[step.function]
        assert is_prunable(project, owner.environment)
        assert select([owner.key], world.desired.selection)
        assert step.function not in {
            world.live.scope(t.environment).function_arn(t.function.name)
            for t in world.desired.targets.values()
            if t.function
        }
    guard = deletion_problem(world.rules, len(deleted), world.desired, len(world.live.others))
    assert guard is None or plan.problems
    declared = {
        world.live.scope(t.environment).function_arn(t.function.name)
        for t in world.desired.targets.values()
        if t.function
    }
    after = perform(plan.steps, world.live)
    for name, bucket in world.live.buckets.items():
        ids = {entry["Id"] for entry in after.buckets[name].raw.get(LAMBDA, ())}
        for entry in bucket.raw.get(LAMBDA, ()):
            owned = owner_of(entry["Id"])
            if owned and owned[1] not in world.desired.targets and entry["LambdaFunctionArn"] not in declared:
                goes = is_prunable(project, owned[1].rpartition("/")[0])
                assert entry["Id"] in ids or (goes and select([owned[1]], world.desired.selection))


@many
@given(worlds())
def test_a_plan_never_loses_alters_or_reorders_what_others_put_on_a_bucket(world: World) -> None:
    """Foreign Lambda entries, SNS, SQS, EventBridge and unknown members are carried through.

    The one exception: an entry that belongs to no project goes with the function that it calls.
    """
    plan = plan_of(world)
    after = perform(plan.steps, world.live)
    assert foreign_parts(after, world.rules, world.desired, plan) == foreign_parts(
        world.live, world.rules, world.desired, plan
    )


@many
@given(worlds())
def test_a_blocked_target_contributes_nothing(world: World) -> None:
    """No step, no entry put or removed, no function deleted for a target that has to wait."""
    plan = plan_of(world)
    blocked = {one.target for one in plan.blocked}
    assert all(one.verb in (Verb.BLOCKED, Verb.UNKNOWN, Verb.ADOPT) for one in plan.blocked)
    for step in plan.steps:
        assert step.target not in blocked
        if isinstance(step, PutNotifications):
            assert not blocked & set(step.targets)
    for one in plan.blocked:
        assert not [change for change in one.changes if change.path == "trigger"]


@many
@given(worlds(), st.data())
def test_what_was_not_read_is_not_written(world: World, data: st.DataObject) -> None:
    """Whatever AWS keeps to itself stays as it is, and what is done beside it AWS takes."""
    seen = data.draw(dim(world))
    plan = plan_of(world, seen)
    after = perform(plan.steps, world.live)
    for key in seen.unread:
        assert after.targets.get(key) == world.live.targets.get(key)
    for name in seen.closed:
        assert after.buckets[name] == world.live.buckets[name]
    known = {one.target: one.status for one in plan.targets}
    assert all(known[key] is SyncStatus.UNKNOWN for key in seen.unread)
    synced = [key for key, status in known.items() if status is SyncStatus.SYNCED]
    assert unreached(world.desired, world.live, synced, world.live) == []


@many
@given(worlds(), st.data())
def test_what_was_not_read_holds_back_itself_alone(world: World, data: st.DataObject) -> None:
    """A target with no bucket that others have to do with gets the same steps beside a dark one."""
    seen = data.draw(dim(world))
    alone = {
        key
        for key, target in world.desired.targets.items()
        if key not in seen.unread
        and not target.triggers
        and not target.relayed
        and not remembered_buckets(_tags(world.live.targets.get(key)))
        and not any(owner_of(e["Id"]) == (PROJECT, key) for e in _entries(world.live))
    }
    whole, dark = plan_of(world), plan_of(world, seen)
    for plan in (whole, dark):
        assume(not plan.problems)
    ours = [[step for step in plan.steps if step.target in alone] for plan in (whole, dark)]
    assert [step.id for step in ours[0]] == [step.id for step in ours[1]]


def _tags(target: Target | None) -> Mapping[str, str | None]:
    return target.function.tags if target is not None and target.function is not None else {}


def _entries(live: Fleet) -> Iterator[Mapping[str, Any]]:
    for bucket in live.buckets.values():
        yield from bucket.raw.get(LAMBDA, ())


@many
@given(worlds())
def test_what_others_manage_keeps_its_live_value(world: World) -> None:
    """Ignored fields, environment variables and tags of a function that exists are not changed."""
    after = perform(plan_of(world).steps, world.live)
    for key, target in world.desired.targets.items():
        before = world.live.targets.get(key)
        if before is None or before.function is None:
            continue
        now = after.targets[key].function
        assert now is not None
        for pattern in target.ignore:
            assert _matching(before.function.settings, pattern) == _matching(now.settings, pattern)
        if "tags.team" in target.ignore:
            assert before.function.tags.get("team") == now.tags.get("team")
        if "code" in target.ignore:
            assert before.function.code == now.code


def _matching(values: object, pattern: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in dict(values).items():  # type: ignore[call-overload]
        if fnmatchcase(name, pattern) or name.startswith(f"{pattern}."):
            found[name] = value
        elif isinstance(value, dict):
            found |= {f"{name}.{k}": v for k, v in value.items() if fnmatchcase(f"{name}.{k}", pattern)}
    return found


@many
@given(worlds())
def test_a_bucket_is_written_once(world: World) -> None:
    """However many targets a bucket calls, and whoever hands a prefix to whom, there is one PUT."""
    written = [step.bucket for step in plan_of(world).steps if isinstance(step, PutNotifications)]
    assert len(written) == len(set(written))


@many
@given(worlds())
def test_steps_say_only_what_changes(world: World) -> None:
    """No configuration update without a change of its own, and no permission that is there already."""
    for step in plan_of(world).steps:
        if isinstance(step, UpdateConfiguration):
            assert step.changes
        if isinstance(step, AddPermission):
            found = world.live.targets.get(step.target)
            kept = [s for s in (found.statements if found else ()) if not s.sid.startswith("lockstep-")]
            assert step.statement not in kept


@many
@given(worlds())
def test_the_same_input_gives_the_same_plan(world: World) -> None:
    """Whatever order the fleets come in."""
    desired = replace(world.desired, targets=dict(reversed(world.desired.targets.items())))
    live = replace(
        world.live,
        targets=dict(reversed(world.live.targets.items())),
        buckets=dict(reversed(world.live.buckets.items())),
        others=dict(reversed(world.live.others.items())),
    )
    one, other = plan_of(world), make_plan(desired, live, world.rules)
    assert one.fingerprint == other.fingerprint
    graphs = [{step.id: set(step.needs) for step in plan.steps} for plan in (one, other)]
    assert graphs[0] == graphs[1]
    assert sorted(one.targets, key=lambda t: t.target) == sorted(other.targets, key=lambda t: t.target)


@many
@given(worlds())
def test_fingerprints_differ_when_the_live_state_does(world: World) -> None:
    """Every step that changes something live makes a plan that was saved before it stale."""
    live = world.live
    for step in plan_of(world).steps:
        after = replay(Plan(engine="aws", project=PROJECT, steps=(step,)), live)
        if after != live:
            function = live.targets.get(step.target)
            if function is not None and function.function is not None:
                after = _revised(after, step.target)
            assert fingerprint(after) != fingerprint(live)
        live = after


def _revised(fleet: Fleet, key: str) -> Fleet:
    """AWS gives a function a new RevisionId with every change."""
    target = fleet.targets[key]
    assert target.function is not None
    function = replace(target.function, revision=f"{target.function.revision}+")
    return replace(fleet, targets={**fleet.targets, key: replace(target, function=function)})
