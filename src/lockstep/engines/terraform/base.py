"""What the engine needs from others: the files of a repository, and AWS."""

from collections.abc import Mapping
from typing import Protocol

from lockstep.model import Environment, Fleet, Package, Terraform
from lockstep.model.tree import Tree
from lockstep.values import dataclass

__all__ = ["Cloud", "Source"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a run's folder lies: the files of its repository and the folder's path in it."""

    tree: Tree
    folder: str  # normalised, "." for the root
    name: str  # of the repository for people; "" for the project's own


class Cloud(Protocol):
    """AWS as far as it is no business of Terraform's."""

    def source(self, settings: Terraform) -> Source:
        """The repository and folder of a run. Raises BadInput or GitError."""
        ...

    def resolve(self, fleet: Fleet, keys: frozenset[str]) -> Fleet:
        """The fleet with role names as ARNs and references as values, for the targets that are named."""
        ...

    def variables_of(self, environments: tuple[Environment, ...]) -> Mapping[str, str]:
        """Variables of the process that make Terraform use the environments' account and Region."""
        ...

    def stage(self, environment: str, package: Package) -> None:
        """Make sure that a package lies at its key."""
        ...

    def owned(self, environment: str) -> Mapping[str, Mapping[str, str]]:
        """Tags of the functions that any project of Lockstep owns where the environment is, by ARN."""
        ...

    def recall(self, environment: str, name: str) -> str | None:
        """What ``remember`` kept under a name; None when there is nothing, or nowhere to keep it."""
        ...

    def remember(self, environment: str, name: str, text: str) -> None:
        """Keep a text under a name for every machine, where there is a place for it."""
        ...
