"""MiniStack with what it lacks of aliases: run by MiniStack's Python as a program, in its place.

MiniStack calls the version that an alias points at, whatever its weights, counts calls by function alone,
and judges an alarm by every series of a metric. Here

- a call through an alias runs the version that is drawn by the alias's weights, each attempt anew;
- each call that ran counts in ``AWS/Lambda`` under the dimensions that Lambda gives it, as it went;
- an alarm is judged by the series that it names, whenever a call has ended.

Events of S3, topics, buses and the rest come through aliases as ``Invoke`` does; those of queues and streams
go to the version that the alias points at, as before.
Sources: Lambda developer guide, "Implement Lambda canary deployments using a weighted alias" and "Types of
metrics for Lambda functions" (dimensions, and that a call counts when it began).
"""

import random
import sys
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from types import FunctionType
from typing import Any

from ministack.services import cloudwatch, lambda_svc

__all__ = ["install"]

_REPLACED = {
    lambda_svc: ("_invoke", "_execute_function", "_get_func_record_for_ref", "_emit_lambda_metrics"),
    cloudwatch: ("_evaluate_alarm", "_evaluate_all_alarms", "_store_datum", "_dims_key", "_dims_from_list"),
}
_draw = random.SystemRandom()
_counting = threading.Lock()
_ran: ContextVar[list[str] | None] = ContextVar("_ran", default=None)  # versions, of the call under way


def install() -> None:
    """Put it into MiniStack; ends the process when MiniStack is made otherwise than it was."""
    missing = [f"{m.__name__}.{n}" for m, names in _REPLACED.items() for n in names if not hasattr(m, n)]
    if missing:
        sys.exit(f"this MiniStack has no {missing[0]}: install one that has, such as ministack==1.5.33")
    invoke, execute = lambda_svc._invoke, lambda_svc._execute_function
    find, evaluate = lambda_svc._get_func_record_for_ref, cloudwatch._evaluate_alarm

    async def invoke_drawn(*arguments: Any) -> tuple[int, dict[str, str], bytes]:
        ran: list[str] = []
        _ran.set(ran)
        status, headers, body = await invoke(*arguments)
        if ran and "X-Amz-Executed-Version" in headers:
            headers["X-Amz-Executed-Version"] = ran[0]
        return status, headers, body

    def find_with_alias(reference: str) -> tuple[Any, Any, str]:
        record, config, name = find(reference)
        _, _, qualifier = _parts(reference)
        if config is not None and qualifier:
            bare, _, _ = _parts(config["FunctionArn"])
            config = {**config, "FunctionArn": f"{bare}:{qualifier}"}
        return record, config, name

    def execute_drawn(function: dict[str, Any], event: Any) -> dict[str, Any]:
        config = function.get("config") or function
        if lambda_svc._function_config_scope_mismatch(config):
            result: dict[str, Any] = execute(function, event)  # comes back here in the right scope
            return result
        function, version = _drawn(function, config)
        if (ran := _ran.get()) is not None:
            ran.append(version)
        begun = time.time()
        result = execute(function, event)
        _count(config["FunctionArn"], version, begun, result)
        return result

    def evaluate_own(alarm: Mapping[str, Any]) -> None:
        wanted = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
        own = {key: points for key, points in cloudwatch._metrics.items() if key[2] == wanted}
        # MiniStack's own judging, which sees no other series than these
        FunctionType(evaluate.__code__, vars(cloudwatch) | {"_metrics": own})(alarm)

    lambda_svc._invoke = invoke_drawn
    lambda_svc._execute_function = execute_drawn
    lambda_svc._get_func_record_for_ref = find_with_alias
    lambda_svc._emit_lambda_metrics = lambda *_, **__: None  # it counts calls that have not run yet
    cloudwatch._evaluate_alarm = evaluate_own


def _parts(arn: str) -> tuple[str, str, str]:
    """An ARN without its qualifier, the function's name, and the qualifier or ''."""
    words = arn.split(":")
    return ":".join(words[:7]), words[6] if len(words) > 6 else arn, words[7] if len(words) > 7 else ""


def _drawn(function: dict[str, Any], config: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What runs for a call, and the number of its version."""
    _, name, qualifier = _parts(config["FunctionArn"])
    whole = lambda_svc._functions.get(name) or {}
    alias = whole.get("aliases", {}).get(qualifier)
    if alias is None:
        return function, str(config.get("Version") or "$LATEST")
    version = str(alias.get("FunctionVersion") or "$LATEST")
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for other, weight in weights.items():
        version = other if _draw.random() < float(weight) else version
    record = whole["versions"].get(version, whole)
    return {**record, "config": {**record["config"], "FunctionArn": config["FunctionArn"]}}, version


def _count(arn: str, version: str, begun: float, result: Mapping[str, Any]) -> None:
    _, name, qualifier = _parts(arn)
    is_throttled, is_error = bool(result.get("throttle")), bool(result.get("error"))
    counts = [("Throttles", float(is_throttled), "Count")]
    if not is_throttled:  # a throttled request is no invocation, nor an error
        counts += [("Invocations", 1.0, "Count"), ("Errors", float(is_error), "Count")]
        counts += [("Duration", (time.time() - begun) * 1000, "Milliseconds")]
    by_resource = {"FunctionName": name, "Resource": f"{name}:{qualifier}" if qualifier else name}
    series = [{"FunctionName": name}, by_resource]
    if qualifier and qualifier != version:
        series.append({**by_resource, "ExecutedVersion": version})
    with _counting:
        for dimensions in series:
            for metric, value, unit in counts:
                said = ("AWS/Lambda", metric, dimensions, begun, unit, value)
                cloudwatch._store_datum(*said, values=None, counts=None, stat_values=None)
        cloudwatch._evaluate_all_alarms()


if __name__ == "__main__":
    install()
    from ministack.app import main

    main()
