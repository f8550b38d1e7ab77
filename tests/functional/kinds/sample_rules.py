"""A rule of EventBridge."""

import json
from typing import Any

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "rules"
FIRST = {"pattern": '{"source": ["shop"]}', "inputPath": "$.detail"}
SECOND = {
    "pattern": '{"source": ["shop"], "detail": {"kind": ["order"]}}',
    "inputPaths": [{"name": "id", "path": "$.detail.id"}],
    "inputTemplate": '{"order": <id>}',
    "maximumRetryAttempts": 3,
}


def drift(lambda_: Any, name: str) -> str:
    """Somebody takes away what lets the rule call; returns the path of what differs."""
    policy = json.loads(lambda_.get_policy(FunctionName=name)["Policy"])
    (sid,) = [one["Sid"] for one in policy["Statement"] if one["Sid"].startswith("lockstep-rules-")]
    lambda_.remove_permission(FunctionName=name, StatementId=sid)
    return "rules.orders.missing"
