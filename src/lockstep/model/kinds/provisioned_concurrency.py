"""Execution environments of an alias that are ready before they are called.

Source: Lambda API reference (PutProvisionedConcurrencyConfig) and developer guide, "Configuring provisioned
concurrency for a function": for published versions only, at most what is reserved for the function.
"""

from collections.abc import Mapping
from typing import Any

from lockstep.model.fields import Field, Kind
from lockstep.model.function import Value
from lockstep.model.kinds.base import InTerraform, ResourceKind

__all__ = ["KIND"]


def _suits(settings: Mapping[str, Value], function: Mapping[str, Any]) -> tuple[str, str] | None:
    wanted, reserved = settings.get("executions"), function.get("reservedConcurrency")
    if function.get("snapStart") == "PublishedVersions":
        # Source: Lambda developer guide, "Lambda SnapStart", supported features and limitations.
        return (
            "provisioned concurrency does not go with SnapStart: AWS takes one of the two",
            "remove provisionedConcurrency, or write snapStart: None",
        )
    if isinstance(wanted, int) and isinstance(reserved, int) and wanted > reserved:
        return (
            f"provisionedConcurrency is {wanted}, and the function never runs more than {reserved} calls at "
            "once (reservedConcurrency)",
            f"write at most {reserved}, or raise reservedConcurrency",
        )
    return None


def _failure(status: Any, answer: Mapping[str, Any]) -> Any:
    return (answer.get("StatusReason") or "no reason is told") if status == "FAILED" else None


KIND = ResourceKind(
    name="provisionedConcurrency",
    title="provisioned concurrency",
    about="Execution environments of the alias that are ready before they are called.",
    rows=(
        Field(
            name="executions",
            api="ProvisionedConcurrentExecutions",
            live="RequestedProvisionedConcurrentExecutions",
            kind=Kind.INTEGER,
            about="With an alias: execution environments of it that are ready before they are called.",
            minimum=1,
        ),
        Field(
            name="failure",
            api="StatusReason",
            live="Status",
            kind=Kind.STRING,
            about="Why AWS could not make the environments ready",
            computed=True,
            read=_failure,
        ),
    ),
    reads=("lambda:GetProvisionedConcurrencyConfig",),
    writes=("lambda:PutProvisionedConcurrencyConfig",),
    removes=("lambda:DeleteProvisionedConcurrencyConfig",),
    proof=("RequestedProvisionedConcurrentExecutions", "Status"),
    bare="executions",
    published=True,
    state=lambda answer: "IN_PROGRESS" if answer.get("Status") == "IN_PROGRESS" else "",
    fault="failure",
    terraform=InTerraform(
        resources={
            "aws_lambda_provisioned_concurrency_config": {"executions": "provisioned_concurrent_executions"}
        },
        ids=lambda function, one: (f"{function},{one.qualifier}",),
    ),
    suits=_suits,
)
