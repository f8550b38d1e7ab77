"""Optimistic locking by ``RevisionId``, the same on every emulator.

Source: the Lambda API reference, and LocalStack's tests that were validated against AWS
(test_function_revisions_permissions): a function's revision changes with its code, configuration, state
and policy, and GetPolicy tells that same revision.
"""

import json
import re
import threading
import uuid
from typing import Any

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["Revisions"]

_OF_FUNCTION = ("UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion")
_OF_POLICY = ("AddPermission", "RemovePermission")
_MESSAGE = (
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
    "retrieve the latest Revision Id"
)


class Revisions(Rule):
    """Answer 412 ``PreconditionFailedException`` to a stale ``RevisionId``.

    The proxy keeps its own revisions and shows them in place of the emulator's. Put it before
    ``UpdatesInProgress``: the end of an update changes the revision once more, as on AWS. Versions and
    aliases (calls with a qualifier) pass as they are. Only changes made through the proxy count.
    """

    def __init__(self) -> None:
        self._revisions: dict[tuple[str, ...], str] = {}
        self._states: dict[tuple[str, ...], tuple[str, str]] = {}
        self._lock = threading.Lock()

    def _current(self, key: tuple[str, ...]) -> str:
        return self._revisions.setdefault(key, str(uuid.uuid4()))

    def _key(self, call: Call) -> tuple[str, ...]:
        return (*call.key, call.operation.params.get("Qualifier", ""))

    def before(self, call: Call) -> Answer | None:
        """Refuse a stale revision, and keep revisions from the emulator, which has others."""
        if call.operation.service != "lambda" or call.operation.name not in (*_OF_FUNCTION, *_OF_POLICY):
            return None
        body = call.json()
        given = body.pop("RevisionId", None) or call.operation.params.get("RevisionId")
        if not given:
            return None
        with self._lock:
            if given != self._current(self._key(call)):
                return error(call.operation, 412, "PreconditionFailedException", _MESSAGE)
        if call.request.body:
            call.request.body = json.dumps(body).encode()
        call.request.target = re.sub(r"([?&])RevisionId=[^&]*&?", r"\1", call.request.target).rstrip("?&")
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Renew the revision with a change; show ours."""
        if call.operation.service != "lambda" or not answer.is_success:
            return answer
        name, key = call.operation.name, self._key(call)
        with self._lock:
            is_dry = name == "UpdateFunctionCode" and call.json().get("DryRun")
            if name in (*_OF_POLICY, *_OF_FUNCTION[:2], "CreateFunction", "DeleteFunction") and not is_dry:
                self._revisions.pop(key, None)
            if name == "ListFunctions":
                return self._listed(call, answer)
            if key[-1] or name not in (
                "CreateFunction",
                "GetFunction",
                "GetFunctionConfiguration",
                "GetPolicy",
                *_OF_FUNCTION[:2],
            ):
                return answer
            body: dict[str, Any] = json.loads(answer.body)
            target = body["Configuration"] if name == "GetFunction" else body
            if name != "GetPolicy":
                state = (str(target.get("State")), str(target.get("LastUpdateStatus")))
                if self._states.get(key, state) != state:  # the end of an update is a revision too
                    self._revisions.pop(key, None)
                self._states[key] = state
            target["RevisionId"] = self._current(key)
            answer.body = json.dumps(body).encode()
        return answer

    def _listed(self, call: Call, answer: Answer) -> Answer:
        body = json.loads(answer.body)
        account, region, _ = call.key
        for item in body["Functions"]:
            item["RevisionId"] = self._current((account, region, item["FunctionName"], ""))
        answer.body = json.dumps(body).encode()
        return answer
