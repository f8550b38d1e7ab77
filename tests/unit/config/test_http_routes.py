"""``lambda.http``: routes as API Gateway takes them, a preview's own or none."""

import pytest

from lockstep.config.load import load
from lockstep.errors import BadInput
from lockstep.model.kinds.http import source_of
from tests.unit.config.conftest import PREVIEW_FILE, PREVIEW_SERVICE, PULL_REQUEST, sample, staging

STAGING, PREVIEW = "staging/s3-notifier", "preview/pr-123/s3-notifier"
API = "api: abcdef1234"
PREVIEWS = "syrf/environments/preview/services/s3-notifier/values.yaml"


@pytest.mark.parametrize(
    ("entry", "problem", "fix"),
    [
        ("{route: GET /orders}", "needs api", "add http.orders.api"),
        (f"{{{API}}}", "needs route", "add http.orders.route"),
        (f"{{{API}, route: /orders}}", "no valid route", "GET /orders/{id}"),
        (f"{{{API}, route: get /orders}}", "no valid route", "GET /orders/{id}"),
        (f"{{{API}, route: 'GET /{{rest+}}/orders'}}", "no valid route", "GET /orders/{id}"),
        ("{api: https://abcdef1234, route: GET /}", "no valid api", "abcdef1234"),
        (f"{{{API}, route: GET /, authorizationType: JWT}}", "none is named", "add authorizerId"),
        (f"{{{API}, route: GET /, authorizerId: a1}}", "asks none", "JWT or CUSTOM"),
        (f"{{{API}, route: GET /, authorizationScopes: [a]}}", "asks for none", "JWT with authorizerId"),
        (f"{{{API}, route: GET /, timeout: 30001}}", "timeout", "30000"),
        (f"{{{API}, route: GET /, payloadFormatVersion: '3.0'}}", "not allowed", "1.0"),
        (f"{{{API}, path: /orders, route: GET /}}", "unknown key 'path'", ""),
    ],
)
def test_what_api_gateway_refuses_is_told_at_its_line(entry: str, problem: str, fix: str) -> None:
    """With what to do, before any call is made."""
    with pytest.raises(BadInput) as caught:
        load(staging(f"  http:\n    orders: {entry}"))
    assert problem in str(caught.value)
    assert fix in str(caught.value)
    assert "staging/s3-notifier/config.yaml:" in str(caught.value)


def test_braces_of_a_path_are_no_template() -> None:
    """API Gateway's parameters stand as they are."""
    route = "ANY /orders/{id}/{rest+}"
    (one,) = (
        load(staging(f"  http: {{orders: {{{API}, route: '{route}'}}}}")).fleet.targets[STAGING].resources
    )
    assert one.identity == f"abcdef1234 {route}"


def test_two_names_for_one_route_are_refused() -> None:
    """An API has one route of a key."""
    entry = f"{{{API}, route: GET /orders}}"
    with pytest.raises(BadInput, match="are the same to AWS"):
        load(staging(f"  http: {{a: {entry}, b: {entry}}}"))


@pytest.mark.parametrize(
    ("route", "source"),
    [
        ("$default", "*/$default"),
        ("GET /", "*/GET/"),
        ("ANY /orders/{id}", "*/*/orders/*"),
        ("POST /{shop}/orders/{rest+}", "*/POST/*/orders/*"),
    ],
)
def test_the_statement_lets_in_the_route_in_every_stage(route: str, source: str) -> None:
    """And no other: its method and its path, of which parameters are any text."""
    assert source_of(route) == source


@pytest.mark.parametrize(
    ("previews", "pull", "expected"),
    [
        (f"{{{API}, route: GET /orders}}", None, 0),
        (f"{{{API}, route: 'GET /{{pr}}/orders'}}", None, 0),  # a parameter of the path
        (f"{{{API}, route: GET /orders}}", "{route: GET /mine}", 1),
        (f"{{{API}, route: GET /orders}}", "{api: a1b2c3d4e5}", 1),
    ],
)
def test_a_preview_has_routes_of_its_own_or_none(previews: str, pull: str | None, expected: int) -> None:
    """The route of another environment would answer its callers by the preview."""
    own = PULL_REQUEST
    if pull:
        own = own.replace("lambda: {", f"lambda: {{http: {{orders: {pull}}}, ")
    block = f"lambda:\n  http: {{orders: {previews}}}\n"
    tree = sample({PREVIEWS: PREVIEW_SERVICE.replace("lambda:\n", block), PREVIEW_FILE: own})
    assert len(load(tree).fleet.targets[PREVIEW].resources) == expected
