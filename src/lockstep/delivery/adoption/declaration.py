"""Declarations of functions that live already, as files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lockstep.engines.terraform.handover import (
    Managed,
)
from lockstep.engines.terraform.state import function_of
from lockstep.errors import BadInput
from lockstep.model import Function, PackageBucket, Trigger, Value, looks_secret

__all__ = ["declaration", "declaration_of", "write_declaration"]


def declaration(
    one: Managed, triggers: Sequence[Trigger], bucket: PackageBucket | None, version: str | None
) -> tuple[dict[str, Any], list[str]]:
    """The ``lambda`` block of a function of Terraform's, and what has to be said about it."""
    function = function_of(one.values, None)
    code, said = _code(one, function, bucket)
    return declaration_of(function, code, said, triggers, version)


def declaration_of(
    function: Function,
    code: Mapping[str, Any],
    said: str | None,
    triggers: Sequence[Trigger],
    version: str | None,
) -> tuple[dict[str, Any], list[str]]:
    """The ``lambda`` block of a function with its package where ``code`` says; ``said``: why nowhere."""
    notes: list[str] = []
    ignored: list[str] = []
    block: dict[str, Any] = {
        "version": version or function.tags.get("lockstep:version") or "adopted",
        "functionName": function.name,
        "adopt": True,
    }
    block |= code
    if said:
        notes.append(said)
        ignored.append("code")
    for path, value in function.settings.items():
        group, _, name = path.rpartition(".")
        if path == "environment":
            plain, hidden = _apart(value)
            if plain:
                block["environment"] = plain
            ignored += [f"environment.{name}" for name in hidden]
            if hidden:
                notes.append(
                    f"{', '.join(hidden)} look secret and were not written: they stay as they are until "
                    "they are declared as {ssm: name} or {secret: name}"
                )
        else:
            place = block.setdefault(group, {}) if group else block
            place[name] = _yaml(value)
    tags = {key: text for key, text in function.tags.items() if not key.startswith(("lockstep:", "aws:"))}
    if tags:
        block["tags"] = tags
    if triggers:
        block["triggers"] = [_trigger(trigger) for trigger in triggers]
    if ignored:
        block["ignore"] = ignored
    return block, notes


def _code(
    one: Managed, function: Function, bucket: PackageBucket | None
) -> tuple[dict[str, Any], str | None]:
    if function.code.image:
        return {"image": function.code.image}, None
    place, key = one.values.get("s3_bucket"), one.values.get("s3_key")
    if place and key and bucket is not None and place == bucket.name:
        return {"s3Key": key}, None
    if place and key:
        return {"artifact": {"source": "s3", "bucket": place, "key": key}}, None
    return {}, (
        "its package was uploaded from a file, so what runs stays as it is (`ignore: [code]`) until a "
        "version with a package is declared"
    )


def _apart(variables: Value) -> tuple[dict[str, str], list[str]]:
    items = variables.items() if isinstance(variables, Mapping) else ()
    texts = {name: str(value) for name, value in items}
    hidden = sorted(name for name, text in texts.items() if looks_secret(name, text))
    return {name: text for name, text in texts.items() if name not in hidden}, hidden


def _trigger(trigger: Trigger) -> dict[str, Any]:
    said: dict[str, Any] = {"bucket": trigger.bucket}
    if trigger.prefix:
        said["prefix"] = trigger.prefix
    if trigger.suffix:
        said["suffix"] = trigger.suffix
    if trigger.events != ("s3:ObjectCreated:*",):
        said["events"] = list(trigger.events)
    return said


def _yaml(value: Value) -> Any:
    match value:
        case Mapping():
            return {key: _yaml(item) for key, item in value.items()}
        case tuple() | list():
            return [_yaml(item) for item in value]
        case _:
            return value


def write_declaration(
    base: Path, root: Path, environment: str, service: str, block: Mapping[str, Any]
) -> list[str]:
    """Write the declaration, and what makes the service one that Lockstep deploys."""
    import yaml

    texts = {
        base / "services" / service / "config.yaml": {"serviceName": service, "deploymentType": "lambda"},
        base / "environments" / environment / service / "config.yaml": {
            "serviceName": service,
            "envName": environment,
            "lambda": dict(block),
        },
    }
    written: list[str] = []
    for path, document in texts.items():
        if path.exists() and path.parent.parent.name == "services":
            continue
        if path.exists():
            raise BadInput(
                "the file is there already and declares no such function",
                where=str(path.relative_to(root)),
                fix="remove it, or add the function to it yourself",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
        path.write_text(text, encoding="utf-8")
        written.append(path.relative_to(root).as_posix())
    return written
