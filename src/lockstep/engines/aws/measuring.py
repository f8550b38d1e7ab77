"""What the gates of rollouts need of CloudWatch: alarms by name, and minutes of metrics as they are.

Shares are worked out by us and not by expressions, so that what was compared can be shown.
Source: CloudWatch API reference (DescribeAlarms, GetMetricData); Lambda developer guide, "Types of metrics":
the dimensions ``Resource`` and ``ExecutedVersion`` of calls through an alias.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from lockstep.engines.aws.answers import odd
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.metrics import AT_ONCE, results
from lockstep.errors import Interrupted, LockstepError
from lockstep.model import Alias, Fleet, Target
from lockstep.model.foreign import shaped
from lockstep.model.rolling import TAKEN_BACK, RolloutRecord, record_of
from lockstep.model.rollout import AlarmSeen, Compared, Measured, MetricGate, Minutes, Rollout

__all__ = ["CloudWatch", "Gauges", "read_gates"]

_NAMES = 100  # alarms a call. Source: DescribeAlarms, AlarmNames
_KEPT = timedelta(days=14)  # CloudWatch keeps minutes for 15 days
_TYPES = ("MetricAlarm", "CompositeAlarm", "LogAlarm")
_STATISTICS: Mapping[str, tuple[str, str]] = {
    "calls": ("Invocations", "Sum"),
    Compared.ERRORS: ("Errors", "Sum"),
    Compared.THROTTLES: ("Throttles", "Sum"),
    Compared.P95: ("Duration", "p95"),
    Compared.P99: ("Duration", "p99"),
}


class Gauges(Protocol):
    """Where alarms and metrics are read."""

    def alarms(self, names: Sequence[str]) -> Mapping[str, AlarmSeen]:
        """Those of the alarms that exist."""
        ...

    def minutes(
        self, metrics: Sequence[Mapping[str, Any]], since: datetime, until: datetime
    ) -> list[Minutes]:
        """Values of each metric by minute, in order; ``metrics`` as MetricStat takes them, without period."""
        ...


class CloudWatch:
    """Gauges of one account and Region."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def alarms(self, names: Sequence[str]) -> Mapping[str, AlarmSeen]:
        """By name. Unknown ones are left out of the answer without a word, so they are left out here."""
        found: dict[str, AlarmSeen] = {}
        for first in range(0, len(names), _NAMES):
            for answer in self._connection.whole_pages(
                "cloudwatch",
                "DescribeAlarms",
                "NextToken",
                "NextToken",
                AlarmNames=list(names[first : first + _NAMES]),
                AlarmTypes=list(_TYPES),
            ):
                for one in (entry for kind in _TYPES for entry in answer.get(f"{kind}s", ())):
                    found[str(one["AlarmName"])] = _alarm(one)
        return {name: seen for name, seen in found.items() if name in names}

    def minutes(
        self, metrics: Sequence[Mapping[str, Any]], since: datetime, until: datetime
    ) -> list[Minutes]:
        """By GetMetricData, 500 metrics a call."""
        found: list[dict[datetime, float]] = [{} for _ in metrics]
        for first in range(0, len(metrics), AT_ONCE):
            queries = [
                {"Id": f"m{number}", "MetricStat": {**metric, "Period": 60}, "ReturnData": True}
                for number, metric in enumerate(metrics[first : first + AT_ONCE], first)
            ]
            for result in results(self._connection, queries, since, until, "TimestampAscending"):
                with shaped(odd("cloudwatch:GetMetricData", "a result is none of those that were asked for")):
                    values = found[int(str(result["Id"])[1:])]
                    for at, value in zip(result.get("Timestamps", ()), result.get("Values", ()), strict=True):
                        values[at.astimezone(UTC)] = float(value)
        return list(found)


def _alarm(one: Mapping[str, Any]) -> AlarmSeen:
    since = one.get("StateTransitionedTimestamp") or one.get("StateUpdatedTimestamp")
    trouble = str(one.get("EvaluationState") or "")
    return AlarmSeen(
        state=str(one.get("StateValue")),
        since=since.astimezone(UTC) if isinstance(since, datetime) else None,
        trouble=f"CloudWatch could not judge all of it ({trouble})" if trouble else "",
    )


def read_gates(
    desired: Fleet, live: Fleet, keys: Iterable[str], connection_of: Callable[[str], Connection]
) -> Fleet:
    """The live fleet with what the gates of rollouts need, for those that are under way or begin now."""

    def look(key: str) -> tuple[str, Measured | None]:
        target = desired.targets[key]
        have = next((one for one in live.targets[key].aliases if one.name == target.alias), None)
        if target.rollout is None or have is None or live.at is None:
            return key, None
        record = record_of(have, live.project, key)
        gauges = CloudWatch(connection_of(target.environment))
        return key, _measure(gauges, target, target.rollout, have, record, live.at)

    wanted = [key for key in keys if key in live.targets]
    with ThreadPoolExecutor(8) as pool:
        found = dict(pool.map(look, wanted))
    targets = {
        key: replace(one, measured=found[key]) if key in found else one for key, one in live.targets.items()
    }
    return replace(live, targets=targets)


def _measure(
    gauges: Gauges, target: Target, policy: Rollout, have: Alias, record: RolloutRecord | None, now: datetime
) -> Measured:
    """All that the policy names, or why it was refused. Before a rollout the alarms alone."""
    problems: dict[str, str] = {}
    alarms: Mapping[str, AlarmSeen] = {}
    try:
        alarms = gauges.alarms(policy.alarms) if policy.alarms else {}
    except Interrupted:
        raise
    except LockstepError as error:
        problems["alarms"] = error.problem
    measured = Measured(alarms=alarms, problems=problems)
    if record is None or record.state in TAKEN_BACK or not policy.metrics:
        return measured
    assert target.function is not None  # noqa: S101 - only functions have rollouts
    function = target.function.name
    names = sorted({"calls", *(str(gate.compared) for gate in policy.metrics if gate.compared is not None)})
    own = {n: gate for n, gate in enumerate(policy.metrics) if gate.compared is None}
    metrics = [
        *(_of_version(function, have.name, record.candidate, name) for name in names),
        *(_of_version(function, have.name, record.stable, name) for name in names),
        *map(_own, own.values()),
    ]
    since = max(record.since, now - _KEPT).replace(second=0, microsecond=0)
    try:
        found = gauges.minutes(metrics, since, max(now, since + timedelta(minutes=1)))
    except Interrupted:
        raise
    except LockstepError as error:
        return replace(measured, problems={**problems, "metrics": error.problem})
    size = len(names)
    return replace(
        measured,
        new=dict(zip(names, found[:size], strict=True)),
        stable=dict(zip(names, found[size : 2 * size], strict=True)),
        own=dict(zip(own, found[2 * size :], strict=True)),
    )


def _of_version(function: str, alias: str, version: str, name: str) -> dict[str, Any]:
    metric, statistic = _STATISTICS[name]
    dimensions = {"FunctionName": function, "Resource": f"{function}:{alias}", "ExecutedVersion": version}
    return _metric("AWS/Lambda", metric, dimensions, statistic)


def _own(gate: MetricGate) -> dict[str, Any]:
    return _metric(gate.namespace, gate.metric, gate.dimensions, gate.statistic)


def _metric(namespace: str, name: str, dimensions: Mapping[str, str], statistic: str) -> dict[str, Any]:
    return {
        "Metric": {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [{"Name": one, "Value": value} for one, value in dimensions.items()],
        },
        "Stat": statistic,
    }
