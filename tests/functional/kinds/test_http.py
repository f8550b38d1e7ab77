"""Routes of an HTTP API on a strict AWS: requests arrive, and what others made stays."""

import json
import urllib.request
from typing import Any

import pytest

from lockstep.model import Environment, Fleet, Resource
from lockstep.model.kinds import KINDS
from tests.functional.kinds.samples import resource
from tests.support.clouds import REGION, client
from tests.support.engine import Lab, changes_of
from tests.support.projects import make_fleet, make_project, make_target

KEY, NAME = "staging/notifier", "notifier-staging"
API, ROUTE = "abcdef1234", "GET /orders/{id}"
ANSWERS = (
    "def handler(event, context):\n"
    "    return {'statusCode': 200, 'body': event['routeKey'] + ' ' + event['pathParameters']['id']}\n"
)


def declared(*beside: Resource, **fields: Any) -> Fleet:
    """One function and its routes."""
    return make_fleet(make_target(KEY, resources=beside, **fields))


def route(on: str = "", **settings: Any) -> Resource:
    """A route for one order."""
    return resource("http", on=on, **{"api": API, "route": ROUTE, **settings})


def another(name: str, key: str) -> Resource:
    """Another route of the same API."""
    return KINDS["http"].declared({"api": API, "route": key}, "", name, "", NAME)


def api_of(lab: Lab) -> Any:
    """API Gateway past the proxy."""
    return client(lab.aws.behind, "apigatewayv2")


def calls(lab: Lab) -> dict[str, str]:
    """What each route of the API calls."""
    uris = {
        f"integrations/{one['IntegrationId']}": one["IntegrationUri"]
        for one in api_of(lab).get_integrations(ApiId=API)["Items"]
    }
    return {one["RouteKey"]: uris[one["Target"]] for one in api_of(lab).get_routes(ApiId=API)["Items"]}


def statements(lab: Lab) -> list[dict[str, Any]]:
    """What lets routes call."""
    answer = json.loads(lab.client("lambda").get_policy(FunctionName=NAME)["Policy"])
    return [one for one in answer["Statement"] if one["Sid"].startswith("lockstep-http-")]


def theirs(lab: Lab) -> str:
    """Make the route somebody else's; its integration."""
    made = api_of(lab).create_integration(
        ApiId=API,
        IntegrationType="HTTP_PROXY",
        IntegrationMethod="GET",
        IntegrationUri="https://shop.example/orders",
        PayloadFormatVersion="1.0",
    )
    target = f"integrations/{made['IntegrationId']}"
    api_of(lab).create_route(ApiId=API, RouteKey=ROUTE, Target=target)
    return str(made["IntegrationId"])


def test_a_request_is_answered_by_the_function(lab: Lab) -> None:
    """Through its alias; the statement lets in just this method and path."""
    lab.sync(declared(route("live"), alias="live", source=ANSWERS))
    address = f"{lab.aws.behind.endpoint}/_aws/execute-api/{API}/$default/orders/7"
    with urllib.request.urlopen(address) as answer:
        assert answer.read().decode() == f"{ROUTE} 7"
    (one,) = statements(lab)
    source = one["Condition"]["ArnLike"]["AWS:SourceArn"]
    assert source.endswith(f":{API}/*/GET/orders/*")
    assert one["Resource"].endswith(f":{NAME}:live")


def test_a_route_moves_to_an_alias_in_place(lab: Lab) -> None:
    """The same route and integration; the alias is let in before it moves, the function locked after it."""
    lab.sync(declared(route()))
    before = api_of(lab).get_routes(ApiId=API)["Items"]
    lab.aws.forget()
    run = lab.sync(declared(route("live"), alias="live"))
    assert changes_of(run.plan, KEY)["http.orders"] == "on live"
    assert api_of(lab).get_routes(ApiId=API)["Items"] == before
    assert calls(lab)[ROUTE].endswith(f":{NAME}:live")
    assert [one["Resource"].rpartition(":")[2] for one in statements(lab)] == ["live"]


def test_what_others_made_in_the_api_stays(lab: Lab) -> None:
    """Ours goes, with its integration, and theirs is as it was."""
    http = api_of(lab)
    made = http.create_integration(
        ApiId=API,
        IntegrationType="HTTP_PROXY",
        IntegrationUri="https://shop.example",
        PayloadFormatVersion="1.0",
    )
    http.create_route(ApiId=API, RouteKey="GET /shop", Target=f"integrations/{made['IntegrationId']}")
    lab.sync(declared(route()))
    assert set(calls(lab)) == {"GET /shop", ROUTE}
    lab.sync(declared())
    assert calls(lab) == {"GET /shop": "https://shop.example"}
    assert len(http.get_integrations(ApiId=API)["Items"]) == 1
    assert statements(lab) == []


