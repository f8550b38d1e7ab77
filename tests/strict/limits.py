"""What Lambda refuses of a request's values: the constraints of its model, and those that its guide adds.

Sources: the service model (pattern, min, max, enum of each member; botocore's client checks hardly any of
them), and the Lambda developer guide: "Lambda quotas", "Lambda runtimes", "Working with layers",
"Configuring file system access", "Lambda SnapStart"; "Tag naming limits" of the AWS general reference.
"""

import datetime
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.loaders
import botocore.model

from lockstep.model.runtimes import RUNTIMES, Phase, phase_of
from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["Limits", "together", "violations"]

_OTHERS = ("TagResource", "PublishLayerVersion")
_CHANGES = ("CreateFunction", "UpdateFunctionConfiguration", "UpdateFunctionCode")
_ORDINARY = {"MemorySize": 10240, "Timeout": 1800}
"""Greatest values where the model allows more, for managed instances."""
_STORAGE = {"EphemeralStorage.Size": 10240}
"""The same without an accelerator."""
_ACCELERATORS = (3, 6, 12, 16, 24, 48)
_SPACES = "\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


class Limits(Rule):
    """Values have the form that Lambda's model asks for, and go together as its guide says."""

    def before(self, call: Call) -> Answer | None:
        """Refuse what does not, as Lambda does."""
        operation = call.operation
        if operation.service != "lambda" or operation.name not in (*_CHANGES, *_OTHERS):
            return None
        body = call.json()
        live = {}
        if operation.name == "PublishLayerVersion":
            body = {**body, "LayerName": operation.params["LayerName"]}
        if operation.name in _CHANGES:
            live = (self.cloud.function(call) or {}).get("Configuration", {})
        is_managed, is_accelerated = (
            bool({**live, **body}.get(member)) for member in ("CapacityProviderConfig", "AcceleratorConfig")
        )
        constraints = violations(operation.name, body, is_managed=is_managed, is_accelerated=is_accelerated)
        if found := next(constraints, None):
            return error(operation, 400, "ValidationException", f"1 validation error detected: {found}")
        if operation.name not in _CHANGES:
            return None
        found = next(together(body, live, account=operation.account, region=operation.region), None)
        return None if found is None else error(operation, 400, *found)


@functools.cache
def _input(operation: str) -> Any:
    loaded = botocore.loaders.Loader().load_service_model("lambda", "service-2")
    model: Any = botocore.model.ServiceModel(loaded, "lambda")
    return model.operation_model(operation).input_shape


def violations(
    operation: str, request: Mapping[str, Any], *, is_managed: bool = False, is_accelerated: bool = False
) -> Iterator[str]:
    """Each value of a request that breaks a constraint, in Lambda's words."""
    most = {**({} if is_managed else _ORDINARY), **({} if is_accelerated else _STORAGE)}
    return _violations(_input(operation), request, "", most)


def _violations(shape: Any, value: Any, path: str, most: Mapping[str, int]) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            for name, inner in value.items():
                if name in shape.members:
                    yield from _violations(shape.members[name], inner, f"{path}.{name}".lstrip("."), most)
        case "list":
            yield from _bounds(shape, len(value), value, path, "length", most)
            for number, inner in enumerate(value, 1):
                yield from _violations(shape.member, inner, f"{path}.{number}.member", most)
        case "map":
            for key, inner in value.items():
                yield from _violations(shape.key, key, f"{path}.key", most)
                yield from _violations(shape.value, inner, f"{path}.{key}", most)
        case "integer" | "long" | "double":
            yield from _bounds(shape, value, value, path, "value", most)
        case "string":
            yield from _bounds(shape, len(value), value, path, "length", most)
            if shape.enum and value not in shape.enum:
                yield _says(value, path, f"satisfy enum value set: [{', '.join(shape.enum)}]")
            pattern = shape.metadata.get("pattern")
            if pattern and not _fits(pattern, value):
                yield _says(value, path, f"satisfy regular expression pattern: {pattern}")


