"""The words of Lockstep as values: frozen, keyword-only, plain data.

Law: standard library only, no I/O, no clock, no randomness. Desired and live state use the same
types. Nothing here knows where a value came from or how it is applied.
"""

from lockstep.model.alias import Alias
from lockstep.model.built import Built, Part
from lockstep.model.fields import FIELDS, Call, Field, Kind
from lockstep.model.fleet import Bucket, Environment, Fleet, PackageBucket, Project, Scope, select
from lockstep.model.function import (
    Code,
    Function,
    Health,
    Package,
    Reference,
    Secret,
    SyncStatus,
    Unread,
    Value,
)
from lockstep.model.kinds import Resource
from lockstep.model.obstacle import Obstacle
from lockstep.model.plan import (
    AddPermission,
    ApplyResource,
    Change,
    CreateFunction,
    DeleteAlias,
    DeleteFunction,
    DeleteLogGroup,
    Plan,
    PublishVersion,
    PutAlias,
    PutNotifications,
    PutResource,
    RemovePermission,
    RemoveResource,
    RunTerraform,
    SetCodeSigning,
    SetConcurrency,
    SetLogRetention,
    SetTags,
    StagePackage,
    Step,
    TargetPlan,
    UpdateCode,
    UpdateConfiguration,
    Verb,
)
from lockstep.model.promotion import Freeze, Hold, Merge, Promotion
from lockstep.model.report import Outcome, Report, StepResult
from lockstep.model.secrets import looks_secret
from lockstep.model.source import Build, Builder, ForgeSettings, Source, Sources
from lockstep.model.status import Check, Explained, Origin, StatusRow, Verdict
from lockstep.model.target import Release, Statement, Target, Trigger
from lockstep.model.terraform import ResourceChange, Terraform

__all__ = [
    "FIELDS",
    "AddPermission",
    "Alias",
    "ApplyResource",
    "Bucket",
    "Build",
    "Builder",
    "Built",
    "Call",
    "Change",
    "Check",
    "Code",
    "CreateFunction",
    "DeleteAlias",
    "DeleteFunction",
    "DeleteLogGroup",
    "Environment",
    "Explained",
    "Field",
    "Fleet",
    "ForgeSettings",
    "Freeze",
    "Function",
    "Health",
    "Hold",
    "Kind",
    "Merge",
    "Obstacle",
    "Origin",
    "Outcome",
    "Package",
    "PackageBucket",
    "Part",
    "Plan",
    "Project",
    "Promotion",
    "PublishVersion",
    "PutAlias",
    "PutNotifications",
    "PutResource",
    "Reference",
    "Release",
    "RemovePermission",
    "RemoveResource",
    "Report",
    "Resource",
    "ResourceChange",
    "RunTerraform",
    "Scope",
    "Secret",
    "SetCodeSigning",
    "SetConcurrency",
    "SetLogRetention",
    "SetTags",
    "Source",
    "Sources",
    "StagePackage",
    "Statement",
    "StatusRow",
    "Step",
    "StepResult",
    "SyncStatus",
    "Target",
    "TargetPlan",
    "Terraform",
    "Trigger",
    "Unread",
    "UpdateCode",
    "UpdateConfiguration",
    "Value",
    "Verb",
    "Verdict",
    "looks_secret",
    "select",
]
