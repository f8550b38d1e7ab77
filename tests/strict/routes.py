"""HTTP APIs as AWS keeps them: one route of a key, and no integration goes that a route calls.

Sources: API Gateway v2 API reference: CreateRoute and DeleteIntegration (ConflictException: "The resource
already exists"), UpdateRoute, CreateIntegration (HTTP APIs need a PayloadFormatVersion).
"""

import json
from typing import Any

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["HttpRoutes"]


class HttpRoutes(Rule):
    """A second route of a key is refused, and so is the end of an integration that is called."""

    def before(self, call: Call) -> Answer | None:
        """Refuse what API Gateway refuses."""
        match call.name:
            case "apigatewayv2.CreateRoute":
                key = call.json().get("routeKey")
                if key in [one["routeKey"] for one in self._routes(call)]:
                    return self._conflict(call, f"Route with key {key} already exists for this API")
            case "apigatewayv2.UpdateRoute":
                target = call.json().get("target", "").removeprefix("integrations/")
                if target and target not in [one["integrationId"] for one in self._all(call, "integrations")]:
                    text = f"Invalid Integration identifier specified {target}"
                    return error(call.operation, 400, "BadRequestException", text)
            case "apigatewayv2.DeleteIntegration":
                which = call.operation.params["integrationId"]
                callers = [one for one in self._routes(call) if one.get("target") == f"integrations/{which}"]
                if callers:
                    text = f"Cannot delete Integration '{which}' as it is called by {callers[0]['routeKey']}"
                    return self._conflict(call, text)
            case "apigatewayv2.CreateIntegration" if not call.json().get("payloadFormatVersion"):
                text = "PayloadFormatVersion is a required parameter for integration"
                return error(call.operation, 400, "BadRequestException", text)
        return None

    def _conflict(self, call: Call, text: str) -> Answer:
        return error(call.operation, 409, "ConflictException", text)

    def _routes(self, call: Call) -> list[dict[str, Any]]:
        return self._all(call, "routes")

    def _all(self, call: Call, what: str) -> list[dict[str, Any]]:
        path = f"/v2/apis/{call.operation.params['apiId']}/{what}"
        answer = self.cloud.ask(call, "GET", path, service="apigateway")
        return json.loads(answer.body).get("items", []) if answer.is_success else []
