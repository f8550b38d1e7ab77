"""``adopt --from terraform``: functions change their master without a change to themselves."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lockstep.delivery.adoption.declaration import declaration, write_declaration
from lockstep.delivery.adoption.matching import functions_of, service_of
from lockstep.delivery.places.workspace import Workspace, open_workspace
from lockstep.delivery.sync.engines import make_terraform
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import make_plan
from lockstep.delivery.sync.session import Session
from lockstep.engines.terraform import Run, is_driven
from lockstep.engines.terraform.handover import (
    following,
    managed_in,
    removed_blocks,
    triggers_of,
)
from lockstep.engines.terraform.state import FUNCTION
from lockstep.errors import BadInput
from lockstep.model import Plan
from lockstep.model.watching import SILENT, Watcher
from lockstep.values import dataclass

__all__ = ["Adopted", "adopt_from_terraform", "differences_of", "state_of"]

_QUIET = ("tags.lockstep:", "version", "permission")
"""Changes that only mark whose a function is; a permission of ours stands beside Terraform's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Adopted:
    """What was written, what Terraform is told, and the plan that proves it."""

    targets: tuple[str, ...]
    files: tuple[str, ...]  # written, relative to the project's folder
    removed: str  # blocks for the Terraform code
    notes: tuple[str, ...]
    plan: Plan
    differences: tuple[str, ...]  # what the plan would change besides marks of ownership


def adopt_from_terraform(
    workspace: Workspace,
    environments: Sequence[str],
    state: str,
    *,
    source: str,
    version: str | None,
    options: Options,
) -> Adopted:
    """Write declarations of the functions that a state manages, and plan them.

    Functions that are declared already are left as they are; previews have to be. Secrets of a state are
    not written: they are ignored until they are declared as references. A bucket's notification goes with
    the last function of the state that it calls. ``source`` names the state for errors. Raises BadInput
    when the state holds no function of an environment, or the environment is applied by Terraform.
    """
    root = workspace.root
    if root is None or workspace.where.rev is not None:
        raise BadInput(
            "declarations are written to a folder", where="--rev", fix="leave out --repo and --rev"
        )
    project = workspace.project
    for environment in environments:
        if is_driven(project.environment(environment)):
            raise BadInput(
                f"{environment} is applied by Terraform",
                where=project.file,
                fix="remove `engine: terraform` there: the aws engine takes the functions over",
            )
    managed = managed_in(state, source)
    functions = [one for one in managed if one.kind == FUNCTION and one.function]
    declared = {
        target.function.name: key
        for key, target in workspace.fleet.targets.items()
        if target.function is not None and not is_driven(project.environment(target.environment))
    }
    is_alone = len(environments) == 1
    mine = {
        environment: functions_of(environment, functions, workspace, declared, is_alone=is_alone)
        for environment in dict.fromkeys(environments)
    }
    for environment, found in mine.items():
        if not found:
            raise BadInput(
                f"the state manages no function of {environment}"
                + (" that is declared" if environment == "preview" else ""),
                where=source,
                fix=f"there are: {', '.join(sorted(one.address for one in functions)) or 'none'}",
            )
    notes: list[str] = []
    files: list[str] = []
    targets: list[str] = []
    for environment, one in ((environment, one) for environment, found in mine.items() for one in found):
        name = one.function or ""
        if name in declared:
            targets.append(declared[name])
            notes.append(f"{name} is declared already by {declared[name]}; it was left as it is")
            continue
        service = service_of(one, environment)
        block, said = declaration(one, triggers_of(name, managed), project.packages_for(environment), version)
        notes += [f"{environment}/{service}: {text}" for text in said]
        files += write_declaration(root / project.folder, root, environment, service, block)
        targets.append(f"{environment}/{service}")
    again = open_workspace(workspace.where)
    plan = make_plan(again, replace(options, patterns=tuple(targets), adopt=True))
    going = [one for found in mine.values() for one in found]
    gone, staying = following(going, managed, handed_over=declared)
    warnings = [_shared(one, called) for one, called in staying.items()]
    comments = "".join(f"# {text}\n" for text in warnings)
    return Adopted(
        targets=tuple(targets),
        files=tuple(files),
        removed=comments + removed_blocks(gone, managed),
        notes=(*notes, *warnings),
        plan=plan,
        differences=tuple(differences_of(plan)),
    )


def state_of(workspace: Workspace, environments: Sequence[str], *, watcher: Watcher = SILENT) -> str:
    """The state that the environments' ``terraform:`` blocks name. BadInput when it is not one."""
    found: dict[tuple[str, ...], Run] = {}
    for name in environments:
        place = workspace.project.environment(name)
        if place.terraform is None:
            raise BadInput(
                f"{name} has no terraform: block that would name a state",
                where=workspace.project.file,
                fix="give the state with --state FILE, or add the block",
            )
        found.setdefault(place.terraform.run, Run(environments=(place,), settings=place.terraform))
    run, *others = found.values()
    if others:
        raise BadInput(
            f"{run.name} and {others[0].name} have states of their own",
            where=others[0].settings.place,
            fix="adopt them one after the other",
        )
    engine = make_terraform(Session(workspace, Options(), watcher=watcher).means)
    try:
        return engine.pull(run)
    finally:
        engine.close()


def _shared(address: str, called: Sequence[str]) -> str:
    """What has to be known of a notification that stays in the state."""
    return (
        f"{address} stays in the state, as it calls {', '.join(called)} too, which Terraform keeps: adopt "
        "those as well (several environments at once: lockstep adopt production staging ...) before "
        "Terraform applies without the entries of what is let go here, or that apply removes them"
    )


def differences_of(plan: Plan) -> Iterable[str]:
    """What a plan would change besides marks of ownership."""
    for target in plan.targets:
        if target.problem is not None:
            yield f"{target.target}: {target.problem}"
        for change in target.changes:
            if not change.path.startswith(_QUIET):
                yield f"{target.target}: {change.path} would change"
    yield from plan.problems