def _bounds(
    shape: Any, size: float, value: Any, path: str, what: str, mosts: Mapping[str, int]
) -> Iterator[str]:
    least, most = shape.metadata.get("min"), mosts.get(path, shape.metadata.get("max"))
    if least is not None and size < least:
        yield _says(value, path, f"have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield _says(value, path, f"have {what} less than or equal to {most}")


def _says(value: Any, path: str, wanted: str) -> str:
    at = path[:1].lower() + path[1:]
    return f"Value '{value}' at '{at}' failed to satisfy constraint: Member must {wanted}"


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    if r"\p{" not in pattern:
        return re.compile(pattern, re.ASCII)
    return re.compile(pattern.replace(r"\p{L}", r"\w").replace(r"\p{N}", "").replace(r"\p{Z}", _SPACES))


def _fits(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


def together(
    request: Mapping[str, Any], live: Mapping[str, Any], *, account: str, region: str
) -> Iterator[tuple[str, str]]:
    """Codes and messages of what Lambda refuses of a request to a function that is as ``live`` says."""
    layers = [str(arn) for arn in request.get("Layers") or ()]
    if len({arn.rpartition(":")[0] for arn in layers}) < len(layers):
        yield _invalid(
            "Two different versions of the same layer are not allowed to be referenced in the same function."
        )
    for arn in layers:
        if arn.split(":")[3] not in ("", region):
            yield _invalid(f"Layer version ARN {arn} is in another Region than the function ({region}).")
    role = str(request.get("Role") or "")
    if role and role.split(":")[4] != account:
        yield "AccessDeniedException", "Cross-account pass role is not allowed."
    whole = {**live, **request}
    subnets = (whole.get("VpcConfig") or {}).get("SubnetIds")
    if request.get("FileSystemConfigs") and not subnets:
        yield _invalid("You can only set file systems for VPC functions.")
    if len(request.get("Tags") or ()) > 50:
        yield _invalid("Resource cannot have more than 50 tags.")
    yield from _runtime(request, live)
    yield from _published(request, whole)
    yield from _accelerated(whole)
    yield from _snap_start(request, whole)


def _published(request: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A publisher's runtime. Source: Lambda developer guide, "Using a customer-managed runtime"."""
    if request.get("RuntimeConfig") and whole.get("Runtime") != "custom":
        yield _invalid("RuntimeConfig is only supported when Runtime is custom.")
    if whole.get("Runtime") == "custom" and not whole.get("RuntimeConfig"):
        yield _invalid("RuntimeConfig is required when Runtime is custom.")


def _accelerated(whole: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Sources: Lambda API reference and AWS SAM developer guide, AcceleratorConfig."""
    wanted = whole.get("AcceleratorConfig")
    if not wanted:
        return
    if not whole.get("CapacityProviderConfig"):
        yield _invalid("AcceleratorConfig is only supported with CapacityProviderConfig.")
    if whole.get("PackageType") != "Image" or whole.get("Architectures", ["x86_64"]) != ["x86_64"]:
        yield _invalid("AcceleratorConfig is only supported for container images of x86_64.")
    if wanted.get("AcceleratorMemorySize") not in _ACCELERATORS:
        yield _invalid(f"AcceleratorMemorySize must be one of {_ACCELERATORS}.")


def _runtime(request: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name = request.get("Runtime") or live.get("Runtime")
    if name not in RUNTIMES:
        return
    refused = (Phase.RETIRED,) if live else (Phase.RETIRED, Phase.NO_CREATE)
    if phase_of(RUNTIMES[name], datetime.datetime.now(datetime.UTC).date()) in refused:
        yield _invalid(
            f"The runtime parameter of {name} is no longer supported for creating or updating AWS Lambda "
            "functions. We recommend you use a supported runtime while creating or updating functions."
        )


def _snap_start(request: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if (request.get("SnapStart") or {}).get("ApplyOn") != "PublishedVersions":
        return
    runtime = RUNTIMES.get(str(whole.get("Runtime")))
    if runtime is not None and not runtime.has_snap_start:
        yield _invalid(f"{runtime.name} is not supported for SnapStart enabled functions.")
    if (whole.get("EphemeralStorage") or {}).get("Size", 512) > 512:
        yield _invalid("SnapStart does not support ephemeral storage greater than 512 MB.")
    for member in ("FileSystemConfigs", "TenancyConfig"):
        if whole.get(member):
            yield _invalid(f"SnapStart is not supported with {member}.")


def _invalid(message: str) -> tuple[str, str]:
    return "InvalidParameterValueException", message
