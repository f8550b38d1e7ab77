"""Routes of an API Gateway HTTP API that call the function. The API is somebody else's and stays where it is.

Sources: API Gateway v2 API reference (CreateRoute, CreateIntegration) and developer guide, "Create routes for
HTTP APIs" and "Create AWS Lambda proxy integrations for HTTP APIs".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.model.fields import Field, Kind
from lockstep.model.function import Value
from lockstep.model.kinds.base import InTerraform, Resource, ResourceKind, digest_of, let_in

__all__ = ["CALLER", "DEFAULT_ROUTE", "KIND", "PAYLOAD", "mark_of", "sid_of", "source_of"]

CALLER = "apigateway.amazonaws.com"
DEFAULT_ROUTE = "$default"
PAYLOAD = "2.0"
_METHODS = "ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT"
_PATH = r"/[^\s{}]*(\{[\w.-]+\}[^\s{}]*)*(\{[\w.-]+\+\})?"
_WITH_AUTHORIZER = ("JWT", "CUSTOM")


def mark_of(function: str, route: str) -> str:
    """What says in an integration's description that it is Lockstep's, and for which route."""
    return f"lockstep {function} {route}"


def sid_of(identity: str) -> str:
    """The id of the statement that lets a route call."""
    return f"lockstep-http-{digest_of(identity)}"


def source_of(route: str) -> str:
    """The end of the ARN that a route calls by, in whatever stage: parameters of its path are any text."""
    if route == DEFAULT_ROUTE:
        return f"*/{DEFAULT_ROUTE}"
    method, _, path = route.partition(" ")
    return f"*/{'*' if method == 'ANY' else method}{re.sub('[{][^}]*[}]', '*', path)}"


def _identify(settings: Mapping[str, Value]) -> str:
    """The API and the key of the route: an API has one of each."""
    api, route = settings.get("api"), settings.get("route")
    return f"{api} {route}" if api and route else ""


def _check(settings: Mapping[str, Value]) -> tuple[str, str, str] | None:
    """What API Gateway refuses of a route."""
    kind, authorizer = str(settings.get("authorizationType", "NONE")), settings.get("authorizerId")
    if kind in _WITH_AUTHORIZER and not authorizer:
        return (
            "authorizationType",
            f"authorizationType {kind} asks an authorizer, and none is named",
            "add authorizerId: and its id in the API, or write authorizationType: AWS_IAM",
        )
    if authorizer and kind not in _WITH_AUTHORIZER:
        return (
            "authorizerId",
            f"an authorizer is named, and authorizationType {kind} asks none",
            "write authorizationType: JWT or CUSTOM, or remove authorizerId",
        )
    if settings.get("authorizationScopes") and kind != "JWT":
        return (
            "authorizationScopes",
            "scopes are those of a token, and the route asks for none",
            "write authorizationType: JWT with authorizerId, or remove authorizationScopes",
        )
    return None


def _admits(wanted: Resource, live: Resource | None) -> Iterator[Mapping[str, Any]]:
    api, route = wanted.identity.split(" ", 1)
    source = f"arn:aws:execute-api:ap-southeast-1:123456789012:{api}/{source_of(route)}"
    return let_in(wanted, live, sid=sid_of(wanted.identity), principal=CALLER, source=source)


def _ids(_: str, one: Resource) -> tuple[str, ...]:
    """The API with the route, and with the integration."""
    return tuple(f"{one.identity.partition(' ')[0]}/{part}" for part in one.handle.split())


_OTHERS = "what somebody set of it stays"
_SOCKETS = "of WebSocket APIs"

KIND = ResourceKind(
    name="http",
    title="HTTP route",
    about="Routes of an API Gateway HTTP API that is there, each by a name of your choice: the route, "
    "its integration and what lets it call. A preview has only those of its own pull request's file.",
    rows=(
        Field(
            name="api",
            api="ApiId",
            kind=Kind.STRING,
            about="Id of the HTTP API, in the account and Region of the environment.",
            pattern=r"^[a-z0-9]{1,32}$",
            example="abcdef1234",
            required=True,
        ),
        Field(
            name="route",
            api="RouteKey",
            kind=Kind.STRING,
            about="Key of the route: a method (or ANY) and a path, or $default.",
            pattern=rf"^(\$default|({_METHODS}) {_PATH})$",
            is_path=True,
            example="GET /orders/{id}",
            required=True,
        ),
        Field(
            name="authorizationType",
            api="AuthorizationType",
            kind=Kind.STRING,
            about="Who may call the route.",
            default="NONE",
            reset="NONE",
            enum=("NONE", "AWS_IAM", "CUSTOM", "JWT"),
        ),
        Field(
            name="authorizerId",
            api="AuthorizerId",
            kind=Kind.STRING,
            about="With JWT or CUSTOM: id of the API's authorizer.",
            default="",
            reset="",
            pattern=r"^[a-z0-9]{1,32}$",
            example="a1b2c3",
        ),
        Field(
            name="authorizationScopes",
            api="AuthorizationScopes",
            kind=Kind.SET,
            about="With JWT: scopes of which the token has one.",
            default=(),
            reset=[],
            pattern=r"^\S{1,64}$",
        ),
        Field(
            name="operationName",
            api="OperationName",
            kind=Kind.STRING,
            about="Name of the route's operation.",
            default="",
            reset="",
            pattern=r"^.{0,64}$",
        ),
        Field(
            name="payloadFormatVersion",
            api="PayloadFormatVersion",
            kind=Kind.STRING,
            about="Form of the event that the function gets.",
            default=PAYLOAD,
            reset=PAYLOAD,
            enum=("1.0", PAYLOAD),
        ),
        Field(
            name="timeout",
            api="TimeoutInMillis",
            kind=Kind.INTEGER,
            about="How long the API waits for the function, in milliseconds.",
            default=30000,
            reset=30000,
            minimum=50,
            maximum=30000,
        ),
        Field(
            name="missing",
            api="Missing",
            kind=Kind.SET,
            about="What the route lacks to call the function: itself, its integration, or the permission",
            default=(),
            computed=True,
        ),
    ),
    reads=(
        "apigatewayv2:GetRoutes",
        "apigatewayv2:GetIntegrations",
        "apigatewayv2:GetApis",
        "lambda:GetPolicy",
    ),
    writes=(
        "apigatewayv2:CreateIntegration",
        "apigatewayv2:UpdateIntegration",
        "apigatewayv2:CreateRoute",
        "apigatewayv2:UpdateRoute",
        "apigatewayv2:GetApi",
        "lambda:AddPermission",
        "lambda:RemovePermission",
    ),
    removes=("apigatewayv2:DeleteRoute", "apigatewayv2:DeleteIntegration", "lambda:RemovePermission"),
    proof=(),
    proofs={
        "apigatewayv2:GetRoutes": ("Items[].RouteId", "Items[].RouteKey"),
        "apigatewayv2:GetIntegrations": ("Items[].IntegrationId",),
        "apigatewayv2:GetApis": ("Items[].ApiId",),
        "apigatewayv2:GetApi": ("ApiId", "ProtocolType"),
        "apigatewayv2:CreateIntegration": ("IntegrationId",),
        "apigatewayv2:UpdateIntegration": ("IntegrationId",),
        "apigatewayv2:CreateRoute": ("RouteId", "RouteKey"),
        "apigatewayv2:UpdateRoute": ("RouteId", "RouteKey"),
    },
    actions={
        "apigatewayv2:GetRoutes": "apigateway:GET",
        "apigatewayv2:GetIntegrations": "apigateway:GET",
        "apigatewayv2:GetApis": "apigateway:GET",
        "apigatewayv2:GetApi": "apigateway:GET",
        "apigatewayv2:CreateIntegration": "apigateway:POST",
        "apigatewayv2:UpdateIntegration": "apigateway:PATCH",
        "apigatewayv2:CreateRoute": "apigateway:POST",
        "apigatewayv2:UpdateRoute": "apigateway:PATCH",
        "apigatewayv2:DeleteRoute": "apigateway:DELETE",
        "apigatewayv2:DeleteIntegration": "apigateway:DELETE",
    },
    on={
        "apigatewayv2:GetRoutes": "::/apis/*",
        "apigatewayv2:GetIntegrations": "::/apis/*",
        "apigatewayv2:GetApis": "::/apis",
        "apigatewayv2:GetApi": "::/apis/*",
        "apigatewayv2:CreateIntegration": "::/apis/*/integrations",
        "apigatewayv2:UpdateIntegration": "::/apis/*/integrations/*",
        "apigatewayv2:CreateRoute": "::/apis/*/routes",
        "apigatewayv2:UpdateRoute": "::/apis/*/routes/*",
        "apigatewayv2:DeleteRoute": "::/apis/*/routes/*",
        "apigatewayv2:DeleteIntegration": "::/apis/*/integrations/*",
    },
    left_out={
        "Target": "the integration, which Lockstep makes",
        "RouteId": "which route it is",
        "IntegrationId": "which integration it is",
        "Description": "what says that Lockstep made the integration",
        "IntegrationType": "AWS_PROXY: a function gets the whole request",
        "IntegrationSubtype": "of other services than Lambda",
        "IntegrationMethod": "Lambda is called by POST",
        "IntegrationUri": "the function or its alias",
        "CredentialsArn": "a function is called by permission",
        "ConnectionId": "of private integrations, which are no functions",
        "ConnectionType": "of private integrations, which are no functions",
        "TlsConfig": "of private integrations, which are no functions",
        "RequestParameters": _OTHERS,
        "ResponseParameters": _OTHERS,
        "ApiKeyRequired": _SOCKETS,
        "ModelSelectionExpression": _SOCKETS,
        "RequestModels": _SOCKETS,
        "RouteResponseSelectionExpression": _SOCKETS,
        "ContentHandlingStrategy": _SOCKETS,
        "PassthroughBehavior": _SOCKETS,
        "RequestTemplates": _SOCKETS,
        "TemplateSelectionExpression": _SOCKETS,
    },
    handle="Ids",
    terraform=InTerraform(
        resources={
            "aws_apigatewayv2_route": {
                "api": "api_id",
                "route": "route_key",
                "authorizationType": "authorization_type",
                "authorizerId": "authorizer_id",
                "authorizationScopes": "authorization_scopes",
                "operationName": "operation_name",
            },
            "aws_apigatewayv2_integration": {
                "payloadFormatVersion": "payload_format_version",
                "timeout": "timeout_milliseconds",
            },
        },
        calls="integration_uri",
        ids=_ids,
        sid=sid_of,
    ),
    stands_alone=True,
    invites=True,
    moves=True,
    outlives=True,
    sole=True,
    overlaps=True,
    identify=_identify,
    sources=("api", "route"),
    check=_check,
    admits=_admits,
)
