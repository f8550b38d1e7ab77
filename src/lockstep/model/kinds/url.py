"""A function's own HTTPS address.

Source: Lambda API reference (CreateFunctionUrlConfig, UpdateFunctionUrlConfig) and developer guide,
"Control access to Lambda function URLs": since October 2025 an address without authentication needs two
statements in the function's policy, one for the address and one for the function called through it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.model.fields import Field, Kind
from lockstep.model.function import Value
from lockstep.model.kinds.base import InTerraform, Resource, ResourceKind, sid_on

__all__ = ["KIND", "STATEMENTS", "sid_of"]


def _check(settings: Mapping[str, Value]) -> tuple[str, str, str] | None:
    """A browser sends credentials to no wildcard; Source: Fetch standard, CORS protocol and credentials."""
    origins = settings.get("cors.allowOrigins")
    if settings.get("cors.allowCredentials") and isinstance(origins, tuple) and "*" in origins:
        return (
            "cors.allowOrigins",
            "lambda.url allows credentials to every origin, which no browser accepts",
            "name the origins, or remove cors.allowCredentials",
        )
    return None


STATEMENTS: Mapping[str, tuple[str, Mapping[str, Mapping[str, str]]]] = {
    "lambda:InvokeFunctionUrl": (
        "lockstep-url-address",
        {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
    ),
    "lambda:InvokeFunction": ("lockstep-url-function", {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
}
"""By action: the id and the condition of what lets everybody use an address."""


def sid_of(action: str, qualifier: str) -> str:
    """The id of a statement."""
    return sid_on(STATEMENTS[action][0], qualifier)


def _admits(wanted: Resource, live: Resource | None) -> Iterator[Mapping[str, Any]]:
    if wanted.settings.get("authType") != "NONE":
        return
    is_open = live is not None and live.settings.get("authType") == "NONE"
    missing = live.settings.get("missingStatements") if live is not None and is_open else tuple(STATEMENTS)
    for action, (_, condition) in STATEMENTS.items():
        if not isinstance(missing, tuple) or action not in missing:
            continue
        sid = sid_of(action, wanted.qualifier)
        yield {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": action, "Condition": condition}


KIND = ResourceKind(
    name="url",
    title="function URL",
    about="An HTTPS address of the function's own.",
    rows=(
        Field(
            name="authType",
            api="AuthType",
            kind=Kind.STRING,
            about="AWS_IAM for callers that sign their requests; NONE for everybody.",
            enum=("NONE", "AWS_IAM"),
            required=True,
        ),
        Field(
            name="invokeMode",
            api="InvokeMode",
            kind=Kind.STRING,
            about="Whether the answer is sent whole or streamed.",
            default="BUFFERED",
            reset="BUFFERED",
            enum=("BUFFERED", "RESPONSE_STREAM"),
        ),
        Field(
            name="cors.allowCredentials",
            api="Cors.AllowCredentials",
            kind=Kind.BOOLEAN,
            about="Let browsers send cookies.",
            default=False,
            reset=False,
        ),
        Field(
            name="cors.allowHeaders",
            api="Cors.AllowHeaders",
            kind=Kind.SET,
            about="Request headers that other origins may send.",
            default=(),
            reset=[],
            maximum=100,
            pattern=r"^.{1,1024}$",
        ),
        Field(
            name="cors.allowMethods",
            api="Cors.AllowMethods",
            kind=Kind.SET,
            about="Methods that other origins may use.",
            default=(),
            reset=[],
            maximum=6,
            pattern=r"^(\*|GET|HEAD|POST|PUT|DELETE|PATCH)$",
            example="GET, or * for all of them",
        ),
        Field(
            name="cors.allowOrigins",
            api="Cors.AllowOrigins",
            kind=Kind.SET,
            about="Origins whose pages may call.",
            default=(),
            reset=[],
            maximum=100,
            pattern=r"^.{1,253}$",
            example="https://www.example.com",
        ),
        Field(
            name="cors.exposeHeaders",
            api="Cors.ExposeHeaders",
            kind=Kind.SET,
            about="Answer headers that pages of other origins may read.",
            default=(),
            reset=[],
            maximum=100,
            pattern=r"^.{1,1024}$",
        ),
        Field(
            name="cors.maxAge",
            api="Cors.MaxAge",
            kind=Kind.INTEGER,
            about="How long browsers may keep what they asked beforehand, in seconds.",
            default=0,
            reset=0,
            minimum=0,
            maximum=86400,
        ),
        Field(
            name="missingStatements",
            api="MissingStatements",
            kind=Kind.SET,
            about="Actions that nobody may do at an address for everybody: it answers 403 to all",
            default=(),
            computed=True,
        ),
    ),
    reads=("lambda:GetFunctionUrlConfig", "lambda:GetPolicy"),
    writes=("lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig", "lambda:AddPermission"),
    removes=("lambda:DeleteFunctionUrlConfig", "lambda:RemovePermission"),
    proof=("FunctionUrl", "FunctionArn", "AuthType"),
    terraform=InTerraform(
        resources={
            "aws_lambda_function_url": {
                "authType": "authorization_type",
                "invokeMode": "invoke_mode",
                "cors.allowCredentials": "cors.allow_credentials",
                "cors.allowHeaders": "cors.allow_headers",
                "cors.allowMethods": "cors.allow_methods",
                "cors.allowOrigins": "cors.allow_origins",
                "cors.exposeHeaders": "cors.expose_headers",
                "cors.maxAge": "cors.max_age",
            }
        },
        ids=lambda function, one: (f"{function}/{one.qualifier}" if one.qualifier else function,),
        only={"authType": ("AWS_IAM",)},
    ),
    stands_alone=True,
    invites=True,
    check=_check,
    admits=_admits,
)
