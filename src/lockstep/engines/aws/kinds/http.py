"""Routes of HTTP APIs: our integration, what lets the route call, and the route. What others made stays.

Source: API Gateway v2 API reference: an API has one route of a key, updates leave what they do not name, and
an integration that a route names is not deleted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.engines.aws.permission import at, let_in, lets_in, statements_of
from lockstep.errors import CloudError
from lockstep.model import Resource
from lockstep.model.kinds.base import digest_of, sid_on
from lockstep.model.kinds.http import CALLER, KIND, mark_of, sid_of, source_of
from lockstep.values import dataclass

__all__ = ["KIND", "put", "read", "remove", "under_way"]

_OF_INTEGRATIONS = ("payloadFormatVersion", "timeout")
_PROJECT = "lockstep:project"
_MOST = "100"  # of a page


@dataclass(frozen=True, kw_only=True, slots=True)
class _Api:
    """What an API has that concerns us."""

    routes: Mapping[str, Mapping[str, Any]]  # by key
    integrations: tuple[Mapping[str, Any], ...]

    def ours(self, function: str, key: str) -> list[Mapping[str, Any]]:
        """Our integrations for a route, first the one that it calls: a lost answer leaves another."""
        called = self.routes.get(key, {}).get("Target")
        found = [one for one in self.integrations if one.get("Description") == mark_of(function, key)]
        return sorted(found, key=lambda one: (_target(one) != called, one["IntegrationId"]))

    def called_by(self, key: str) -> str | None:
        """The function that a route calls by an integration of Lockstep's."""
        called = self.routes.get(key, {}).get("Target")
        mark = next((str(one.get("Description")) for one in self.integrations if _target(one) == called), "")
        words = mark.removesuffix(f" {key}").split(" ")
        return words[1] if mark.endswith(f" {key}") and words[:1] == ["lockstep"] and len(words) > 1 else None


def read(
    connection: Connection, function: str, qualifier: str, sought: Mapping[str, str]
) -> Iterator[Resource]:
    """The routes that are sought, with what each lacks to call the function or its alias."""
    statements: tuple[dict[str, Any], ...] | None = None
    apis: dict[str, _Api] = {}
    for identity in sorted({*filter(None, sought.values()), *_named(connection, function, sought)}):
        name, key = _parts(identity)
        api = apis[name] = apis.get(name) or _api(connection, name)
        route, ours = api.routes.get(key), api.ours(function, key)
        if route is None and not ours:
            continue
        if statements is None:
            statements = statements_of(connection, function, qualifier)
        is_elsewhere = bool(ours) and ours[0].get("IntegrationUri") != _called(
            connection, function, qualifier
        )
        if is_elsewhere and not any(_is_ours_here(one, identity, qualifier) for one in statements):
            continue  # it is on another alias, and whoever moved it there came to the end
        lacks = {
            "integration": not ours or is_elsewhere or len(ours) > 1,
            "permission": not any(lets_in(one, CALLER, _source(connection, identity)) for one in statements),
            "route": route is None or not ours or route.get("Target") != _target(ours[0]),
        }
        told = {**(ours[0] if ours else {}), **(route or {}), "ApiId": name, "RouteKey": key}
        missing = [what for what, is_missing in lacks.items() if is_missing]
        ids = f"{told.get('RouteId', '')} {told.get('IntegrationId', '')}"
        found = KIND.read({**told, "Missing": missing, "Ids": ids}, qualifier)
        if found is not None:
            is_kin = not ours and _is_of_project(connection, function, api, key)
            is_let_in = any(_is_ours_here(one, identity, qualifier) for one in statements)
            yield replace(found, foreign=not ours, kin=is_kin, is_let_in=is_let_in)


