"""Listings come in pages, and leave out what only GetFunction tells.

Sources: ListFunctions ("up to 50 functions per page"; it leaves out State, LastUpdateStatus, their
reasons and RuntimeVersionConfig), ListEventSourceMappings ("Lambda returns a maximum of 100 items in each
response"), ListLayerVersions (MaxItems, at most 50) and GetResources (50 a page unless told, at most 100).
"""

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["Pages"]

_NOT_LISTED = (
    "State",
    "StateReason",
    "StateReasonCode",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "RuntimeVersionConfig",
)


class Pages(Rule):
    """Page ListFunctions and versions of layers by 50, event source mappings by 100 and GetResources by 50 to
    100, as AWS does."""

    def __init__(
        self, *, functions: int = 50, resources: int = 100, mappings: int = 100, layers: int = 50
    ) -> None:
        self._sizes_of = {
            "lambda.ListFunctions": functions,
            "lambda.ListEventSourceMappings": mappings,
            "lambda.ListLayerVersions": layers,
        }
        self._resources = resources
        self._sizes: dict[int, tuple[int, int]] = {}

    def before(self, call: Call) -> Answer | None:
        """Ask the emulator for everything and remember which page was wanted."""
        if most := self._sizes_of.get(call.name):
            params = call.operation.params
            size = min(most, int(params.get("MaxItems") or most))
            self._sizes[call.number] = (int(params.get("Marker") or 0), size)
            path, _, query = call.request.target.partition("?")
            kept = [(n, v) for n, v in parse_qsl(query) if n not in ("Marker", "MaxItems")]
            call.request.target = f"{path}?{urlencode([*kept, ('MaxItems', '1000000')])}"
        elif call.name == "tagging.GetResources":
            body = call.json()
            size = min(self._resources, body.pop("ResourcesPerPage", 50))
            self._sizes[call.number] = (int(body.pop("PaginationToken", "") or 0), size)
            return self._all_resources(call, body)
        return None

    def _all_resources(self, call: Call, body: dict[str, Any]) -> Answer:
        """Read all pages of the emulator, which cuts them elsewhere or not at all."""
        found: list[Any] = []
        token = ""
        while True:
            wanted = body | ({"PaginationToken": token} if token else {})
            call.request.body = json.dumps(wanted).encode()
            answer = self.cloud.forward(call.request)
            if not answer.is_success:
                return answer
            page = json.loads(answer.body)
            found += page["ResourceTagMappingList"]
            token = page.get("PaginationToken") or ""
            if not token:
                everything = json.dumps({"ResourceTagMappingList": found}).encode()
                return self.after(call, Answer(status=200, headers=answer.headers, body=everything))

    def after(self, call: Call, answer: Answer) -> Answer:
        """Cut out the page."""
        start, size = self._sizes.pop(call.number, (0, 0))
        if not size or not answer.is_success:
            return answer
        body: dict[str, Any] = json.loads(answer.body)
        if call.operation.name == "ListFunctions":
            everything = sorted(body["Functions"], key=lambda item: str(item["FunctionName"]))
            page = everything[start : start + size]
            body = {"Functions": [{k: v for k, v in f.items() if k not in _NOT_LISTED} for f in page]}
            if start + size < len(everything):
                body["NextMarker"] = str(start + size)
        elif call.operation.name in ("ListEventSourceMappings", "ListLayerVersions"):
            (name,) = body.keys() & {"EventSourceMappings", "LayerVersions"}
            everything = body[name]
            body[name] = everything[start : start + size]
            if start + size < len(everything):
                body["NextMarker"] = str(start + size)
        else:
            everything = body["ResourceTagMappingList"]
            token = str(start + size) if start + size < len(everything) else ""
            body = {"ResourceTagMappingList": everything[start : start + size], "PaginationToken": token}
        answer.body = json.dumps(body).encode()
        return answer
