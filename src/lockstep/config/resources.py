"""Resources beside a function, from a merged ``lambda`` block."""

from collections.abc import Iterator, Mapping
from typing import Any

from lockstep.config.context import Context
from lockstep.model import Resource, Value
from lockstep.model.fields import normalise
from lockstep.model.kinds import KINDS, ResourceKind
from lockstep.model.terraform import CARRIES_KINDS

__all__ = ["read_resources"]


def read_resources(context: Context, block: Mapping[str, Any]) -> tuple[Resource, ...]:
    """One resource for each kind that the block declares. Problems are noted in the context.

    A kind that does not stand alone and has nothing but defaults is none.
    """
    found = []
    for name, kind in KINDS.items():
        declared = block.get(name)
        if declared is None:
            continue
        settings_of_run = context.file.project.environment(context.candidate.environment).terraform
        if settings_of_run is not None and settings_of_run.mapping != CARRIES_KINDS:
            context.wrong(
                ("lambda", name),
                f"lambda.{name} is declared, and the mapping of this environment does not carry it to "
                "Terraform",
                f"keep it in your Terraform code and write {name}: null here, or use `mapping: "
                f"{CARRIES_KINDS}` with the module lambda-fleet, or `engine: aws`",
            )
        settings = _settings(kind, dict(_leaves(declared)))
        for row in kind.rows:
            if row.required and row.name not in settings:
                context.wrong(("lambda", name), f"lambda.{name} needs {row.name}", f"add {name}.{row.name}")
        if (problem := kind.check(settings)) is not None:
            row_name, what, fix = problem
            context.wrong(("lambda", name, *row_name.split(".")), what, fix)
        if settings or kind.stands_alone:
            place = context.place("lambda", name)
            qualifier = block.get("alias") or ""
            found.append(Resource(kind=name, qualifier=qualifier, settings=settings, place=place))
    return tuple(found)


def _settings(kind: ResourceKind, declared: Mapping[str, Any]) -> dict[str, Value]:
    values = {row.name: normalise(row, declared.get(row.name)) for row in kind.rows}
    return {name: value for name, value in values.items() if value is not None}


def _leaves(block: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Values by the dotted names of rows."""
    for name, value in block.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
