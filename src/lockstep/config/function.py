"""The settings of a function from a merged ``lambda`` block, and what AWS asks of them together."""

from collections.abc import Mapping
from typing import Any

from lockstep.config.context import Context, Settings
from lockstep.model import FIELDS, Field, Value
from lockstep.model.fields import BY_NAME, exists, normalise

__all__ = ["read_settings"]

_TOP: Mapping[str, Field] = {row.name: row for row in FIELDS if "." not in row.name}
_GROUPS: frozenset[str] = frozenset(row.name.partition(".")[0] for row in FIELDS if "." in row.name)
_ONLY = {kind: frozenset(row.name for row in FIELDS if row.for_type == kind) for kind in ("Zip", "Image")}
_JUDGED = frozenset(_TOP) | _GROUPS | {"image", "s3Key", "sha256"}
_REQUIRED = {
    "role": "add lambda.role (an ARN, or the name of a role in the account)",
    "runtime": "add lambda.runtime, for example dotnet10 or python3.13 (or lambda.image for a container)",
    "handler": "add lambda.handler, the method that Lambda calls",
}


def read_settings(context: Context, block: Mapping[str, Any], *, is_shared: bool) -> Settings:
    """The settings of a block. Problems are noted in the context.

    ``is_shared`` when the values are the layers' own: then targets with the same layers get one object,
    which saves time, memory and room in the cache. Its key is the identity of the values.
    """
    if not is_shared:
        return _read(context, block)
    key = (
        ("", context.is_part),
        *[(name, id(block[name])) for name in block if name in _JUDGED],
    )
    known = context.shared.get(key)
    if known is None:
        settings = _read(context, block)
        if context.is_wrong:
            return settings
        known = context.shared[key] = (block, settings)  # the block keeps the identities alive
    return known[1]


def _read(context: Context, block: Mapping[str, Any]) -> Settings:
    settings: dict[str, Value] = {}
    declared: set[str] = set()
    for name, raw in block.items():
        if raw is not None and name in _TOP:
            declared.add(name)
            _put(settings, _TOP[name], raw)
        elif raw and name in _GROUPS:
            for member, inside in raw.items():
                if inside is not None:
                    declared.add(f"{name}.{member}")
                    _put(settings, BY_NAME[f"{name}.{member}"], inside)
    _check_type(context, block, declared)
    _check_together(context, settings, declared)
    return settings, frozenset(declared - settings.keys())


def _put(settings: dict[str, Value], row: Field, raw: Any) -> None:
    value = normalise(row, raw)
    if value is not None:
        settings[row.name] = value


def _check_type(context: Context, block: Mapping[str, Any], declared: set[str]) -> None:
    """Zip and image functions need and take different fields (Lambda API reference, CreateFunction).

    What Terraform applies may have in its folder what is needed.
    """
    is_image = block.get("image") is not None
    for name, fix in _REQUIRED.items():
        is_held = context.is_part or (is_image and name != "role")
        if name not in declared and not is_held:
            context.wrong(
                ("lambda",), f"no {name} is declared, without which Lambda creates no function", fix
            )
    kind = "container image" if is_image else "zip package"
    for name in sorted(declared & _ONLY["Zip" if is_image else "Image"]):
        context.wrong(
            ("lambda", *name.split(".")),
            f"lambda.{name} does not go with a {kind}",
            f"remove it, or write {name}: null where a lower layer sets it",
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
    for name in sorted(declared):
        if exists(BY_NAME[name], settings):
            continue
        other, value = BY_NAME[name].needs or ("", None)
        beside = other if value is None else f"{other}: {value}"
        context.wrong(
            ("lambda", *name.split(".")),
            f"lambda.{name} exists only with {beside}",
            f"add {beside}, or remove it",
        )
    for one, other in (("subnetIds", "securityGroupIds"), ("securityGroupIds", "subnetIds")):
        if f"vpc.{one}" in settings and f"vpc.{other}" not in settings:
            context.wrong(
                ("lambda", "vpc", one),
                f"lambda.vpc has {one} without {other}",
                f"add vpc.{other}, or remove vpc",
            )
