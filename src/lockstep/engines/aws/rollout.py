"""The calls of a rollout: shares of an alias's calls, and the one call that tries a version before.

Source: Lambda API reference (UpdateAlias, Invoke) and developer guide, "Implement Lambda canary deployments
using a weighted alias".
"""

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

from lockstep.engines.aws import alias
from lockstep.engines.aws import function as functions
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.execute import Proof
from lockstep.engines.aws.pace import Pace
from lockstep.engines.aws.trying import invoke
from lockstep.errors import LONGEST, CloudError
from lockstep.model import Alias, ShiftAlias, SmokeTest
from lockstep.model.blotting import blotted
from lockstep.model.foreign import read_json
from lockstep.model.rolling import TAKEN_BACK, RolloutRecord, RolloutState, noted
from lockstep.planning.subsets import missing_from

__all__ = ["shift", "smoke"]

_SPARE = 20.0  # seconds beside the function's own time-out: a cold start, and the way there and back
_LINES = 10  # of the log that are shown


def shift(
    connection: Connection, step: ShiftAlias, candidate: str, now: datetime, pace: Pace
) -> Proof | None:
    """Write an alias's shares and the record of them in one call, and read it back.

    The version that gets calls is ready before; one from which they are taken need not be, and the reading is
    what this returns: AWS takes 15 of either a second, and the next function's calls come back before it.
    Raises Stale when the alias was changed since it was read.
    """
    state = RolloutState(step.state)
    if state not in TAKEN_BACK:
        functions.wait_until_ready(connection, step.function, pace, candidate)
    now = now.astimezone(UTC).replace(microsecond=0)
    record = RolloutRecord(
        state=state,
        stable=step.stable,
        candidate=candidate,
        weight=step.weight,
        digest=step.digest,
        policy=step.policy,
        step=step.step,
        begun=datetime.fromisoformat(step.begun) if step.begun is not None else now,
        since=now,
        reason=step.reason,
    )
    weights = {candidate: step.weight} if step.weight else {}
    request: dict[str, Any] = {
        "FunctionName": step.function,
        "Name": step.alias,
        "FunctionVersion": step.stable,
        "Description": noted(step.description, record),
        # Sent each time: a call that leaves it out may leave the weights of before.
        "RoutingConfig": {"AdditionalVersionWeights": weights},
    }
    if step.revision is not None:
        request["RevisionId"] = step.revision
    alias.update(connection, request, pace)

    def agrees(there: Alias) -> bool:
        return (there.version, there.weights, there.description) == (
            step.stable,
            weights,
            request["Description"],
        )

    proof = partial(alias.must_read, connection, pace, step.function, step.alias, agrees)
    return proof if state in TAKEN_BACK else proof()


def smoke(connection: Connection, step: SmokeTest, version: str, pace: Pace) -> None:
    """Call a version once. Raises CloudError with the end of its log when the answer is not as expected."""
    functions.wait_until_ready(connection, step.function, pace, version)
    done = invoke(
        connection,
        step.target,
        step.function,
        step.payload.encode(),
        qualifier=version,
        seconds=step.timeout + _SPARE,
    )
    why = None
    if done.error is not None:
        why = f"it failed ({done.error}): {done.payload[:_SHOWN]}"
    elif done.version != version:
        why = f"version {done.version} answered"
    elif step.expected:
        why = _unexpected(step.expected, done.payload)
    if why is None:
        return
    log = "".join(f"\n      {line}" for line in done.log[-_LINES:])
    problem = f"the smoke call of version {version} of {step.function}: {why}{log}"
    raise CloudError(
        blotted(problem, connection.secrets, longest=LONGEST),
        where=step.place or "lambda:Invoke",
        fix="no call was sent to that version; mend it and declare another release, or mend what is expected",
    )


_SHOWN = 500  # characters of an answer


def _unexpected(expected: str, answer: str) -> str | None:
    try:
        found = read_json(answer)
    except ValueError:
        return f"its answer is no JSON: {answer[:_SHOWN]}"
    missing = missing_from(json.loads(expected), found)  # noqa: TID251 - our own
    return f"{missing}; it answered {answer[:_SHOWN]}" if missing is not None else None
