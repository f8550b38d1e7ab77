"""Who else may call the function: statements for callers that others configure.

Sources: Lambda API reference (AddPermission) and developer guide, "Working with resource-based IAM
policies": a service principal without a source lets everybody's resources of that service call.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.model.fields import Field, Kind
from lockstep.model.function import Value
from lockstep.model.kinds.base import InTerraform, Resource, ResourceKind
from lockstep.regexes import regex

__all__ = ["CONDITIONS", "KIND", "PREFIX"]

PREFIX = "lockstep-permissions-"
"""How the ids of these statements begin."""

CONDITIONS: Mapping[str, tuple[str, str]] = {
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}
"""By member of AddPermission: the condition that Lambda writes of it."""

_ACCOUNT = r"\d{12}"
_SERVICE = r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal)"
_SOURCES = ("sourceArn", "sourceAccount", "eventSourceToken", "principalOrgId")
_ROOT = regex(rf"arn:aws[a-z-]*:iam::({_ACCOUNT}):root")


def _check(settings: Mapping[str, Value]) -> tuple[str, str, str] | None:
    """What lets in more than anybody means to, and what AWS refuses."""
    principal = str(settings.get("principal", ""))
    has_source = any(settings.get(name) for name in _SOURCES)
    if not has_source and re.fullmatch(_SERVICE, principal):
        return (
            "",
            f"{principal} could call the function for every account, because the permission names no source",
            "add sourceArn: and what calls, for example arn:aws:execute-api:eu-west-1:123456789012:API/*, or "
            "sourceAccount: where it has no ARN",
        )
    if not has_source and principal == "*":
        return (
            "principal",
            "everybody could call the function",
            "name an account, a role or a service, add principalOrgId:, or declare lambda.url for an address "
            "that is open to all",
        )
    url = settings.get("functionUrlAuthType") or settings.get("invokedViaFunctionUrl")
    if settings.get("action") == "lambda:InvokeFunctionUrl" and not settings.get("functionUrlAuthType"):
        return (
            "",
            "lambda:InvokeFunctionUrl is allowed for one kind of address",
            "add functionUrlAuthType: AWS_IAM",
        )
    if url and re.fullmatch(_SERVICE, principal):
        return "principal", f"{principal} calls no address of a function", "remove what is about the address"
    return None


def _normal(settings: Mapping[str, Value]) -> Mapping[str, Value]:
    """An account as its number: Lambda writes its root in place of it."""
    found = dict(settings)
    if is_root := _ROOT.fullmatch(str(found.get("principal", ""))):
        found["principal"] = is_root[1]
    return found


def _usual(settings: Mapping[str, Value], function: str, name: str) -> Mapping[str, Value]:
    """An id of what the statement says: another one is another statement, there before this one goes."""
    said = {row.name: settings[row.name] for row in KIND.rows if not row.computed and row.name in settings}
    return {"id": f"{PREFIX}{name}-{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:8]}"}


def _admits(wanted: Resource, live: Resource | None) -> Iterator[Mapping[str, Any]]:
    if live is not None:
        return  # one that is mended takes the room of what it was
    principal = str(wanted.settings.get("principal", ""))
    said = KIND.request(wanted)
    conditions: dict[str, dict[str, str]] = {}
    for member, (operator, key) in CONDITIONS.items():
        if value := said.get(member):
            conditions.setdefault(operator, {})[key] = str(value)
    yield {
        "Sid": str(wanted.settings["id"]),
        "Effect": "Allow",
        "Principal": {"Service" if re.fullmatch(_SERVICE, principal) else "AWS": principal},
        "Action": said["Action"],
        "Condition": conditions,
    }


KIND = ResourceKind(
    name="permissions",
    title="permission",
    about="Who else may call the function, each by a name of your choice: API Gateway, a load balancer, "
    "Config, IoT, another account or an organisation, which others configure. Triggers, rules, topics and "
    "the URL have their own.",
    rows=(
        Field(
            name="principal",
            api="Principal",
            kind=Kind.STRING,
            about="Who calls: a service, an account, the ARN of a role or user, or * with principalOrgId.",
            pattern=rf"^({_SERVICE}|{_ACCOUNT}|arn:aws[a-z-]*:(iam|sts)::{_ACCOUNT}:\S+|\*)$",
            example="apigateway.amazonaws.com",
            required=True,
        ),
        Field(
            name="action",
            api="Action",
            kind=Kind.STRING,
            about="What is allowed.",
            default="lambda:InvokeFunction",
            reset="lambda:InvokeFunction",
            pattern=r"^lambda:[a-zA-Z]+$",
            example="lambda:InvokeFunctionUrl",
        ),
        Field(
            name="sourceArn",
            api="SourceArn",
            kind=Kind.STRING,
            about="ARN of what calls; * stands for any text. A service needs it, or sourceAccount.",
            pattern=r"^arn:aws[a-zA-Z0-9-]*:[a-zA-Z0-9-]+:[a-z0-9*-]*:(\d{12}|\*)?:.*$",
            example="arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/*/GET/orders",
        ),
        Field(
            name="sourceAccount",
            api="SourceAccount",
            kind=Kind.STRING,
            about="Account that owns what calls, in quotes.",
            pattern=rf"^{_ACCOUNT}$",
            example='"123456789012"',
        ),
        Field(
            name="principalOrgId",
            api="PrincipalOrgID",
            kind=Kind.STRING,
            about="Organisation whose accounts may call.",
            pattern=r"^o-[a-z0-9]{10,32}$",
            example="o-a1b2c3d4e5",
        ),
        Field(
            name="eventSourceToken",
            api="EventSourceToken",
            kind=Kind.STRING,
            about="Token that the caller sends along: of an Alexa skill, its id.",
            pattern=r"^[a-zA-Z0-9._-]{1,256}$",
        ),
        Field(
            name="functionUrlAuthType",
            api="FunctionUrlAuthType",
            kind=Kind.STRING,
            about="With lambda:InvokeFunctionUrl: the authType of the address.",
            enum=("NONE", "AWS_IAM"),
        ),
        Field(
            name="invokedViaFunctionUrl",
            api="InvokedViaFunctionUrl",
            kind=Kind.BOOLEAN,
            about="Only through the function's address.",
            default=False,
        ),
        Field(
            name="id",
            api="StatementId",
            kind=Kind.STRING,
            about="Id of the statement, of its name and of what it says",
            computed=True,
        ),
        Field(
            name="otherConditions",
            api="OtherConditions",
            kind=Kind.STRING,
            about="What somebody made the statement ask for besides",
            computed=True,
        ),
    ),
    reads=("lambda:GetPolicy",),
    writes=("lambda:AddPermission", "lambda:RemovePermission"),
    removes=("lambda:RemovePermission",),
    proof=(),
    left_out={
        "StatementId": "Lockstep owns statements by their ids",
        "RevisionId": "another writer's statement stays whatever is written",
    },
    callers=("sourceArn", "principal"),
    handle="Sid",
    terraform=InTerraform(
        resources={
            "aws_lambda_permission": {
                "principal": "principal",
                "action": "action",
                "sourceArn": "source_arn",
                "sourceAccount": "source_account",
                "principalOrgId": "principal_org_id",
                "eventSourceToken": "event_source_token",
                "functionUrlAuthType": "function_url_auth_type",
            }
        },
        ids=lambda function, one: (f"{function}{one.qualifier and ':'}{one.qualifier}/{one.handle}",),
        only={"invokedViaFunctionUrl": ()},
    ),
    stands_alone=True,
    invites=True,
    overlaps=True,
    identify=lambda settings: str(settings.get("id", "")),
    normal=_normal,
    usual=_usual,
    check=_check,
    admits=_admits,
)
