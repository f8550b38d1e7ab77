"""Which IAM actions the engine's calls need, and on what kind of thing.

One row for each operation that Lockstep calls; a test holds the table against the calls in the code.
``iam-policy``, ``doctor`` and the advice of errors know actions from here alone.
Source: AWS service authorization reference (an operation's action often has another name).
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from lockstep.model.kinds import KINDS
from lockstep.model.kinds.base import FUNCTIONS
from lockstep.values import dataclass

__all__ = ["BOUNDARY_KEY", "CONDITIONS", "NEEDS", "Feature", "Need", "Thing", "actions_of", "needs_of"]


class Feature(StrEnum):
    """What a role is for."""

    PLAN = "plan"  # plan, also status and drift but for values: changes nothing
    VALUES = "values"  # of environment variables and secrets, for plan, status and drift
    SYNC = "sync"
    PREVIEWS = "previews"  # sync of previews only
    GC = "gc"  # preview gc, and preview down --delete-objects
    TERRAFORM = "terraform"  # what Lockstep itself calls; Terraform's own permissions are the team's
    ROLLOUTS = "rollouts"  # of versions that Terraform publishes: what Lockstep itself does about them
    DOCTOR = "doctor"
    LOGS = "logs"
    INVOKE = "invoke"
    TOP = "top"
    TRAIL = "trail"  # who gave an alias weights that are not ours
    EVENTS = "events"  # that tell a controller of what was changed
    ROLES = "roles"  # that are made for functions: whoever makes one can let a function do things


class Thing(StrEnum):
    """What an action is allowed on."""

    ALL = "all"  # actions that AWS gives no resources to
    FUNCTIONS = "functions"
    ROLES = "roles"  # that functions are given
    LOOKED_AT = "roles looked at"  # the same; what is asked of a call that gives one would deny a look
    NETWORKS = "networks"  # AWS gives the actions no resources
    TRIGGER_BUCKETS = "trigger buckets"
    TRIGGER_OBJECTS = "objects of previews"
    PACKAGE_BUCKETS = "package buckets"
    PACKAGES = "packages"
    LEASES = "leases"
    POLICIES = "remembered policies"
    MARKERS = "markers"
    SOURCE_BUCKETS = "artifact buckets"
    SOURCES = "artifacts"
    LOG_GROUPS = "log groups"
    PARAMETERS = "parameters"
    LAYERS = "parameters of layers"
    BUILT = "layers"  # that are built here
    LISTED = "all layers"  # AWS gives the action no resources
    ALL_PARAMETERS = "all parameters"  # AWS gives the action no resources
    SECRETS = "secrets"
    REPOSITORIES = "repositories"  # of images
    ALARMS = "alarms"  # of rollouts: of composite ones AWS allows it on all only
    METRICS = "metrics"  # of rollouts: AWS gives the action no resources
    TRIED = "tried functions"  # versions that a rollout calls once before others do
    CAPACITY = "capacity providers"  # that functions are given
    KEYS = "keys"  # of KMS, that encrypt environment variables
    BY_FUNCTION = "by function"  # what AWS gives no resources of ours to, but tells the function of
    BESIDE = "beside"  # rules and the like, which kinds name
    SCHEDULED = "scheduled roles"  # that the Scheduler calls functions with
    EVENT_QUEUES = "queues of events"  # by the beginning of their names
    CALLERS = "callers"  # queues, topics and the like, which rows of kinds name
    MADE_ROLES = "made roles"  # for functions
    BOUND_ROLES = "bound roles"  # the same: what has to be within the boundary that is demanded
    UNBOUND_ROLES = "unbound roles"  # the same, where none is demanded
    LISTED_ROLES = "listed roles"  # AWS gives the actions no resources


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """An action that an operation needs, on what, and for which features."""

    operation: str  # "lambda:GetFunction"
    action: str
    thing: Thing
    features: frozenset[Feature]
    is_former: bool = False  # also on functions that Git does not declare any more


_TRYING = frozenset({Feature.LOGS, Feature.INVOKE})
_EVENTS = frozenset({Feature.EVENTS})
_ROLES = frozenset({Feature.ROLES})
_APART = _EVENTS | _ROLES | {Feature.TERRAFORM, Feature.DOCTOR, Feature.TOP, Feature.TRAIL, Feature.VALUES}
_READ = frozenset(Feature) - _APART - _TRYING
_LOOK = _READ | {Feature.TERRAFORM}
_PLAN = frozenset({Feature.PLAN})
_VALUES = (_LOOK - _PLAN) | {Feature.VALUES}
_ROLLOUTS = frozenset({Feature.ROLLOUTS})
_WRITE = frozenset({Feature.SYNC, Feature.PREVIEWS, Feature.GC})  # gc syncs what it removes
_STAGE = frozenset({Feature.SYNC, Feature.PREVIEWS, Feature.TERRAFORM})
_DOCTOR = frozenset({Feature.DOCTOR})
_GC = frozenset({Feature.GC})
_STANDING = (_READ - _GC) | _DOCTOR  # what functions stand on is looked at before anything is applied


def _need(
    operation: str,
    thing: Thing,
    features: frozenset[Feature],
    action: str | None = None,
    *,
    is_former: bool = False,
) -> Need:
    action = action or operation
    return Need(operation=operation, action=action, thing=thing, features=features, is_former=is_former)


def _of_kinds() -> Iterator[Need]:
    """What the kinds of resources beside a function say of themselves."""
    for kind in KINDS.values():
        rows = {row.name for row in kind.rows}
        for operation in (*kind.reads, *kind.writes, *kind.removes):
            on = kind.on.get(operation, FUNCTIONS)
            thing = Thing.CALLERS if on in rows else Thing.BESIDE if on.startswith(":") else Thing(on)
            # Nobody deletes a function and leaves behind what AWS keeps of it, wherever that has to be found.
            is_former = kind.outlives and (operation in kind.removes or thing is Thing.BESIDE)
            is_former = is_former and operation not in kind.writes
            features = _LOOK if operation in kind.reads else _WRITE if is_former else _WRITE - _GC
            if kind.feature and operation not in kind.reads:
                features, is_former = frozenset({Feature(kind.feature)}), False
            yield _need(operation, thing, features, kind.actions.get(operation), is_former=is_former)
            if kind.passes and operation in kind.writes:
                yield _need(operation, Thing.SCHEDULED, _WRITE - _GC, "iam:PassRole")


NEEDS: tuple[Need, ...] = (
    _need("lambda:ListFunctions", Thing.ALL, _READ | _DOCTOR),
    _need("lambda:GetAccountSettings", Thing.ALL, _DOCTOR),
    _need("iam:SimulatePrincipalPolicy", Thing.ALL, _DOCTOR),
    _need("iam:GetRole", Thing.LOOKED_AT, _STANDING),
    _need("ec2:DescribeSubnets", Thing.NETWORKS, _STANDING),
    _need("ec2:DescribeSecurityGroups", Thing.NETWORKS, _STANDING),
    _need("resourcegroupstaggingapi:GetResources", Thing.ALL, _READ | _DOCTOR, "tag:GetResources"),
    _need("logs:DescribeLogGroups", Thing.ALL, _LOOK | _DOCTOR),
    _need("lambda:GetFunction", Thing.FUNCTIONS, _LOOK | _TRYING, is_former=True),
    # Without it GetFunction leaves out the tags, so nobody could say whose a function is.
    _need("lambda:GetFunction", Thing.FUNCTIONS, _LOOK, "lambda:ListTags", is_former=True),
    # Without it GetFunction answers an Error in place of variables that a key of the team's encrypts.
    _need("lambda:GetFunction", Thing.KEYS, _VALUES | _TRYING, "kms:Decrypt"),
    _need("lambda:GetPolicy", Thing.FUNCTIONS, _READ, is_former=True),
    _need("lambda:GetAlias", Thing.FUNCTIONS, _LOOK),
    _need("lambda:CreateFunction", Thing.FUNCTIONS, _WRITE - _GC),
    _need("lambda:CreateFunction", Thing.FUNCTIONS, _WRITE - _GC, "lambda:TagResource"),
    _need("lambda:CreateFunction", Thing.ROLES, _WRITE - _GC, "iam:PassRole"),
    # Source: Lambda developer guide, "Lambda Managed Instances", required permissions.
    _need("lambda:CreateFunction", Thing.CAPACITY, _WRITE - _GC, "lambda:PassCapacityProvider"),
    # Source: Lambda developer guide, "Securing Lambda environment variables".
    _need("lambda:CreateFunction", Thing.KEYS, _WRITE - _GC, "kms:CreateGrant"),
    _need("lambda:CreateFunction", Thing.KEYS, _WRITE - _GC, "kms:Encrypt"),
    # Source: developer guide, "Encrypting Lambda .zip deployment packages".
    _need("lambda:CreateFunction", Thing.KEYS, _WRITE - _GC, "kms:GenerateDataKey"),
    _need("lambda:UpdateFunctionCode", Thing.FUNCTIONS, _WRITE - _GC),
    _need("lambda:UpdateFunctionCode", Thing.KEYS, _WRITE - _GC, "kms:GenerateDataKey"),
    _need("lambda:UpdateFunctionConfiguration", Thing.FUNCTIONS, _WRITE - _GC),
    _need("lambda:UpdateFunctionConfiguration", Thing.ROLES, _WRITE - _GC, "iam:PassRole"),
    _need("lambda:UpdateFunctionConfiguration", Thing.CAPACITY, _WRITE - _GC, "lambda:PassCapacityProvider"),
    _need("lambda:UpdateFunctionConfiguration", Thing.KEYS, _WRITE - _GC, "kms:CreateGrant"),
    _need("lambda:UpdateFunctionConfiguration", Thing.KEYS, _WRITE - _GC, "kms:Encrypt"),
    _need("lambda:GetFunctionCodeSigningConfig", Thing.FUNCTIONS, _READ),
    _need("lambda:PutFunctionCodeSigningConfig", Thing.FUNCTIONS, _WRITE - _GC),
    _need("lambda:DeleteFunctionCodeSigningConfig", Thing.FUNCTIONS, _WRITE - _GC),
    _need("lambda:PutFunctionConcurrency", Thing.FUNCTIONS, _WRITE - _GC),
    _need("lambda:DeleteFunctionConcurrency", Thing.FUNCTIONS, _WRITE - _GC),
    _need("lambda:ListVersionsByFunction", Thing.FUNCTIONS, _READ),
    _need("lambda:ListAliases", Thing.FUNCTIONS, _READ),
    _need("lambda:PublishVersion", Thing.FUNCTIONS, _WRITE - _GC),
    _need("lambda:CreateAlias", Thing.FUNCTIONS, _WRITE - _GC),
    _need("lambda:UpdateAlias", Thing.FUNCTIONS, (_WRITE - _GC) | _ROLLOUTS),
    _need("lambda:DeleteAlias", Thing.FUNCTIONS, _WRITE - _GC),
    _need("lambda:AddPermission", Thing.FUNCTIONS, _WRITE - _GC),
    _need("lambda:RemovePermission", Thing.FUNCTIONS, _WRITE, is_former=True),
    _need("lambda:TagResource", Thing.FUNCTIONS, _WRITE),
    _need("lambda:UntagResource", Thing.FUNCTIONS, _WRITE - _GC),
    _need("lambda:DeleteFunction", Thing.FUNCTIONS, _WRITE, is_former=True),
    _need("lambda:Invoke", Thing.FUNCTIONS, frozenset({Feature.INVOKE}), "lambda:InvokeFunction"),
    _need("lambda:Invoke", Thing.TRIED, (_WRITE - _GC) | _ROLLOUTS, "lambda:InvokeFunction"),
    # Source: CloudWatch API reference, DescribeAlarms.
    _need("cloudwatch:DescribeAlarms", Thing.ALARMS, _READ - _GC),
    _need("cloudwatch:GetMetricData", Thing.METRICS, _READ - _GC),
    _need("logs:FilterLogEvents", Thing.LOG_GROUPS, frozenset({Feature.LOGS})),
    _need("cloudwatch:GetMetricData", Thing.ALL, frozenset({Feature.TOP})),
    _need("cloudtrail:LookupEvents", Thing.ALL, frozenset({Feature.TRAIL})),
    _need("sqs:GetQueueUrl", Thing.EVENT_QUEUES, _EVENTS),
    _need("sqs:ReceiveMessage", Thing.EVENT_QUEUES, _EVENTS),
    _need("sqs:DeleteMessage", Thing.EVENT_QUEUES, _EVENTS),
    _need("logs:CreateLogGroup", Thing.LOG_GROUPS, _WRITE - _GC),
    _need("logs:PutRetentionPolicy", Thing.LOG_GROUPS, _WRITE - _GC),
    _need("logs:DeleteRetentionPolicy", Thing.LOG_GROUPS, _WRITE - _GC),
    _need("logs:DeleteLogGroup", Thing.LOG_GROUPS, frozenset({Feature.PREVIEWS, Feature.GC, Feature.SYNC})),
    _need("s3:GetBucketNotificationConfiguration", Thing.TRIGGER_BUCKETS, _LOOK, "s3:GetBucketNotification"),
    _need("s3:PutBucketNotificationConfiguration", Thing.TRIGGER_BUCKETS, _WRITE, "s3:PutBucketNotification"),
    _need("s3:HeadBucket", Thing.PACKAGE_BUCKETS, _LOOK | _DOCTOR, "s3:ListBucket"),
    _need("s3:HeadBucket", Thing.SOURCE_BUCKETS, _LOOK, "s3:ListBucket"),
    _need("s3:HeadObject", Thing.PACKAGES, _LOOK, "s3:GetObject"),
    _need("s3:GetObject", Thing.SOURCES, _LOOK),
    _need("s3:GetObject", Thing.SOURCES, _LOOK, "s3:GetObjectVersion"),
    _need("s3:GetObject", Thing.LEASES, _WRITE),
    _need("s3:GetObject", Thing.POLICIES, _READ),
    _need("s3:GetObject", Thing.MARKERS, frozenset({Feature.TERRAFORM})),
    _need("s3:PutObject", Thing.PACKAGES, _STAGE),
    _need("s3:PutObject", Thing.LEASES, _WRITE),
    _need("s3:PutObject", Thing.POLICIES, _WRITE),
    _need("s3:PutObject", Thing.MARKERS, frozenset({Feature.TERRAFORM})),
    _need("s3:ListObjectsV2", Thing.PACKAGE_BUCKETS, _LOOK, "s3:ListBucket"),
    _need("s3:ListObjectsV2", Thing.TRIGGER_BUCKETS, _GC, "s3:ListBucket"),
    _need("s3:DeleteObjects", Thing.PACKAGES, _GC, "s3:DeleteObject"),
    _need("s3:DeleteObjects", Thing.TRIGGER_OBJECTS, _GC, "s3:DeleteObject"),
    _need("ecr:BatchGetImage", Thing.REPOSITORIES, _LOOK),
    _need("ssm:DescribeParameters", Thing.ALL_PARAMETERS, _PLAN),
    _need("ssm:GetParameters", Thing.PARAMETERS, _VALUES),
    _need("ssm:GetParameters", Thing.LAYERS, _LOOK),
    # Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Lambda".
    _need("lambda:ListLayerVersions", Thing.LISTED, _LOOK),
    _need("lambda:GetLayerVersionByArn", Thing.BUILT, _LOOK, "lambda:GetLayerVersion"),
    _need("lambda:PublishLayerVersion", Thing.BUILT, _WRITE - _GC),
    _need("secretsmanager:GetSecretValue", Thing.SECRETS, _VALUES),
    _need("secretsmanager:ListSecretVersionIds", Thing.SECRETS, _PLAN),
    *_of_kinds(),
)
"""Every call but ``sts:GetCallerIdentity``, which needs no permission."""


CONDITIONS: Mapping[Thing, Mapping[str, str]] = {
    Thing.ROLES: {"iam:PassedToService": "lambda.amazonaws.com"},
    Thing.SCHEDULED: {"iam:PassedToService": "scheduler.amazonaws.com"},
}
"""What a policy may ask of each call on a kind of thing, and what our calls are."""
BOUNDARY_KEY = "iam:PermissionsBoundary"
"""What a policy may ask of calls that give a role rights: the boundary that it has or gets.

Source: service authorization reference of IAM.
"""


def needs_of(features: frozenset[Feature], *, is_former: bool = False) -> Mapping[Thing, tuple[str, ...]]:
    """The actions that features need, by what they are allowed on.

    ``is_former``: on what Git does not declare any more, which is known by its tags alone.
    """
    found: dict[Thing, set[str]] = {}
    for need in NEEDS:
        if need.features & features and (need.is_former or not is_former):
            found.setdefault(need.thing, set()).add(need.action)
    return {thing: tuple(sorted(actions)) for thing, actions in found.items()}


def actions_of(operation: str) -> tuple[str, ...]:
    """The actions that a call needs, its main one first; an operation that is not listed names its own."""
    found = dict.fromkeys(need.action for need in NEEDS if need.operation == operation)
    return tuple(found) or (operation,)
