"""A resource of Terraform's as a function of ours: what is in a state, and what a plan makes of it."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from lockstep.errors import CloudError
from lockstep.model import Code, Function, Secret, Value
from lockstep.model.fields import BY_NAME, existing, normalise
from lockstep.model.foreign import read_json, shaped
from lockstep.values import dataclass

__all__ = [
    "ALIAS",
    "FUNCTION",
    "OTHER_WORDS",
    "ROLLED",
    "State",
    "function_of",
    "hex_of",
    "hidden_in",
    "read_state",
    "to_value",
]

FUNCTION = "aws_lambda_function"
ALIAS = "aws_lambda_alias"
ROLLED = "rolled"  # name of the module's aliases that rollouts move, and not Terraform

_PATHS: Mapping[str, tuple[str, ...]] = {
    "runtime": ("runtime",),
    "handler": ("handler",),
    "role": ("role",),
    "description": ("description",),
    "memorySize": ("memory_size",),
    "timeout": ("timeout",),
    "environment": ("environment", "variables"),
    "layers": ("layers",),
    "architectures": ("architectures",),
    "ephemeralStorage": ("ephemeral_storage", "size"),
    "vpc.subnetIds": ("vpc_config", "subnet_ids"),
    "vpc.securityGroupIds": ("vpc_config", "security_group_ids"),
    "vpc.ipv6": ("vpc_config", "ipv6_allowed_for_dual_stack"),
    "tracing": ("tracing_config", "mode"),
    "deadLetterTarget": ("dead_letter_config", "target_arn"),
    "kmsKeyArn": ("kms_key_arn",),
    "fileSystems": ("file_system_config",),
    "logging.format": ("logging_config", "log_format"),
    "logging.applicationLevel": ("logging_config", "application_log_level"),
    "logging.systemLevel": ("logging_config", "system_log_level"),
    "logging.group": ("logging_config", "log_group"),
    "snapStart": ("snap_start", "apply_on"),
    "imageConfig.entryPoint": ("image_config", "entry_point"),
    "imageConfig.command": ("image_config", "command"),
    "imageConfig.workingDirectory": ("image_config", "working_directory"),
    "codeSigningConfigArn": ("code_signing_config_arn",),
    "reservedConcurrency": ("reserved_concurrent_executions",),
}
"""Where each field lies in ``aws_lambda_function``. Source: the AWS provider's documentation."""

_TOLD = {path[0] for path in _PATHS.values()} | {"tags", "source_code_hash", "image_uri", "function_name"}
_NOISE = {
    "arn",
    "code_sha256",
    "filename",
    "id",
    "invoke_arn",
    "last_modified",
    "package_type",
    "publish",
    "qualified_arn",
    "qualified_invoke_arn",
    "region",
    "s3_bucket",
    "s3_key",
    "s3_object_version",
    "signing_job_arn",
    "signing_profile_version_arn",
    "source_code_size",
    "tags_all",
    "version",
}
OTHER_WORDS = frozenset(_TOLD | _NOISE)
"""Attributes of a function that are told in our words, or follow from others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What a state manages, as far as it concerns functions."""

    version: str  # of Terraform
    resources: int = 0
    functions: Mapping[str, str] = field(default_factory=dict)  # ARN -> address


def read_state(text: str, version: str) -> State:
    """Read what ``state pull`` gives. Raises CloudError when it is no state of version 4."""
    if not text.strip():
        return State(version=version)
    no_state = CloudError(
        "the state is not what Terraform writes",
        fix="look at it where the backend keeps it; restore an older version if it is damaged",
    )
    with shaped(no_state):
        document = read_json(text)
        if document["version"] != 4:
            raise ValueError("another version")
        resources = [one for one in document["resources"] or () if one["mode"] == "managed"]
        functions = {
            str(instance["attributes"]["arn"]): _address(one, instance)
            for one in resources
            if one["type"] == FUNCTION
            for instance in one.get("instances", ())
            if (instance.get("attributes") or {}).get("arn")
        }
        count = sum(len(one.get("instances", ())) for one in resources)
    return State(version=version, resources=count, functions=functions)


