"""A route of an HTTP API."""

import json
from typing import Any

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "http"
FIRST = {"api": "abcdef1234", "route": "GET /orders/{id}"}
SECOND = {
    "api": "abcdef1234",
    "route": "GET /orders/{id}",
    "authorizationType": "AWS_IAM",
    "payloadFormatVersion": "1.0",
    "timeout": 5000,
}


def drift(lambda_: Any, name: str) -> str:
    """Somebody takes away what lets the route call; returns the path of what differs."""
    policy = json.loads(lambda_.get_policy(FunctionName=name)["Policy"])
    (sid,) = [one["Sid"] for one in policy["Statement"] if one["Sid"].startswith("lockstep-http-")]
    lambda_.remove_permission(FunctionName=name, StatementId=sid)
    return "http.orders.missing"