def put(connection: Connection, function: str, resource: Resource, live: Resource | None) -> None:
    """The integration, what lets it call, then the route; what let it call another alias goes last.

    An integration of somebody else's that the route called stays, and calls nobody.
    """
    name, _ = _parts(resource.identity)
    _check_api(connection, name, resource)
    ours = _integrate(connection, function, resource)
    sid = sid_on(sid_of(resource.identity), resource.qualifier)
    source = _source(connection, resource.identity)
    let_in(connection, function, resource.qualifier, sid, CALLER, source)
    _route(connection, resource, _target(ours[0]), is_new=live is None)
    for one in ours[1:]:
        connection.find("apigatewayv2", "DeleteIntegration", ApiId=name, IntegrationId=one["IntegrationId"])
    if live is not None and live.qualifier != resource.qualifier:
        _revoke(connection, function, live)


def remove(connection: Connection, function: str, live: Resource) -> None:
    """The route where it calls our integration (else it is theirs now), what let it call, the integration.

    That goes last: it is what a run that was killed finds the rest by.
    """
    name, key = _parts(live.identity)
    api = _api(connection, name)
    ours, route = api.ours(function, key), api.routes.get(key)
    if ours and ours[0].get("IntegrationUri") != _called(connection, function, live.qualifier):
        _revoke(connection, function, live)  # what is left of one that is on another alias
        return
    if route is not None and route.get("Target") in [_target(one) for one in ours]:
        connection.find("apigatewayv2", "DeleteRoute", ApiId=name, RouteId=route["RouteId"])
    _revoke(connection, function, live)
    for one in ours:
        connection.find("apigatewayv2", "DeleteIntegration", ApiId=name, IntegrationId=one["IntegrationId"])


def under_way(connection: Connection, live: Resource) -> str:
    """Nothing: routes are written at once."""
    return ""


def _integrate(connection: Connection, function: str, resource: Resource) -> list[Mapping[str, Any]]:
    """Make our integration so; all that we have for the route, that one first."""
    name, key = _parts(resource.identity)
    wanted = {
        **{member: value for row, member, value in _members(resource) if row in _OF_INTEGRATIONS},
        "IntegrationType": "AWS_PROXY",
        "IntegrationMethod": "POST",
        "IntegrationUri": _called(connection, function, resource.qualifier),
        "Description": mark_of(function, key),
    }
    ours = _api(connection, name).ours(function, key)
    if not ours:
        connection.call("apigatewayv2", "CreateIntegration", ApiId=name, **wanted)
        return _api(connection, name).ours(function, key)
    if any(ours[0].get(member) != value for member, value in wanted.items()):
        which = {"ApiId": name, "IntegrationId": ours[0]["IntegrationId"]}
        connection.call("apigatewayv2", "UpdateIntegration", **which, **wanted)
    return ours


def _route(connection: Connection, resource: Resource, target: str, *, is_new: bool) -> None:
    """Make the route so. One that came to be since the plan is somebody else's."""
    name, key = _parts(resource.identity)
    wanted = {member: value for row, member, value in _members(resource) if row not in _OF_INTEGRATIONS}
    wanted["Target"] = target
    if (there := _api(connection, name).routes.get(key)) is None:
        given = {member: value for member, value in wanted.items() if value}
        try:
            connection.try_call("apigatewayv2", "CreateRoute", ApiId=name, **given)
        except Exception as error:
            if code_of(error) != "ConflictException":
                raise connection.explain(error, "apigatewayv2", "CreateRoute") from error
            there = _api(connection, name).routes.get(key)
            if there is None or there.get("Target") != target:  # else its answer was lost
                raise _taken(resource) from error
        return
    if is_new and there.get("Target") != target:
        raise _taken(resource)
    if changed := {
        member: value for member, value in wanted.items() if (there.get(member) or value[:0]) != value
    }:
        connection.call("apigatewayv2", "UpdateRoute", ApiId=name, RouteId=there["RouteId"], **changed)


def _members(resource: Resource) -> Iterator[tuple[str, str, Any]]:
    """Each row with its member as the API takes it, but for the API, which all calls name."""
    said = KIND.request(resource)
    return ((row.name, row.api, said[row.api]) for row in KIND.rows if row.api in said and row.name != "api")


