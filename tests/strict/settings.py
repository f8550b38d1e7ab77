"""Settings that an emulator takes and forgets: kept here and answered as Lambda answers them.

Sources: CreateFunction, UpdateFunctionConfiguration, UpdateFunctionCode and the shape
FunctionConfiguration in the Lambda API reference.
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["FORGOTTEN", "CodeSigning", "FilledIn", "KeptPackage", "Managed", "Settings", "each_configuration"]

# Emulator -> member of the request -> what it does with it (tried with moto 5.2 and MiniStack 1.5).
FORGOTTEN: Mapping[str, Mapping[str, str]] = {
    "moto": {
        "AcceleratorConfig": "not kept",
        "CapacityProviderConfig": "not kept",
        "Architectures": "UpdateFunctionCode leaves them as they were",
        "DeadLetterConfig": "not kept",
        "DurableConfig": "not kept",
        "EphemeralStorage": "updates are not kept",
        "FileSystemConfigs": "not kept",
        "ImageConfig": "updates are not kept",
        "KMSKeyArn": "updates are not kept",
        "LoggingConfig": "not kept",
        "RuntimeConfig": "not kept",
        "SnapStart": "not kept",
        "TenancyConfig": "not kept",
        "TracingConfig": "updates are not kept",
    },
    "ministack": {"AcceleratorConfig": "not kept", "RuntimeConfig": "not kept"},
}


def _logging(value: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    given = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{config['FunctionName']}", **value}
    levels = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
    return {**levels, **given} if given["LogFormat"] == "JSON" else given


# How FunctionConfiguration shows a member that differs from the request's, {} where it is left out.
_SHOWN: Mapping[str, Callable[[Any, Mapping[str, Any]], dict[str, Any]]] = {
    "DeadLetterConfig": lambda value, _: {"DeadLetterConfig": value} if value.get("TargetArn") else {},
    "ImageConfig": lambda value, _: {
        "ImageConfigResponse": {"ImageConfig": {name: one for name, one in value.items() if one}}
    },
    "KMSKeyArn": lambda value, _: {"KMSKeyArn": value} if value else {},
    "LoggingConfig": lambda value, config: {"LoggingConfig": _logging(value, config)},
    "SnapStart": lambda value, _: {"SnapStart": {**value, "OptimizationStatus": "Off"}},
}
_OTHER_NAME = {"ImageConfig": "ImageConfigResponse"}


def each_configuration(
    call: Call, answer: Answer, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> Answer:
    """The answer with every FunctionConfiguration in it changed; other answers as they are."""
    if call.operation.service != "lambda" or not answer.is_success or not answer.body:
        return answer
    match call.operation.name:
        case "ListFunctions":
            body = json.loads(answer.body)
            body["Functions"] = [change(one) for one in body["Functions"]]
        case "ListVersionsByFunction":
            body = json.loads(answer.body)
            body["Versions"] = [change(one) for one in body["Versions"]]
        case "GetFunction":
            body = json.loads(answer.body)
            body["Configuration"] = change(body["Configuration"])
        case (
            "CreateFunction"
            | "GetFunctionConfiguration"
            | "PublishVersion"
            | "UpdateFunctionCode"
            | "UpdateFunctionConfiguration"
        ):
            body = change(json.loads(answer.body))
        case _:
            return answer
    answer.body = json.dumps(body).encode()
    return answer


_INSTANCES = "LambdaManagedInstancesCapacityProviderConfig"
_MANAGED_MB = 2048


class FilledIn(Rule):
    """What Lambda fills in where a request says nothing, what it asks for then, and what it does not keep.

    Sources: developer guide, "Configure Lambda durable functions" (the time-out is required, the history
    is kept for 14 days by default, and a function is durable from its creation or never), "Lambda Managed
    Instances" (likewise; 2048 MB, JSON and 2 GiB for a vCPU are the defaults, ``$LATEST`` is never called;
    LocalStack's tests of parity have the words); S3FilesConfig of the API reference; kms_key_arn of the
    AWS provider for Terraform (not saved without variables).
    """

    def __init__(self) -> None:
        self._durable: set[tuple[str, str, str]] = set()
        self._managed: set[tuple[str, str, str]] = set()

    def before(self, call: Call) -> Answer | None:
        """Refuse a durable configuration without time-out, or for a function that was made without."""
        if call.name not in ("lambda.CreateFunction", "lambda.UpdateFunctionConfiguration"):
            return None
        if (refused := self._managed_problem(call)) is not None:
            return error(call.operation, 400, "InvalidParameterValueException", refused)
        durable = call.json().get("DurableConfig")
        if call.name == "lambda.CreateFunction" and durable:
            self._durable.add(call.key)
        if durable is None:
            return None
        if "ExecutionTimeout" not in durable:
            text = "ExecutionTimeout is required in DurableConfig"
        elif call.key not in self._durable:
            text = "Durable execution can be enabled only when the function is created"
        else:
            return None
        return error(call.operation, 400, "InvalidParameterValueException", text)

    def _managed_problem(self, call: Call) -> str | None:
        """What Lambda refuses of a function on managed instances, or of one that is on none."""
        said = call.json()
        managed = (said.get("CapacityProviderConfig") or {}).get(_INSTANCES)
        if call.name == "lambda.CreateFunction":
            self._managed.discard(call.key)
            if managed:
                self._managed.add(call.key)
        elif managed and call.key not in self._managed:
            return "CapacityProviderConfig isn't supported for Lambda Default functions."
        if call.key not in self._managed:
            return None
        if managed is not None and "CapacityProviderArn" not in managed:
            return "CapacityProviderArn is required in CapacityProviderConfig"
        if said.get("MemorySize", _MANAGED_MB) < _MANAGED_MB:
            return f"MemorySize of a function on managed instances is at least {_MANAGED_MB}"
        if (said.get("LoggingConfig") or {}).get("LogFormat") == "Text":
            return 'LogFormat "Text" is not supported on managed instances'
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Show what was filled in."""
        return each_configuration(call, answer, self._whole)

    def _whole(self, config: dict[str, Any]) -> dict[str, Any]:
        if durable := config.get("DurableConfig"):
            config["DurableConfig"] = {"RetentionPeriodInDays": 14, **durable}
        if managed := (config.get("CapacityProviderConfig") or {}).get(_INSTANCES):
            usual = {"ExecutionEnvironmentMemoryGiBPerVCpu": 2.0, "PerExecutionEnvironmentMaxConcurrency": 16}
            config["CapacityProviderConfig"] = {_INSTANCES: {**usual, **managed}}
            if config.get("Version") == "$LATEST" and config.get("State") == "Active":
                config["State"] = "ActiveNonInvocable"
        for mounted in config.get("FileSystemConfigs") or ():
            if ":s3files:" in mounted["Arn"]:
                mounted.setdefault("S3FilesConfig", {"DirectS3Read": "AUTO"})
        if not (config.get("Environment") or {}).get("Variables") and config.get("PackageType") != "Image":
            config.pop("KMSKeyArn", None)
        return config


