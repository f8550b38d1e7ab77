"""Two syncs, or a sync and somebody else, on one bucket at the same time: nothing is lost."""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from lockstep.model import Fleet
from lockstep.planning.notifications import LAMBDA
from tests.strict import Call
from tests.support.fault_lab import FaultLab
from tests.support.fault_runner import Runner, Running
from tests.support.fault_scenarios import SCENARIOS, Scenario, add_entries, entry, put
from tests.support.faults import PACE, At, Point, notifications, sync
from tests.support.projects import UPLOADS, make_fleet, make_project, make_target, trigger
from tests.support.seed import chooser, spread
from tests.support.waiting import until

pytest_plugins = ["tests.support.fault_fixtures"]
pytestmark = pytest.mark.timeout(900)

PUT = Point(name="s3.PutBucketNotificationConfiguration", about=UPLOADS, nth=1)
SECOND_PUT = replace(PUT, nth=2)
LEASE = Point(name="s3.PutObject", about=f"{UPLOADS}/lockstep/leases/{UPLOADS}.json", nth=1)
READ_TO_WRITE = Point(name="s3.GetBucketNotificationConfiguration", about=UPLOADS, nth=2)


def a_trigger(key: str, prefix: str, project: str = "shop") -> Fleet:
    """A project of one target with one trigger on the shared bucket."""
    return make_fleet(make_target(key, trigger(prefix), name=f"{project}-{prefix[:-1]}"), project=project)


ONE = Scenario(name="one trigger", before=None, after=a_trigger("staging/one", "one/"))


def prefixes(lab: FaultLab) -> set[str]:
    """The prefixes that the shared bucket's Lambda entries serve."""
    return {
        rule["Value"]
        for one in notifications(lab.cloud, UPLOADS)[LAMBDA]
        for rule in one["Filter"]["Key"]["FilterRules"]
        if rule["Name"].lower() == "prefix"
    }


def is_lease_refused(call: Call) -> bool:
    """Another run asked for the lease and did not get it."""
    return call.name == "s3.PutObject" and "/leases/" in str(call.operation.params) and call.status == 412


OURS = {"images/", "films/", "one/"}


@pytest.mark.parametrize(
    ("second", "project"),
    [
        pytest.param(a_trigger("production/two", "two/"), "shop", id="targets of one project"),
        pytest.param(a_trigger("staging/two", "two/", "mart"), "mart", id="two projects"),
    ],
)
def test_the_second_run_waits_for_the_first(
    faults: FaultLab, runner: Runner, other_runner: Runner, second: Fleet, project: str
) -> None:
    """While one process writes the bucket another one waits; then both triggers are there."""
    others: list[Running] = []

    def start_the_other() -> None:
        others.append(other_runner.start(job_of_second))
        until(lambda: any(is_lease_refused(call) for call in list(faults.aws.calls)))

    faults.prepare(ONE, At(PUT, start_the_other))
    # One project is always whole: each run is of its own part.
    whole = make_fleet(*ONE.after.targets.values(), *second.targets.values())
    first = faults.job(ONE, fleet=replace(whole, selection=("staging",)) if project == "shop" else ONE.after)
    fleet = replace(whole, selection=("production",)) if project == "shop" else second
    job_of_second = faults.job(ONE, fleet=fleet, project=make_project(project))
    assert runner.start(first).wait() == 0
    assert others[0].wait() == 0
    assert prefixes(faults) == {*OURS, "two/"}
    assert faults.witness.problems == []
    assert sync(job_of_second).plan.is_empty
    assert sync(first).plan.is_empty


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_two_syncs_of_the_same_commit_agree(faults: FaultLab, runner: Runner, scenario: Scenario) -> None:
    """Whenever a second process syncs the same commit to its end, the first one still succeeds.

    The second one takes over the lease of the first, as if that had stood still for too long. AWS publishes
    layers without a condition: what the slower run published is left over, and nobody takes it.
    """
    clean = faults.clean(scenario)
    wrong: list[str] = []
    for point in spread(clean.mutating, chooser("writers", scenario.name), one_in=3):
        codes: list[int] = []
        impatient = faults.job(scenario, pace=replace(PACE, lease_ttl=0.0))
        at = At(point, lambda codes=codes, job=impatient: codes.append(runner.start(job).wait()))
        faults.prepare(scenario, at)
        ran = sync(faults.job(scenario))
        differences = [text for text in faults.differences(clean.after) if not text.startswith("/layer ")]
        found = [*ran.errors, *differences, *faults.witness.problems]
        if not ran.is_success:
            found.append("the first run failed")
        if codes != [0]:
            found.append(f"the second run ended with {codes}")
        wrong += [f"second run at {point}: {text}" for text in found]
    assert not wrong, "\n".join(wrong)


