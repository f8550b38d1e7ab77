"""When a function gets a new version of its runtime.

Source: Lambda API reference (PutRuntimeManagementConfig) and developer guide, "Understanding how Lambda
manages runtime version updates": Manual names the version of the runtime, the other modes name none.
"""

from collections.abc import Mapping
from typing import Any

from lockstep.model.fields import Field, Kind
from lockstep.model.function import Value
from lockstep.model.kinds.base import InTerraform, ResourceKind

__all__ = ["KIND"]

_PROOF = ("FunctionArn", "UpdateRuntimeOn")
_VERSION = f"arn:aws:lambda:eu-west-1::runtime:{'8eeff65f' * 8}"


def _check(settings: Mapping[str, Value]) -> tuple[str, str, str] | None:
    is_manual, version = settings.get("updateOn") == "Manual", settings.get("version")
    if is_manual and version is None:
        return (
            "updateOn",
            "Manual needs the version of the runtime that is to stay",
            "add version: and its ARN, which the line INIT_START of the function's log has",
        )
    if version is not None and not is_manual:
        return "version", "a version of the runtime is for Manual alone", "add updateOn: Manual, or remove it"
    return None


def _suits(settings: Mapping[str, Value], function: Mapping[str, Any]) -> tuple[str, str] | None:
    if function.get("image") is not None:
        return "an image brings its own runtime", "remove runtimeManagement"
    if settings and function.get("alias"):
        return (
            "AWS keeps runtime management for each published version, and Lockstep sets it for a function "
            "without alias alone",
            "remove runtimeManagement, or lambda.alias",
        )
    return None


KIND = ResourceKind(
    name="runtimeManagement",
    title="runtime management",
    about="When the function gets a new version of its runtime.",
    rows=(
        Field(
            name="updateOn",
            api="UpdateRuntimeOn",
            kind=Kind.STRING,
            about="Auto: when AWS rolls it out; FunctionUpdate: when the function is changed; Manual: never.",
            default="Auto",
            reset="Auto",
            enum=("Auto", "Manual", "FunctionUpdate"),
        ),
        Field(
            name="version",
            api="RuntimeVersionArn",
            kind=Kind.STRING,
            about="With Manual: ARN of the version of the runtime that stays.",
            pattern=r"^arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:"
            r"(:runtime:\S+|\d{12}:runtime/[\w.-]+/version/[\w.-]+)$",
            example=_VERSION,
        ),
    ),
    reads=("lambda:GetRuntimeManagementConfig",),
    writes=("lambda:PutRuntimeManagementConfig",),
    removes=("lambda:PutRuntimeManagementConfig",),
    proof=_PROOF,
    proofs={"lambda:PutRuntimeManagementConfig": _PROOF},
    terraform=InTerraform(
        resources={
            "aws_lambda_runtime_management_config": {
                "updateOn": "update_runtime_on",
                "version": "runtime_version_arn",
            }
        },
        ids=lambda function, _: (f"{function},$LATEST",),
    ),
    check=_check,
    suits=_suits,
    unversioned=True,
)
