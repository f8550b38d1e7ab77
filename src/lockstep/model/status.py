"""What ``status``, ``explain`` and ``doctor`` show."""

from enum import StrEnum

from lockstep.errors import LockstepError
from lockstep.model.function import Health, SyncStatus, Value
from lockstep.model.plan import Change
from lockstep.model.rollout import Progress
from lockstep.values import dataclass

__all__ = ["Cause", "Check", "Condition", "Explained", "Origin", "StatusRow", "Verdict"]


class Cause(StrEnum):
    """Why a target is out of sync, as far as the last sync's record tells."""

    GIT = "Git is ahead"
    AWS = "AWS was changed"
    BOTH = "Git is ahead, and AWS was changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What a cluster says of one object of a target. It is never taken for what is so in AWS."""

    name: str  # "Function syrf-staging/api"
    health: Health  # as its controller has it; Unknown where it is not there, or nothing tells
    message: str = ""  # of the controller, without secrets
    since: str | None = None  # when that was said, ISO 8601


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusRow:
    """One target as ``status`` shows it."""

    target: str
    service: str
    environment: str
    deployment_type: str
    declared: str | None  # version in Git
    live: str | None  # version whose package the live code is; None: not known, or nothing is there
    status: SyncStatus
    health: Health
    changes: tuple[Change, ...] = ()  # what differs
    problem: str | None = None
    commit: str | None = None  # last commit that touched the declaration, 40 hex digits
    author: str | None = None
    changed: str | None = None  # when, ISO 8601
    modified: str | None = None  # when what runs was changed last, ISO 8601
    alias: str | None = None  # that is called, and the published version that it points at: live:43
    well: str | None = None  # when the health was read, ISO 8601, where it is only remembered
    cause: Cause | None = None  # of the differences; None: there are none, or nothing tells
    progress: Progress | None = None  # of a rollout
    cluster: tuple[Condition, ...] = ()  # what a cluster that applies it says of its objects

    @property
    def is_ours(self) -> bool:
        """Whether Lockstep deploys it; what another tool does is not ours to judge."""
        return self.deployment_type == "lambda"


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """One layer that gave a value."""

    layer: str  # "global", "service", "environment", ...
    place: str  # file:line
    value: Value


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """One value of a target and where it comes from; the last origin won."""

    path: str  # "lambda.memorySize"
    value: Value
    origins: tuple[Origin, ...]
    unused: str = ""  # why the target has nothing of it


class Verdict(StrEnum):
    """How a check of ``doctor`` ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One check of ``doctor``."""

    name: str
    verdict: Verdict
    detail: str
    fix: str | None = None

    @classmethod
    def failure(cls, name: str, error: LockstepError) -> "Check":
        """One that ended with an error."""
        problem = str(error).partition("\n  fix: ")[0]
        return cls(name=name, verdict=Verdict.FAILED, detail=problem, fix=error.fix)
