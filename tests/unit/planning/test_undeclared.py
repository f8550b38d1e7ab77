"""What nobody declares any more: whose it is, what goes, and what is only told."""

from dataclasses import replace

from lockstep.model import Fleet, Obstacle, PutNotifications, SyncStatus, Target, Verb
from lockstep.planning.planner import make_plan
from lockstep.planning.undeclared import Undeclared, find_undeclared
from tests.unit.planning.fixtures import desired, entries_for, live, live_of, rules, target

STAGING = target("staging/api", prefix="staging/")
FIRST = target("preview/pr-1/api", prefix="preview/pr-1/")
SECOND = target("preview/pr-2/api", prefix="preview/pr-2/")
OLD = target("staging/old", prefix="old/")


def _found(wanted: Fleet, there: Fleet) -> Undeclared:
    return find_undeclared(wanted, there, rules(), wanted.targets)


def _doubted(declared: Target) -> Target:
    return replace(live_of(declared), obstacle=Obstacle(text="Git never named it so"))


def test_a_function_of_whose_owner_nobody_is_sure_holds_back_itself() -> None:
    """It stays with the entry that calls it, and says why; the next one goes."""
    there = live(
        live_of(STAGING),
        others=(_doubted(FIRST), live_of(SECOND)),
        entries=entries_for(STAGING, FIRST, SECOND),
    )
    found = _found(desired(STAGING), there)
    assert [one.target.key for one in found.functions] == [SECOND.key]
    assert found.owners == {SECOND.key}
    assert found.notes == (
        "preview-pr-1-api has the tags of preview/pr-1/api, which is not declared: Git never named it so",
    )


def test_a_function_that_could_not_be_read_is_unknown_and_stays() -> None:
    """It is a target that the plan tells, not a note beside a success; the next one goes."""
    why = Obstacle(text="lambda:GetFunction: refused", is_unread=True)
    there = live(
        live_of(STAGING),
        others=(replace(live_of(FIRST), obstacle=why), live_of(SECOND)),
        entries=entries_for(STAGING, FIRST, SECOND),
    )
    plan = make_plan(desired(STAGING), there, rules())
    (first,) = plan.blocked
    assert (first.target, first.verb, first.status) == (FIRST.key, Verb.UNKNOWN, SyncStatus.UNKNOWN)
    assert first.problem == why.text
    assert {step.target for step in plan.steps} == {"uploads", SECOND.key}
    assert [step.remove for step in plan.steps if isinstance(step, PutNotifications)] == [
        (str(entries_for(SECOND)[0]["Id"]),)
    ]


def test_an_entry_of_another_project_is_nobody_s_here() -> None:
    """Also when its target has a name that this project does not know; one without an id neither."""
    entry, foreign = entries_for(FIRST), entries_for(SECOND)
    foreign[0]["Id"] = foreign[0]["Id"].replace("syrf", "other")
    bare = {key: value for key, value in entries_for(OLD)[0].items() if key != "Id"}
    found = _found(desired(STAGING), live(live_of(STAGING), entries=[*entry, *foreign, bare]))
    assert found.owners == {FIRST.key}
    assert found.notes == ()


def test_an_entry_of_what_is_not_pruned_is_told_with_the_function_that_it_calls() -> None:
    """Unless that function is told itself, or a declared one has its name."""
    there = live(live_of(STAGING), entries=entries_for(OLD))
    (note,) = _found(desired(STAGING), there).notes
    assert note.startswith("the bucket uploads calls staging-old by an entry of staging/old")
    (note,) = _found(
        desired(STAGING), live(live_of(STAGING), others=(live_of(OLD),), entries=entries_for(OLD))
    ).notes
    assert note.startswith("staging-old belongs to this project (staging/old)")
    renamed = target("staging/new", name="staging-old")
    assert _found(desired(STAGING, renamed), live(live_of(STAGING), entries=entries_for(OLD))).notes == ()


def test_what_is_not_selected_is_left_alone() -> None:
    """Functions and entries."""
    there = live(others=(live_of(FIRST), live_of(SECOND)), entries=entries_for(FIRST, SECOND))
    found = _found(desired(STAGING, selection=("preview/pr-2",)), there)
    assert [one.target.key for one in found.functions] == [SECOND.key]
    assert found.owners == {SECOND.key}
