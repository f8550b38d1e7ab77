"""What a project's targets are and use in AWS, as ARNs by what they are.

Names come from the declarations. Those of previews are patterns: what a preview would be called is asked
of the declarations with a made-up pull request, whose number then becomes ``*``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from lockstep.delivery.places.nobody import NOBODY
from lockstep.delivery.places.workspace import Workspace
from lockstep.engines.aws.actions import Thing
from lockstep.model import Reference, Resource, Target
from lockstep.model.fields import PARAMETER, parameters_of
from lockstep.model.kinds import KINDS, ResourceKind
from lockstep.model.policies import path_of
from lockstep.model.rollout import Rollout
from lockstep.values import dataclass

__all__ = ["Place", "Resources", "lambda_arn", "outliving_at", "resources_of"]

_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.[^/]+/(?P<repository>[^:@]+):(?!.*@)"
)
"""An image that is named by its tag, which has to be asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where targets live, as parts of an ARN."""

    account: str = "*"
    region: str = "*"
    partition: str = "aws"


class Resources(dict[Thing, set[str]]):
    """ARNs by what they are."""

    def __init__(self) -> None:
        super().__init__()
        self.bounds: dict[str, set[str]] = {}  # roles that may be made, by the boundary that each needs

    def add(self, thing: Thing, *arns: str) -> None:
        """Add ARNs."""
        self.setdefault(thing, set()).update(arns)


def resources_of(
    workspace: Workspace, targets: Iterable[Target], place: Place, *, is_making: bool = False
) -> Resources:
    """What the targets are and use, where ``place`` says what their environments do not.

    Roles that are made for functions are in it where one declares one, or with ``is_making``.
    """
    resources = Resources()
    resources.add(Thing.ALL, "*")
    resources.add(Thing.BY_FUNCTION, "*")
    project = workspace.project
    bucket_arn = f"arn:{place.partition}:s3:::{{}}"
    artifacts = project.artifacts
    for target in targets:
        function = target.function
        assert function is not None  # noqa: S101 - only such targets are chosen
        here = replace(place, region=project.environment(target.environment).region or place.region)
        name = _pattern(function.name)
        # Aliases and versions have ARNs of their own, by which some calls are allowed.
        resources.add(Thing.EVENT_QUEUES, _arn(here, "sqs", "lockstep-events*"))
        resources.add(Thing.FUNCTIONS, lambda_arn(here, name), lambda_arn(here, f"{name}:*"))
        group = _pattern(str(function.settings.get("logging.group") or f"/aws/lambda/{name}"))
        # In policies a group ends in ":*" for all actions but those on tags (CloudWatch Logs API, LogGroup).
        resources.add(Thing.LOG_GROUPS, _arn(here, "logs", f"log-group:{group}:*"))
        is_made = any(KINDS[one.kind].feature for one in target.resources)
        if is_made or is_making:
            _make_roles(resources, here, workspace, target)
        if not is_made:
            role = _pattern(str(function.settings.get("role", "")))
            if not role.startswith("arn:"):
                role = f"arn:{here.partition}:iam::{here.account}:role/{role.lstrip('/')}"
            resources.add(Thing.ROLES, role)
            resources.add(Thing.LOOKED_AT, role)
        if function.settings.get("vpc.subnetIds") or function.settings.get("vpc.securityGroupIds"):
            resources.add(Thing.NETWORKS, "*")
        if provider := function.settings.get("capacityProvider.arn"):
            resources.add(Thing.CAPACITY, _pattern(str(provider)))
        for name_of_key in ("kmsKeyArn", "sourceKmsKeyArn"):
            if kms_key := function.settings.get(name_of_key):
                resources.add(Thing.KEYS, _pattern(str(kms_key)))
        if target.rollout is not None:
            _watch(resources, here, target.rollout, name)
        for trigger in target.every_trigger:
            resources.add(Thing.TRIGGER_BUCKETS, bucket_arn.format(trigger.bucket))
            resources.add(Thing.LEASES, bucket_arn.format(f"{trigger.bucket}/lockstep/leases/*"))
            if project.lock_bucket:
                resources.add(Thing.LEASES, bucket_arn.format(f"{project.lock_bucket}/lockstep/leases/*"))
            if target.is_preview and trigger.prefix:
                key = _pattern(trigger.prefix)
                resources.add(Thing.TRIGGER_OBJECTS, bucket_arn.format(f"{trigger.bucket}/{key}*"))
        for one in target.resources:
            resources.add(Thing.CALLERS, *map(_pattern, _callers(one)))
            resources.add(Thing.BESIDE, *_beside(here, KINDS[one.kind]))
            if caller := one.settings.get(KINDS[one.kind].passes):
                resources.add(Thing.SCHEDULED, _pattern(str(caller)))
        packages = project.packages_for(target.environment)
        if packages is not None:
            resources.add(Thing.PACKAGE_BUCKETS, bucket_arn.format(packages.name))
            key = re.sub(r"\{\w+\}", "*", project.package_key).replace("{{", "{").replace("}}", "}")
            resources.add(Thing.PACKAGES, bucket_arn.format(f"{packages.name}/{key}"))
            resources.add(Thing.LEASES, bucket_arn.format(f"{packages.name}/lockstep/leases/*"))
            # Of the environment alone: a role for previews writes nothing that production believes.
            own = f"{project.name}/{project.environment(target.environment).name}"
            resources.add(Thing.POLICIES, bucket_arn.format(f"{packages.name}/lockstep/policies/{own}/*"))
            resources.add(Thing.MARKERS, bucket_arn.format(f"{packages.name}/lockstep/terraform/*"))
        if image := _IMAGE.match(function.code.image or ""):
            registry = f"arn:{here.partition}:ecr:{image['region']}:{image['account']}"
            resources.add(Thing.REPOSITORIES, f"{registry}:repository/{_pattern(image['repository'])}")
        for layer in parameters_of(function.settings.get("layers")):
            resources.add(Thing.LAYERS, _parameter(here, _pattern(layer.removeprefix(PARAMETER))))
        for built in target.layers:
            name_of_layer = _arn(here, "lambda", f"layer:{_pattern(built.name)}")
            resources.add(Thing.BUILT, name_of_layer, f"{name_of_layer}:*")
            resources.add(Thing.LISTED, "*")
        for reference in _references(function.settings):
            _refer(resources, here, reference.store, _pattern(reference.name))
    if artifacts.get("source") == "s3":
        name = re.sub(r"\{\w+\}", "*", str(artifacts.get("bucket")))
        resources.add(Thing.SOURCE_BUCKETS, bucket_arn.format(name))
        resources.add(Thing.SOURCES, bucket_arn.format(f"{name}/*"))
    return resources


def _make_roles(resources: Resources, here: Place, workspace: Workspace, target: Target) -> None:
    """Roles of the target's environment by their path, and the target's own wherever that is.

    Of a preview's the name is not known before: it has a digest of the preview's path.
    """
    path = path_of(workspace.project.name, target.environment).replace(str(NOBODY), "*")
    names = {f"{path}*".lstrip("/")}
    for one in target.resources:
        if KINDS[one.kind].feature:
            names.add(_pattern(f"{one.settings.get('path')}{one.identity}").lstrip("/"))
    arns = [f"arn:{here.partition}:iam::{here.account}:role/{name}" for name in names]
    resources.add(Thing.ROLES, *arns)
    resources.add(Thing.MADE_ROLES, *arns)
    resources.add(Thing.BOUND_ROLES, *arns)
    resources.add(Thing.LISTED_ROLES, "*")
    boundary = workspace.project.environment(target.environment).role_boundary
    resources.bounds.setdefault(boundary or "", set()).update(arns)
    if boundary is None:
        resources.add(Thing.UNBOUND_ROLES, *arns)


def _watch(resources: Resources, here: Place, rollout: Rollout, function: str) -> None:
    """What the gates of a rollout look at, and the version that is called before others call it."""
    if rollout.alarms:
        resources.add(Thing.ALARMS, "*")
    if rollout.metrics:
        resources.add(Thing.METRICS, "*")
    if rollout.smoke is not None:
        resources.add(Thing.TRIED, lambda_arn(here, f"{function}:*"))


def _callers(resource: Resource) -> Iterable[str]:
    """The ARNs that rows name and calls are made on: of queues for calls to SQS."""
    for operation, row in KINDS[resource.kind].on.items():
        arn = str(resource.settings.get(row, ""))
        if arn.split(":")[2:3] == [operation.partition(":")[0]]:
            yield arn


def outliving_at(place: Place) -> set[str]:
    """What AWS keeps in other services when a function is deleted, whatever it is called."""
    return {arn for kind in KINDS.values() if kind.outlives for arn in _beside(place, kind)}


def _beside(here: Place, kind: ResourceKind) -> Iterable[str]:
    """What stands beside a function in another service. One that is gone from Git may have any name."""
    for operation, end in kind.on.items():
        service = kind.actions.get(operation, operation).partition(":")[0]
        if end.startswith("::"):
            yield _arn(replace(here, account=""), service, end[2:])
        elif end.startswith(":"):
            yield "*" if end == ":*" else _arn(here, service, end[1:])


def _refer(resources: Resources, here: Place, store: str, name: str) -> None:
    """A parameter, whatever version of it is named, or a secret."""
    thing = Thing.PARAMETERS if store == "ssm" else Thing.SECRETS
    if store == "ssm":
        resources.add(Thing.ALL_PARAMETERS, "*")
    if store == "ssm":
        resources.add(thing, _parameter(here, name))
    elif name.startswith("arn:"):
        resources.add(thing, name)
    else:
        # Secrets Manager adds a hyphen and six characters to the name.
        resources.add(thing, _arn(here, "secretsmanager", f"secret:{name}-??????"))


def _parameter(here: Place, name: str) -> str:
    """The ARN of a parameter, whatever version of it is named."""
    if name.startswith("arn:"):
        return name
    return _arn(here, "ssm", f"parameter/{name.partition(':')[0].lstrip('/')}")


def _references(value: object) -> Iterable[Reference]:
    match value:
        case Reference():
            yield value
        case Mapping():
            for one in value.values():
                yield from _references(one)
        case tuple():
            for one in value:
                yield from _references(one)


def _pattern(text: str) -> str:
    """A name of the made-up preview as one of any preview."""
    return text.replace(str(NOBODY), "*")


def lambda_arn(place: Place, name: str) -> str:
    """The ARN of a function."""
    return _arn(place, "lambda", f"function:{name}")


def _arn(place: Place, service: str, rest: str) -> str:
    return f"arn:{place.partition}:{service}:{place.region}:{place.account}:{rest}"
