"""A sync may be killed at any moment: one more run, and what is live is what is declared."""

import os

import pytest

from tests.support.fault_lab import FaultLab
from tests.support.fault_runner import Runner, Victim
from tests.support.fault_scenarios import SCENARIOS, Scenario
from tests.support.faults import Point
from tests.support.seed import chooser, spread

pytest_plugins = ["tests.support.fault_fixtures"]
pytestmark = pytest.mark.timeout(900)

LEASE = 1.0  # seconds until the lease of a killed run is over


def kill_at(lab: FaultLab, runner: Runner, scenario: Scenario, point: Point, when: str) -> None:
    """Sync in a process that is killed at a call."""
    victim = Victim(point, when)
    lab.prepare(scenario, victim.at)
    victim.run(runner, lab.job(scenario))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_killed_sync_is_finished_by_one_more_run(
    faults: FaultLab, runner: Runner, scenario: Scenario
) -> None:
    """Killed just before or just after any change, the next run completes it, waiting for no dead lease.

    Every third change, a dozen at the most, and one of the two, as the run's seed chooses; with
    LOCKSTEP_EVERY_FAULT=1 all.
    """
    clean = faults.clean(scenario)
    wrong: list[str] = []
    every = bool(os.environ.get("LOCKSTEP_EVERY_FAULT"))
    choose = chooser("kill", scenario.name)
    for point in spread(clean.mutating, choose, one_in=3):
        for when in ("before", "after") if every else (choose.choice(("before", "after")),):
            kill_at(faults, runner, scenario, point, when)
            wrong += [f"{when} {point}: {text}" for text in faults.recover(scenario, clean, lease_ttl=LEASE)]
    assert not wrong, "\n".join(wrong)


def test_an_update_that_a_killed_run_began_is_waited_for(
    faults: FaultLab, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is under way AWS refuses other updates and tags; the next run waits and goes on."""
    scenario = next(one for one in SCENARIOS if one.name == "update")
    clean = faults.clean(scenario)
    monkeypatch.setattr(faults.aws, "looks", 9)
    refused: set[str] = set()
    wrong: list[str] = []
    for point in clean.mutating:
        if point.name.startswith("lambda.UpdateFunction"):
            kill_at(faults, runner, scenario, point, "after")
            wrong += [f"{point}: {text}" for text in faults.recover(scenario, clean, lease_ttl=LEASE)]
            refused |= {call.name for call in faults.aws.calls if call.status == 409}
    assert not wrong, "\n".join(wrong)
    assert refused == {"lambda.UpdateFunctionCode", "lambda.TagResource"}
