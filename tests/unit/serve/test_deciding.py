"""When a controller does what, by a clock that is given."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.model import Health, StatusRow, SyncStatus
from lockstep.model.rollout import Progress
from lockstep.model.status import Cause
from lockstep.serve.deciding import (
    LONGEST,
    Ask,
    Clean,
    Due,
    Heads,
    Look,
    MoveOn,
    Seen,
    Try,
    Wait,
    Waiting,
    asked,
    backoff,
    cleaned,
    drifted,
    due,
    failed,
    heard,
    left_alone,
    listened,
    looked,
    moved,
    read,
    wanted,
)
from lockstep.serve.file import Followed, Leave

HEADS = Heads(commit="a" * 40)
PROJECT = Followed(
    name="shop",
    repository="file:///shop",
    poll=60,
    drift=600,
    environments={"staging": Leave(syncs=True), "preview": Leave(syncs=True, heals=True)},
)


def row(target: str, status: SyncStatus, cause: Cause | None = None, kind: str = "lambda") -> StatusRow:
    """One target as it was read."""
    environment, _, service = target.rpartition("/")
    return StatusRow(
        target=target,
        service=service,
        environment=environment,
        deployment_type=kind,
        declared="1.0.0",
        live=None,
        status=status,
        health=Health.HEALTHY,
        cause=cause,
    )


@pytest.mark.parametrize(
    ("target", "status", "cause", "is_wanted"),
    [
        ("staging/api", SyncStatus.OUT_OF_SYNC, Cause.GIT, True),
        ("staging/api", SyncStatus.OUT_OF_SYNC, None, True),
        ("staging/api", SyncStatus.OUT_OF_SYNC, Cause.BOTH, True),
        ("staging/api", SyncStatus.OUT_OF_SYNC, Cause.AWS, False),
        ("staging/api", SyncStatus.UNKNOWN, None, False),
        ("staging/api", SyncStatus.SYNCED, None, False),
        ("preview/pr-7/api", SyncStatus.OUT_OF_SYNC, Cause.AWS, True),
        ("production/api", SyncStatus.OUT_OF_SYNC, Cause.GIT, False),
    ],
)
def test_what_is_synced(target: str, status: SyncStatus, cause: Cause | None, is_wanted: bool) -> None:
    """What differs, where the environment is synced; what only AWS says otherwise where it heals."""
    one = row(target, status, cause)
    assert wanted([one, replace(one, deployment_type="helm")], PROJECT) == ((target,) if is_wanted else ())
    alone = left_alone(Seen(rows={target: one}), PROJECT)
    assert bool(alone) == (status is SyncStatus.OUT_OF_SYNC and not is_wanted)


def test_a_push_wakes_what_changed_since_the_last_look() -> None:
    """And the next look at everything comes at its own time."""
    seen = moved(looked(asked(Seen(), HEADS, 0), HEADS, (), [], {}, PROJECT, 0), [], [], 0)
    assert due(seen, PROJECT, 59) == Wait(until=60)
    seen = asked(seen, Heads(commit="b" * 40), 60)
    assert due(seen, PROJECT, 60) == Look(since=HEADS)
    seen = looked(seen, Heads(commit="b" * 40), ("staging/api",), [], {}, PROJECT, 61)
    assert due(seen, PROJECT, 61) == MoveOn()
    seen = moved(seen, [], [], 61)
    assert due(seen, PROJECT, 61) == Wait(until=120)
    assert due(asked(seen, Heads(commit="b" * 40), 600), PROJECT, 600) == Look()


def test_a_push_that_is_announced_is_looked_for_at_once_and_not_more_than_once_a_second() -> None:
    """Also while Git did not answer; how often it is announced meanwhile makes no difference."""
    seen = moved(looked(asked(Seen(), HEADS, 0), HEADS, (), [], {}, PROJECT, 0), [], [], 0)
    seen = replace(seen, is_hinted=True)
    assert due(seen, PROJECT, 0.5) == Wait(until=1)
    assert due(seen, PROJECT, 1) == Ask()
    failing = replace(seen, git=Try(count=9, at=50, why="no such host"), tried=20)
    assert due(failing, PROJECT, 20.5) == Wait(until=21)
    assert due(failing, PROJECT, 21) == Ask()


def test_what_was_heard_is_looked_at_before_all_else_and_not_more_than_once_a_second() -> None:
    """Once everything was looked at; while it is looked at it may be heard again."""
    seen = heard(asked(Seen(), HEADS, 0), ["staging/api"])
    assert due(seen, PROJECT, 0) == Look()
    seen = looked(seen, HEADS, (), [row("staging/api", SyncStatus.SYNCED)], {}, PROJECT, 0)
    assert due(replace(seen, is_hinted=True), PROJECT, 0) == Look(targets=("staging/api",), is_heard=True)
    seen = heard(listened(seen, 5), ["staging/web"])
    assert due(moved(seen, [], [], 5), PROJECT, 5.5) == Wait(until=6)
    assert due(seen, PROJECT, 6) == Look(targets=("staging/web",), is_heard=True)
    assert not listened(seen, 6).heard


def test_what_is_gone_is_forgotten() -> None:
    """A look replaces what was known of the targets that it was about, two functions of one key included."""
    rows = [row(one, SyncStatus.UNKNOWN) for one in ("staging/a", "staging/a (f)", "staging/b")]
    seen = looked(asked(Seen(), HEADS, 0), HEADS, (), rows, {}, PROJECT, 0)
    assert set(seen.targets) == {"staging/a", "staging/a (f)", "staging/b"}
    seen = looked(seen, HEADS, ("staging/a",), [], {}, PROJECT, 1)
    assert set(seen.rows) == set(seen.targets) == {"staging/b"}


def test_the_last_good_state_stays_while_git_does_not_answer() -> None:
    """AWS is compared with what was read before."""
    seen = asked(Seen(), HEADS, 0)
    seen = moved(looked(seen, HEADS, (), [], {}, PROJECT, 0), [], [], 0)
    seen = failed(seen, Ask(), "no such host", PROJECT, 60)
    assert due(seen, PROJECT, 61) == Wait(until=62)
    assert seen.heads == HEADS
    assert seen.git is not None
    assert seen.git.why == "no such host"
    seen = replace(seen, git=replace(seen.git, at=9999))
    assert due(seen, PROJECT, 600) == Look()


@given(st.integers(1, 10_000))
def test_backoff_grows_and_ends(count: int) -> None:
    """It is tried for ever, at least every five minutes."""
    assert 0 < backoff(count) <= backoff(count + 1) <= LONGEST


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["ab", "a", ""]), st.integers(0, 2)), max_size=40))
def test_everything_is_done_in_time_whatever_happens(events: list[tuple[bool, str, int]]) -> None:
    """Each act takes it on; Git is asked, AWS looked at, and what failed tried again, no later than agreed.

    Whether an act comes out, what is unknown afterwards and which commit Git is at are drawn.
    """
    project = replace(PROJECT, clean=900)
    seen, now, looks, asks, cleans = Seen(), 0.0, [0.0], [0.0], [0.0]
    for comes_out, unknown, commit in events:
        for _ in range(8):  # at the most so many acts at one moment: no busy loop
            what: Due = due(seen, project, now)
            match what:
                case Wait(until=until):
                    assert now < until <= now + project.poll + LONGEST
                    now = until
                    break
                case Ask():
                    asks.append(now)
                    heads = Heads(commit=str(commit) * 40)
                    seen = asked(seen, heads, now) if comes_out else failed(seen, what, "no", project, now)
                case MoveOn() | Clean() if not comes_out:
                    seen = failed(seen, what, "no", project, now)
                case MoveOn():
                    one = Waiting(version="1.0.0", why="it waits", count=int(commit > 1))
                    held = [(name, one, commit or None) for name in unknown]
                    seen = moved(seen, held, [], now)
                case Clean():
                    cleans.append(now)
                    seen = cleaned(seen, now)
                case Look(targets=targets):
                    assert seen.heads is not None
                    if targets is None and what.since is None:
                        looks.append(now)
                    rows = [row(f"staging/{name}", SyncStatus.UNKNOWN) for name in unknown]
                    patterns = targets or (("staging",) if what.since else ())
                    if comes_out:
                        seen = looked(seen, seen.heads, patterns, rows, {}, project, now)
                    else:
                        seen = failed(seen, what, "no", project, now)
        else:
            raise AssertionError(f"it never waits: {seen}")
    assert all(later - earlier <= project.poll for earlier, later in pairwise(asks))
    slack = LONGEST + project.poll
    assert all(later - earlier <= project.drift + slack for earlier, later in pairwise(looks[1:]))
    assert all(later - earlier >= 900 for earlier, later in pairwise(cleans[1:]))


def test_what_waits_goes_on_at_its_time_and_what_failed_is_put_off() -> None:
    """Another version of the same target is tried at once; what is left out this time waits on."""
    seen = moved(looked(asked(Seen(), HEADS, 0), HEADS, (), [], {}, PROJECT, 0), [], [], 0)
    held = [
        ("production/a", Waiting(version="2", why="soaks", number=7, url="https://x"), 30.0),
        ("production/b", Waiting(version="2", why="no package", count=1), None),
    ]
    seen = moved(seen, held, [], 0)
    assert due(seen, PROJECT, 1) == Wait(until=2)
    assert due(seen, PROJECT, 2) == MoveOn()
    assert (seen.waiting["production/a"].number, seen.waiting["production/a"].at) == (7, 30)
    assert seen.waiting["production/b"].is_put_off("2", 1)
    assert not seen.waiting["production/b"].is_put_off("3", 1)
    again = moved(seen, held, [], 2)
    assert (again.waiting["production/b"].count, again.waiting["production/b"].at) == (2, 6)
    assert moved(again, [], ["production/b"], 3).waiting == {"production/b": again.waiting["production/b"]}
    assert due(moved(again, held[:1], [], 3), PROJECT, 32.5) == Wait(until=33)


def test_who_may_sync_nothing_moves_nothing_on() -> None:
    """Nor removes what previews leave behind where nothing says how often."""
    only = replace(PROJECT, environments={"staging": Leave()})
    seen = looked(asked(Seen(), HEADS, 0), HEADS, (), [], {}, only, 0)
    assert due(seen, only, 0) == Wait(until=60)


@pytest.mark.parametrize(
    ("due_at", "seconds"),
    [("00:00:20", 20), ("00:00:00", 60), ("00:10:00", 60), (None, 60)],
)
def test_a_rollout_goes_on_when_its_step_is_over(due_at: str | None, seconds: float) -> None:
    """And at the next poll at the latest: one that was due already waits for something else."""
    day = "2026-01-01T{}+00:00"
    progress = Progress(
        health=Health.PROGRESSING,
        release="1.0.0",
        step=1,
        steps=2,
        due=day.format(due_at) if due_at else None,
        at=day.format("00:00:00"),
    )
    one = replace(row("staging/api", SyncStatus.OUT_OF_SYNC, Cause.GIT), progress=progress)
    seen = looked(asked(Seen(), HEADS, 0), HEADS, (), [one], {}, PROJECT, 0)
    assert seen.targets["staging/api"].at == seconds
    other = looked(seen, HEADS, (), [one], {"staging/api": "no such role"}, PROJECT, 0)
    assert other.targets["staging/api"].at == backoff(1)


def test_what_drifted_is_what_nobody_declared() -> None:
    """AWS was changed; or it differs, nobody knows why, and nobody brings it back."""
    off = SyncStatus.OUT_OF_SYNC
    found = drifted(
        [
            row("staging/aws", off, Cause.AWS),
            row("staging/both", off, Cause.BOTH),
            row("staging/git", off, Cause.GIT),
            row("staging/unsaid", off),
            row("production/unsaid", off),
            row("production/other", off, Cause.AWS, kind="helm"),
            row("production/unread", SyncStatus.UNKNOWN),
        ],
        PROJECT,
    )
    assert [one.target for one in found] == ["staging/aws", "staging/both", "production/unsaid"]


def test_what_was_read_is_known_before_it_is_synced() -> None:
    """Rows of what was looked at are replaced, nothing is concluded from them yet."""
    seen = asked(Seen(), HEADS, 0)
    seen = looked(
        seen,
        HEADS,
        (),
        [row("staging/a", SyncStatus.SYNCED), row("staging/b", SyncStatus.SYNCED)],
        {},
        PROJECT,
        0,
    )
    part = read(seen, ("staging/a",), [row("staging/a", SyncStatus.OUT_OF_SYNC)], 5)
    assert [one.status for one in part.rows.values()] == [SyncStatus.SYNCED, SyncStatus.OUT_OF_SYNC]
    assert (part.looked, part.targets) == (0, {})
    whole = read(seen, (), [row("staging/c", SyncStatus.SYNCED)], 5)
    assert ([*whole.rows], whole.looked) == (["staging/c"], 5)
