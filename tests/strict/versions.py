"""Published versions and aliases as AWS keeps them; the emulators take almost anything.

Sources: the Lambda API reference (PublishVersion, CreateAlias, UpdateAlias, DeleteFunction) and developer
guide ("Manage Lambda function versions", "Create an alias for a Lambda function", "Implement Lambda canary
deployments using a weighted alias": two versions at most, both published, of one execution role and one
dead-letter setting); botocore's model (Alias, Weight); LocalStack's tests that were validated against AWS
(test_lambda_versions_and_aliases) for the refusals' words. Of SnapStart: developer guide, "Activating and
managing Lambda SnapStart" (``OptimizationStatus`` is On, and State Active, once there is a snapshot) and
"Troubleshooting SnapStart errors for Lambda functions" (SnapStartNotReadyException and its words).
"""

import json
import re
import threading
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from typing import Any
from urllib.parse import quote

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.settings import each_configuration
from tests.strict.wire import Answer

__all__ = ["Versions"]

_ALIASES = ("lambda.CreateAlias", "lambda.UpdateAlias")
_CONFIGURED = (
    *("Runtime", "Role", "Handler", "Timeout", "MemorySize", "VpcConfig", "DeadLetterConfig", "Environment"),
    *("KMSKeyArn", "TracingConfig", "Layers", "FileSystemConfigs", "Architectures", "EphemeralStorage"),
)


@dataclass(slots=True)
class _Making:
    """A version that AWS makes ready, or could not make ready."""

    looks: int
    failure: tuple[str, str] | None  # reason code, reason


