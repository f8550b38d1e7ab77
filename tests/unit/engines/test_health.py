"""What AWS's states mean, held against botocore's model."""

from typing import Any

import botocore.session
import pytest

from lockstep.engines.aws.health import (
    FIXES,
    STATES,
    UNDER_WAY,
    UPDATES,
    WELL,
    fix_of,
    health_of,
    reason_of,
)
from lockstep.model import Health
from tests.support.newest import KNOWS_ALL

LIVE = botocore.session.get_session().get_service_model("lambda").shape_for("FunctionConfiguration").members
NEW = "botocore knows another value: give it a meaning in engines/aws/health.py"


def config(state: str | None = "Active", code: str | None = None, **rest: Any) -> dict[str, Any]:
    """Return what AWS says of a function that was updated well."""
    said = {"State": state, "StateReasonCode": code, "LastUpdateStatus": "Successful", **rest}
    return {name: value for name, value in said.items() if value is not None}


def test_every_state_has_a_meaning() -> None:
    """No state that AWS does not know, and none missing."""
    assert set(STATES) == set(LIVE["State"].enum), NEW
    assert set(UPDATES) == set(LIVE["LastUpdateStatus"].enum), NEW


def test_every_reason_has_a_meaning() -> None:
    """Each is a fault with a fix, or what AWS is doing, or no fault; and one of them only."""
    known = {*LIVE["StateReasonCode"].enum, *LIVE["LastUpdateStatusReasonCode"].enum}
    told = set(FIXES) | UNDER_WAY | WELL
    assert told == known or (told > known and not KNOWS_ALL), NEW
    assert len(FIXES) + len(UNDER_WAY) + len(WELL) == len(told)


@pytest.mark.parametrize(
    ("said", "health"),
    [
        (config(), Health.HEALTHY),
        (config("Inactive", "Idle"), Health.HEALTHY),
        (config("Inactive"), Health.HEALTHY),
        (config("Inactive", "Restoring"), Health.PROGRESSING),
        (config("Inactive", "EniLimitExceeded"), Health.DEGRADED),
        (config("Inactive", "SomethingNew"), Health.UNKNOWN),
        (config("Pending", "Creating"), Health.PROGRESSING),
        (config("Failed", "InvalidSubnet"), Health.DEGRADED),
        (config("Deleting"), Health.PROGRESSING),
        (config("Deactivating"), Health.SUSPENDED),
        (config("Deactivated"), Health.SUSPENDED),
        (config("ActiveNonInvocable"), Health.SUSPENDED),
        ({**config("ActiveNonInvocable"), "CapacityProviderConfig": {"a": {}}}, Health.HEALTHY),
        (
            {**config("ActiveNonInvocable"), "CapacityProviderConfig": {"a": {}}, "Version": "3"},
            Health.SUSPENDED,
        ),
        (config("SomethingNew"), Health.UNKNOWN),
        (config(None), Health.UNKNOWN),
        (config(LastUpdateStatus="InProgress"), Health.PROGRESSING),
        (config(LastUpdateStatus="Failed"), Health.DEGRADED),
        (config(LastUpdateStatus="SomethingNew"), Health.UNKNOWN),
        (config("Inactive", "Idle", LastUpdateStatus="InProgress"), Health.PROGRESSING),
        (config("Pending", LastUpdateStatus="Failed"), Health.DEGRADED),
        ({}, Health.UNKNOWN),
    ],
)
def test_health_is_the_worse_of_state_and_update(said: dict[str, Any], health: Health) -> None:
    """Resting is well; a fault is not; what nobody knows is never healthy."""
    assert health_of(said) is health


@pytest.mark.parametrize("state", [state for state in STATES if state != "Active"])
def test_what_is_not_active_says_so(state: str) -> None:
    """The reason names state, code and AWS's words."""
    said = config(state, "Idle", StateReason="The function is idle.")
    assert reason_of(said) == f"State={state} Idle: The function is idle."
    assert reason_of(config()) is None
    assert reason_of({}) is None


@pytest.mark.parametrize("code", sorted(FIXES))
def test_a_fault_says_what_mends_it(code: str) -> None:
    """Whether creating failed or an update; what is not known is left to AWS's words."""
    assert FIXES[code] in fix_of(config("Failed", code))
    assert FIXES[code] in fix_of(config(LastUpdateStatus="Failed", LastUpdateStatusReasonCode=code))
    assert "that AWS names" in fix_of(config("Failed", "SomethingNew"))
