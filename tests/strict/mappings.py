"""Event source mappings as Lambda keeps them; the emulators take almost anything and do it at once.

Sources: the Lambda API reference (CreateEventSourceMapping, UpdateEventSourceMapping,
DeleteEventSourceMapping, the states of EventSourceMappingConfiguration, "Related setting" of
MaximumBatchingWindowInSeconds) and developer guide ("Using Lambda with Amazon SQS"); the errors' words from
issues of hashicorp/terraform-provider-aws (15539: the 409 that names the UUID, 18099: the visibility
timeout, and its retries of ResourceInUseException).
"""

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from tests.strict.errors import error
from tests.strict.limits import violations
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["Mappings"]

_CREATE, _UPDATE = "lambda.CreateEventSourceMapping", "lambda.UpdateEventSourceMapping"
_DELETE = "lambda.DeleteEventSourceMapping"
_LIST = "/2015-03-31/event-source-mappings/"
_IDENTITY = ("EventSourceArn", "FunctionArn", "Topics", "Queues")
_STREAMS = (":kinesis:", ":dynamodb:")


class Mappings(Rule):
    """Writes take ``calls`` looks to be over; meanwhile another one is refused, and so is a second mapping.

    Emulators forget members: what was said is kept here and shown.
    """

    def __init__(self, *, calls: int = 1) -> None:
        self._calls = calls
        self._busy: dict[str, tuple[str, int]] = {}  # UUID -> state, looks left
        self._going: dict[str, dict[str, Any]] = {}  # UUID -> what is being deleted
        self._said: dict[str, dict[str, Any]] = {}  # UUID -> members that were asked for
        self._lock = threading.Lock()

    def before(self, call: Call) -> Answer | None:
        """Refuse what Lambda refuses."""
        if call.name not in (_CREATE, _UPDATE, _DELETE):
            return None
        with self._lock:
            uuid = call.operation.params.get("UUID", "")
            if uuid in self._busy or uuid in self._going:
                text = "Cannot update the event source mapping because it is in use."
                return error(call.operation, 400, "ResourceInUseException", text)
            if call.name == _DELETE:
                self._going.update((one["UUID"], one) for one in self._live(call) if one["UUID"] == uuid)
                return None
            body = call.json()
            if found := next(violations(call.operation.name, body), None):
                return error(call.operation, 400, "ValidationException", f"1 validation error: {found}")
            if call.name == _CREATE:
                return self._refused(call, body)
            live = next((one for one in self._live(call) if one["UUID"] == uuid), {})
            why = _wrong({**live, **body})
            return None if why is None else error(call.operation, 400, "InvalidParameterValueException", why)

    def _refused(self, call: Call, body: Mapping[str, Any]) -> Answer | None:
        operation = call.operation
        name, _, qualifier = str(body["FunctionName"]).rpartition("function:")[2].partition(":")
        arn = f"arn:aws:lambda:{operation.region}:{operation.account}:function:{name}"
        wanted = {**body, "FunctionArn": f"{arn}:{qualifier}" if qualifier else arn}
        for one in (*self._live(call), *self._going.values()):
            if all(wanted.get(member) == self._whole(one).get(member) for member in _IDENTITY):
                text = (
                    f'An event source mapping with SQS arn (" {body.get("EventSourceArn")} ") and function '
                    f'(" {name} ") already exists. Please update or delete the existing mapping with UUID '
                    f"{one['UUID']}"
                )
                return error(operation, 409, "ResourceConflictException", text)
        why = _wrong(body) or self._too_visible(call, body, name)
        return None if why is None else error(operation, 400, "InvalidParameterValueException", why)

    def _too_visible(self, call: Call, body: Mapping[str, Any], name: str) -> str | None:
        source = str(body.get("EventSourceArn", "")).split(":")
        if source[2:3] != ["sqs"]:
            return None
        query = {"QueueName": source[5], "AttributeName.1": "VisibilityTimeout", "Version": "2012-11-05"}
        url = self.cloud.ask(call, "GET", "/", {"Action": "GetQueueUrl", **query}, service="sqs")
        if not url.is_success:
            return (
                "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue"
            )
        where = f"/{source[4]}/{source[5]}"
        told = self.cloud.ask(call, "GET", where, {"Action": "GetQueueAttributes", **query}, service="sqs")
        hidden = int(told.body.decode().partition("<Value>")[2].partition("<")[0])
        path = f"/2015-03-31/functions/{name}"
        function = json.loads(self.cloud.ask(call, "GET", path).body)
        timeout = function["Configuration"]["Timeout"]
        if hidden >= timeout:
            return None
        return f"Queue visibility timeout: {hidden} seconds is less than Function timeout: {timeout} seconds"

    def after(self, call: Call, answer: Answer) -> Answer:
        """Remember what was asked for, and show it with its state."""
        if not answer.is_success:
            return answer
        with self._lock:
            match call.name:
                case "lambda.CreateEventSourceMapping" | "lambda.UpdateEventSourceMapping":
                    body = json.loads(answer.body)
                    uuid = body["UUID"]
                    asked = {
                        k: v for k, v in call.json().items() if k not in ("FunctionName", "Enabled", "Tags")
                    }
                    # MiniStack's default is SQS's for all.
                    usual = {} if ":sqs:" in str(body.get("EventSourceArn")) else {"BatchSize": 100}
                    self._said[uuid] = {**self._said.get(uuid, usual), **asked}
                    if self._calls:
                        state = "Creating" if call.name == _CREATE else "Updating"
                        self._busy[uuid] = (state, self._calls)
                    answer.body = json.dumps(self._shown(body, looks=False)).encode()
                case "lambda.DeleteEventSourceMapping":
                    uuid = call.operation.params["UUID"]
                    self._said.pop(uuid, None)
                    if self._calls and uuid in self._going:
                        self._busy[uuid] = ("Deleting", self._calls)
                    else:
                        self._going.pop(uuid, None)
                case "lambda.GetEventSourceMapping":
                    answer.body = json.dumps(self._shown(json.loads(answer.body))).encode()
                case "lambda.ListEventSourceMappings":
                    body = json.loads(answer.body)
                    chosen = [*body["EventSourceMappings"], *self._left(call)]
                    body["EventSourceMappings"] = [self._shown(one) for one in chosen]
                    answer.body = json.dumps(body).encode()
        return answer

    def _left(self, call: Call) -> Iterator[dict[str, Any]]:
        """What is being deleted and still listed; on a listing's first page."""
        params = call.operation.params
        if params.get("Marker"):
            return
        for one in list(self._going.values()):
            called = str(one["FunctionArn"]).partition(":function:")[2]
            if params.get("FunctionName", called) != called:
                continue
            if params.get("EventSourceArn", one.get("EventSourceArn")) == one.get("EventSourceArn"):
                yield one

    def _shown(self, one: dict[str, Any], *, looks: bool = True) -> dict[str, Any]:
        uuid = one["UUID"]
        shown = self._whole(one)
        if uuid in self._busy:
            state, left = self._busy[uuid]
            shown["State"] = state
            if looks:
                self._busy[uuid] = (state, left - 1)
                if left <= 1:
                    del self._busy[uuid]
                    self._going.pop(uuid, None)
        return shown

    def _whole(self, one: Mapping[str, Any]) -> dict[str, Any]:
        """With what the emulator forgot; an empty structure is none."""
        said = {**one, **self._said.get(one["UUID"], {})}
        return {member: value for member, value in said.items() if value not in ({}, None)}

    def _live(self, call: Call) -> list[dict[str, Any]]:
        answer = self.cloud.ask(call, "GET", _LIST, {"MaxItems": "1000"})
        return list(json.loads(answer.body)["EventSourceMappings"])


def _wrong(said: Mapping[str, Any]) -> str | None:
    """Why members do not go together."""
    source = str(said.get("EventSourceArn", ""))
    size, window = said.get("BatchSize", 0), said.get("MaximumBatchingWindowInSeconds", 0)
    if any(kind in source for kind in _STREAMS) and not said.get("StartingPosition"):
        return "1 validation error detected: Value null at 'startingPosition' failed: Member must not be null"
    if source.endswith(".fifo") and (window or size > 10):
        return "Batching window is not supported for FIFO queues"
    if ":sqs:" in source and size > 10 and not window:
        return (
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    if "ScalingConfig" in said and said["ScalingConfig"] and ":sqs:" not in source:
        return "ScalingConfig is only supported for Amazon SQS event sources."
    only_streams = ("ParallelizationFactor", "BisectBatchOnFunctionError", "MaximumRetryAttempts")
    if ":sqs:" in source and (wrong := [member for member in only_streams if said.get(member)]):
        return f"Unsupported parameters for SQS: {', '.join(wrong)}"
    return None
