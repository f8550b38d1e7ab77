"""Provisioned concurrency of an alias."""

from typing import Any

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "provisionedConcurrency"
FIRST = {"executions": 2}
SECOND = {"executions": 3}


def drift(lambda_: Any, name: str) -> str:
    """Somebody asks for fewer; returns the path of what differs."""
    lambda_.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=1
    )
    return "provisionedConcurrency"
