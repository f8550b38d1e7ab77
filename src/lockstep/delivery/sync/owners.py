"""Whether two would own one function: its environment's engine, and a cluster that follows a manifest."""

from collections.abc import Iterator

from lockstep.delivery.sync.manifests import Files, marked_in
from lockstep.model import Check, Environment, Fleet, Project, Verdict
from lockstep.model.engines import ENGINES
from lockstep.roads.marks import Mark
from lockstep.roads.owners import environments_of
from lockstep.values import dataclass

__all__ = ["Double", "check_owners", "doubles_in"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Double:
    """A manifest by which a cluster would own what something else applies, too."""

    path: str
    mark: Mark
    environment: Environment

    @property
    def problem(self) -> str:
        """What is wrong, for people."""
        if self.mark.lets_go:
            return (
                f"{self.path} lets go of {self.mark.owner} and is still there, though engine: "
                f"{self.environment.engine} of {self.environment.name} applies it"
            )
        return (
            f"{self.path} hands {self.mark.owner} over by {self.mark.road}, and engine: "
            f"{self.environment.engine} of {self.environment.name} applies it, too: two own one function"
        )

    @property
    def fix(self) -> str:
        """The way out."""
        if self.mark.lets_go:
            return f"lockstep eject {self.environment.name} --to {self.environment.engine} takes it away"
        return (
            f"write engine: {self.mark.road} for {self.environment.name}; or take the manifest away, in a "
            "way that the cluster keeps the function"
        )


def doubles_in(project: Project, fleet: Fleet, files: Files) -> Iterator[Double]:
    """Each manifest of this project whose environments are applied by something else.

    A Job that runs Lockstep is no second owner beside the engine that it runs where nothing is left to it:
    it does the same, under the same locks.
    """
    for path, mark in marked_in(files, project.name):
        road = ENGINES.get(mark.road)
        if road is None:  # ApplicationSets own no function
            continue
        for name in environments_of(mark.owner, project, fleet):
            environment = project.environment(name)
            traits = environment.traits
            if traits.road != mark.road and not (road.runs is not None and traits.road is None):
                yield Double(path=path, mark=mark, environment=environment)


def check_owners(project: Project, fleet: Fleet, files: Files) -> Iterator[Check]:
    """A warning for each of them."""
    for one in doubles_in(project, fleet, files):
        yield Check(name="owners", verdict=Verdict.WARNING, detail=one.problem, fix=one.fix)
