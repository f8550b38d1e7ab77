"""The settings of a function from a merged ``lambda`` block, and what AWS asks of them together."""

from collections.abc import Mapping
from typing import Any

from lockstep.config.context import Context
from lockstep.model import FIELDS, Field, Reference, Secret, Value
from lockstep.model.fields import normalise

__all__ = ["environment_size", "read_settings"]

_ROWS: tuple[tuple[Field, str, str], ...] = tuple((row, *row.name.rpartition(".")[::2]) for row in FIELDS)
_REQUIRED = {
    "role": "add lambda.role (an ARN, or the name of a role in the account)",
    "runtime": "add lambda.runtime, for example dotnet8 or python3.13 (or lambda.image for a container)",
    "handler": "add lambda.handler, the method that Lambda calls",
}


def read_settings(context: Context, block: Mapping[str, Any]) -> dict[str, Value]:
    """Normalised settings; fields at AWS's default are absent. Problems are noted in the context."""
    settings: dict[str, Value] = {}
    declared: set[str] = set()
    for row, group, name in _ROWS:
        inside = block.get(group) if group else block
        raw = inside.get(name) if inside else None
        if raw is None:
            continue
        declared.add(row.name)
        value = normalise(row, raw)
        if value is not None:
            settings[row.name] = value
    _check_type(context, block, declared)
    _check_together(context, settings, declared)
    return settings


def environment_size(settings: Mapping[str, Value]) -> int:
    """Bytes of all environment variables as Lambda counts them; of references only the names are known."""
    environment = settings.get("environment")
    if not isinstance(environment, Mapping):
        return 0
    total = 0
    for name, value in environment.items():
        total += len(name)
        text = value.value if isinstance(value, Secret) else value
        if isinstance(text, str) and not isinstance(value, Reference):
            total += len(text.encode())
    return total


def _check_type(context: Context, block: Mapping[str, Any], declared: set[str]) -> None:
    """Zip and image functions need and take different fields (Lambda API reference, CreateFunction)."""
    is_image = block.get("image") is not None
    for name, fix in _REQUIRED.items():
        if name not in declared and not (is_image and name != "role"):
            context.wrong(
                ("lambda",), f"no {name} is declared, without which Lambda creates no function", fix
            )
    wrong_type = "Zip" if is_image else "Image"
    for row, _, _ in _ROWS:
        if row.for_type == wrong_type and row.name in declared:
            kind = "container image" if is_image else "zip package"
            context.wrong(
                ("lambda", *row.name.split(".")),
                f"lambda.{row.name} does not go with a {kind}",
                f"remove it, or write {row.name}: null where a lower layer sets it",
            )
    for name in ("s3Key", "sha256") if is_image else ():
        if block.get(name) is not None:
            context.wrong(
                ("lambda", name),
                f"lambda.{name} is about a package, and lambda.image is set",
                "remove one of them",
            )


def _check_together(context: Context, settings: Mapping[str, Value], declared: set[str]) -> None:
    """Fields that AWS takes only together."""
    for level in ("logging.applicationLevel", "logging.systemLevel"):
        if level in declared and settings.get("logging.format") != "JSON":
            context.wrong(
                ("lambda", *level.split(".")),
                f"lambda.{level} needs the JSON format",
                "add logging.format: JSON",
            )
    for one, other in (("subnetIds", "securityGroupIds"), ("securityGroupIds", "subnetIds")):
        if f"vpc.{one}" in settings and f"vpc.{other}" not in settings:
            context.wrong(
                ("lambda", "vpc", one),
                f"lambda.vpc has {one} without {other}",
                f"add vpc.{other}, or remove vpc",
            )
