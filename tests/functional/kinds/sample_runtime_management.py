"""Runtime management."""

from typing import Any

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "runtimeManagement"
_VERSION = f"arn:aws:lambda:eu-west-1::runtime:{'8' * 64}"
FIRST = {"updateOn": "FunctionUpdate"}
SECOND = {"updateOn": "Manual", "version": _VERSION}


def drift(lambda_: Any, name: str) -> str:
    """Somebody names another version of the runtime; returns the path of what differs."""
    lambda_.put_runtime_management_config(
        FunctionName=name, UpdateRuntimeOn="Manual", RuntimeVersionArn=_VERSION.replace("8", "7")
    )
    return "runtimeManagement.version"