def test_a_run_that_stood_still_does_not_write_over_its_successor(
    faults: FaultLab, runner: Runner, other_runner: Runner
) -> None:
    """A process that stands still between read and write loses its lease, notices it and reads again."""
    short = replace(PACE, lease_ttl=1.0)
    fleet = make_fleet(*ONE.after.targets.values(), *a_trigger("production/two", "two/").targets.values())
    first: list[Running] = []
    begun = threading.Event()

    def stand_still() -> None:
        assert begun.wait(20)
        os.kill(first[0].pid, signal.SIGSTOP)
        second = faults.job(ONE, fleet=replace(fleet, selection=("production",)), pace=short)
        assert other_runner.start(second).wait() == 0
        os.kill(first[0].pid, signal.SIGCONT)

    faults.prepare(ONE, At(READ_TO_WRITE, stand_still, when="after"))
    first.append(runner.start(faults.job(ONE, fleet=replace(fleet, selection=("staging",)), pace=short)))
    begun.set()
    assert first[0].wait() == 0
    assert prefixes(faults) == {*OURS, "two/"}
    assert faults.witness.problems == []


def add_foreign(lab: FaultLab) -> None:
    """Somebody else adds an entry, carefully."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:others-resizer"
    add_entries(lab.cloud, UPLOADS, [entry("others-late", arn, "late/")])


def write_over(lab: FaultLab) -> None:
    """Somebody else writes what it read before our entry was there, with one entry more."""
    raw = notifications(lab.cloud, UPLOADS)
    theirs = [e for e in raw[LAMBDA] if not e["Id"].startswith("lockstep-") and e["Id"] != "others-late"]
    late = entry("others-late", theirs[0]["LambdaFunctionArn"], "late/")
    put(lab.cloud, UPLOADS, {**raw, LAMBDA: [*theirs, late]})


@pytest.mark.parametrize(
    ("point", "when", "somebody"),
    [
        pytest.param(LEASE, "before", add_foreign, id="between plan and write"),
        pytest.param(PUT, "after", add_foreign, id="between a refused write and the next"),
        pytest.param(SECOND_PUT, "after", write_over, id="over our write"),
    ],
)
def test_somebody_who_writes_at_the_same_time_loses_nothing(
    faults: FaultLab, point: Point, when: str, somebody: Callable[[FaultLab], None]
) -> None:
    """Entries that appear before our write or replace it are kept, and ours is there in the end."""
    at = At(point, lambda: somebody(faults), when=when)
    faults.prepare(ONE, at)
    ran = sync(faults.job(ONE))
    assert at.happened == 1
    assert ran.is_success, ran.errors
    assert prefixes(faults) == {*OURS, "late/"}
    assert faults.witness.problems == []
    assert ran.engine.preview(ONE.after).plan.is_empty


def test_a_writer_that_never_gives_way_is_named_as_the_problem(faults: FaultLab) -> None:
    """When every write of ours is written over, the sync fails and says what to look for."""
    writers = [At(replace(PUT, nth=n), lambda: write_over(faults), when="after") for n in range(2, 8)]
    faults.prepare(ONE, *writers)
    ran = sync(faults.job(ONE))
    assert not ran.is_success
    assert "changed by somebody else each time" in ran.errors[0]
    assert "find the other writer" in ran.errors[0]
    faults.aws.use(witness=faults.witness)
    assert sync(faults.job(ONE)).is_success
    assert prefixes(faults) == {*OURS, "late/"}
