"""Recursive loop detection, which is one of two words."""

from typing import Any

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "recursion"
FIRST = SECOND = {"loop": "Allow"}


def drift(lambda_: Any, name: str) -> str:
    """Somebody lets loops be stopped; returns the path of what differs."""
    lambda_.put_function_recursion_config(FunctionName=name, RecursiveLoop="Terminate")
    return "recursion"
