"""Writes that take a while to be seen: permissions, roles, listings.

Sources: S3 "Unable to validate" right after AddPermission and Lambda "cannot be assumed" right after
CreateRole are well-known effects of eventual consistency in IAM; listings trail behind single reads.
"""

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["ListingLag", "PermissionLag", "RoleLag"]

_ASSUME = "The role defined for the function cannot be assumed by Lambda."


@dataclass(slots=True)
class _Delay:
    """Something that is not seen yet: for so many attempts and so many seconds."""

    calls: int
    until: float

    def passes(self) -> bool:
        """One more attempt: does it succeed?"""
        if self.calls <= 0 and time.monotonic() >= self.until:
            return True
        self.calls -= 1
        return False


class PermissionLag(Rule):
    """The first PutBucketNotificationConfiguration calls that name a function just permitted fail."""

    def __init__(self, *, calls: int = 1, seconds: float = 0) -> None:
        self._calls, self._seconds = calls, seconds
        self._delays: dict[str, _Delay] = {}
        self._lock = threading.Lock()

    def before(self, call: Call) -> Answer | None:
        """Refuse while a function of the configuration is not seen as permitted."""
        if call.name != "s3.PutBucketNotificationConfiguration":
            return None
        body = call.request.body.decode()
        with self._lock:
            named = [arn for arn in self._delays if f"{arn}<" in body or f"{arn}:" in body]
            late = [arn for arn in named if not self._delays[arn].passes()]
        if not late:
            return None
        extra = {}
        for number, arn in enumerate(late, 1):
            extra[f"ArgumentName{number}"] = f"{arn}, null"
            extra[f"ArgumentValue{number}"] = f"Not authorized to invoke function [{arn}]"
        message = "Unable to validate the following destination configurations"
        return error(call.operation, 400, "InvalidArgument", message, extra)

    def after(self, call: Call, answer: Answer) -> Answer:
        """S3 was permitted: start its delay. What another service may do concerns no bucket."""
        is_ours = call.name == "lambda.AddPermission" and call.json().get("Principal") == "s3.amazonaws.com"
        if is_ours and answer.is_success:
            account, region, function = call.key
            arn = f"arn:aws:lambda:{region}:{account}:function:{function}"
            with self._lock:
                self._delays[arn] = _Delay(self._calls, time.monotonic() + self._seconds)
        return answer


class RoleLag(Rule):
    """The first CreateFunction or UpdateFunctionConfiguration calls with a role just made fail."""

    def __init__(self, *, calls: int = 1, seconds: float = 0) -> None:
        self._calls, self._seconds = calls, seconds
        self._delays: dict[str, _Delay] = {}
        self._lock = threading.Lock()

    def before(self, call: Call) -> Answer | None:
        """Refuse while the role is not seen."""
        if call.name not in ("lambda.CreateFunction", "lambda.UpdateFunctionConfiguration"):
            return None
        role = str(call.json().get("Role", "")).rpartition("/")[2]
        with self._lock:
            delay = self._delays.get(role)
            if delay is None or delay.passes():
                return None
        return error(call.operation, 400, "InvalidParameterValueException", _ASSUME)

    def after(self, call: Call, answer: Answer) -> Answer:
        """A role was made: start its delay."""
        if call.name == "iam.CreateRole" and answer.is_success:
            with self._lock:
                name = call.operation.params["RoleName"]
                self._delays[name] = _Delay(self._calls, time.monotonic() + self._seconds)
        return answer


@dataclass(slots=True)
class _Stale:
    """What listings still show of a function: None is nothing."""

    before: dict[str, Any] | None
    calls: int


class ListingLag(Rule):
    """ListFunctions and GetResources show a function as it was before its last change.

    ``calls`` is how many listings (first pages, each API for itself) are behind. Single reads
    (GetFunction, ListTags) are never behind. Put it before ``Pages``.
    """

    _CHANGES = frozenset(
        {
            "CreateFunction",
            "DeleteFunction",
            "TagResource",
            "UntagResource",
            "UpdateFunctionCode",
            "UpdateFunctionConfiguration",
        }
    )

    def __init__(self, *, calls: int = 1) -> None:
        self._calls = calls
        self._stale: dict[str, dict[str, _Stale]] = {"functions": {}, "tags": {}}
        self._old: dict[int, tuple[str, dict[str, Any] | None]] = {}
        self._lock = threading.Lock()

    def before(self, call: Call) -> Answer | None:
        """Remember a function as it is before it changes."""
        if call.operation.service == "lambda" and call.operation.name in self._CHANGES:
            account, region, function = call.key
            arn = f"arn:aws:lambda:{region}:{account}:function:{function}"
            self._old[call.number] = (arn, self.cloud.function(call))
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Start to lag after a change; show the past in a listing."""
        if call.number in self._old:
            arn, old = self._old.pop(call.number)
            if answer.is_success:
                with self._lock:
                    for stale in self._stale.values():
                        known = stale.get(arn)
                        stale[arn] = _Stale(known.before if known else old, self._calls)
        elif call.name == "lambda.ListFunctions" and answer.is_success:
            body = json.loads(answer.body)
            is_first = not call.operation.params.get("Marker")
            shown = {item["FunctionArn"]: item for item in body["Functions"]}
            self._show("functions", shown, is_first=is_first, is_last=not body.get("NextMarker"))
            answer.body = json.dumps(body | {"Functions": [*shown.values()]}).encode()
        elif call.name == "tagging.GetResources" and answer.is_success:
            body = json.loads(answer.body)
            shown = {item["ResourceARN"]: item for item in body["ResourceTagMappingList"]}
            is_first = not call.json().get("PaginationToken")
            self._show("tags", shown, is_first=is_first, is_last=not body.get("PaginationToken"), call=call)
            answer.body = json.dumps(body | {"ResourceTagMappingList": [*shown.values()]}).encode()
        return answer

    def _show(
        self,
        kind: str,
        shown: dict[str, dict[str, Any]],
        *,
        is_first: bool,
        is_last: bool,
        call: Call | None = None,
    ) -> None:
        with self._lock:
            stale = self._stale[kind]
            for arn, past in [*stale.items()]:
                if past.before is None:
                    shown.pop(arn, None)
                elif arn in shown or is_last:
                    entry = _entry(arn, past.before, call)
                    if entry is None:
                        shown.pop(arn, None)
                    else:
                        shown[arn] = entry
                if is_last:
                    past.calls -= 1
                    if past.calls <= 0:
                        del stale[arn]


def _entry(arn: str, function: dict[str, Any], call: Call | None) -> dict[str, Any] | None:
    """What a listing shows of a function as it was; None when the listing's filter leaves it out."""
    if call is None:
        config: dict[str, Any] = function["Configuration"]
        return config
    tags: dict[str, str] = function.get("Tags") or {}
    for wanted in call.json().get("TagFilters", []):
        values = wanted.get("Values")
        if wanted["Key"] not in tags or (values and tags[wanted["Key"]] not in values):
            return None
    if not tags:
        return None
    return {"ResourceARN": arn, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
