"""Asynchronous invocation settings."""

from typing import Any

from tests.support.clouds import ACCOUNT, REGION

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "asyncInvoke"
FIRST = {"maximumRetryAttempts": 0, "onFailure": f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"}
SECOND = {"maximumEventAge": 120, "onFailure": f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"}


def drift(lambda_: Any, name: str) -> str:
    """Somebody lets events be tried once; returns the path of what differs."""
    lambda_.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=1,
        MaximumEventAgeInSeconds=SECOND["maximumEventAge"],
        DestinationConfig={"OnFailure": {"Destination": SECOND["onFailure"]}},
    )
    return "asyncInvoke.maximumRetryAttempts"
