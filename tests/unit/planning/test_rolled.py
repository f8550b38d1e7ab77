"""What of a plan a rollout needs, where another engine publishes the versions."""

from dataclasses import replace

import pytest

from lockstep.model import (
    Change,
    Health,
    Plan,
    PublishVersion,
    PutAlias,
    SetTags,
    ShiftAlias,
    SmokeTest,
    Step,
    SyncStatus,
    TargetPlan,
    Verb,
)
from lockstep.model.rollout import Progress
from lockstep.planning.rolled import as_planned, overlaid, rollout_steps
from tests.support.projects import make_target

A, B = "staging/a", "staging/b"
FUNCTION = make_target(A).function
assert FUNCTION is not None
PUBLISH = PublishVersion(id="a:publish", target=A, function=FUNCTION, description="", needs=("a:tags",))
TAGS = SetTags(id="a:tags", target=A, function="a", put={})
SMOKE = SmokeTest(
    id="a:smoke",
    target=A,
    function="a",
    version=None,
    payload="{}",
    expected="",
    timeout=3,
    needs=("a:publish",),
)


def _shift(key: str, *needs: str, candidate: str | None = None) -> ShiftAlias:
    return ShiftAlias(
        id=f"{key}:alias",
        target=key,
        function=key,
        alias="live",
        stable="1",
        candidate=candidate,
        weight=0.1,
        state="running",
        digest="1a2b",
        policy="9f8e",
        step=0,
        steps=2,
        description="lockstep shop a 1.0.0",
        revision="r1",
        needs=needs,
    )


def _plan(*steps: Step) -> Plan:
    return Plan(engine="aws", project="shop", steps=steps)


def test_only_writes_of_aliases_are_ours() -> None:
    """What waits for a version waits for the engine that publishes it, and for nothing else."""
    found = rollout_steps(_plan(TAGS, PUBLISH, SMOKE, _shift(A, "a:tags", "a:publish", "a:smoke")), [A])
    assert found.now == ()
    assert [(step.id, step.needs) for step in found.later] == [("a:smoke", ()), (f"{A}:alias", ("a:smoke",))]
    assert found.awaiting == (A,)
    found = rollout_steps(_plan(TAGS, _shift(A, "a:tags", candidate="2"), _shift(B, candidate="2")), [A])
    assert [(step.id, step.needs) for step in found.now] == [(f"{A}:alias", ())]
    assert found.later == ()


def test_one_of_a_group_waits_for_the_versions_of_all() -> None:
    """As the plan has it: none gets calls before the versions of all are there."""
    group = _plan(PUBLISH, _shift(A, "a:publish"), _shift(B, "a:publish", candidate="5"))
    assert rollout_steps(group, [A, B]).awaiting == (A, B)


def test_what_waits_is_lost_with_what_it_waits_for() -> None:
    """A version whose resource was not applied is not looked for."""
    found = rollout_steps(_plan(PUBLISH, SMOKE, _shift(A, "a:smoke")), [A])
    first, *others = found.later
    found = replace(found, later=(replace(first, needs=("run:function",)), *others))
    assert found.without({"run:function"}) == set()
    assert found.without(set()) == {A}


@pytest.mark.parametrize(
    ("now", "is_same"),
    [
        (_shift(A, candidate="2"), True),
        (replace(_shift(A, candidate="2"), revision="r2"), True),
        (replace(_shift(A, candidate="2"), weight=0.5), False),
        (replace(_shift(A, candidate="2"), stable="3"), False),
        (PutAlias(id="x", target=A, function="a", alias="live", version="2", description=""), False),
    ],
)
def test_what_is_done_is_what_was_shown(now: Step, is_same: bool) -> None:
    """Numbers of versions and revisions come to be known; nothing else may be another."""
    assert as_planned([_shift(A, "a:publish")], [now]) is is_same


MOVED = Change(path="alias", old="live: version 1", new="live: version 2: 10% of the calls")
CODE = Change(path="code", old="1", new="2")


@pytest.mark.parametrize(
    ("other", "ours", "verb", "status"),
    [
        (
            (Verb.NOTHING, SyncStatus.SYNCED, ()),
            (Verb.NOTHING, SyncStatus.SYNCED, ()),
            Verb.NOTHING,
            "Synced",
        ),
        (
            (Verb.NOTHING, SyncStatus.SYNCED, ()),
            (Verb.UPDATE, SyncStatus.OUT_OF_SYNC, (MOVED, CODE)),
            Verb.UPDATE,
            "OutOfSync",
        ),
        (
            (Verb.UPDATE, SyncStatus.OUT_OF_SYNC, (CODE,)),
            (Verb.UPDATE, SyncStatus.OUT_OF_SYNC, (MOVED, CODE)),
            Verb.UPDATE,
            "OutOfSync",
        ),
        (
            (Verb.NOTHING, SyncStatus.SYNCED, ()),
            (Verb.UNKNOWN, SyncStatus.UNKNOWN, ()),
            Verb.NOTHING,
            "Unknown",
        ),
        (
            (Verb.UNKNOWN, SyncStatus.UNKNOWN, ()),
            (Verb.UPDATE, SyncStatus.OUT_OF_SYNC, (MOVED,)),
            Verb.UNKNOWN,
            "Unknown",
        ),
    ],
)
def test_a_target_is_in_sync_when_both_have_seen_it(
    other: tuple[Verb, SyncStatus, tuple[Change, ...]],
    ours: tuple[Verb, SyncStatus, tuple[Change, ...]],
    verb: Verb,
    status: str,
) -> None:
    """The alias is told as it is read, the rest as the other engine says."""
    one, two = (
        TargetPlan(target=A, verb=verb, status=status, changes=changes, health=Health.HEALTHY)
        for verb, status, changes in (other, ours)
    )
    progress = Progress(health=Health.PROGRESSING, release="2.0.0", step=1, steps=2)
    two = replace(two, health=Health.PROGRESSING, progress=progress)
    found = overlaid(one, two)
    assert (found.verb, str(found.status), found.health) == (verb, status, Health.PROGRESSING)
    assert [change.path for change in found.changes] == [
        *(["alias"] if MOVED in two.changes else []),
        *(["code"] if CODE in one.changes else []),
    ]
