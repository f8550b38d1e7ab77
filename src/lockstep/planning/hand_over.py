"""Handing environments from one engine to another: which steps that takes, and who may write meanwhile.

What an engine has to do to leave and to enter follows from its traits, so no pair of engines has steps of
its own. Each stage is a commit, and after each at most one of the two writes.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum

from lockstep.model import Fleet, Project
from lockstep.model.engines import TERRAFORM, EngineTraits
from lockstep.values import dataclass

__all__ = ["HandOver", "Stage", "companions", "holds_state"]


class Stage(StrEnum):
    """How far a hand-over has come, told by what is committed."""

    LEAVE = "leave"  # manifests are to let go of what they stand for
    AWAIT = "await"  # they do, and the cluster has to apply that
    CHANGE = "change"  # nothing of the old engine writes any more: the other one is named
    DROP = "drop"  # it is, and what let go is still there
    DONE = "done"


def holds_state(traits: EngineTraits) -> bool:
    """Whether a state of Terraform's says what it applies."""
    return traits.block == TERRAFORM.name


@dataclass(frozen=True, kw_only=True, slots=True)
class HandOver:
    """One engine's environments on their way to another."""

    leaver: EngineTraits
    heir: EngineTraits

    @property
    def imports(self) -> bool:
        """Whether a state of Terraform's has to learn of the functions."""
        return holds_state(self.heir) and not holds_state(self.leaver)

    @property
    def forgets(self) -> bool:
        """Whether a state of Terraform's has to forget them."""
        return holds_state(self.leaver) and not holds_state(self.heir)

    @property
    def lets_go(self) -> bool:
        """Whether manifests stand for the functions, and the heir goes on with none of them."""
        return self.leaver.road is not None and self.leaver.road != self.heir.road

    def stage(self, manifests: Iterable[bool], *, is_applied: bool) -> Stage:
        """The stage of environments that the leaver still applies.

        ``manifests`` are those of its road that are committed: whether each lets go of what it stands for.
        ``is_applied`` says that the cluster has applied them.
        """
        found = list(manifests)
        if not all(found):
            return Stage.LEAVE
        return Stage.AWAIT if found and not is_applied else Stage.CHANGE

    def moment(self, stage: Stage, names: str) -> str:
        """When two would own the functions, and what has to be so before one goes on."""
        leaver, heir = self.leaver.name, self.heir.name
        match stage:
            case Stage.LEAVE | Stage.AWAIT:
                return (
                    f"two would own the functions of {names} if {heir} wrote before the cluster has applied "
                    "the commit in which the manifests let go: until then it follows the one before"
                )
            case Stage.DROP | Stage.CHANGE if self.lets_go:
                return (
                    f"two would own the functions of {names} if {heir} wrote before the cluster has dropped "
                    f"the objects of {leaver}: look that they are gone before the next sync"
                )
            case Stage.DROP | Stage.CHANGE:
                return (
                    f"two would own the functions of {names} if a run of an older commit still applied them "
                    f"by {leaver}: let those that are under way end, and let none begin"
                )
            case Stage.DONE:
                return f"{heir} alone applies {names}"


def companions(
    project: Project, fleet: Fleet, names: Iterable[str], way: HandOver
) -> Iterator[tuple[str, str]]:
    """Environments of the leaver that have to be handed over with the named ones, and what they share.

    A state is one for all its environments: what is not among its variables any more is destroyed. So is what
    some engines write of a bucket's notifications.
    """
    chosen = set(names)
    others = sorted(
        one.name
        for one in project.environments.values()
        if one.name not in chosen and one.engine == way.leaver.name
    )
    runs = {block.run for name in chosen if (block := project.environment(name).terraform) is not None}
    buckets: dict[str, set[str]] = {}
    for target in fleet.targets.values():
        for trigger in target.every_trigger:
            buckets.setdefault(trigger.bucket, set()).add(target.environment.partition("/")[0])
    for name in others:
        block = project.environment(name).terraform
        if (way.imports or way.forgets) and block is not None and block.run in runs:
            yield name, f"the state of {block.folder}"
        elif way.leaver.whole_buckets or way.heir.whole_buckets:
            shared = [bucket for bucket, users in sorted(buckets.items()) if name in users and users & chosen]
            if shared:
                yield name, f"the bucket {shared[0]}"
