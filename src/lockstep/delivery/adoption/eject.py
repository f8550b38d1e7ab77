"""``eject --to terraform``: the way back, for functions that are in sync."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.session import Session
from lockstep.engines.terraform.handover import (
    takeover,
)
from lockstep.engines.terraform.shape import function_value
from lockstep.errors import BadInput, NotAllowed
from lockstep.model import Verb, select
from lockstep.model.kinds import KINDS
from lockstep.model.target import environment_of
from lockstep.values import dataclass

__all__ = ["Ejected", "eject_to_terraform"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ejected:
    """What was written for Terraform."""

    targets: tuple[str, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...]


def eject_to_terraform(
    workspace: Workspace, patterns: tuple[str, ...], into: Path, *, module: str, options: Options
) -> Ejected:
    """Write import blocks and the map of functions, with which Terraform takes live functions over.

    Only functions that are in sync go over. Raises NotAllowed with what is not, BadInput when a file
    that would be written is there.
    """
    _check_own(workspace, patterns)
    session = Session(workspace, replace(options, patterns=patterns))
    plan = session.plan(patterns)
    late = [one.target for one in plan.targets if one.verb is not Verb.NOTHING or one.problem]
    if late:
        raise NotAllowed(
            f"{', '.join(late[:5])}: not in sync, so Terraform would not take it over as it is",
            fix="lockstep sync first",
        )
    keys = [one.target for one in plan.targets]
    if not keys:
        raise BadInput("no function is selected", fix="name targets or environments")
    fleet = session.resolved(patterns)
    values: dict[str, Any] = {}
    notes: list[str] = []
    for key in keys:
        values[key], secrets = function_value(fleet.targets[key])
        if secrets:
            notes.append(
                f"{key}: {', '.join(sorted(secrets))} are secret and were not written; Lockstep passes them "
                "as secret_environment when it drives Terraform, else pass them yourself"
            )
        if fleet.targets[key].is_rolled:
            notes.append(
                f"{key}: its alias is one that Terraform leaves alone, and Lockstep moves where it drives "
                "Terraform; to have Terraform point it, declare rollout: allAtOnce first"
            )
        if left := [one.path for one in fleet.targets[key].resources if not KINDS[one.kind].terraform]:
            notes.append(
                f"{key}: {', '.join(left)} stay as they are: the module has none, so write and import "
                "resources of your own for them"
            )
    taken = takeover(keys, fleet, session.read, module)
    variables: dict[str, Any] = {"project": workspace.project.name, "functions": values}
    if taken.foreign:
        variables["foreign_notifications"] = taken.foreign
    if taken.order:
        variables["notification_order"] = taken.order
    texts = {
        "imports.tf": taken.imports,
        "fleet.auto.tfvars.json": json.dumps(variables, indent=2) + "\n",
    }
    for name in texts:
        if (into / name).exists():
            raise BadInput(
                "the file is there already", where=str(into / name), fix="remove it, or name another folder"
            )
    into.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (into / name).write_text(text, encoding="utf-8")
    return Ejected(targets=tuple(keys), files=tuple(str(into / name) for name in texts), notes=tuple(notes))


def _check_own(workspace: Workspace, patterns: tuple[str, ...]) -> None:
    """Two would own a function that a cluster goes on to apply."""
    targets = workspace.fleet.targets
    for key in select(targets, patterns):
        road = workspace.project.environment(environment_of(key)).traits.road
        if road is not None and targets[key].function is not None:
            raise NotAllowed(
                f"a cluster applies it by {road}, and would own it beside Terraform",
                where=key,
                fix="take it back first: give its environment engine: aws, remove its manifests, and sync",
            )
