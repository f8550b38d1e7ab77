"""Whether two would own one function: its environment's engine, and a cluster that follows a manifest."""

from collections.abc import Iterator

from lockstep.delivery.sync.manifests import Files, marked_in
from lockstep.model import Check, Fleet, Project, Verdict
from lockstep.model.engines import AWS, ENGINES
from lockstep.roads.owners import environments_of

__all__ = ["check_owners"]


def check_owners(project: Project, fleet: Fleet, files: Files) -> Iterator[Check]:
    """A warning for each manifest of this project whose environments are applied by something else.

    A Job that runs Lockstep is no second owner beside the aws engine: it does the same, under the same locks.
    """
    for path, mark in marked_in(files, project.name):
        road = ENGINES.get(mark.road)
        if road is None:  # ApplicationSets own no function
            continue
        for name in environments_of(mark.owner, project, fleet):
            environment = project.environment(name)
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
