"""EventBridge's rules as AWS keeps them: targets that are not taken are told in an answer with status 200.

Sources: EventBridge API reference (DeleteRule: "Before you can delete the rule, you must remove all targets";
PutRule: one of pattern and schedule, schedules on the default bus; PutTargets: FailedEntryCount) and quotas
(five targets for a rule).
"""

import json

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["EventRules"]

_MOST = 5


class EventRules(Rule):
    """No rule goes with its targets, and a sixth target is a failure within a success."""

    def before(self, call: Call) -> Answer | None:
        """Refuse what EventBridge refuses."""
        match call.name:
            case "events.DeleteRule" if self._ids(call, call.json().get("Name", "")):
                text = "Rule can't be deleted since it has targets."
                return error(call.operation, 400, "ValidationException", text)
            case "events.PutRule":
                said = call.json()
                if not said.get("EventPattern") and not said.get("ScheduleExpression"):
                    text = "Parameter(s) EventPattern or ScheduleExpression must be specified."
                    return error(call.operation, 400, "ValidationException", text)
                if said.get("ScheduleExpression") and said.get("EventBusName", "default") != "default":
                    text = "ScheduleExpression is supported only on the default event bus."
                    return error(call.operation, 400, "ValidationException", text)
            case "events.PutTargets":
                said = call.json()
                ids = {one["Id"] for one in said["Targets"]}
                if len(ids | self._ids(call, said["Rule"])) > _MOST:
                    failed = [
                        {
                            "TargetId": one,
                            "ErrorCode": "LimitExceededException",
                            "ErrorMessage": "The requested resource exceeds the maximum number allowed.",
                        }
                        for one in sorted(ids)
                    ]
                    body = json.dumps({"FailedEntryCount": len(failed), "FailedEntries": failed}).encode()
                    return Answer(
                        status=200,
                        headers={"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "strict"},
                        body=body,
                    )
        return None

    def _ids(self, call: Call, rule: str) -> set[str]:
        about = {"Rule": rule, "EventBusName": call.json().get("EventBusName", "default")}
        body, operation = json.dumps(about).encode(), "AWSEvents.ListTargetsByRule"
        answer = self.cloud.ask(call, "POST", "/", body=body, service="events", target=operation)
        return (
            {one["Id"] for one in json.loads(answer.body).get("Targets", [])} if answer.is_success else set()
        )
