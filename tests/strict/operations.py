"""Which AWS operation a request is, from botocore's own service models.

REST services (Lambda, S3) are told by method, path, query and required headers; JSON services by
``X-Amz-Target``; query services by ``Action``.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote

import botocore.loaders
import botocore.model

from tests.strict.cloud import ACCOUNT
from tests.strict.wire import Request

__all__ = ["Operation", "identify", "is_mutating"]

_SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/([^/]*)/([^/]+)/aws4_request")
_READS = re.compile(
    r"^(Get(?!SessionToken)|List|Head|Describe|BatchGet|Simulate|AssumeRole|Filter|Select|Lookup)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """What a request asks for. ``service`` is the signing name: lambda, s3, iam, sts, logs, tagging..."""

    service: str
    name: str
    params: Mapping[str, str]  # from path and query: FunctionName, Bucket, Key, StatementId, Qualifier...
    account: str  # 12 digits
    region: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Route:
    name: str
    path: re.Pattern[str]
    literals: frozenset[str]
    queries: Mapping[str, str]  # name in the query -> member
    needs: frozenset[str]  # required parameters of the query
    headers: frozenset[str]  # required headers
    rank: tuple[int, int]


@functools.cache
def _routes(service: str) -> dict[str, list[_Route]]:
    """Routes of a REST service for each method, the most specific first."""
    loaded = botocore.loaders.Loader().load_service_model(service, "service-2")
    model: Any = botocore.model.ServiceModel(loaded, service)
    routes: dict[str, list[_Route]] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        pattern = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", re.escape(path))
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)
        members = operation.input_shape.members if operation.input_shape else {}
        required = operation.input_shape.required_members if operation.input_shape else []
        wire = {
            member: (shape.serialization.get("location"), shape.serialization.get("name", member))
            for member, shape in members.items()
        }
        literals = frozenset(name for name, _ in parse_qsl(query, keep_blank_values=True))
        needs = frozenset(wire[m][1] for m in required if wire[m][0] == "querystring")
        headers = frozenset(wire[m][1].lower() for m in required if wire[m][0] == "header")
        routes.setdefault(operation.http["method"], []).append(
            _Route(
                name=name,
                path=re.compile(rf"^{pattern}/?$"),
                literals=literals,
                queries={wire_name: m for m, (where, wire_name) in wire.items() if where == "querystring"},
                needs=needs,
                headers=headers,
                rank=(
                    len(literals) + len(needs) + len(headers) + (path.count("/") - path.count("{")),
                    0 if operation.deprecated else 1,
                ),
            )
        )
    for found in routes.values():
        found.sort(key=lambda route: route.rank, reverse=True)
    return routes


def _rest(service: str, request: Request) -> tuple[str, dict[str, str]]:
    query = request.query
    for route in _routes(service).get(request.method, ()):
        if not (route.literals <= query.keys() and route.needs <= query.keys()):
            continue
        match = route.path.match(request.path)
        if match and route.headers <= request.headers.keys():
            params = {name: unquote(value) for name, value in match.groupdict().items()}
            params |= {route.queries[name]: value for name, value in query.items() if name in route.queries}
            return route.name, params
    return "Unknown", {}


def identify(request: Request) -> Operation:
    """Name the operation of a request."""
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    key, region, service = scope.groups() if scope else ("", "", "")
    target = request.headers.get("x-amz-target")
    params: dict[str, str] = {}
    if not service:
        service = "lambda" if re.match(r"^/20\d\d-\d\d-\d\d/", request.path) else "s3"
    if target:
        name = target.rpartition(".")[2]
    elif service == "apigateway" and request.path.startswith("/v2/"):
        service = "apigatewayv2"  # another service to botocore, and the same to who signs
        name, params = _rest(service, request)
    elif service in ("lambda", "s3", "scheduler"):
        name, params = _rest(service, request)
    elif match := re.search(r"/operation/(\w+)$", request.path):
        name = match[1]
    else:
        form = {k: v[-1] for k, v in parse_qs(request.body.decode("utf-8", "replace")).items()}
        name, params = form.pop("Action", "Unknown"), form
    account = key if re.fullmatch(r"\d{12}", key) else ACCOUNT
    return Operation(service=service, name=name, params=params, account=account, region=region)


def is_mutating(operation: Operation) -> bool:
    """The operation changes something (running a function counts too)."""
    return not _READS.match(operation.name)
