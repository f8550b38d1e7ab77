"""Management events as CloudTrail tells of them.

Sources: LookupEvents of the CloudTrail API reference (newest first, 50 a page, times as numbers); Lambda
developer guide, "Logging AWS Lambda API calls using AWS CloudTrail" (names of events bear a date of the API,
parameters begin with small letters).
"""

import json
import time
from typing import Any

from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["Trail"]

_DATE = "20150331"


class Trail(Rule):
    """Keeps the writes of aliases and tells of them. Without its delay of minutes; ``caller`` wrote them."""

    def __init__(self, caller: str = "arn:aws:sts::123456789012:assumed-role/Operators/ann") -> None:
        self._caller = caller
        self._events: list[dict[str, Any]] = []

    def before(self, call: Call) -> Answer | None:
        """Answer LookupEvents."""
        if call.name != "cloudtrail.LookupEvents":
            return None
        (wanted,) = call.json()["LookupAttributes"]
        name = wanted["AttributeValue"] if wanted["AttributeKey"] == "EventName" else None
        found = [one for one in reversed(self._events) if one["EventName"] == name]
        text = json.dumps({"Events": found[: call.json().get("MaxResults", 50)]})
        return Answer(status=200, headers={"content-type": "application/x-amz-json-1.1"}, body=text.encode())

    def after(self, call: Call, answer: Answer) -> Answer:
        """Keep a write that succeeded."""
        if call.name == "lambda.UpdateAlias" and answer.is_success:
            params = call.operation.params
            asked = {"functionName": params["FunctionName"], "name": params["Name"], **_small(call.json())}
            name = f"UpdateAlias{_DATE}"
            event = {"userIdentity": {"arn": self._caller}, "eventName": name, "requestParameters": asked}
            told = {
                "EventId": f"event-{len(self._events)}",
                "EventName": name,
                "EventTime": time.time(),
                "CloudTrailEvent": json.dumps(event),
            }
            self._events.append(told)
        return answer


def _small(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name[:1].lower() + name[1:]: _small(one) for name, one in value.items()}
