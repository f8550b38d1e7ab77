"""What would be done, as data: steps in a graph, and one summary for each target.

A plan that is written to a file holds no secret values. Applying a saved plan therefore plans
again at the same commit and refuses when the outcome differs.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any, TypeAlias

from lockstep.model.function import Function, Health, Package, SyncStatus, Value
from lockstep.model.kinds import Resource
from lockstep.model.layer import BuiltLayer
from lockstep.model.promotion import Merge
from lockstep.model.rollout import Progress
from lockstep.model.target import Statement
from lockstep.values import dataclass

__all__ = [
    "AddPermission",
    "ApplyResource",
    "Change",
    "CreateFunction",
    "DeleteAlias",
    "DeleteFunction",
    "DeleteLogGroup",
    "DeleteVersion",
    "Plan",
    "PublishLayer",
    "PublishVersion",
    "PutAlias",
    "PutNotifications",
    "PutResource",
    "RemovePermission",
    "RemoveResource",
    "RunTerraform",
    "SetCodeSigning",
    "SetConcurrency",
    "SetLogRetention",
    "SetTags",
    "ShiftAlias",
    "SmokeTest",
    "StagePackage",
    "Step",
    "TargetPlan",
    "UpdateCode",
    "UpdateConfiguration",
    "Verb",
    "WriteManifests",
]


class Verb(StrEnum):
    """What happens to a target, in the words of the terminal."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ADOPT = "adopt"
    NOTHING = "nothing"
    BLOCKED = "blocked"  # something has to be mended first; see ``TargetPlan.problem``
    UNKNOWN = "unknown"  # nothing is done, because something could not be read; see there too


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One difference: what is live (``old``) and what is declared (``new``). None is absent/default."""

    path: str  # "memorySize", "environment.RabbitMqHost", "code", "trigger", "permission", "tags.team"
    old: Value = None
    new: Value = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Effect:
    """One effect. Every step can be repeated. ``needs`` are ids of steps that come first."""

    id: str  # unique in the plan, readable: "staging/s3-notifier:code"
    target: str  # the target it belongs to; for a bucket's notifications, the bucket's name
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StagePackage(_Effect):
    """Put a package into the package bucket, once for all targets that use it."""

    package: Package


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishLayer(_Effect):
    """Publish a version of a layer, once for all functions of the account and Region that take it."""

    layer: BuiltLayer


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateFunction(_Effect):
    """Create the function with configuration, code and tags in one call."""

    function: Function


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateConfiguration(_Effect):
    """Change the fields named in ``changes`` (rows with ``Call.CONFIGURATION``)."""

    function: Function
    changes: tuple[Change, ...]
    revision: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateCode(_Effect):
    """Change what runs (package or image, and architecture)."""

    function: Function
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SetConcurrency(_Effect):
    """Reserve concurrent executions, or with None give them back."""

    function: str
    reserved: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SetCodeSigning(_Effect):
    """Put a code signing configuration, or with None take it away."""

    function: str
    config: str | None  # its ARN


@dataclass(frozen=True, kw_only=True, slots=True)
class SetLogRetention(_Effect):
    """Set the retention of a log group in days (None: for ever), creating the group when needed."""

    log_group: str
    days: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SetTags(_Effect):
    """Set and remove tags of a function; other tags stay.

    ``later`` holds those that are set for the meantime, with what the plan's end makes of them: another run
    of the same plan may have got there first.
    """

    function: str
    put: Mapping[str, str]
    remove: tuple[str, ...] = ()
    later: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class AddPermission(_Effect):
    """Let a bucket call the function, or the alias that the statement names."""

    function: str
    statement: Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class RemovePermission(_Effect):
    """Take back a permission that Lockstep gave."""

    function: str
    sid: str
    qualifier: str = ""  # the alias whose policy it is in


@dataclass(frozen=True, kw_only=True, slots=True)
class PutNotifications(_Effect):
    """Write a bucket's notifications once, for all its targets.

    ``put`` are entries of ours (LambdaFunctionConfigurations as the API takes them) and ``remove``
    ids of ours; at apply time they are merged again into what the bucket then holds. ``switch_on``: from
    then on the bucket sends its events to EventBridge too.
    """

    bucket: str
    put: tuple[Mapping[str, Any], ...]
    remove: tuple[str, ...]
    targets: tuple[str, ...]
    switch_on: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PutResource(_Effect):
    """Make a resource beside the function what is declared; ``changes`` are relative to the target.

    ``moves_from`` is the qualifier that one is on which goes to another in place; None: none is moved.
    """

    function: str
    resource: Resource
    changes: tuple[Change, ...]
    moves_from: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveResource(_Effect):
    """Remove a resource beside the function, as it was read."""

    function: str
    resource: Resource


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishVersion(_Effect):
    """Keep code and configuration as a version that never changes; one that is there already will do."""

    function: Function  # what the version has to be
    description: str  # of a new version
    ignore: tuple[str, ...] = ()  # what others manage, which says nothing of whether it is the same


@dataclass(frozen=True, kw_only=True, slots=True)
class PutAlias(_Effect):
    """Point an alias at a version, all calls at once; ``version`` None: the one that was just published.

    ``revision`` is that of the alias that is there, and None where there is none.
    """

    function: str
    alias: str
    version: str | None
    description: str
    revision: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ShiftAlias(_Effect):
    """Give a version a share of an alias's calls, or take it back, and write down how far the rollout is.

    ``candidate`` None: the version that was just published. The alias points at ``stable`` before and after.
    """

    function: str
    alias: str
    stable: str
    candidate: str | None
    weight: float
    state: str  # of the record, see ``rolling.RolloutState``
    digest: str  # of the candidate's code
    policy: str  # digest of the declared rollout
    step: int  # from 0
    steps: int
    description: str  # the mark of the stable release
    revision: str | None
    begun: str | None = None  # when the rollout began, ISO 8601; None: now
    reason: str = ""  # why it is taken back, or paused


@dataclass(frozen=True, kw_only=True, slots=True)
class SmokeTest(_Effect):
    """Call a version that nothing calls yet, once; what it answers has to contain what is expected.

    ``version`` None: the one that was just published. Both texts are JSON; "" expects any answer.
    """

    function: str
    version: str | None
    payload: str
    expected: str
    timeout: int  # of the function, in seconds
    place: str = ""  # file:line of the declaration


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteAlias(_Effect):
    """Delete an alias that nothing of ours calls any more. Versions stay."""

    function: str
    alias: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteVersion(_Effect):
    """Delete one published version of ours that nobody needs."""

    function: str
    version: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteFunction(_Effect):
    """Delete a function with all its versions and aliases."""

    function: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteLogGroup(_Effect):
    """Delete what a preview's function has logged, once the function is gone."""

    log_group: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTerraform(_Effect):
    """Apply the plan that Terraform made of a folder; its resources are steps that need this one.

    ``target`` names the environments that share the run.
    """

    folder: str
    workspace: str = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyResource(_Effect):
    """What a Terraform run does to one resource. ``target`` is "" for what belongs to several."""

    address: str
    action: str  # create, update, replace, delete, import or forget


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteManifests(_Effect):
    """Bring files of a road to the branch that a cluster follows. ``target`` names their environments."""

    road: str
    merge: Merge  # how they come to the branch
    files: Mapping[str, str]  # path from the repository's root -> "create", "update" or "delete"
    digest: str  # of their texts
    branch: str | None = None  # of the manifests alone; None: the one that is deployed from


