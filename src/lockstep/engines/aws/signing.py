"""Code signing configurations of functions.

Source: Lambda API reference (PutFunctionCodeSigningConfig, DeleteFunctionCodeSigningConfig,
GetFunctionCodeSigningConfig). What is put takes effect with the next deployment of code.
"""

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.engines.aws.function import when_ready
from lockstep.engines.aws.pace import Pace, must_settle
from lockstep.model import SetCodeSigning

__all__ = ["apply", "read"]


def read(connection: Connection, name: str) -> str | None:
    """The ARN of a function's code signing configuration; None when it has none."""
    try:
        answer = connection.try_call("lambda", "GetFunctionCodeSigningConfig", FunctionName=name)
    except Exception as error:
        if code_of(error) in {"ResourceNotFoundException", "CodeSigningConfigNotFoundException"}:
            return None
        raise connection.explain(error, "lambda", "GetFunctionCodeSigningConfig") from error
    return answer.get("CodeSigningConfigArn") or None


def apply(connection: Connection, step: SetCodeSigning, pace: Pace) -> None:
    """Put the configuration, or with None take it away, once no update is under way, and read it back."""
    if step.config is None:
        _change(connection, pace, step.function, "DeleteFunctionCodeSigningConfig")
    else:
        _change(
            connection, pace, step.function, "PutFunctionCodeSigningConfig", CodeSigningConfigArn=step.config
        )
    must_settle(
        connection,
        pace,
        lambda: read(connection, step.function) == step.config,
        f"the code signing configuration of {step.function}",
        "lambda:GetFunctionCodeSigningConfig",
    )


def _change(connection: Connection, pace: Pace, name: str, operation: str, **params: str) -> None:
    try:
        when_ready(connection, pace, name, operation, FunctionName=name, **params)
    except Exception as error:
        raise connection.explain(error, "lambda", operation) from error