class Versions(Rule):
    """Refuse what AWS refuses of versions and aliases, and let a version take time to be ready.

    ``calls`` is how many looks (GetFunction with the version's number) still find a new version ``Pending``.
    ``fail`` maps function names to (reason code, reason): their next new version ends ``Failed``, and stays
    so. ``aliases`` is how many a function may have. A call of an alias with weights runs the version that is
    drawn for it, and one of a version whose snapshot is not made yet is refused.
    """

    def __init__(
        self, *, calls: int = 1, fail: dict[str, tuple[str, str]] | None = None, aliases: int = 1000
    ) -> None:
        self._calls, self._most = calls, aliases
        self.fail = dict(fail or {})
        self._known: dict[tuple[str, ...], set[str]] = {}
        self._making: dict[tuple[str, ...], _Making] = {}
        self._random = Random(7)  # noqa: S311 - draws that are the same each time
        self._lock = threading.Lock()

    def before(self, call: Call) -> Answer | None:
        """Refuse what AWS refuses."""
        match call.name:
            case "lambda.PublishVersion":
                return self._published_as_it_is(call)
            case "lambda.CreateAlias" | "lambda.UpdateAlias":
                return self._routing(call)
            case "lambda.DeleteFunction" if call.operation.params.get("Qualifier"):
                return self._in_use(call)
            case "lambda.Invoke" if call.operation.params.get("Qualifier"):
                return self._without_snapshot(call) or self._drawn(call)
            case _:
                return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Begin a version; show how far it is, and the hash of its configuration."""
        if call.operation.service != "lambda" or not answer.is_success:
            return answer
        number = call.operation.params.get("Qualifier", "")
        if call.name == "lambda.Invoke" and number.isdigit():
            # Source: Lambda API reference, Invoke, ExecutedVersion; moto leaves it out.
            return replace(answer, headers={"x-amz-executed-version": number, **answer.headers})
        if call.name == "lambda.PublishVersion":
            body = json.loads(answer.body)
            with self._lock:
                known = self._known.setdefault(call.key, set())
                if body["Version"] not in known:
                    known.add(body["Version"])
                    failure = self.fail.pop(call.function, None)
                    self._making[*call.key, body["Version"]] = _Making(self._calls, failure)
        elif call.name == "lambda.DeleteFunction" and not call.operation.params.get("Qualifier"):
            with self._lock:
                self._known.pop(call.key, None)
        return each_configuration(call, answer, lambda config: self._shown(call, config))

    def _shown(self, call: Call, config: dict[str, Any]) -> dict[str, Any]:
        said = {name: config[name] for name in _CONFIGURED if name in config}
        config["ConfigSha256"] = sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        account, region, _ = call.key
        snaps = (config.get("SnapStart") or {}).get("ApplyOn") == "PublishedVersions"
        if snaps:
            config["SnapStart"] = {**config["SnapStart"], "OptimizationStatus": "Off"}
        with self._lock:
            making = self._making.get((account, region, config["FunctionName"], str(config.get("Version"))))
            if call.name == "lambda.ListVersionsByFunction" or not str(config.get("Version")).isdigit():
                return config
            making = making or _Making(0, None)
            if making.looks > 0:
                making.looks -= call.name == "lambda.GetFunction"
                return config | {"State": "Pending", "StateReasonCode": "Creating", "StateReason": "..."}
            if making.failure is not None:
                code, reason = making.failure
                return config | {"State": "Failed", "StateReasonCode": code, "StateReason": reason}
        if snaps:
            config["SnapStart"]["OptimizationStatus"] = "On"
        return config

    def _published_as_it_is(self, call: Call) -> Answer | None:
        found, wanted = self.cloud.function(call), call.json().get("CodeSha256")
        now = found["Configuration"]["CodeSha256"] if found else None
        if not wanted or now is None or now == wanted:
            return None
        return _invalid(
            call,
            f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({now}). "
            "Please try again with the CodeSHA256 in $LATEST.",
        )

    def _routing(self, call: Call) -> Answer | None:
        body = call.json()
        name = str(body.get("Name") or call.operation.params.get("Name") or "")
        if not re.fullmatch(r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)", name) or len(name) > 128:
            return error(call.operation, 400, "ValidationException", f"Value '{name}' at 'name' failed")
        if call.name == "lambda.CreateAlias" and len(self._aliases(call)) >= self._most:
            return error(
                call.operation, 400, "AliasLimitExceededException", f"Limit of {self._most} aliases exceeded"
            )
        there = next((one for one in self._aliases(call) if one["Name"] == name), {})
        version = body.get("FunctionVersion") or there.get("FunctionVersion")
        main = self._version(call, str(version))
        if main is None:
            return self._missing(call, str(version))
        if self._is_unready(call, str(version)):
            return _conflict(call, f"The version {version} is not Active")
        weights: dict[str, float] = (body.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        if not weights:
            return None
        if version == "$LATEST":
            return _invalid(call, "$LATEST is not supported for an alias pointing to more than 1 version")
        if len(weights) > 1:
            return _invalid(call, "Number of items in AdditionalVersionWeights cannot be greater than 1")
        ((other, weight),) = weights.items()
        if not re.fullmatch(r"[0-9]+", other) or not 0.0 <= weight <= 1.0:
            return error(call.operation, 400, "ValidationException", f"{other}: {weight} is no weight")
        if other == version:
            return _invalid(call, f"Invalid function version {other}. It is the alias's own")
        second = self._version(call, other)
        if second is None:
            return self._missing(call, other)
        if self._is_unready(call, other):
            return _conflict(call, f"The version {other} is not Active")
        for member in ("Role", "DeadLetterConfig"):
            if (main.get(member) or None) != (second.get(member) or None):
                return _invalid(call, f"The versions {version} and {other} must have the same {member}")
        return None

    def _without_snapshot(self, call: Call) -> Answer | None:
        number = call.operation.params["Qualifier"]
        if not self._is_unready(call, number):
            return None
        snaps = (self._version(call, number) or {}).get("SnapStart") or {}
        if snaps.get("ApplyOn") != "PublishedVersions":
            return None
        message = (
            "Lambda is initializing your function. It will be ready to invoke once your function state "
            "becomes ACTIVE."
        )
        return error(call.operation, 409, "SnapStartNotReadyException", message)

    def _drawn(self, call: Call) -> Answer | None:
        """Let a call of an alias with weights run the version that is drawn for it."""
        name = call.operation.params["Qualifier"]
        alias = next((one for one in self._aliases(call) if one["Name"] == name), {})
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        for number, weight in weights.items():
            with self._lock:
                is_drawn = self._random.random() < weight
            number = number if is_drawn else alias["FunctionVersion"]
            path = f"/2015-03-31/functions/{quote(call.function, safe='')}/invocations"
            answer = self.cloud.ask(call, "POST", path, {"Qualifier": number}, call.request.body)
            return replace(answer, headers={**answer.headers, "x-amz-executed-version": number})
        return None

    def _in_use(self, call: Call) -> Answer | None:
        number = call.operation.params["Qualifier"]
        for alias in self._aliases(call):
            weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
            if number in (alias["FunctionVersion"], *weights):
                return _conflict(call, f"Version {number} is referenced by alias {alias['Name']}")
        return None

    def _is_unready(self, call: Call, number: str) -> bool:
        making = self._making.get((*call.key, number))
        return making is not None and (making.looks > 0 or making.failure is not None)

    def _aliases(self, call: Call) -> list[dict[str, Any]]:
        path = f"/2015-03-31/functions/{quote(call.function, safe='')}/aliases"
        answer = self.cloud.ask(call, "GET", path)
        found: list[dict[str, Any]] = json.loads(answer.body)["Aliases"] if answer.is_success else []
        return found

    def _version(self, call: Call, number: str) -> dict[str, Any] | None:
        path = f"/2015-03-31/functions/{quote(call.function, safe='')}"
        answer = self.cloud.ask(call, "GET", path, {} if number == "$LATEST" else {"Qualifier": number})
        found: dict[str, Any] = json.loads(answer.body)["Configuration"] if answer.is_success else {}
        return found or None

    def _missing(self, call: Call, number: str) -> Answer:
        account, region, function = call.key
        arn = f"arn:aws:lambda:{region}:{account}:function:{function}:{number}"
        return error(call.operation, 404, "ResourceNotFoundException", f"Function not found: {arn}")


def _invalid(call: Call, message: str) -> Answer:
    return error(call.operation, 400, "InvalidParameterValueException", message)


def _conflict(call: Call, message: str) -> Answer:
    return error(call.operation, 409, "ResourceConflictException", message)