def _address(resource: Mapping[str, Any], instance: Mapping[str, Any]) -> str:
    module = f"{resource['module']}." if resource.get("module") else ""
    key = instance.get("index_key")
    index = "" if key is None else f"[{json.dumps(key)}]"
    return f"{module}{resource['type']}.{resource['name']}{index}"


def function_of(values: Mapping[str, Any], sensitive: Any) -> Function:
    """The function that a resource's values describe; what is sensitive is Secret."""
    name = str(values.get("function_name") or "")
    settings: dict[str, Value] = {}
    for row, path in _PATHS.items():
        raw, hidden = _dig(values, sensitive, path)
        if raw is None or (row == "reservedConcurrency" and raw == -1):
            continue
        if row == "logging.group" and raw == f"/aws/lambda/{name}":
            continue
        if row == "fileSystems":
            raw = [{"arn": one.get("arn"), "localMountPath": one.get("local_mount_path")} for one in raw]
        value = normalise(BY_NAME[row], to_value(raw, hidden))
        if value is not None:
            settings[row] = value
    # An import does not know the hash that it was given, only what AWS says it runs.
    digest = values.get("source_code_hash") or values.get("code_sha256")
    tags = values.get("tags")
    return Function(
        name=name,
        settings=existing(settings),
        code=Code(sha256=hex_of(digest), image=values.get("image_uri") or None),
        tags={key: str(text) for key, text in tags.items()} if isinstance(tags, dict) else {},
        arn=values.get("arn"),
        modified=values.get("last_modified"),
    )


def to_value(raw: Any, sensitive: Any) -> Value:
    """JSON as a value; ``sensitive`` has the same shape, with True for what must not be shown."""
    if sensitive is True and raw is not None:
        if isinstance(raw, dict):
            return {key: to_value(item, True) for key, item in raw.items()}
        return Secret(raw if isinstance(raw, str) else str(raw))
    match raw:
        case dict():
            named = sensitive if isinstance(sensitive, dict) else {}
            return {str(key): to_value(item, named.get(key)) for key, item in raw.items()}
        case list():
            marks = sensitive if isinstance(sensitive, list) else []
            return tuple(
                to_value(item, marks[number] if number < len(marks) else None)
                for number, item in enumerate(raw)
            )
        case None | str() | bool() | int() | float():
            return raw
        case _:
            return str(raw)


def hidden_in(raw: Any, sensitive: Any) -> set[str]:
    """Every text below that is sensitive."""
    match raw, sensitive:
        case str(), True:
            return {raw}
        case dict(), True:
            return {text for item in raw.values() for text in hidden_in(item, True)}
        case dict(), dict():
            return {text for key, item in raw.items() for text in hidden_in(item, sensitive.get(key))}
        case list(), True:
            return {text for item in raw for text in hidden_in(item, True)}
        case list(), list():
            return {
                text for item, mark in zip(raw, sensitive, strict=False) for text in hidden_in(item, mark)
            }
        case _:
            return set()


def _dig(values: Mapping[str, Any], sensitive: Any, path: tuple[str, ...]) -> tuple[Any, Any]:
    """A value and its mark. A block is a list with one map, or with several where they are told as such."""
    raw: Any = values
    marks: Any = sensitive
    for number, part in enumerate(path):
        if isinstance(raw, list):
            raw = raw[0] if raw else None
            marks = marks[0] if isinstance(marks, list) and marks else marks if marks is True else None
        if not isinstance(raw, Mapping):
            return None, None
        raw = raw.get(part)
        marks = True if marks is True else marks.get(part) if isinstance(marks, Mapping) else None
        if raw is None:
            return None, None
        if number == len(path) - 1:
            break
    return raw, marks


def hex_of(digest: Any) -> str | None:
    """A digest as Lambda writes it, in hex. What follows a space makes Terraform deploy again."""
    found = re.match(r"([A-Za-z0-9+/]{43}=)(?: |$)", digest) if isinstance(digest, str) else None
    return base64.b64decode(found[1]).hex() if found else None
