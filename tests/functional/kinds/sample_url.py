"""A function URL."""

from typing import Any

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "url"
FIRST = {"authType": "NONE", "cors__allowOrigins": ["https://shop.example"]}
SECOND = {"authType": "NONE", "invokeMode": "RESPONSE_STREAM", "cors__maxAge": 60}


def drift(lambda_: Any, name: str) -> str:
    """Somebody takes away one of the two statements; returns the path of what differs."""
    lambda_.remove_permission(FunctionName=name, StatementId="lockstep-url-function")
    return "url.missingStatements"
