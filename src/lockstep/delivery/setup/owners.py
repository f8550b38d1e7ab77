"""Whether two would own one function: its environment's engine, and a cluster that follows a manifest."""

from collections.abc import Iterator

from lockstep.delivery.sync.manifests import Files
from lockstep.model import Check, Environment, Fleet, Project, Verdict
from lockstep.model.engines import AWS, ENGINES
from lockstep.model.kubernetes import MANIFESTS
from lockstep.model.target import environment_of
from lockstep.roads.marks import mark_of

__all__ = ["check_owners"]


def check_owners(project: Project, fleet: Fleet, files: Files) -> Iterator[Check]:
    """A warning for each manifest of this project whose environments are applied by something else.

    A Job that runs Lockstep is no second owner beside the aws engine: it does the same, under the same locks.
    """
    for path in files.named(MANIFESTS):
        mark = mark_of(files.read(path) or "")
        road = ENGINES.get(mark.road) if mark is not None else None  # ApplicationSets own no function
        if mark is None or road is None or mark.project != project.name:
            continue
        for environment in _environments(project, fleet, mark.owner):
            traits = environment.traits
            if traits.road == mark.road or (road.runs_lockstep and traits == AWS):
                continue
            yield Check(
                name="owners",
                verdict=Verdict.WARNING,
                detail=f"{path} hands {mark.owner} over by {mark.road}, and engine: {traits.name} of "
                f"{environment.name} applies it, too: two own one function",
                fix=f"write engine: {mark.road} for {environment.name}; or take the manifest away, in a way "
                "that the cluster keeps the function",
            )


def _environments(project: Project, fleet: Fleet, owner: str) -> list[Environment]:
    """Those that a manifest is for: of a target, of a state of several, or of the callers of a bucket."""
    if "/" in owner:
        names = {environment_of(owner)}
    else:
        names = {name for name in owner.split("+") if name in project.environments}
        names |= {
            one.environment
            for one in fleet.targets.values()
            if any(trigger.bucket == owner for trigger in one.triggers)
        }
    found = {project.environment(name).name: project.environment(name) for name in names}
    return [found[name] for name in sorted(found)]
