"""Subscription filters as CloudWatch Logs keeps them: emulators ask for no permission and forget members.

Sources: CloudWatch Logs API reference (PutSubscriptionFilter); quotas (two filters for a log group); the
error of a permission that has not come there yet: elastic/elastic-serverless-forwarder#617.
"""

import json
from typing import Any

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["LogFilters"]

_MOST = 2
_FORGOTTEN = ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFields")


class LogFilters(Rule):
    """A function is subscribed when the group may call it, which is known ``calls`` attempts late."""

    def __init__(self, calls: int = 1) -> None:
        self._late = calls
        self._tried: dict[str, int] = {}
        self._kept: dict[tuple[str, str], dict[str, Any]] = {}

    def before(self, call: Call) -> Answer | None:
        """Refuse what Logs refuses."""
        if call.name != "logs.PutSubscriptionFilter":
            return None
        said = call.json()
        group, called = said["logGroupName"], said["destinationArn"]
        names = {one["filterName"] for one in self._filters(call, group)}
        if len(names | {said["filterName"]}) > _MOST:
            return error(call.operation, 400, "LimitExceededException", "Resource limit exceeded.")
        self._tried[called] = self._tried.get(called, 0) + 1
        if not self._may_call(call, group, called) or self._tried[called] <= self._late:
            text = (
                "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission "
                "to execute your function."
            )
            return error(call.operation, 400, "InvalidParameterException", text)
        self._kept[group, said["filterName"]] = {name: said[name] for name in _FORGOTTEN if name in said}
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Tell what the emulator forgot."""
        if call.name != "logs.DescribeSubscriptionFilters" or not answer.is_success:
            return answer
        told = json.loads(answer.body)
        for one in told["subscriptionFilters"]:
            one |= self._kept.get((one["logGroupName"], one["filterName"]), {})
        return Answer(status=answer.status, headers=answer.headers, body=json.dumps(told).encode())

    def _filters(self, call: Call, group: str) -> list[dict[str, Any]]:
        body, target = (
            json.dumps({"logGroupName": group}).encode(),
            "Logs_20140328.DescribeSubscriptionFilters",
        )
        answer = self.cloud.ask(call, "POST", "/", body=body, service="logs", target=target)
        found: list[dict[str, Any]] = json.loads(answer.body).get("subscriptionFilters", [])
        return found

    def _may_call(self, call: Call, group: str, called: str) -> bool:
        name, _, qualifier = called.partition(":function:")[2].partition(":")
        query = {"Qualifier": qualifier} if qualifier else None
        answer = self.cloud.ask(call, "GET", f"/2015-03-31/functions/{name}/policy", query)
        if not answer.is_success:
            return False
        return any(
            one["Resource"] == called and f":log-group:{group}:*" in json.dumps(one.get("Condition"))
            for one in json.loads(json.loads(answer.body)["Policy"])["Statement"]
        )
