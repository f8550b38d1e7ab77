"""A scenario made ready, run through with or without a fault, and compared with a run without."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lockstep.engines.aws.connection import Connections
from lockstep.engines.aws.patience import Patience
from lockstep.model import Environment
from tests.strict import Fault, Rule
from tests.support import keeping
from tests.support.clouds import REGION, Cloud
from tests.support.fault_scenarios import Scenario, furnish
from tests.support.faults import PACE, Job, Point, StrictAws, Witness, points, snapshot, sync
from tests.support.projects import UPLOADS, make_project

__all__ = ["Clean", "FaultLab", "impatient", "keep_connections"]


PROJECT = make_project(
    "shop",
    *(Environment(name=name, region=REGION, prune=name == "staging") for name in ("staging", "production")),
    Environment(name="preview", region=REGION),
)


@dataclass(frozen=True, kw_only=True)
class Clean:
    """A scenario's run in which nothing went wrong."""

    mutating: list[Point]
    reading: list[Point]
    before: dict[str, Any]  # snapshots
    after: dict[str, Any]


@dataclass(kw_only=True)
class FaultLab:
    """An emulator, the strict AWS in front of it, and runs of scenarios on them."""

    cloud: Cloud
    aws: StrictAws
    folder: Path
    known: dict[str, Clean] = field(default_factory=dict)  # clean runs, by scenario
    kept: set[str] = field(default_factory=set)  # scenarios of which the emulator keeps what is live before
    witness: Witness = field(init=False)

    def job(self, scenario: Scenario, **fields: Any) -> Job:
        """Return the sync that makes the scenario's change."""
        values = {
            "fleet": scenario.after,
            "environment": self.aws.environment(),
            "folder": self.folder,
            "adopt": scenario.adopt,
            "project": PROJECT,
        }
        return Job(**values | fields)

    def prepare(self, scenario: Scenario, *first: Rule | Fault) -> None:
        """Bring the emulator to what is live before the change; from then on the rules hold."""
        if scenario.name in self.kept:
            keeping.take(self.cloud.endpoint, scenario.name)
        else:
            self._make(scenario)
            if keeping.can_keep():
                keeping.keep(self.cloud.endpoint, scenario.name)
                self.kept.add(scenario.name)
        self.witness = Witness(self.cloud, scenario.guarded)
        for entry_id in scenario.taken_over:
            self.witness.allow(UPLOADS, entry_id)
        self.aws.use(*first, witness=self.witness)

    def _make(self, scenario: Scenario) -> None:
        self.cloud.reset()
        furnish(self.cloud)
        scenario.made_by_hand(self.cloud)
        if scenario.before is not None:
            with _endpoint(self.cloud.endpoint):  # straight to the emulator: it is quicker
                ran = sync(self.job(scenario, fleet=scenario.before))
            assert ran.is_success, ran.errors

    def clean(self, scenario: Scenario) -> Clean:
        """Run the scenario without a fault, once; it must succeed and leave nothing to do."""
        if scenario.name not in self.known:
            self.known[scenario.name] = self._clean(scenario)
        return self.known[scenario.name]

    def _clean(self, scenario: Scenario) -> Clean:
        self.prepare(scenario)
        before = snapshot(self.cloud)
        ran = sync(self.job(scenario))
        assert ran.is_success, ran.errors
        calls = list(self.aws.calls)
        assert ran.engine.preview(scenario.after).plan.is_empty
        assert self.witness.problems == []
        return Clean(
            mutating=points(calls, mutating=True),
            reading=points(calls, mutating=False),
            before=before,
            after=snapshot(self.cloud),
        )

    def recover(self, scenario: Scenario, clean: Clean, *, lease_ttl: float = 0.0) -> list[str]:
        """Run once more; return what is not as it should be.

        A lease that was left behind is over after ``lease_ttl`` seconds, and blocks no longer.
        """
        ran = sync(self.job(scenario, pace=replace(PACE, lease_ttl=lease_ttl, lease_total=lease_ttl + 1)))
        wrong = [f"one more run failed: {error}" for error in ran.errors]
        if not ran.is_success and not wrong:
            wrong.append(f"one more run is blocked: {ran.plan.problems} {ran.plan.blocked}")
        left = ran.engine.preview(scenario.after).plan
        if not left.is_empty:
            wrong.append(f"there is still something to do: {[step.id for step in left.steps]}")
        return wrong + self.differences(clean.after) + self.witness.problems

    def differences(self, wanted: dict[str, Any]) -> list[str]:
        """Return what is live and differs from a snapshot."""
        return _differences("", snapshot(self.cloud), wanted)


def _differences(path: str, live: Any, wanted: Any) -> list[str]:
    if isinstance(live, dict) and isinstance(wanted, dict):
        return [
            text
            for name in sorted({*live, *wanted})
            for text in _differences(f"{path}/{name}", live.get(name), wanted.get(name))
        ]
    return [] if live == wanted else [f"{path} is {live} instead of {wanted}"]


def keep_connections() -> Callable[[threading.Event, Patience], Connections]:
    """Return a maker of connections that hands out the same ones to every engine, to save time.

    For runs that nobody stops: a stop would concern all of them.
    """
    kept: dict[tuple[str, Patience], Connections] = {}

    def get(_: threading.Event, patience: Patience) -> Connections:
        place = (os.environ["AWS_ENDPOINT_URL"], patience)
        return kept.setdefault(place, Connections(threading.Event(), patience))

    return get


@contextlib.contextmanager
def _endpoint(url: str) -> Iterator[None]:
    before = os.environ["AWS_ENDPOINT_URL"]
    os.environ["AWS_ENDPOINT_URL"] = url
    try:
        yield
    finally:
        os.environ["AWS_ENDPOINT_URL"] = before


def impatient(attempts: int = 1, read: float = 20.0) -> Any:
    """Return the usual short waits with another patience for each call."""
    return replace(PACE, patience=Patience(attempts=attempts, connect=2.0, read=read, storm=0.5))