def _taken(resource: Resource) -> CloudError:
    return CloudError(
        f"the route {resource.identity.partition(' ')[2]} is there already, and is not Lockstep's",
        where="apigatewayv2:GetRoutes",
        fix="run again: the plan then says what would change of it, and takes it over with --adopt or "
        "`adopt: true`",
    )


def _check_api(connection: Connection, name: str, resource: Resource) -> None:
    """Routes are of HTTP APIs that are there. Raises CloudError."""
    api = connection.find("apigatewayv2", "GetApi", ApiId=name)
    if api is not None and api["ProtocolType"] == "HTTP":
        return
    scope = connection.scope
    place = f"{scope.account}, {scope.region}"
    what = "there is no API of this id" if api is None else f"it is a {api['ProtocolType']} API"
    raise CloudError(
        f"{resource.path}: the API {name} ({place}): {what}",
        where="apigatewayv2:GetApi",
        fix="name an HTTP API that is there: `aws apigatewayv2 get-apis` lists them; REST APIs are called by "
        "lambda.permissions",
    )


def _is_of_project(connection: Connection, function: str, api: _Api, key: str) -> bool:
    """Whether a route calls another function of the same project: then it goes from that one to this."""
    other = api.called_by(key)
    if other is None:
        return False
    found = [connection.find("lambda", "GetFunction", FunctionName=name) or {} for name in (function, other)]
    mine, its = (one.get("Tags", {}).get(_PROJECT) for one in found)
    return mine is not None and mine == its


def _named(connection: Connection, function: str, sought: Mapping[str, str]) -> Iterator[str]:
    """Identities of routes that only a digest tells: the account's HTTP APIs are looked through for them."""
    digests = {digest for digest, identity in sought.items() if not identity}
    if not digests:
        return
    for one in _items(connection, "apigatewayv2", "GetApis"):
        start = mark_of(function, "")
        for found in _items(connection, "apigatewayv2", "GetIntegrations", ApiId=one["ApiId"]):
            said = str(found.get("Description", ""))
            identity = f"{one['ApiId']} {said.removeprefix(start)}"
            if said.startswith(start) and digest_of(identity) in digests:
                yield identity


def _api(connection: Connection, name: str) -> _Api:
    return _Api(
        routes={one["RouteKey"]: one for one in _items(connection, "apigatewayv2", "GetRoutes", ApiId=name)},
        integrations=tuple(_items(connection, "apigatewayv2", "GetIntegrations", ApiId=name)),
    )


def _items(connection: Connection, service: str, operation: str, **about: str) -> list[dict[str, Any]]:
    """All items of a listing; none where the API is gone."""
    token: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    while True:
        answer = connection.find(service, operation, **about, MaxResults=_MOST, **token)
        if answer is None:
            return []
        found += answer.get("Items", [])
        if not answer.get("NextToken") or token == {"NextToken": answer["NextToken"]}:
            return found
        token = {"NextToken": answer["NextToken"]}


def _parts(identity: str) -> tuple[str, str]:
    name, _, key = identity.partition(" ")
    return name, key


def _target(integration: Mapping[str, Any]) -> str:
    return f"integrations/{integration['IntegrationId']}"


def _called(connection: Connection, function: str, qualifier: str) -> str:
    return connection.scope.function_arn(function) + (f":{qualifier}" if qualifier else "")


def _source(connection: Connection, identity: str) -> str:
    """The ARN that the route calls by."""
    name, key = _parts(identity)
    scope = connection.scope
    return f"arn:{scope.partition}:execute-api:{scope.region}:{scope.account}:{name}/{source_of(key)}"


def _is_ours_here(statement: Mapping[str, Any], identity: str, qualifier: str) -> bool:
    return statement.get("Sid") == sid_on(sid_of(identity), qualifier)


def _revoke(connection: Connection, function: str, live: Resource) -> None:
    sid = sid_on(sid_of(live.identity), live.qualifier)
    connection.find("lambda", "RemovePermission", **at(function, live.qualifier), StatementId=sid)
