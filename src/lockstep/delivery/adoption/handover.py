"""``adopt --from terraform`` and ``eject --to terraform``: functions change their master without a
change to themselves.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lockstep.delivery.places.workspace import Workspace, open_workspace
from lockstep.delivery.sync.engines import make_terraform
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.run import make_plan
from lockstep.delivery.sync.session import Session
from lockstep.engines.terraform import Run, is_driven
from lockstep.engines.terraform.handover import (
    Managed,
    following,
    managed_in,
    removed_blocks,
    takeover,
    triggers_of,
)
from lockstep.engines.terraform.shape import function_value
from lockstep.engines.terraform.state import FUNCTION, function_of
from lockstep.errors import BadInput, NotAllowed
from lockstep.model import Function, PackageBucket, Plan, Trigger, Value, Verb, looks_secret
from lockstep.model.watching import SILENT, Watcher

__all__ = ["Adopted", "Ejected", "adopt_from_terraform", "eject_to_terraform", "state_of"]

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Ejected:
    """What was written for Terraform."""

    targets: tuple[str, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...]


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
        environment: _functions_of(environment, functions, workspace, declared, is_alone=is_alone)
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
        service = _service_of(one, environment)
        block, said = _declaration(
            one, triggers_of(name, managed), project.packages_for(environment), version
        )
        notes += [f"{environment}/{service}: {text}" for text in said]
        files += _write(root / project.folder, root, environment, service, block)
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
        differences=tuple(_differences(plan)),
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


def eject_to_terraform(
    workspace: Workspace, patterns: tuple[str, ...], into: Path, *, module: str, options: Options
) -> Ejected:
    """Write import blocks and the map of functions, with which Terraform takes live functions over.

    Only functions that are in sync go over. Raises NotAllowed with what is not, BadInput when a file
    that would be written is there.
    """
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


def _is_preview(one: Managed) -> bool:
    return one.name == "preview" or str(one.index or "").startswith("preview/")


def _functions_of(
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


def _shared(address: str, called: Sequence[str]) -> str:
    """What has to be known of a notification that stays in the state."""
    return (
        f"{address} stays in the state, as it calls {', '.join(called)} too, which Terraform keeps: adopt "
        "those as well (several environments at once: lockstep adopt production staging ...) before "
        "Terraform applies without the entries of what is let go here, or that apply removes them"
    )


def _environment_of(one: Managed, wanted: str, known: Iterable[str]) -> str:
    """From the key ``staging/api``, or from the resource's name; else what was asked for."""
    if "/" in str(one.index or ""):
        return str(one.index).partition("/")[0]
    for name in known:
        if one.name == name or one.name.startswith((f"{name}_", f"{name}-")):
            return name
    return wanted


def _service_of(one: Managed, environment: str) -> str:
    if "/" in str(one.index or ""):
        return str(one.index).rpartition("/")[2]
    name = one.function or ""
    return name.removesuffix(f"-{environment}").removesuffix(f"_{environment}") or name


def _declaration(
    one: Managed, triggers: Sequence[Trigger], bucket: PackageBucket | None, version: str | None
) -> tuple[dict[str, Any], list[str]]:
    """The ``lambda`` block of a function, and what has to be said about it."""
    function = function_of(one.values, None)
    notes: list[str] = []
    ignored: list[str] = []
    block: dict[str, Any] = {
        "version": version or function.tags.get("lockstep:version") or "adopted",
        "functionName": function.name,
        "adopt": True,
    }
    code, said = _code(one, function, bucket)
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
    tags = {key: text for key, text in function.tags.items() if not key.startswith("lockstep:")}
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


def _write(base: Path, root: Path, environment: str, service: str, block: Mapping[str, Any]) -> list[str]:
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


def _differences(plan: Plan) -> Iterable[str]:
    for target in plan.targets:
        if target.problem is not None:
            yield f"{target.target}: {target.problem}"
        for change in target.changes:
            if not change.path.startswith(_QUIET):
                yield f"{target.target}: {change.path} would change"
    yield from plan.problems
