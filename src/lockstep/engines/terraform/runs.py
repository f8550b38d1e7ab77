"""Which environments share one run of Terraform."""

from collections.abc import Iterable

from lockstep.errors import BadInput
from lockstep.model import Environment, Fleet, Project, Target, Terraform, select
from lockstep.model.engines import TERRAFORM
from lockstep.values import dataclass

__all__ = ["Run", "is_driven", "runs_of", "states_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Environments with one folder, workspace and backend: one state, so one plan."""

    environments: tuple[Environment, ...]
    settings: Terraform  # of the first one; what has to agree does

    @property
    def name(self) -> str:
        """The environments, as the terminal names the run: ``production+staging``."""
        return "+".join(environment.name for environment in self.environments)

    @property
    def id(self) -> str:
        """Id of the step that applies it."""
        return f"terraform:{self.name}"

    def has(self, key: str) -> bool:
        """Whether a target, or a preview's environment, belongs to it."""
        return key.partition("/")[0] in {environment.name for environment in self.environments}

    def targets(self, fleet: Fleet) -> dict[str, Target]:
        """Functions that the fleet declares in it."""
        return {key: one for key, one in fleet.targets.items() if one.function is not None and self.has(key)}

    def is_selected(self, fleet: Fleet, patterns: Iterable[str]) -> bool:
        """Whether patterns select a target of it, or a preview that may be gone from the repository."""
        wanted = tuple(patterns)
        if not wanted:
            return True
        mine = [key for key in fleet.targets if self.has(key)]
        return bool(select(mine, wanted)) or any(
            self.has(pattern) and not select(fleet.targets, [pattern]) for pattern in wanted
        )


def is_driven(environment: Environment) -> bool:
    """Whether Terraform applies an environment; one that has the block alone only names a state."""
    return environment.engine == TERRAFORM.name


def runs_of(project: Project) -> tuple[Run, ...]:
    """All runs of a project, in the order of its environments.

    Raises BadInput when environments share a state and do not agree on how it is planned.
    """
    return states_of(one for one in project.environments.values() if is_driven(one))


def states_of(environments: Iterable[Environment]) -> tuple[Run, ...]:
    """The runs of environments, whatever applies them, of which each names its state.

    Raises BadInput as ``runs_of`` does.
    """
    groups: dict[tuple[str, ...], list[tuple[Environment, Terraform]]] = {}
    for environment in environments:
        settings = environment.terraform
        if settings is not None:
            groups.setdefault(settings.run, []).append((environment, settings))
    for members in groups.values():
        (first, settings), *others = members
        for other, own in others:
            if own.mapping != settings.mapping:
                raise BadInput(
                    f"{other.name} and {first.name} share a state and have different mappings "
                    f"({own.mapping or 'none'} and {settings.mapping or 'none'})",
                    where=own.place,
                    fix="give both the same mapping, or each its own folder or workspace",
                )
    owners: dict[tuple[str, ...], Environment] = {}
    for (first, settings), *_ in groups.values():
        other = owners.setdefault(settings.state, first)
        if other is not first:  # each run would destroy what the other one's variables hold
            raise BadInput(
                f"{first.name} and {other.name} share a state and name different revisions or programs",
                where=settings.place,
                fix="give both the same revision and binary, or each its own backend or workspace",
            )
    return tuple(
        Run(environments=tuple(environment for environment, _ in members), settings=members[0][1])
        for members in groups.values()
    )
