"""Which functions of a Terraform state belong to an environment, and to which service."""

from collections.abc import Iterable, Mapping, Sequence

from lockstep.delivery.places.workspace import Workspace
from lockstep.engines.terraform.handover import (
    Managed,
)

__all__ = ["functions_of", "service_of"]


def _is_preview(one: Managed) -> bool:
    return one.name == "preview" or str(one.index or "").startswith("preview/")


def functions_of(
    environment: str,
    functions: Sequence[Managed],
    workspace: Workspace,
    declared: Mapping[str, str],
    *,
    is_alone: bool,
) -> list[Managed]:
    """The functions of a state that belong to an environment. ``is_alone``: what names none is its own."""
    if environment == "preview":
        return [one for one in functions if _is_preview(one) and one.function in declared]
    return [
        one
        for one in functions
        if not _is_preview(one)
        and _environment_of(one, environment if is_alone else "", workspace.project.environments)
        == environment
    ]


def _environment_of(one: Managed, wanted: str, known: Iterable[str]) -> str:
    """From the key ``staging/api``, or from the resource's name; else what was asked for."""
    if "/" in str(one.index or ""):
        return str(one.index).partition("/")[0]
    for name in known:
        if one.name == name or one.name.startswith((f"{name}_", f"{name}-")):
            return name
    return wanted


def service_of(one: Managed, environment: str) -> str:
    """The service that a function is of: by its key, or by its name without the environment's."""
    if "/" in str(one.index or ""):
        return str(one.index).rpartition("/")[2]
    name = one.function or ""
    return name.removesuffix(f"-{environment}").removesuffix(f"_{environment}") or name
