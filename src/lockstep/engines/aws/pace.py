"""How long to wait for what, and waiting for a read-back to agree."""

from collections.abc import Callable
from dataclasses import field
from datetime import UTC, datetime

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.patience import Patience
from lockstep.errors import CloudError
from lockstep.values import dataclass

__all__ = ["Pace", "must_settle", "present", "settles"]


def _nobody(what: str) -> None:
    """Hears nothing; a function with a name, because a pace is handed to other processes."""


def present() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How long to wait for what, in seconds, and who is told. Tests shorten it; nobody else needs to."""

    patience: Patience = field(default_factory=Patience)
    # Lambda takes half a second to a few seconds. Looks at 0, 0.25, 0.6, 1.0, 1.5 and 2.3 s lose little
    # time, and 15 updates a second, all that Lambda allows, stay below 100 looks a second.
    state_first: float = 0.25  # first pause while a function changes state; grows to ``state_most``
    state_growth: float = 1.3
    state_most: float = 2.0
    state_total: float = 600.0  # a function in a VPC can take minutes
    state_stopped: float = 30.0  # the same once the run has been told to stop
    passing_pause: float = 5.0  # between two tries of a call whose refusal may pass
    permission_pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    readback_pauses: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0)
    second_look: float = 3.0  # after a write without a common lease; most others are over by then
    lease_pause: float = 0.5
    lease_total: float = 240.0
    lease_ttl: float = 120.0  # longer than the longest write of one bucket
    tell: Callable[[str], None] = _nobody  # is told what is waited for


def settles(connection: Connection, pace: Pace, agrees: Callable[[], bool]) -> bool:
    """Say whether a read-back agrees, looking again a few times: AWS's reads can lag behind its writes."""
    for pause in pace.readback_pauses:
        if agrees():
            return True
        connection.rest(pause)
    return agrees()


def must_settle(
    connection: Connection,
    pace: Pace,
    agrees: Callable[[], bool],
    what: str,
    where: str,
    how: str = "was set, but reading it back shows another",
) -> None:
    """As ``settles``; CloudError when the read-back does not agree. ``where`` is the call that reads."""
    if not settles(connection, pace, agrees):
        raise CloudError(
            f"{what} {how}", where=where, fix="look whether something else sets it, then run again"
        )
