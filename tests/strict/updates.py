"""Functions take time to be created and updated, and refuse other changes meanwhile.

Source: "Lambda function states" in the Lambda developer guide, and in the API's model the operations
that answer ResourceConflictException.
"""

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["UpdatesInProgress"]

_UPDATES = ("UpdateFunctionCode", "UpdateFunctionConfiguration")
_LIMITS = ("PutFunctionConcurrency", "DeleteFunctionConcurrency")
_REFUSED = {
    "Pending": ("Invoke", *_UPDATES, *_LIMITS, "PublishVersion"),
    "InProgress": (*_UPDATES, *_LIMITS, "PublishVersion", "TagResource", "UntagResource"),
}


@dataclass(kw_only=True, slots=True)
class _Change:
    """A creation or update that is under way, or has failed."""

    is_creation: bool
    calls: int  # looks (GetFunction, GetFunctionConfiguration) until it is over
    until: float  # monotonic seconds
    failure: tuple[str, str] | None = None  # reason code, reason

    @property
    def is_over(self) -> bool:
        return self.calls <= 0 and time.monotonic() >= self.until


class UpdatesInProgress(Rule):
    """Report ``Pending`` and ``InProgress`` for a while and answer 409 to changes meanwhile.

    ``calls`` is how many looks at the function (GetFunction or GetFunctionConfiguration) still find the
    change under way, ``seconds`` the least time that it takes. ``fail`` maps function names to
    (reason code, reason): their next creation ends in ``State=Failed``, their next update in
    ``LastUpdateStatus=Failed`` with the old code and configuration.
    """

    def __init__(
        self, *, calls: int = 2, seconds: float = 0, fail: dict[str, tuple[str, str]] | None = None
    ) -> None:
        self._calls = calls
        self._seconds = seconds
        self.fail = dict(fail or {})
        self._changes: dict[tuple[str, str, str], _Change] = {}
        self._lock = threading.Lock()

    def _begin(self, call: Call, *, is_creation: bool, failure: tuple[str, str] | None) -> None:
        self._changes[call.key] = _Change(
            is_creation=is_creation,
            calls=self._calls,
            until=time.monotonic() + self._seconds,
            failure=failure,
        )

    def before(self, call: Call) -> Answer | None:
        """Refuse changes of a function that is not ready; let a change fail that is to fail."""
        if call.operation.service != "lambda":
            return None
        with self._lock:
            change = self._changes.get(call.key)
            if change is not None and not change.is_over:
                return self._conflict(call, change)
            name = call.operation.name
            is_dry = name == "UpdateFunctionCode" and call.json().get("DryRun")
            if name not in _UPDATES or is_dry or call.function not in self.fail:
                return None
            found = self.cloud.function(call)
            if found is None:
                return None
            self._begin(call, is_creation=False, failure=self.fail.pop(call.function))
            shown = self._shown(call, found["Configuration"], looked=False)
        return Answer(
            status=200, headers={"content-type": "application/json"}, body=json.dumps(shown).encode()
        )

    def _conflict(self, call: Call, change: _Change) -> Answer | None:
        state = "Pending" if change.is_creation else "InProgress"
        if call.operation.name not in _REFUSED[state]:
            return None
        account, region, function = call.key
        arn = f"arn:aws:lambda:{region}:{account}:function:{function}"
        why = (
            f"The function is currently in the following state: {state}"
            if change.is_creation
            else f"An update is in progress for resource: {arn}"
        )
        message = f"The operation cannot be performed at this time. {why}"
        return error(call.operation, 409, "ResourceConflictException", message)

    def after(self, call: Call, answer: Answer) -> Answer:
        """Start a change, or show how far it is."""
        if call.operation.service != "lambda" or not answer.is_success:
            return answer
        with self._lock:
            match call.operation.name:
                case "CreateFunction":
                    self._begin(call, is_creation=True, failure=self.fail.pop(call.function, None))
                    return self._rewritten(call, answer, looked=False)
                case "UpdateFunctionCode" | "UpdateFunctionConfiguration":
                    if call.json().get("DryRun"):
                        return answer
                    self._begin(call, is_creation=False, failure=None)
                    return self._rewritten(call, answer, looked=False)
                case "GetFunction" | "GetFunctionConfiguration":
                    return self._rewritten(call, answer, looked=True)
                case "DeleteFunction" if not call.operation.params.get("Qualifier"):
                    self._changes.pop(call.key, None)
        return answer

    def _rewritten(self, call: Call, answer: Answer, *, looked: bool) -> Answer:
        if call.key in self._changes:
            body = json.loads(answer.body)
            if call.operation.name == "GetFunction":
                body["Configuration"] = self._shown(call, body["Configuration"], looked=looked)
            else:
                body = self._shown(call, body, looked=looked)
            answer.body = json.dumps(body).encode()
        return answer

    def _shown(self, call: Call, config: dict[str, Any], *, looked: bool) -> dict[str, Any]:
        change = self._changes[call.key]
        state, status = ("Pending", "InProgress") if change.is_creation else ("Active", "InProgress")
        code, reason = "Creating", "The function is being created."
        is_over = change.is_over and looked  # the answer to the change itself never says that it is over
        if looked:
            change.calls -= 1
        if is_over and change.failure is None:
            return config | {"State": "Active", "LastUpdateStatus": "Successful"}
        if is_over and change.failure is not None:
            code, reason = change.failure
            state, status = ("Failed", "Failed") if change.is_creation else ("Active", "Failed")
        shown = {"State": state, "LastUpdateStatus": status}
        if change.is_creation:
            shown |= {"StateReasonCode": code, "StateReason": reason}
        shown |= {"LastUpdateStatusReasonCode": code, "LastUpdateStatusReason": reason}
        return config | shown
