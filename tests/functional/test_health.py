"""Functions in every state that AWS knows, as plan and status show them."""

from collections.abc import Callable
from typing import Any

from lockstep.model import Health
from tests.strict import Call, Rule, everything
from tests.strict.settings import each_configuration
from tests.strict.wire import Answer
from tests.support.engine import Lab
from tests.support.projects import make_fleet, make_target


class StateIs(Rule):
    """AWS answers this state and reason for every function; None: the emulator's own."""

    said: tuple[str, str] | None = None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Put the state into the answer; a listing has none."""
        if self.said is None or call.name == "lambda.ListFunctions":
            return answer
        state, code = self.said
        said = {"State": state, "StateReasonCode": code}
        return each_configuration(call, answer, lambda config: {**config, **said})


def test_a_function_that_rests_is_well_and_can_be_changed(lab_on: Callable[..., Lab], ministack: Any) -> None:
    """Inactive because nobody called it: healthy, and synced as any other; a fault is not."""
    state = StateIs()
    lab = lab_on(ministack, state, *everything())
    lab.sync(make_fleet(make_target()))
    state.said = "Inactive", "Idle"
    lab.sync(make_fleet(make_target(settings={"memorySize": 256})))
    for said, health in {
        ("Inactive", "Idle"): Health.HEALTHY,
        ("Inactive", "EFSMountTimeout"): Health.DEGRADED,
        ("ActiveNonInvocable", "Creating"): Health.SUSPENDED,
        ("Deactivating", "DrainingDurableExecutions"): Health.SUSPENDED,
        ("Deleting", "DrainingDurableExecutions"): Health.PROGRESSING,
    }.items():
        state.said = said
        (one,) = lab.plan(make_fleet(make_target(settings={"memorySize": 256}))).targets
        assert one.health is health
    state.said = "Inactive", "SubnetOutOfIPAddresses"
    run = lab.run(make_fleet(make_target(settings={"memorySize": 512})))
    assert "State=Inactive SubnetOutOfIPAddresses" in run.error
    assert "free addresses in the subnets" in run.error
