"""Calls that never pause while a release comes, is killed on its way, and goes back: none may fail."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lockstep.model.rollout import Rollout, Stage
from tests.support.clouds import client
from tests.support.fault_lab import FaultLab
from tests.support.fault_runner import Runner, Victim
from tests.support.fault_scenarios import NEWER, Scenario
from tests.support.faults import PACE, points, sync
from tests.support.projects import make_fleet, make_target
from tests.support.seed import chooser
from tests.support.waiting import until

pytest_plugins = ["tests.support.fault_fixtures"]
pytestmark = pytest.mark.timeout(300)

KEY, NAME = "staging/notifier", "notifier-staging"
STEPS = Rollout(name="1 step", stages=(Stage(weight=0.5, seconds=3600),), place="values.yaml:9")
ROLLOUT = Scenario(
    name="rollout",
    before=make_fleet(make_target(KEY, alias="live", rollout=STEPS)),
    after=make_fleet(make_target(KEY, alias="live", rollout=STEPS, source=NEWER, version="1.0.1")),
)
CALLS = 1000  # over all processes that are killed


class Callers:
    """Somebody who calls the alias without a pause; ``seen`` counts the answers by version and error."""

    def __init__(self, lab: FaultLab) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()
        self.refused: list[Exception] = []
        self._functions = client(lab.aws, "lambda")
        self._is_over = threading.Event()

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        """Call until the block is left."""
        thread = threading.Thread(target=self._call)
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()

    def more(self, number: int) -> None:
        """Wait until so many more calls were answered."""
        enough = self.seen.total() + number
        until(lambda: self.seen.total() >= enough or bool(self.refused), seconds=60)

    def _call(self) -> None:
        try:
            while not self._is_over.is_set():
                answer = self._functions.invoke(FunctionName=NAME, Qualifier="live", Payload=b"{}")
                self.seen[answer["ExecutedVersion"], answer.get("FunctionError", "")] += 1
        except Exception as error:  # told by the test
            self.refused.append(error)


def test_no_call_fails_while_a_rollout_is_killed_gone_on_with_and_taken_back(
    faults: FaultLab, runner: Runner
) -> None:
    """Killed before or after any of its changes; then it begins, and Git that goes back takes it back."""
    faults.prepare(ROLLOUT)
    assert sync(faults.job(ROLLOUT)).is_success
    made = points(faults.aws.calls, mutating=True)
    chosen = [one for one in made if one.name.startswith("lambda.")]
    assert chosen[-1].name == "lambda.UpdateAlias"
    choose = chooser("rollout soak")
    for point in chosen:
        victim = Victim(point, choose.choice(("before", "after")))
        faults.prepare(ROLLOUT, victim.at)
        callers = Callers(faults)
        with callers.calling():
            victim.run(runner, faults.job(ROLLOUT))
            share = CALLS // len(chosen) // 2
            callers.more(share)
            assert sync(faults.job(ROLLOUT, pace=replace(PACE, lease_ttl=0.0))).is_success, point
            callers.more(share)
            assert ROLLOUT.before is not None
            assert sync(faults.job(ROLLOUT, fleet=ROLLOUT.before)).is_success, point
            gone = callers.seen["2", ""]
            callers.more(20)
        assert callers.refused == [], point
        assert {error for _, error in callers.seen} == {""}, point
        assert callers.seen["2", ""] > 0, point  # it had its share
        assert callers.seen["2", ""] <= gone + 1, point  # one may have been on its way
