"""The alias that calls a function, and how many of its published versions stay."""

from collections.abc import Mapping
from typing import Any

from lockstep.config.context import Context
from lockstep.config.durations import duration

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
    environment = context.file.project.environment(context.candidate.environment)
    if alias is not None and environment.terraform is not None:
        context.wrong(
            ("lambda", "alias"),
            "lambda.alias is declared, and Terraform applies this environment: no mapping carries it there",
            "keep it in your Terraform code and write alias: null here, or use `engine: aws`",
        )
    return alias


def read_keeping(context: Context, block: Mapping[str, Any]) -> tuple[int, int]:
    """How many published versions stay, and for how many seconds one stays that calls have left."""
    for name in ("keepVersions", "keepVersionsFor"):
        if block.get(name) is not None and block.get("alias") is None:
            context.wrong(
                ("lambda", name),
                f"lambda.{name} is about published versions, and Lockstep publishes them for an alias",
                f"add lambda.alias, or remove {name}",
            )
    seconds = duration(block.get("keepVersionsFor"))
    return block.get("keepVersions") or _KEPT, _GRACE if seconds is None else seconds
