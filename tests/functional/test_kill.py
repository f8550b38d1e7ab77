"""A sync may be killed at any moment: one more run, and what is live is what is declared."""

import os
import signal
import threading

import pytest

from tests.support.fault_lab import FaultLab
from tests.support.fault_runner import Runner, Running
from tests.support.fault_scenarios import SCENARIOS, Scenario
from tests.support.faults import Killed, Point

pytest_plugins = ["tests.support.fault_fixtures"]
pytestmark = pytest.mark.timeout(900)

LEASE = 1.0  # seconds until the lease of a killed run is over


def kill_at(lab: FaultLab, runner: Runner, scenario: Scenario, point: Point, when: str) -> None:
    """Sync in a process that is killed at a call."""
    running: list[Running] = []
    is_running = threading.Event()

    def kill() -> None:
        assert is_running.wait(20)
        running[0].kill()

    at = Killed(point, kill, when=when)
    lab.prepare(scenario, at)
    running.append(runner.start(lab.job(scenario)))
    is_running.set()
    assert running[0].wait() == -signal.SIGKILL, point
    assert at.happened == 1, point


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_killed_sync_is_finished_by_one_more_run(
    faults: FaultLab, runner: Runner, scenario: Scenario
) -> None:
    """Killed just before or just after any change, the next run completes it, waiting for no dead lease."""
    clean = faults.clean(scenario)
    wrong: list[str] = []
    for number, point in enumerate(clean.mutating):
        both = bool(os.environ.get("LOCKSTEP_EVERY_FAULT"))
        for when in ("before", "after") if both else (("after", "before")[number % 2],):
            kill_at(faults, runner, scenario, point, when)
            wrong += [f"{when} {point}: {text}" for text in faults.recover(scenario, clean, lease_ttl=LEASE)]
    assert not wrong, "\n".join(wrong)
