"""Calls to a live function that deploy nothing: what it logs, what it answers, Lambda's metrics."""

import base64
import binascii
import datetime
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lockstep.engines.aws.answers import odd
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.engines.aws.metrics import AT_ONCE, results
from lockstep.errors import BadInput, CloudError
from lockstep.model.foreign import expect, shaped
from lockstep.model.trying import Invocation, LogLine, Usage

__all__ = ["invoke", "log_lines", "usages", "variables_of"]

LONGEST_PAYLOAD = 6_291_456  # bytes of a synchronous call and of its answer (Lambda quotas)
_STATISTICS: Mapping[str, tuple[str, str]] = {
    "calls": ("Invocations", "Sum"),
    "errors": ("Errors", "Sum"),
    "throttles": ("Throttles", "Sum"),
    "average": ("Duration", "Average"),
    "longest": ("Duration", "Maximum"),
}


def log_lines(
    connection: Connection, group: str, function: str, *, since: int, is_shared: bool
) -> tuple[LogLine, ...]:
    """Lines of a log group from a moment on (milliseconds since 1970), in the order of their time.

    Of a group that several functions share, only those whose stream names this function: Lambda names a
    stream ``2026/11/29/FUNCTION[VERSION]...`` where the group is not the usual one (Lambda developer guide,
    "Configuring CloudWatch log groups"). A group that is not there has no lines: nothing was logged yet.
    """
    found: list[LogLine] = []
    try:
        for event in connection.pages(
            *("logs", "FilterLogEvents", "events", "nextToken", "nextToken"),
            logGroupName=group,
            startTime=since,
        ):
            stream = str(event.get("logStreamName", ""))
            if not is_shared or f"/{function}[" in stream:
                text = str(event.get("message", "")).rstrip("\n")
                at = _moment(event["timestamp"])
                found.append(LogLine(id=str(event.get("eventId") or (stream, at, text)), at=at, text=text))
    except CloudError as error:
        if isinstance(error.__cause__, Exception) and code_of(error.__cause__) == "ResourceNotFoundException":
            return ()
        raise
    return tuple(sorted(found, key=lambda line: line.at))


def _moment(value: Any) -> int:
    """Milliseconds since 1970, of a year that has four digits."""
    with shaped(odd("logs:FilterLogEvents", "a timestamp is none")):
        datetime.datetime.fromtimestamp(expect(int, value) / 1000, datetime.UTC)
        return int(value)


def invoke(
    connection: Connection, target: str, function: str, payload: bytes, *, qualifier: str = "", seconds: float
) -> Invocation:
    """Call a function, or an alias of it, and wait for its answer, once: a call that was lost may have run.

    Raises BadInput for a payload that is too long, CloudError when the call itself fails. That the
    function fails is no error here: see ``Invocation.error``.
    """
    if len(payload) > LONGEST_PAYLOAD:
        raise BadInput(
            f"the payload has {len(payload):,} bytes, and Lambda takes {LONGEST_PAYLOAD:,}",
            where="--payload",
            fix="send less, or put it where the function can read it",
        )
    began = time.monotonic()
    extra: dict[str, Any] = {"Qualifier": qualifier} if qualifier else {}
    try:
        answer = connection.once(
            *("lambda", "Invoke", seconds),
            FunctionName=function,
            InvocationType="RequestResponse",
            LogType="Tail",
            Payload=payload,
            **extra,
        )
    except Exception as error:
        raise connection.explain(error, "lambda", "Invoke") from error
    body = bytes(answer["Payload"])
    return Invocation(
        target=target,
        function=function,
        version=str(answer.get("ExecutedVersion") or "$LATEST"),
        error=str(answer["FunctionError"]) if answer.get("FunctionError") else None,
        payload=body.decode("utf-8", "backslashreplace"),
        log=_tail(str(answer.get("LogResult") or "")),
        seconds=time.monotonic() - began,
    )


def _tail(encoded: str) -> tuple[str, ...]:
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8", "backslashreplace")
    except (binascii.Error, ValueError):
        return ()
    return tuple(line for line in text.splitlines() if line.strip())


def variables_of(connection: Connection, function: str) -> Mapping[str, str]:
    """The environment variables of a live function, by name: what it logs may hold their values."""
    answer = connection.find("lambda", "GetFunction", FunctionName=function)
    if answer is None:
        raise BadInput(
            f"there is no function {function}",
            where=connection.environment.name,
            fix="lockstep sync makes it",
        )
    environment = answer["Configuration"].get("Environment") or {}
    if error := environment.get("Error"):  # in place of the variables, for who may not decrypt them
        raise CloudError(
            "AWS does not tell the variables, whose values are masked in what the function says: "
            f"{error.get('Message') or error.get('ErrorCode')}",
            where=f"lambda:GetFunction {function}",
            fix="allow kms:Decrypt on the function's key (lambda.kmsKey), as iam-policy sync does",
        )
    return {str(name): str(value) for name, value in (environment.get("Variables") or {}).items()}


def usages(
    connection: Connection, functions: Sequence[tuple[str, str]], *, start: int, end: int
) -> Iterator[Usage]:
    """Lambda's own metrics of functions, given as targets and names, between two moments in seconds.

    A hundred functions a call: ``GetMetricData`` takes 500 queries.
    """
    period = max(60, (end - start + 59) // 60 * 60)
    per_call = AT_ONCE // len(_STATISTICS)
    for first in range(0, len(functions), per_call):
        part = functions[first : first + per_call]
        queries = [
            {
                "Id": f"{name}_{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Lambda",
                        "MetricName": metric,
                        "Dimensions": [{"Name": "FunctionName", "Value": function}],
                    },
                    "Period": period,
                    "Stat": statistic,
                },
                "ReturnData": True,
            }
            for number, (_, function) in enumerate(part)
            for name, (metric, statistic) in _STATISTICS.items()
        ]
        found = _values(connection, queries, start, end)
        for number, (target, function) in enumerate(part):
            values = {name: found.get(f"{name}_{number}", []) for name in _STATISTICS}
            yield Usage(
                target=target,
                function=function,
                calls=_whole(values["calls"]),
                errors=_whole(values["errors"]),
                throttles=_whole(values["throttles"]),
                average=values["average"][0] if values["average"] else None,
                longest=max(values["longest"]) if values["longest"] else None,
            )


def _values(
    connection: Connection, queries: Sequence[Mapping[str, object]], start: int, end: int
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    since, until = (datetime.datetime.fromtimestamp(one, datetime.UTC) for one in (start, end))
    for result in results(connection, queries, since, until, "TimestampDescending"):
        with shaped(odd("cloudwatch:GetMetricData", "a value is no number")):
            values = [float(value) for value in result.get("Values", ())]
        found.setdefault(str(result["Id"]), []).extend(values)
    return found


def _whole(values: Sequence[float]) -> int | None:
    return round(sum(values)) if values else None