Step: TypeAlias = (
    StagePackage
    | PublishLayer
    | CreateFunction
    | UpdateConfiguration
    | UpdateCode
    | SetCodeSigning
    | SetConcurrency
    | SetLogRetention
    | SetTags
    | AddPermission
    | RemovePermission
    | PutNotifications
    | PutResource
    | RemoveResource
    | PublishVersion
    | PutAlias
    | ShiftAlias
    | SmokeTest
    | DeleteAlias
    | DeleteVersion
    | DeleteFunction
    | DeleteLogGroup
    | RunTerraform
    | ApplyResource
    | WriteManifests
)
"""Every kind of step. A match over it ends in ``assert_never``, so that a new kind is missed nowhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetPlan:
    """What the plan says of one target."""

    target: str
    verb: Verb
    function: str | None = None  # its name
    version: str | None = None  # declared
    changes: tuple[Change, ...] = ()
    status: SyncStatus = SyncStatus.UNKNOWN
    health: Health = Health.UNKNOWN
    problem: str | None = None  # why nothing is done about it, and the way out
    place: str = ""  # file:line of the declaration
    progress: Progress | None = None  # of a rollout that is under way, comes, or was taken back


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that would be done. Empty when ``steps`` is."""

    engine: str
    project: str
    commit: str | None = None
    previews: str | None = None  # commit of the previews' own branch
    fingerprint: str = ""  # of the live state that it was made from
    targets: tuple[TargetPlan, ...] = ()
    steps: tuple[Step, ...] = ()
    problems: tuple[str, ...] = ()  # reasons why it may not be applied
    notes: tuple[str, ...] = ()  # what was not read, and other things worth knowing
    selection: tuple[str, ...] = field(default=())  # patterns it was made with; () is everything

    @property
    def is_empty(self) -> bool:
        """Nothing to do and nothing in the way."""
        return not self.steps and not self.problems and not self.blocked

    @property
    def blocked(self) -> tuple[TargetPlan, ...]:
        """Targets that are left alone: something has to be decided, mended or readable first."""
        return tuple(target for target in self.targets if target.problem is not None)
