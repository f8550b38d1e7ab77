"""Gates: what holds a promotion back, since when, and what lifts it."""

import datetime
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from lockstep.model import Freeze, Health, Hold, Promotion, SyncStatus
from lockstep.planning.gates import Candidate, Gate, Standing, duration, gates_of, is_backwards, way_on

NOW = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
POLICY = Promotion(source="staging", soak=24 * 3600)
WELL = Standing(target="staging/api", since=NOW - 25 * HOUR, status=SyncStatus.SYNCED, health=Health.HEALTHY)
CANDIDATE = Candidate(target="production/api", old="0.1.5", new="0.1.6", standing=WELL)


def _gates(policy: Promotion, candidate: Candidate) -> tuple[Gate, ...]:
    return gates_of(policy, candidate, now=NOW, zone=ZoneInfo)


def test_a_version_that_ran_well_and_long_enough_may_pass() -> None:
    """No gate is in the way of a forward promotion after its soak."""
    assert _gates(POLICY, CANDIDATE) == ()
    assert _gates(Promotion(), replace(CANDIDATE, standing=None)) == ()
    just = replace(WELL, since=NOW - 24 * HOUR)
    assert _gates(POLICY, replace(CANDIDATE, standing=just)) == ()


def test_a_soak_says_how_long_it_still_takes() -> None:
    """The gate names what ran for how long, since when, and the time at which it lifts by itself."""
    (gate,) = _gates(POLICY, replace(CANDIDATE, standing=replace(WELL, since=NOW - HOUR)))
    assert gate.name == "soak"
    assert gate.problem == "0.1.6 ran for 1 h as staging/api; the policy asks for 1 d"
    assert gate.since == NOW - HOUR
    assert gate.lifts == "it has run long enough in 23 h, at 2026-11-25 11:00 UTC"
    assert gate.until == NOW + 23 * HOUR


def test_a_version_that_another_one_replaced_keeps_the_time_that_it_ran() -> None:
    """Frequent builds do not starve a soak: a version that soaked before it was replaced passes."""
    soaked = replace(WELL, since=NOW - 60 * HOUR, until=NOW - 30 * HOUR, health=Health.UNKNOWN)
    assert _gates(POLICY, replace(CANDIDATE, standing=soaked)) == ()
    (gate,) = _gates(POLICY, replace(CANDIDATE, standing=replace(soaked, until=NOW - 50 * HOUR)))
    assert gate.name == "soak"
    assert "runs another version" in gate.lifts


def test_a_version_that_was_taken_back_in_the_source_does_not_pass() -> None:
    """However long it ran before: who took it back, and how, is said, and a reason passes it."""
    back = replace(WELL, until=NOW, undone="reverted to 0.1.5 by Ada (15de124e)")
    (gate,) = _gates(POLICY, replace(CANDIDATE, standing=back))
    assert gate.name == "source"
    assert gate.problem == "0.1.6 was taken back as staging/api: reverted to 0.1.5 by Ada (15de124e)"
    assert gate.can_override


@pytest.mark.parametrize(("health", "lifts_itself"), [(Health.PROGRESSING, True), (Health.SUSPENDED, False)])
def test_a_version_on_its_way_to_its_calls_has_not_begun_its_soak(health: Health, lifts_itself: bool) -> None:
    """However long it has been declared; how far its rollout is, is said, or why it was taken back."""
    words = f"{health} 10% 0.1.6, step 1 of 2"
    coming = replace(WELL, status=SyncStatus.OUT_OF_SYNC, health=health, rollout=words)
    (gate,) = _gates(POLICY, replace(CANDIDATE, standing=coming))
    assert (gate.name, gate.lifts_itself) == ("source", lifts_itself)
    assert gate.problem == f"0.1.6 has not all calls of staging/api yet: {words}"
    assert "from when a soak counts" in gate.lifts
    back = replace(coming, problem="0.1.6 was taken back (alarm x: ALARM)")
    assert back.problem is not None
    assert back.problem in _gates(POLICY, replace(CANDIDATE, standing=back))[0].problem


def test_a_version_that_never_ran_in_the_source_does_not_pass() -> None:
    """Nothing else is said of it: there is no soak to speak of."""
    (gate,) = _gates(POLICY, replace(CANDIDATE, standing=Standing(target="staging/api")))
    assert (gate.name, gate.problem) == ("source", "0.1.6 has never run as staging/api")
    assert gate.lifts == "promote it to staging first"


@pytest.mark.parametrize(
    ("status", "health", "lifts"),
    [
        (SyncStatus.OUT_OF_SYNC, Health.HEALTHY, "lockstep sync staging/api"),
        (SyncStatus.SYNCED, Health.DEGRADED, "lockstep rollback staging/api"),
        (SyncStatus.SYNCED, Health.PROGRESSING, "AWS is still at work on it"),
        (SyncStatus.UNKNOWN, Health.UNKNOWN, "lockstep status staging/api tells why"),
        (SyncStatus.SYNCED, Health.MISSING, "lockstep sync staging/api"),
    ],
)
def test_an_unhealthy_source_holds_back(status: SyncStatus, health: Health, lifts: str) -> None:
    """Whatever is not Synced and Healthy is not well, unknown included; what lifts it does lift it."""
    (gate,) = _gates(POLICY, replace(CANDIDATE, standing=replace(WELL, status=status, health=health)))
    assert gate.name == "source"
    assert f"staging/api is {status}/{health}" in gate.problem
    assert lifts in gate.lifts
    assert gate.lifts_itself is (health is Health.PROGRESSING)


