"""Provisioned concurrency as Lambda keeps it, and what it does to an alias that is pointed elsewhere.

Sources: the Lambda API reference (PutProvisionedConcurrencyConfig and its siblings) and developer guide:
"Configuring provisioned concurrency for a function" (one configuration for a version, on itself or on an
alias; none on $LATEST; another version of an alias gets it anew; an alias that has it may get weights, and
while they stand it cannot be changed), "Configuring reserved concurrency", "Lambda SnapStart" and
"Troubleshoot deployment issues" (*Invalid alias configuration for provisioned concurrency*, and the way back:
the version before). That AWS gives the alias weights by itself until the new version's environments are
there, all calls to the version before, and leaves them when they cannot be made: hashicorp/terraform 24957,
hashicorp/terraform-provider-aws 48116 and aws/serverless-application-model 1296. The refusals' words are from
these and from LocalStack's tests that were validated against AWS.
"""

import json
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["Provisioned"]

_MINIMUM = 100
"""What an account keeps for functions that reserve none."""
_WEIGHTS = "Alias with weights can not be used with Provisioned Concurrency"
_INVALID_ALIAS = "Invalid alias configuration for Provisioned Concurrency"


@dataclass(kw_only=True, slots=True)
class _Config:
    """What one alias or version has."""

    requested: int
    looks: int  # that still find it under way
    failure: str | None = None
    leaves: str | None = None  # of an alias: the version that has all calls until this is there
    pointed: str = ""  # of an alias that is being written: the version that it points at before

    @property
    def status(self) -> str:
        if self.looks > 0:
            return "IN_PROGRESS"
        return "FAILED" if self.failure else "READY"

    def told(self) -> dict[str, Any]:
        """As GetProvisionedConcurrencyConfig tells it."""
        made = self.requested if self.status == "READY" else 0
        reason = {"StatusReason": self.failure} if self.status == "FAILED" else {}
        return {
            "RequestedProvisionedConcurrentExecutions": self.requested,
            "AvailableProvisionedConcurrentExecutions": made,
            "AllocatedProvisionedConcurrentExecutions": made,
            "Status": self.status,
            "LastModified": "2026-11-30T00:00:00+0000",
            **reason,
        }


