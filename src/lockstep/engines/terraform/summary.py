"""What Terraform planned, target by target and step by step, in the words of a Plan."""

from collections.abc import Mapping

from lockstep.engines.terraform.made import Made
from lockstep.engines.terraform.plan_json import Planned
from lockstep.engines.terraform.state import FUNCTION
from lockstep.model import (
    ApplyResource,
    Health,
    Obstacle,
    Package,
    ResourceChange,
    RunTerraform,
    StagePackage,
    Step,
    SyncStatus,
    Target,
    TargetPlan,
    Verb,
)
from lockstep.planning.summary import summarise_held

__all__ = ["held_plans", "package_quarrel", "resource_step", "steps_of", "target_plans"]

_VERBS = {
    "create": Verb.CREATE,
    "update": Verb.UPDATE,
    "replace": Verb.UPDATE,
    "delete": Verb.DELETE,
    "forget": Verb.UPDATE,
    "import": Verb.ADOPT,
}


def target_plans(targets: Mapping[str, Target], planned: Planned) -> list[TargetPlan]:
    """One summary for each declared target, and for each that is not declared any more and changes."""
    functions = {r.target: r for r in planned.resources if r.target is not None and r.kind == FUNCTION}
    touched = {r.target for r in planned.resources if r.target is not None} | planned.changes.keys()
    plans = [
        _declared(target, functions.get(key), planned, is_touched=key in touched)
        for key, target in targets.items()
    ]
    for key in sorted(touched - targets.keys()):
        change = functions.get(key)
        live = planned.live.get(key)
        plans.append(
            TargetPlan(
                target=key,
                verb=_VERBS[change.action] if change else Verb.UPDATE,
                function=live.name if live else None,
                version=live.tags.get("lockstep:version") if live else None,
                changes=planned.changes.get(key, ()),
                status=SyncStatus.OUT_OF_SYNC,
            )
        )
    return plans


def held_plans(targets: Mapping[str, Target], failure: Obstacle | None = None) -> list[TargetPlan]:
    """Summaries of targets that cannot be applied, each for its own reason, or for that of its run."""
    found = [(one, Obstacle.all_of((one.obstacle, failure))) for one in targets.values()]
    return [summarise_held(target, why) for target, why in found if why is not None]


def steps_of(made: Made) -> tuple[Step, ...]:
    """Packages to stage, the run, and one step for each resource; () when nothing would be done."""
    if made.is_unchanged:
        return ()
    changing = {r.target for r in made.planned.resources if r.action not in ("delete", "forget")}
    packages: dict[tuple[str, str], Package] = {}
    users: dict[tuple[str, str], str] = {}
    for key, target in made.targets.items():
        package = target.function.code.package if target.function else None
        if package is not None and not package.is_staged and key in changing:
            place = package.bucket, package.key
            packages[place] = packages[place].also(package) if place in packages else package
            users.setdefault((package.bucket, package.key), key)
    staging = [
        StagePackage(id=f"{made.run.id}:package:{bucket}/{key}", target=users[bucket, key], package=package)
        for (bucket, key), package in packages.items()
    ]
    run = RunTerraform(
        id=made.run.id,
        target=made.run.name,
        needs=tuple(step.id for step in staging),
        folder=made.run.settings.folder,
        workspace=made.run.settings.workspace,
    )
    resources = [resource_step(made, change) for change in made.planned.resources]
    return (*staging, run, *resources)


def resource_step(made: Made, change: ResourceChange) -> ApplyResource:
    """The step of one resource."""
    return ApplyResource(
        id=f"{made.run.id}:{change.address}",
        target=change.target or "",
        needs=(made.run.id,),
        address=change.address,
        action=change.action,
    )


def package_quarrel(targets: Mapping[str, Target]) -> str | None:
    """Why the packages cannot be staged: two of them want one place."""
    places: dict[tuple[str, str], tuple[str, Package]] = {}
    for key, target in targets.items():
        package = target.function.code.package if target.function else None
        if package is None:
            continue
        other, rival = places.setdefault((package.bucket, package.key), (key, package))
        if rival.sha256 != package.sha256:
            return (
                f"{other} and {key} stage different packages as s3://{package.bucket}/{package.key}; "
                "put {service} or {sha256} into `packages.key`"
            )
    return None


def _declared(
    target: Target, change: ResourceChange | None, planned: Planned, *, is_touched: bool
) -> TargetPlan:
    function = target.function
    assert function is not None  # noqa: S101 - only such targets are passed
    verb = _VERBS[change.action] if change else Verb.UPDATE if is_touched else Verb.NOTHING
    if target.key in planned.adopted:
        verb = Verb.ADOPT
    drift = planned.drifted.get(target.key)
    is_missing = change is not None and change.action == "create"
    return TargetPlan(
        target=target.key,
        verb=verb,
        function=function.name,
        version=target.version,
        changes=planned.changes.get(target.key, (drift,) if drift else ()),
        status=SyncStatus.OUT_OF_SYNC if is_touched or drift else SyncStatus.SYNCED,
        health=Health.MISSING if is_missing else Health.UNKNOWN,
        place=target.place,
    )
