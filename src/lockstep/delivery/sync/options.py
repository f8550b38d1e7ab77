"""What is asked of a run."""

from enum import StrEnum

from lockstep.model.rollout import RolloutWish
from lockstep.values import dataclass

__all__ = ["Options", "Purpose"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What the user asked for. No patterns and no ``since`` mean everything."""

    patterns: tuple[str, ...] = ()
    checked: bool = True  # False: patterns may name what is gone, since nobody typed them
    since: str | None = None
    adopt: bool = False
    allow_deletes: int | None = None
    full: bool = False
    recalls: bool = False  # believe health that was read before; nothing that decides does
    values: bool = True  # False: read no variables of functions and no secrets; a plan only
    timeout: float | None = None  # seconds that reading AWS may take; None: by what there is to read
    refresh: bool = False  # run Terraform though the same was applied last
    github_token: str | None = None
    wish: RolloutWish | None = None  # about one rollout; nothing else is planned then
    rollouts: bool = False  # look at nothing else, where another engine publishes the versions


class Purpose(StrEnum):
    """What a session is for: how an engine looks at what is there follows from it."""

    PLAN = "plan"
    SYNC = "sync"
    STATUS = "status"
