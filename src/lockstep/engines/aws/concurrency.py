"""Reserved concurrency of functions.

Source: Lambda API reference (PutFunctionConcurrency, DeleteFunctionConcurrency).
"""

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.function import get as get_function
from lockstep.engines.aws.function import when_ready
from lockstep.engines.aws.pace import Pace, must_settle
from lockstep.model import SetConcurrency

__all__ = ["apply"]


def apply(connection: Connection, step: SetConcurrency, pace: Pace) -> None:
    """Reserve concurrent executions or give them back, once no update is under way, and read it back."""
    if step.reserved is None:
        _change(connection, pace, step.function, "DeleteFunctionConcurrency")
    else:
        _change(
            connection,
            pace,
            step.function,
            "PutFunctionConcurrency",
            ReservedConcurrentExecutions=step.reserved,
        )

    def agrees() -> bool:
        function = get_function(connection, step.function)
        return function is not None and function.settings.get("reservedConcurrency") == step.reserved

    what = f"the reserved concurrency of {step.function}"
    must_settle(connection, pace, agrees, what, "lambda:GetFunction")


def _change(connection: Connection, pace: Pace, name: str, operation: str, **params: int) -> None:
    try:
        when_ready(connection, pace, name, operation, FunctionName=name, **params)
    except Exception as error:
        raise connection.explain(error, "lambda", operation) from error
