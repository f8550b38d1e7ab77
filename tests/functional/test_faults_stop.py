"""Ctrl-C: what is under way is finished, the rest is not tried, and the next run goes on."""

import os
import threading
from typing import Any

import pytest

from lockstep.engines.aws import engine
from lockstep.engines.aws.connection import Connections
from lockstep.model import Outcome, StepResult
from tests.support.fault_lab import FaultLab
from tests.support.fault_scenarios import SCENARIOS, Scenario
from tests.support.faults import Ran, sync

pytest_plugins = ["tests.support.fault_fixtures"]
pytestmark = pytest.mark.timeout(900)

STRIDE = 1 if os.environ.get("LOCKSTEP_EVERY_FAULT") else 6


def stopped_at(lab: FaultLab, scenario: Scenario, number: int) -> tuple[Ran, list[StepResult]]:
    """Sync until so many things have been told, and stop there."""
    lab.prepare(scenario)
    stop = threading.Event()
    told: list[StepResult] = []

    def on_step(result: StepResult) -> None:
        told.append(result)
        if len(told) == number:
            stop.set()

    return sync(lab.job(scenario), stop=stop, on_step=on_step), told


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_stopped_sync_finishes_what_it_began(
    faults: FaultLab, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped when a step begins or ends: nothing fails, nothing new begins, the next run converges.

    At the first two and every sixth of what is told from there on; with LOCKSTEP_EVERY_FAULT=1 at each.
    """
    clean = faults.clean(scenario)
    number, wrong = 1, list[str]()
    while True:
        with monkeypatch.context() as patch:
            patch.setattr(engine, "Connections", Connections)  # a stop concerns this run's connections only
            ran, told = stopped_at(faults, scenario, number)
        (report,) = ran.reports
        if len(told) < number:
            break
        begun = {result.step for result in told if result.outcome is Outcome.STARTED}
        for result in report.results:
            is_done = result.outcome is Outcome.DONE
            if result.outcome is Outcome.FAILED or is_done is not (result.step in begun):
                wrong.append(f"stopped at {number}: {result}")
        assert report.interrupted
        wrong += [f"stopped at {number}: {text}" for text in faults.recover(scenario, clean)]
        number += STRIDE if number > 1 else 1
    assert number > len(ran.plan.steps)
    assert not wrong, "\n".join(wrong)


def test_a_stop_before_the_first_step_changes_nothing(faults: FaultLab, monkeypatch: Any) -> None:
    """Stopped while planning, nothing is begun."""
    scenario = SCENARIOS[0]
    clean = faults.clean(scenario)
    faults.prepare(scenario)
    monkeypatch.setattr(engine, "Connections", Connections)
    stop = threading.Event()
    stop.set()
    ran = sync(faults.job(scenario), stop=stop)
    assert {result.outcome for result in ran.reports[0].results} == {Outcome.NOT_TRIED}
    assert faults.differences(clean.before) == []
