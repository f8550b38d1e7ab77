"""``iam-policy``: what a role may do, from what the engine calls and from what the project declares.

Names come from the declarations. Those of previews are patterns: what a preview would be called is asked
of the declarations with a made-up pull request, whose number then becomes ``*``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lockstep.config.declaration import read_declarations
from lockstep.config.load import load
from lockstep.config.preview_tree import Edited, folder_of, has_lambda, previewable, with_services
from lockstep.delivery.places.workspace import PROJECT_FILE, Workspace
from lockstep.engines.aws.actions import Feature, Thing, needs_of
from lockstep.errors import BadInput
from lockstep.model import Reference, Target

__all__ = ["Subject", "parse_subject", "policy_of", "trust_of"]

_NUMBER = 987_654_321  # of a pull request that nobody has
_REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+"
_SUBJECT = re.compile(rf"(?P<repository>{_REPOSITORY})(?::(?P<environment>[^:*?\s][^:*?\r\n\t]{{0,254}}))?")
_ISSUER = "token.actions.githubusercontent.com"
_OWN = ("DeleteFunction", "GetFunction", "GetPolicy", "ListTags", "RemovePermission")
"""Actions on functions that Git does not declare any more, known by their tags alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Who may take a role: workflows of a repository, of one environment when it is named."""

    repository: str  # owner/name
    environment: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where targets live, as parts of an ARN."""

    account: str = "*"
    region: str = "*"
    partition: str = "aws"


@dataclass(slots=True)
class _Resources:
    """ARNs by what they are."""

    found: dict[Thing, set[str]] = field(default_factory=dict)

    def add(self, thing: Thing, *arns: str) -> None:
        self.found.setdefault(thing, set()).update(arns)


def parse_subject(text: str) -> Subject:
    """Read ``OWNER/NAME[:ENVIRONMENT]``; BadInput for anything else, wildcards above all."""
    found = _SUBJECT.fullmatch(text)
    if found is None:
        raise BadInput(
            f"{text!r} names no repository on GitHub",
            where="--oidc",
            fix="write OWNER/NAME, or OWNER/NAME:ENVIRONMENT for the jobs of one environment",
        )
    return Subject(repository=found["repository"], environment=found["environment"])


def policy_of(workspace: Workspace, features: Iterable[Feature], patterns: tuple[str, ...] = ()) -> Any:
    """The IAM policy of a role for some features, on the targets that the patterns select.

    Raises BadInput when the targets are in several accounts or assume several roles: each has its own.
    """
    wanted = frozenset(features)
    targets = _targets(workspace, wanted, patterns)
    place = _place(workspace, targets)
    resources = _resources(workspace, targets, place)
    needs = needs_of(wanted)
    statements = [
        _statement(thing, actions, resources.found[thing])
        for thing, actions in needs.items()
        if resources.found.get(thing)
    ]
    if own := [one for one in needs.get(Thing.FUNCTIONS, ()) if one.removeprefix("lambda:") in _OWN]:
        statements.append(
            {
                "Sid": "NoLongerDeclared",
                "Effect": "Allow",
                "Action": own,
                "Resource": _lambda(place, "*"),
                "Condition": {
                    "StringEquals": {"aws:ResourceTag/lockstep:project": workspace.project.name},
                },
            }
        )
    return {"Version": "2012-10-17", "Statement": sorted(statements, key=lambda one: str(one["Sid"]))}


def trust_of(workspace: Workspace, subject: Subject, branch: str = "main") -> Any:
    """Who may assume the role: GitHub's OpenID Connect provider, for just these workflows.

    Without an environment those of the branch and of pull requests; a fork's get no token from GitHub.
    Source: GitHub documentation, "Configuring OpenID Connect in Amazon Web Services".
    """
    place = _place(workspace, [*workspace.fleet.targets.values()], is_strict=False)
    start = f"repo:{subject.repository}"
    provider = f"arn:{place.partition}:iam::{place.account if place.account != '*' else 'ACCOUNT'}"
    subs: list[str] | str = [f"{start}:pull_request", f"{start}:ref:refs/heads/{branch}"]
    if subject.environment is not None:
        subs = f"{start}:environment:{subject.environment}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"{provider}:oidc-provider/{_ISSUER}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {f"{_ISSUER}:aud": "sts.amazonaws.com", f"{_ISSUER}:sub": subs}
                },
            }
        ],
    }


def _targets(workspace: Workspace, wanted: frozenset[Feature], patterns: tuple[str, ...]) -> list[Target]:
    """Targets with a function, previews as patterns; each preview looks alike, so one stands for all."""
    from lockstep.delivery.places.selection import check_patterns
    from lockstep.model import select

    only_previews = not wanted - {Feature.PREVIEWS, Feature.GC}
    found = {**workspace.fleet.targets, **_any_preview(workspace)}
    check_patterns(workspace, patterns)
    chosen = [found[key] for key in select(found, patterns)]
    return [
        target
        for target in chosen
        if target.function is not None and (target.environment.startswith("preview/") or not only_previews)
    ]


def _any_preview(workspace: Workspace) -> Mapping[str, Target]:
    """The targets that a preview would have."""
    folder, tree = workspace.project.folder, workspace.tree
    names = sorted(previewable(tree, folder, _NUMBER))
    if not names:
        return {}
    environment = f"preview/pr-{_NUMBER}"
    there = with_services(tree, folder, _NUMBER, names)
    declared = read_declarations(there, [f"{environment}/{name}" for name in names])
    own = folder_of(folder, _NUMBER)
    changes: dict[str, bytes | None] = {f"{own}pr.yaml": b""}
    for one in declared.values():
        kind = one.stack.values.get("deploymentType")
        if kind == "lambda" or (kind is None and has_lambda(one.stack)):
            version = b'lambda: {version: "0.0.0"}\n'
            changes[f"{own}services/{one.service}.values.yaml"] = version
    loaded = load(Edited(tree, changes), project_file=PROJECT_FILE)
    return {key: one for key, one in loaded.fleet.targets.items() if one.environment == environment}


