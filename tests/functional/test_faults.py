"""Any call of a sync may fail, in any way: one more run, and what is live is what is declared.

Of the changes of a scenario each run makes half fail in turn; of reads that fail, answers that are lost and
commits that are reverted after a failure, a fourth; of each a dozen at the most. The run's seed chooses
which, and whether a change that fails was done; what goes wrong rotates from call to call. With
LOCKSTEP_EVERY_FAULT=1, as CI has it once a week, every call fails in every way, which takes many times as
long; with LOCKSTEP_CHAOS=0,100 a hundred runs have failures by chance.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import pytest

from lockstep.errors import LockstepError
from lockstep.model.kinds import KINDS
from tests.support.fault_lab import Clean, FaultLab, impatient
from tests.support.fault_scenarios import SCENARIOS, Scenario
from tests.support.faults import PACE, Chaos, Point, Strike, sync
from tests.support.projects import make_project
from tests.support.seed import chooser, spread

pytest_plugins = ["tests.support.fault_fixtures"]
pytestmark = pytest.mark.timeout(900)

NOT_DONE = ("error_before", "timeout", "reset_before")
DONE = ("error_after", "timeout_after", "reset_after")


def test_what_is_interrupted_has_a_resource_of_every_kind() -> None:
    """A new kind goes into a scenario: its calls fail like all others."""
    fleets = [fleet for one in SCENARIOS for fleet in (one.before, one.after) if fleet is not None]
    assert {
        each.kind for fleet in fleets for target in fleet.targets.values() for each in target.resources
    } == set(KINDS)


def each(
    points: Sequence[Point], *ways: Sequence[str], choose: Random, one_in: int = 1
) -> Iterator[tuple[Point, str]]:
    """Each call, or one in so many, with the next mode of one of the ways to fail; or with every mode."""
    every = bool(os.environ.get("LOCKSTEP_EVERY_FAULT"))
    turn = choose.randrange(12)
    for number, point in enumerate(spread(points, choose, one_in=one_in), turn):
        if every:
            yield from ((point, mode) for modes in ways for mode in modes)
        else:
            modes = choose.choice(ways)
            yield point, modes[number % len(modes)]


def strike(lab: FaultLab, scenario: Scenario, clean: Clean, point: Point, mode: str) -> list[str]:
    """Run the scenario with one fault; return what is wrong so far."""
    wrong: list[str] = []
    # On a busy machine a short time-out may end another call first: then it was too short.
    for seconds in (0.4, 2.0, 10.0) if mode.startswith("timeout") else (20.0,):
        fault = Strike(point=point, mode=mode)
        lab.prepare(scenario, fault)
        try:
            ran = sync(lab.job(scenario, pace=impatient(read=seconds)))
            if ran.is_success:
                wrong = [f"it claims success, but {text}" for text in lab.differences(clean.after)]
        except LockstepError:
            wrong = [f"planning failed, but {text}" for text in lab.differences(clean.before)]
        if fault.happened:
            break
    if fault.happened != 1:
        wrong.append(f"the fault struck {fault.happened} times")
    return wrong


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_change_that_fails_is_mended_by_one_more_run(faults: FaultLab, scenario: Scenario) -> None:
    """Whichever change fails, done or not done, the next run completes it and nothing of others is lost."""
    clean = faults.clean(scenario)
    wrong = [
        f"{mode} at {point}: {text}"
        for point, mode in each(
            clean.mutating, NOT_DONE, DONE, choose=chooser("fails", scenario.name), one_in=2
        )
        for text in [*strike(faults, scenario, clean, point, mode), *faults.recover(scenario, clean)]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_read_that_fails_changes_nothing_for_good(faults: FaultLab, scenario: Scenario) -> None:
    """A failed read before the first change changes nothing; a failed read-back is mended by one more run."""
    clean = faults.clean(scenario)
    # Connections stay open here, so who we are is asked only once.
    reading = [point for point in clean.reading if point.nth == 1 and point.name != "sts.GetCallerIdentity"]
    wrong = [
        f"{mode} at {point}: {text}"
        for point, mode in each(reading, NOT_DONE, choose=chooser("reads", scenario.name), one_in=4)
        for text in [*strike(faults, scenario, clean, point, mode), *faults.recover(scenario, clean)]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_lost_answer_is_no_failure(faults: FaultLab, scenario: Scenario) -> None:
    """A change whose answer was lost is tried again by the SDK; the same run still succeeds."""
    clean = faults.clean(scenario)
    wrong: list[str] = []
    for point, mode in each(
        clean.mutating, ("reset_after",), choose=chooser("lost", scenario.name), one_in=4
    ):
        fault = Strike(point=point, mode=mode)
        faults.prepare(scenario, fault)
        ran = sync(faults.job(scenario, pace=impatient(attempts=2)))
        found = ran.errors + faults.differences(clean.after) + faults.witness.problems
        wrong += [f"{point}: {text}" for text in found]
        assert fault.happened == 1, point
    assert not wrong, "\n".join(wrong)


STAYS = ("/packages", "/versions of ")  # what was staged and what was published


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.before is not None], ids=str)
def test_a_change_that_failed_can_be_reverted(faults: FaultLab, scenario: Scenario) -> None:
    """When the commit is reverted after a failure, the next run restores what was: nothing is left over."""
    clean = faults.clean(scenario)
    wrong: list[str] = []
    choose = chooser("reverted", scenario.name)
    for point, mode in each(clean.mutating, ("reset_after", "error_before"), choose=choose, one_in=4):
        strike(faults, scenario, clean, point, mode)
        assert scenario.before is not None
        pace = replace(PACE, lease_ttl=0.0)
        ran = sync(faults.job(scenario, fleet=scenario.before, pace=pace))
        found = [
            *ran.errors,
            *(text for text in faults.differences(clean.before) if not text.startswith(STAYS)),
            *faults.witness.problems,
        ]
        wrong += [f"{mode} at {point}: {text}" for text in found]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_what_is_taken_up_again_is_what_was_made(faults: FaultLab, scenario: Scenario) -> None:
    """Each fault is tried on what is live before the change: the emulator has kept it whole."""
    clean = faults.clean(scenario)
    assert clean.before != clean.after
    faults.prepare(scenario)
    assert faults.differences(clean.before) == []


def test_what_a_revert_may_not_delete_is_named(faults: FaultLab) -> None:
    """A new target of an environment without ``prune`` stays; whom it keeps from its prefix is told why."""
    scenario = next(one for one in SCENARIOS if one.name == "trigger move")
    faults.prepare(scenario)
    assert scenario.before is not None
    assert sync(faults.job(scenario)).is_success
    ran = sync(faults.job(scenario, fleet=scenario.before, project=make_project()))
    blocked = {one.target: str(one.problem) for one in ran.plan.blocked}
    assert blocked.keys() == {"staging/old", "staging/new"}
    assert "which is staging/fresh and is not declared any more; `prune: true`" in blocked["staging/old"]
    assert "is to pass to staging/old" in blocked["staging/new"]
    assert faults.witness.problems == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_many_failures_in_a_row_are_mended_by_one_good_run(faults: FaultLab, scenario: Scenario) -> None:
    """Two runs in which calls fail here and there, then one in which none does: everything is as declared."""
    clean = faults.clean(scenario)
    first, count = (int(text) for text in os.environ.get("LOCKSTEP_CHAOS", "0,2").split(","))
    wrong: list[str] = []
    for seed in range(first, first + count):
        chaos = Chaos(seed, share=0.12)
        faults.prepare(scenario, chaos)
        for _ in range(2):
            with contextlib.suppress(LockstepError):
                sync(faults.job(scenario, pace=replace(PACE, lease_ttl=0.0)))
        faults.aws.use(witness=faults.witness)
        found = faults.recover(scenario, clean)
        wrong += [f"seed {seed}: {text} after {chaos.happened}" for text in found]
    assert not wrong, "\n".join(wrong)