class Provisioned(Rule):
    """Provisioned concurrency takes ``calls`` looks to be there, and AWS holds an alias's calls back for it.

    ``fail`` maps function names to the reason for which their next one ends ``FAILED``. ``concurrency`` is
    the account's. Emulators know none, or have it at once: the rule answers in their place.
    """

    def __init__(
        self, *, calls: int = 1, fail: dict[str, str] | None = None, concurrency: int = 1000
    ) -> None:
        self._calls, self._most = calls, concurrency
        self.fail = dict(fail or {})
        self._kept: dict[tuple[str, str, str], dict[str, _Config]] = {}  # by function, then by qualifier
        self._lock = threading.RLock()

    def before(self, call: Call) -> Answer | None:
        """Answer the four operations; refuse what an alias that has it does not allow."""
        with self._lock:
            match call.name:
                case "lambda.PutProvisionedConcurrencyConfig":
                    return self._put(call)
                case "lambda.GetProvisionedConcurrencyConfig":
                    return self._get(call)
                case "lambda.ListProvisionedConcurrencyConfigs":
                    arn = _arn(call)
                    listed = [
                        {"FunctionArn": f"{arn}:{name}", **one.told()} for name, one in self._of(call).items()
                    ]
                    return _answer(200, {"ProvisionedConcurrencyConfigs": listed})
                case "lambda.DeleteProvisionedConcurrencyConfig":
                    return self._delete(call)
                case "lambda.UpdateAlias":
                    return self._pointing(call)
                case "lambda.PutFunctionConcurrency":
                    return self._reserving(call)
                case _:
                    return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Hold an alias's calls back once it is pointed elsewhere; forget what is gone."""
        if not answer.is_success:
            return answer
        with self._lock:
            match call.name:
                case "lambda.UpdateAlias":
                    return self._pointed(call, answer)
                case "lambda.DeleteAlias":
                    self._of(call).pop(call.operation.params["Name"], None)
                case "lambda.DeleteFunction":
                    number = call.operation.params.get("Qualifier")
                    if number:
                        self._of(call).pop(number, None)
                    else:
                        self._kept.pop(call.key, None)
        return answer

    def _of(self, call: Call) -> dict[str, _Config]:
        return self._kept.setdefault(call.key, {})

    def _put(self, call: Call) -> Answer | None:
        qualifier = call.operation.params["Qualifier"]
        wanted = call.json().get("ProvisionedConcurrentExecutions")
        if not isinstance(wanted, int) or wanted < 1:
            text = (
                f"1 validation error detected: Value '{wanted}' at 'provisionedConcurrentExecutions' failed "
                "to satisfy constraint: Member must have value greater than or equal to 1"
            )
            return error(call.operation, 400, "ValidationException", text)
        alias = self._alias(call, qualifier)
        version = alias.get("FunctionVersion", qualifier)
        if version == "$LATEST":
            return _invalid(
                call, "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
            )
        config = self._version(call, version)
        if config is None:
            return error(
                call.operation, 404, "ResourceNotFoundException", f"Cannot find alias arn: {_arn(call)}"
            )
        if (config.get("SnapStart") or {}).get("ApplyOn") == "PublishedVersions":
            return _invalid(call, "Provisioned Concurrency is not supported for SnapStart functions.")
        if (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
            return _invalid(call, _WEIGHTS)
        if clash := self._clash(call, qualifier, version, is_alias=bool(alias)):
            return error(call.operation, 409, "ResourceConflictException", clash)
        kept = self._of(call)
        others = sum(one.requested for name, one in kept.items() if name != qualifier)
        reserved = self._reserved(call)
        if reserved is not None and wanted + others > reserved:
            return _invalid(
                call,
                "Requested Provisioned Concurrency should not be greater than the "
                "reservedConcurrentExecution for function",
            )
        if reserved is None and wanted + others > self._most - _MINIMUM:
            return _invalid(
                call,
                "Specified ConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{_MINIMUM}].",
            )
        kept[qualifier] = _Config(
            requested=wanted, looks=self._calls, failure=self.fail.pop(call.function, None)
        )
        told = kept[qualifier].told()
        return _answer(202, {**told, "Status": "IN_PROGRESS"})

    def _clash(self, call: Call, qualifier: str, version: str, *, is_alias: bool) -> str | None:
        """A version has one, on itself or on one alias."""
        kept = self._of(call)
        pointing = [one["Name"] for one in self._aliases(call) if one["FunctionVersion"] == version]
        if is_alias and (version in kept or any(name in kept for name in pointing if name != qualifier)):
            return (
                "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned "
                "version"
            )
        if not is_alias and any(name in kept for name in pointing):
            return "Version is pointed by a Provisioned Concurrency alias"
        return None

    def _get(self, call: Call) -> Answer:
        qualifier = call.operation.params["Qualifier"]
        found = self._of(call).get(qualifier)
        if found is None:
            text = "No Provisioned Concurrency Config found for this function"
            return error(call.operation, 404, "ProvisionedConcurrencyConfigNotFoundException", text)
        told = found.told()
        if found.looks > 0:
            found.looks -= 1
            if found.status == "READY":
                self._release(call, qualifier, found)
        return _answer(200, told)

    def _release(self, call: Call, qualifier: str, found: _Config) -> None:
        """The environments are there: the alias's calls go to them."""
        if found.leaves is not None:
            found.leaves = None
            self._write(call, qualifier, {})

    def _delete(self, call: Call) -> Answer:
        qualifier = call.operation.params["Qualifier"]
        if (self._alias(call, qualifier).get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
            return _invalid(call, _WEIGHTS)
        self._of(call).pop(qualifier, None)
        return Answer(status=204, headers={}, body=b"")

    def _pointing(self, call: Call) -> Answer | None:
        """While AWS itself holds an alias's calls back, it goes back to where they are, and nowhere else."""
        name, body = call.operation.params["Name"], call.json()
        found = self._of(call).get(name)
        if found is None:
            return None
        found.pointed = self._alias(call, name).get("FunctionVersion", "")
        if found.leaves is None:
            return None
        version = body.get("FunctionVersion") or found.pointed
        routing = body.get("RoutingConfig")
        weights = (routing or {}).get("AdditionalVersionWeights") or {}
        if version == found.leaves and routing is None:
            return _invalid(
                call,
                f"Invalid function version {version}. Function version {version} is already included in "
                "routing configuration.",
            )
        if weights or version not in (found.leaves, found.pointed):
            return _invalid(call, _INVALID_ALIAS)
        return None

    def _pointed(self, call: Call, answer: Answer) -> Answer:
        name = call.operation.params["Name"]
        found = self._of(call).get(name)
        if found is None:
            return answer
        told = json.loads(answer.body)
        weights = (told.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        if found.leaves is not None:
            if not weights:  # it went back, or somebody let the calls go without it
                found.leaves, found.failure, found.looks = None, None, self._calls
        elif found.pointed != told["FunctionVersion"] and not weights:
            found.looks, found.failure = self._calls, self.fail.pop(call.function, None)
            if found.status != "READY":
                found.leaves = found.pointed
                answer.body = json.dumps(self._write(call, name, {found.pointed: 1.0})).encode()
        return answer

    def _reserving(self, call: Call) -> Answer | None:
        wanted = call.json()["ReservedConcurrentExecutions"]
        total = sum(one.requested for one in self._of(call).values())
        if total <= wanted:
            return None
        return _invalid(
            call,
            f"ReservedConcurrentExecutions  {wanted} should not be lower than function's total provisioned "
            f"concurrency [{total}].",
        )

    def _reserved(self, call: Call) -> int | None:
        found = self.cloud.function(call) or {}
        told = (found.get("Concurrency") or {}).get("ReservedConcurrentExecutions")
        return None if told is None else int(told)

    def _write(self, call: Call, name: str, weights: dict[str, float]) -> dict[str, Any]:
        """AWS itself changes an alias's weights."""
        path = f"{_path(call)}/aliases/{quote(name, safe='')}"
        body = json.dumps({"RoutingConfig": {"AdditionalVersionWeights": weights}}).encode()
        written: dict[str, Any] = json.loads(self.cloud.ask(call, "PUT", path, body=body).body)
        return written

    def _alias(self, call: Call, name: str) -> dict[str, Any]:
        return next((one for one in self._aliases(call) if one["Name"] == name), {})

    def _aliases(self, call: Call) -> list[dict[str, Any]]:
        answer = self.cloud.ask(call, "GET", f"{_path(call)}/aliases")
        found: list[dict[str, Any]] = json.loads(answer.body)["Aliases"] if answer.is_success else []
        return found

    def _version(self, call: Call, number: str) -> dict[str, Any] | None:
        answer = self.cloud.ask(call, "GET", _path(call), {"Qualifier": number})
        found: dict[str, Any] = json.loads(answer.body)["Configuration"] if answer.is_success else {}
        return found or None


def _path(call: Call) -> str:
    return f"/2015-03-31/functions/{quote(call.function, safe='')}"


def _arn(call: Call) -> str:
    account, region, function = call.key
    return f"arn:aws:lambda:{region}:{account}:function:{function}"


def _answer(status: int, body: dict[str, Any]) -> Answer:
    return Answer(status=status, headers={"content-type": "application/json"}, body=json.dumps(body).encode())


def _invalid(call: Call, message: str) -> Answer:
    return error(call.operation, 400, "InvalidParameterValueException", message)
