"""Any call of a sync may fail, in any way: one more run, and what is live is what is declared.

Each test goes through every call of its scenario in turn.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lockstep.engines.aws import engine
from lockstep.errors import LockstepError
from lockstep.local.ministack import LocalCloud
from tests.support.fault_lab import Clean, FaultLab, impatient, keep_connections
from tests.support.fault_scenarios import SCENARIOS, Scenario
from tests.support.faults import Point, StrictAws, Strike, sync

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def connections() -> Callable[..., object]:
    """Connections that stay open from run to run."""
    return keep_connections()


@pytest.fixture(scope="module")
def aws(_running: Callable[[str], LocalCloud]) -> Iterator[StrictAws]:
    """One strict AWS for all scenarios."""
    with StrictAws(_running("ministack")) as strict:
        yield strict


@pytest.fixture
def lab(
    aws: StrictAws,
    ministack: LocalCloud,
    connections: Callable[..., object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> FaultLab:
    """A lab in which each call is tried once, unless a test says otherwise."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(engine, "Connections", connections)
    return FaultLab(cloud=ministack, aws=aws, folder=tmp_path)


@pytest.fixture(scope="module")
def cleans() -> dict[str, Clean]:
    """Runs in which nothing went wrong, by scenario; each is made once."""
    return {}


def clean_run(lab: FaultLab, scenario: Scenario, cleans: dict[str, Clean]) -> Clean:
    """Return the scenario's clean run."""
    if scenario.name not in cleans:
        cleans[scenario.name] = lab.clean(scenario)
    return cleans[scenario.name]


def strike(lab: FaultLab, scenario: Scenario, clean: Clean, point: Point, mode: str) -> list[str]:
    """Run the scenario with one fault, then once more; return what is wrong."""
    fault = Strike(point=point, mode=mode)
    lab.prepare(scenario, fault)
    pace = impatient(read=0.3 if mode.startswith("timeout") else 20.0)
    wrong: list[str] = []
    try:
        ran = sync(lab.job(scenario, pace=pace))
        if ran.is_success:
            wrong += [f"it claims success, but {text}" for text in lab.differences(clean.after)]
    except LockstepError:
        wrong += [f"planning failed, but {text}" for text in lab.differences(clean.before)]
    if fault.happened != 1:
        wrong.append(f"the fault struck {fault.happened} times")
    wrong += lab.recover(scenario, clean)
    return [f"{mode} at {point}: {text}" for text in wrong]


@pytest.mark.parametrize(
    "mode", ["error_before", "error_after", "reset_before", "reset_after", "timeout_after"]
)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_change_that_fails_is_mended_by_one_more_run(
    lab: FaultLab, cleans: dict[str, Clean], scenario: Scenario, mode: str
) -> None:
    """Whichever change fails, done or not done, the next run completes it and nothing of others is lost."""
    clean = clean_run(lab, scenario, cleans)
    wrong = [text for point in clean.mutating for text in strike(lab, scenario, clean, point, mode)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_read_that_fails_changes_nothing_for_good(
    lab: FaultLab, cleans: dict[str, Clean], scenario: Scenario
) -> None:
    """A failed read before the first change changes nothing; a failed read-back is mended by one more run."""
    clean = clean_run(lab, scenario, cleans)
    wrong = [
        text
        for point in clean.reading
        if point.name != "sts.GetCallerIdentity"  # connections stay open here; asked once
        for text in strike(lab, scenario, clean, point, "error_before")
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_lost_answer_is_no_failure(lab: FaultLab, cleans: dict[str, Clean], scenario: Scenario) -> None:
    """A change whose answer was lost is tried again by the SDK; the same run still succeeds."""
    clean = clean_run(lab, scenario, cleans)
    wrong: list[str] = []
    for point in clean.mutating:
        fault = Strike(point=point, mode="reset_after")
        lab.prepare(scenario, fault)
        ran = sync(lab.job(scenario, pace=impatient(attempts=2)))
        found = [f"{text}" for text in ran.errors] + lab.differences(clean.after) + lab.witness.problems
        wrong += [f"{point}: {text}" for text in found]
        assert fault.happened == 1, point
    assert not wrong, "\n".join(wrong)