class KeptPackage(Rule):
    """How Lambda keeps a package: its key and whether it is a copy, as the last call with code said.

    Source: FunctionCode, UpdateFunctionCode and FunctionCodeLocation of the API reference. What a call
    leaves out goes back to its default.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[str, str, str], dict[str, Any]] = {}

    def after(self, call: Call, answer: Answer) -> Answer:
        """Remember it, and tell it in GetFunction."""
        if not answer.is_success:
            return answer
        match call.name:
            case "lambda.CreateFunction":
                self._said[call.key] = call.json().get("Code", {})
            case "lambda.UpdateFunctionCode":
                self._said[call.key] = call.json()
            case "lambda.GetFunction":
                said = self._said.get(call.key, {})
                body = json.loads(answer.body)
                if said.get("SourceKMSKeyArn"):
                    body["Code"]["SourceKMSKeyArn"] = said["SourceKMSKeyArn"]
                if said.get("S3ObjectStorageMode") == "REFERENCE":
                    place = {name: said[name] for name in ("S3Bucket", "S3Key")}
                    body["Code"]["ResolvedS3Object"] = place
                answer.body = json.dumps(body).encode()
        return answer


class CodeSigning(Rule):
    """Code signing configurations of functions, which moto does not let anybody change.

    Source: PutFunctionCodeSigningConfig, DeleteFunctionCodeSigningConfig and
    GetFunctionCodeSigningConfig of the API reference.
    """

    def __init__(self) -> None:
        self._config: dict[tuple[str, str, str], str] = {}

    def before(self, call: Call) -> Answer | None:
        """Answer the three calls."""
        match call.name:
            case "lambda.PutFunctionCodeSigningConfig":
                self._config[call.key] = call.json()["CodeSigningConfigArn"]
            case "lambda.DeleteFunctionCodeSigningConfig":
                self._config.pop(call.key, None)
                return Answer(status=204, headers={}, body=b"")
            case "lambda.GetFunctionCodeSigningConfig":
                pass
            case _:
                return None
        body = {"FunctionName": call.function, "CodeSigningConfigArn": self._config.get(call.key, "")}
        return Answer(
            status=200, headers={"content-type": "application/json"}, body=json.dumps(body).encode()
        )

    def after(self, call: Call, answer: Answer) -> Answer:
        """Remember what a function was created with."""
        if call.name == "lambda.CreateFunction" and answer.is_success:
            self._config.pop(call.key, None)
            if config := call.json().get("CodeSigningConfigArn"):
                self._config[call.key] = config
        return answer


class Managed(Rule):
    """Recursive loop detection and runtime management of functions, which no emulator has.

    Source: PutFunctionRecursionConfig, PutRuntimeManagementConfig and their siblings in the API reference:
    both have a default for every function, and Manual alone takes and tells a version of the runtime.
    """

    _USUAL: Mapping[str, Mapping[str, str]] = {
        "FunctionRecursionConfig": {"RecursiveLoop": "Terminate"},
        "RuntimeManagementConfig": {"UpdateRuntimeOn": "Auto"},
    }

    def __init__(self) -> None:
        self._said: dict[tuple[str, tuple[str, str, str]], dict[str, Any]] = {}

    def before(self, call: Call) -> Answer | None:
        """Answer the four calls."""
        verb, name = call.operation.name[:3], call.operation.name[3:]
        if call.operation.service != "lambda" or name not in self._USUAL or verb not in ("Get", "Put"):
            return None
        if self.cloud.function(call) is None:
            text = f"Function not found: {call.function}"
            return error(call.operation, 404, "ResourceNotFoundException", text)
        if verb == "Put":
            said = call.json()
            is_manual = said.get("UpdateRuntimeOn") == "Manual"
            if is_manual != ("RuntimeVersionArn" in said):
                text = "RuntimeVersionArn is required for Manual, and for no other mode"
                return error(call.operation, 400, "InvalidParameterValueException", text)
            self._said[name, call.key] = said
        body = self._said.get((name, call.key), dict(self._USUAL[name]))
        if name == "RuntimeManagementConfig":
            account, region, function = call.key
            body = {**body, "FunctionArn": f"arn:aws:lambda:{region}:{account}:function:{function}"}
        return Answer(
            status=200, headers={"content-type": "application/json"}, body=json.dumps(body).encode()
        )

    def after(self, call: Call, answer: Answer) -> Answer:
        """A new function has the defaults."""
        if call.name == "lambda.CreateFunction" and answer.is_success:
            for name in self._USUAL:
                self._said.pop((name, call.key), None)
        return answer


class Settings(Rule):
    """Keep what the emulator forgets of a function's settings; see ``FORGOTTEN``. Put it last."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()

    def after(self, call: Call, answer: Answer) -> Answer:
        """Remember what a change said; show it in every answer that shows a configuration."""
        forgotten = FORGOTTEN[self.cloud.kind]
        if call.operation.service != "lambda" or not answer.is_success or not forgotten:
            return answer
        with self._lock:
            match call.operation.name:
                case "CreateFunction" | "UpdateFunctionConfiguration" | "UpdateFunctionCode" as name:
                    request = call.json()
                    if name == "CreateFunction":
                        self._kept[call.key] = {}
                    elif request.get("DryRun"):
                        return answer
                    said = {member: request[member] for member in forgotten if member in request}
                    self._kept.setdefault(call.key, {}).update(said)
                case "DeleteFunction":
                    self._kept.pop(call.key, None)
            return self._show(call, answer)

    def _show(self, call: Call, answer: Answer) -> Answer:
        account, region, _ = call.key
        return each_configuration(
            call, answer, lambda one: self._whole((account, region, one["FunctionName"]), one)
        )

    def _whole(self, key: tuple[str, str, str], config: dict[str, Any]) -> dict[str, Any]:
        for member, value in self._kept.get(key, {}).items():
            config.pop(_OTHER_NAME.get(member, member), None)
            config |= _SHOWN[member](value, config) if member in _SHOWN else {member: value}
        return config