def test_a_route_of_others_is_taken_over_only_when_told(lab: Lab) -> None:
    """Its key is taken: the plan is blocked until --adopt; the integration that it called stays."""
    integration = theirs(lab)
    lab.sync(declared())
    (target,) = lab.plan(declared(route())).blocked
    assert "the HTTP route of http.orders is there, and is not Lockstep's" in str(target.problem)
    run = lab.run(declared(route()), adopt=True)
    assert run.report.is_success, run.failures
    assert calls(lab)[ROUTE].endswith(f":{NAME}")
    left = [one["IntegrationId"] for one in api_of(lab).get_integrations(ApiId=API)["Items"]]
    assert integration in left
    assert lab.plan(declared(route())).is_empty


def test_a_route_of_others_is_not_taken_by_a_new_function(lab: Lab) -> None:
    """Nobody could see it in the plan; the next one says it, and still takes nothing."""
    theirs(lab)
    run = lab.run(declared(route()))
    assert "is there already, and is not Lockstep's" in run.error
    assert calls(lab) == {ROUTE: "https://shop.example/orders"}
    assert lab.plan(declared(route())).blocked
    lab.sync(declared())
    assert calls(lab) == {ROUTE: "https://shop.example/orders"}


def test_an_integration_that_a_lost_answer_left_is_used_and_no_second_one_stays(lab: Lab) -> None:
    """CreateIntegration makes another one each time; ours for the route is known by its description."""
    lab.sync(declared(route()))
    http = api_of(lab)
    (ours,) = http.get_integrations(ApiId=API)["Items"]
    (there,) = http.get_routes(ApiId=API)["Items"]
    http.create_integration(
        ApiId=API,
        IntegrationType="AWS_PROXY",
        IntegrationUri=ours["IntegrationUri"],
        Description=ours["Description"],
        PayloadFormatVersion="2.0",
    )
    run = lab.sync(declared(route()))
    assert set(changes_of(run.plan, KEY)) == {"http.orders.missing"}
    http.delete_route(ApiId=API, RouteId=there["RouteId"])
    lab.sync(declared(route()))
    assert http.get_integrations(ApiId=API)["Items"] == [ours]


def test_a_route_goes_to_another_function_of_the_project(lab: Lab) -> None:
    """In place, so no call falls between the two, and unasked; what is left of the old one goes."""
    lab.sync(declared(route()))
    lab.aws.forget()
    both = make_fleet(make_target(KEY), make_target("staging/orders", resources=(route(),)))
    run = lab.run(both)
    assert run.report.is_success, run.failures
    assert "apigatewayv2.DeleteRoute" not in lab.aws.counts()
    assert lab.plan(both).is_empty
    assert calls(lab)[ROUTE].endswith(":orders-staging")
    assert len(api_of(lab).get_integrations(ApiId=API)["Items"]) == 1


def test_one_route_of_two_targets_is_refused(lab: Lab) -> None:
    """Each sync would take it from the other."""
    fleet = make_fleet(
        make_target(KEY, resources=(route(),)), make_target("staging/orders", resources=(route(),))
    )
    blocked = lab.plan(fleet).blocked
    assert [one.target for one in blocked] == [KEY, "staging/orders"]
    assert "http.orders is declared by staging/orders too" in str(blocked[0].problem)


def test_an_api_that_is_not_there_is_told(lab: Lab) -> None:
    """With its id and the account that was looked in."""
    run = lab.run(declared(route(api="gone")))
    assert "http.orders: the API gone (" in run.error
    assert "there is no API of this id" in run.error


@pytest.mark.parametrize("left", ["all", "integration"])
def test_a_function_that_goes_takes_its_route_along(lab: Lab, left: str) -> None:
    """It would answer errors; also one whose route a killed run took away already."""
    project = make_project("shop", Environment(name="staging", region=REGION, prune=True))
    lab.sync(declared(route()), project=project)
    if left == "integration":
        (there,) = api_of(lab).get_routes(ApiId=API)["Items"]
        api_of(lab).delete_route(ApiId=API, RouteId=there["RouteId"])
    run = lab.run(make_fleet(), project=project, allow_deletes=1)
    assert run.report.is_success, run.failures
    assert api_of(lab).get_routes(ApiId=API)["Items"] == []
    assert api_of(lab).get_integrations(ApiId=API)["Items"] == []


def test_two_routes_of_an_api_cost_two_calls(lab: Lab) -> None:
    """Its routes and its integrations, whatever many a function has of them; and its policy."""
    several = (route(), another("reports", "POST /reports"))
    lab.sync(declared(*several))
    lab.aws.forget()
    assert lab.plan(declared(*several)).is_empty
    counts = {name: n for name, n in lab.aws.counts().items() if name.startswith("apigatewayv2.")}
    assert counts == {"apigatewayv2.GetRoutes": 1, "apigatewayv2.GetIntegrations": 1}
    assert lab.aws.counts()["lambda.GetPolicy"] == 1
