"""The alias that calls a function, and how many of its published versions stay."""

from collections.abc import Mapping
from typing import Any

from lockstep.config.context import Context
from lockstep.config.durations import duration
from lockstep.model.alias import is_number

__all__ = ["read_alias", "read_keeping"]

_KEPT = 5  # versions
_GRACE = 3600  # seconds


def read_alias(context: Context, block: Mapping[str, Any]) -> str | None:
    """The declared alias. What does not go with one is noted in the context."""
    alias: str | None = block.get("alias")
    if alias is not None and block.get("s3ObjectStorageMode") == "REFERENCE":
        context.wrong(
            ("lambda", "s3ObjectStorageMode"),
            "a version that Lambda reads from the package bucket ends with its package, and a published one "
            "is kept for longer",
            "write s3ObjectStorageMode: COPY, or remove lambda.alias",
        )
    terraform = context.file.project.environment(context.candidate.environment).terraform
    if alias is None or terraform is None:
        return alias
    if terraform.mapping != "functions":
        context.wrong(
            ("lambda", "alias"),
            "lambda.alias is declared, and of what Terraform folders are passed only the mapping functions "
            "carries it",
            "use `mapping: functions` with the module lambda-fleet, or `engine: aws`, or keep the alias in "
            "your Terraform code and write alias: null here",
        )
    if is_number(str(block.get("version") or "")):
        context.wrong(
            ("lambda", "version"),
            "a published version is declared by its number, and Terraform, which applies this environment, "
            "points the alias at the version that it publishes",
            "declare the release, or use `engine: aws`",
        )
    return alias


def read_keeping(context: Context, block: Mapping[str, Any]) -> tuple[int, int]:
    """How many published versions stay, and for how many seconds one stays that calls have left."""
    terraform = context.file.project.environment(context.candidate.environment).terraform
    for name in ("keepVersions", "keepVersionsFor"):
        if block.get(name) is not None and terraform is not None:
            context.wrong(
                ("lambda", name),
                f"lambda.{name} is about versions that Lockstep removes, and Terraform, which applies this "
                "environment, keeps all that it published",
                f"remove {name}, or use `engine: aws`",
            )
        elif block.get(name) is not None and block.get("alias") is None:
            context.wrong(
                ("lambda", name),
                f"lambda.{name} is about published versions, and Lockstep publishes them for an alias",
                f"add lambda.alias, or remove {name}",
            )
    seconds = duration(block.get("keepVersionsFor"))
    return block.get("keepVersions") or _KEPT, _GRACE if seconds is None else seconds