def _place(workspace: Workspace, targets: Iterable[Target], *, is_strict: bool = True) -> _Place:
    """The account and Region of the targets."""
    found = [workspace.project.environment(one.environment) for one in targets if one.function is not None]
    environments = {one.name: one for one in found}
    if not environments and is_strict:
        raise BadInput("no function is selected", fix="`lockstep status` lists all targets")
    masters = {(one.account, one.role) for one in environments.values()}
    if len(masters) > 1 and is_strict:
        raise BadInput(
            f"{', '.join(sorted(environments))} are in several accounts, or assume several roles",
            fix="name the environment: a role of its own belongs to each",
        )
    accounts = {one.account for one in environments.values()}
    regions = {one.region for one in environments.values()}
    known = next((one for one in regions if one), "")
    return _Place(
        account=(accounts.pop() or "*") if len(accounts) == 1 else "*",
        region=(regions.pop() or "*") if len(regions) == 1 else "*",
        partition="aws-cn"
        if known.startswith("cn-")
        else "aws-us-gov"
        if known.startswith("us-gov-")
        else "aws",
    )


def _resources(workspace: Workspace, targets: Iterable[Target], place: _Place) -> _Resources:
    resources = _Resources()
    resources.add(Thing.ALL, "*")
    project = workspace.project
    bucket_arn = f"arn:{place.partition}:s3:::{{}}"
    artifacts = project.artifacts
    for target in targets:
        function = target.function
        assert function is not None  # noqa: S101 - only such targets are chosen
        here = replace(place, region=project.environment(target.environment).region or place.region)
        name = _pattern(function.name)
        resources.add(Thing.FUNCTIONS, _lambda(here, name))
        group = _pattern(str(function.settings.get("logging.group") or f"/aws/lambda/{name}"))
        resources.add(Thing.LOG_GROUPS, _arn(here, "logs", f"log-group:{group}"))
        resources.add(Thing.LOG_GROUPS, _arn(here, "logs", f"log-group:{group}:*"))
        role = _pattern(str(function.settings.get("role", "")))
        if not role.startswith("arn:"):
            role = f"arn:{here.partition}:iam::{here.account}:role/{role.lstrip('/')}"
        resources.add(Thing.ROLES, role)
        if key := function.settings.get("kmsKeyArn"):
            resources.add(Thing.KEYS, _pattern(str(key)))
        for trigger in target.triggers:
            resources.add(Thing.TRIGGER_BUCKETS, bucket_arn.format(trigger.bucket))
            if target.environment.startswith("preview/") and trigger.prefix:
                prefix = _pattern(trigger.prefix)
                resources.add(Thing.TRIGGER_OBJECTS, bucket_arn.format(f"{trigger.bucket}/{prefix}*"))
        packages = project.packages_for(target.environment)
        if packages is not None:
            resources.add(Thing.PACKAGE_BUCKETS, bucket_arn.format(packages.name))
            key = re.sub(r"\{\w+\}", "*", project.package_key).replace("{{", "{").replace("}}", "}")
            resources.add(Thing.PACKAGES, bucket_arn.format(f"{packages.name}/{key}"))
            resources.add(Thing.LEASES, bucket_arn.format(f"{packages.name}/lockstep/leases/*"))
            resources.add(Thing.MARKERS, bucket_arn.format(f"{packages.name}/lockstep/terraform/*"))
        for reference in _references(function.settings):
            _refer(resources, here, reference.store, _pattern(reference.name))
    if artifacts.get("source") == "s3":
        name = re.sub(r"\{\w+\}", "*", str(artifacts.get("bucket")))
        resources.add(Thing.SOURCES, bucket_arn.format(name), bucket_arn.format(f"{name}/*"))
    return resources


def _refer(resources: _Resources, here: _Place, store: str, name: str) -> None:
    """A parameter, whatever version of it is named, or a secret."""
    thing = Thing.PARAMETERS if store == "ssm" else Thing.SECRETS
    if name.startswith("arn:"):
        resources.add(thing, name)
    elif store == "ssm":
        resources.add(thing, _arn(here, "ssm", f"parameter/{name.partition(':')[0].lstrip('/')}"))
    else:
        # Secrets Manager adds a hyphen and six characters to the name.
        resources.add(thing, _arn(here, "secretsmanager", f"secret:{name}-??????"))


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
    return text.replace(str(_NUMBER), "*")


def _lambda(place: _Place, name: str) -> str:
    return _arn(place, "lambda", f"function:{name}")


def _arn(place: _Place, service: str, rest: str) -> str:
    return f"arn:{place.partition}:{service}:{place.region}:{place.account}:{rest}"


def _statement(thing: Thing, actions: tuple[str, ...], arns: set[str]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Sid": "".join(word.capitalize() for word in thing.value.split()),
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": _least(arns),
    }
    if thing is Thing.ROLES:
        made["Condition"] = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    return made


def _least(arns: set[str]) -> list[str]:
    """Without what another one covers, so that existing previews do not make the policy grow."""
    patterns = [one for one in arns if "*" in one]
    return sorted(
        one
        for one in arns
        if not any(
            other != one and re.fullmatch(re.escape(other).replace(r"\*", ".*"), one) for other in patterns
        )
    )