def test_why_aws_could_not_be_asked_is_said() -> None:
    """A source that cannot be read holds back, with the reason."""
    unread = replace(WELL, status=SyncStatus.UNKNOWN, problem="no credentials")
    (gate,) = _gates(POLICY, replace(CANDIDATE, standing=unread))
    assert "no credentials" in gate.problem


def test_a_service_that_another_tool_deploys_only_soaks() -> None:
    """Lockstep does not see its health, so only the time in Git counts."""
    standing = Standing(target="staging/api", since=NOW - 25 * HOUR, is_watched=False)
    assert _gates(POLICY, replace(CANDIDATE, standing=standing)) == ()


def test_holds_are_never_overridden() -> None:
    """A hold of the target and one of the environment name who lifts them and how."""
    hold = Hold(version="0.1.6", since="2026-11-24T10:00:00+00:00", by="Ada", reason="it lost files")
    policy = Promotion(hold="audit", place="lockstep.yaml:7")
    first, second = _gates(policy, replace(CANDIDATE, standing=None, hold=hold))
    assert "audit" in first.problem
    assert "lockstep.yaml:7" in first.lifts
    assert second.problem == "on hold by Ada after 0.1.6 was taken back: it lost files"
    assert second.since == datetime.datetime(2026, 11, 24, 10, 0, tzinfo=datetime.UTC)
    assert second.lifts == "lockstep release-hold production/api"
    assert [(gate.name, gate.target) for gate in (first, second)] == [("hold", "production/api")] * 2
    assert first.can_override is second.can_override is False
    bare = Hold(version=None, since="2026-11-24T10:00:00", by="Ada", reason="")
    (gate,) = _gates(Promotion(), replace(CANDIDATE, standing=None, hold=bare))
    assert gate.problem == "on hold by Ada"
    assert gate.since == second.since  # a time without a zone is UTC
    (gate,) = _gates(
        Promotion(), replace(CANDIDATE, standing=None, hold=replace(bare, since="2026-11-24T11:00:00+01:00"))
    )
    assert gate.since == second.since


def test_a_freeze_says_when_it_ends() -> None:
    """With its reason, its line, and the end in its own time zone."""
    freeze = Freeze(
        start="2026-11-24",
        end="2026-11-25",
        timezone="Europe/Berlin",
        reason="the audit",
        place="lockstep.yaml:9",
    )
    (gate,) = _gates(Promotion(freezes=(freeze,)), replace(CANDIDATE, standing=None))
    assert gate.problem == "frozen: the audit (lockstep.yaml:9)"
    assert gate.lifts == "it ends 2026-11-26 00:00 (Europe/Berlin)"
    berlin = ZoneInfo("Europe/Berlin")
    assert gate == Gate(
        name="freeze",
        target="production/api",
        problem="frozen: the audit (lockstep.yaml:9)",
        since=datetime.datetime(2026, 11, 24, tzinfo=berlin),
        lifts="it ends 2026-11-26 00:00 (Europe/Berlin)",
        lifts_itself=True,
        until=datetime.datetime(2026, 11, 26, tzinfo=berlin),
    )
    silent = replace(freeze, reason="")
    (gate,) = _gates(Promotion(freezes=(silent,)), replace(CANDIDATE, standing=None))
    assert gate.problem == "frozen (lockstep.yaml:9)"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("0.1.10", "0.1.9", True),
        ("0.1.9", "0.1.10", False),
        ("1.0.0", "1.0.0-rc.1", True),
        ("1.0.0+a", "1.0.0+b", False),
        (None, "0.1.0", False),
        ("main-3f2a", "0.1.0", False),
    ],
)
def test_backwards_is_judged_by_semantic_precedence(old: str | None, new: str, expected: bool) -> None:
    """Versions that are not semantic have no order, so nothing is said of them."""
    assert is_backwards(old, new) is expected


def test_going_backwards_is_a_rollback() -> None:
    """The gate names the verb that goes back."""
    (gate,) = _gates(Promotion(), replace(CANDIDATE, standing=None, new="0.1.4"))
    assert gate == Gate(
        name="backwards",
        target="production/api",
        problem="0.1.4 comes before 0.1.5, which is declared",
        lifts="to go back: lockstep rollback production/api --to 0.1.4",
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3661, "1 h 1 min"), (90000, "1 d 1 h"), (-5, "0 s")],
)
def test_durations_are_told_in_two_units(seconds: int, text: str) -> None:
    """The two largest that say something."""
    assert duration(seconds) == text


def test_waiting_is_advised_only_where_it_helps() -> None:
    """A version that never ran in the source will not get there by waiting, and a hold ends by a verb."""
    soaks = _gates(POLICY, replace(CANDIDATE, standing=replace(WELL, since=NOW - HOUR)))
    missing = _gates(POLICY, replace(CANDIDATE, standing=Standing(target="staging/api")))
    held = _gates(replace(POLICY, hold="an audit"), CANDIDATE)
    assert way_on(soaks) == "wait, or say why it cannot: --override REASON"
    assert way_on([*soaks, *missing]) == "do what lifts them, or say why they do not count: --override REASON"
    assert way_on(held) == "lift the hold first"
    assert way_on([*held, *soaks]) == "lift the hold first, then the others as they say"
