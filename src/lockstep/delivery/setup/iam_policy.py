"""``iam-policy``: what a role may do, from what the engine calls and from what the project declares."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockstep.config import rules
from lockstep.delivery.places.nobody import any_preview
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.setup.resources import Place, lambda_arn, outliving_at, resources_of
from lockstep.engines.aws.actions import BOUNDARY_KEY, CONDITIONS, Feature, Thing, needs_of
from lockstep.errors import BadInput
from lockstep.model import Target
from lockstep.model.fleet import partition_of
from lockstep.values import dataclass

__all__ = ["Subject", "parse_subject", "policy_of", "trust_of"]

_SUBJECT = re.compile(r"(?P<repository>[^:]+?)(?::(?P<environment>[^:*?\s][^:*?\r\n\t]{0,254}))?")
_IDS = re.compile(r"(?P<owner>[^@/]+)@[0-9]{1,20}/(?P<name>[^@/]+)@[0-9]{1,20}")
_ISSUER = "token.actions.githubusercontent.com"
_WITHOUT_VALUES = {Feature.PLAN, Feature.DOCTOR}
_NO_VALUES: Mapping[str, Any] = {
    "Sid": "NoValues",
    "Effect": "Deny",
    "Action": ["kms:Decrypt"],
    "Resource": ["*"],
    "Condition": {"StringLike": {"kms:ViaService": ["lambda.*", "secretsmanager.*", "ssm.*"]}},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Who may take a role: workflows of a repository, of one environment when it is named."""

    repository: str  # owner/name, or owner@id/name@id
    environment: str | None = None

    @property
    def has_ids(self) -> bool:
        """Whether it can only be this repository, and none that gets its name later."""
        return "@" in self.repository


def parse_subject(text: str) -> Subject:
    """Read ``OWNER/NAME[:ENVIRONMENT]``; BadInput for anything else, wildcards above all.

    ``OWNER@ID/NAME@ID`` is a repository whose tokens carry ids: one that was made, renamed or
    transferred since July 2026, or that its owner switched over. Source: GitHub documentation,
    "OpenID Connect", "Immutable subject claims".
    """
    found = _SUBJECT.fullmatch(text)
    ids = _IDS.fullmatch(found["repository"]) if found else None
    names = f"{ids['owner']}/{ids['name']}" if ids else found["repository"] if found else ""
    if found is None or not re.fullmatch(rules.GITHUB_REPOSITORY, names):
        raise BadInput(
            f"{text!r} names no repository on GitHub",
            where="--oidc",
            fix="write OWNER/NAME or OWNER@ID/NAME@ID, with :ENVIRONMENT for the jobs of one environment",
        )
    return Subject(repository=found["repository"], environment=found["environment"])


def policy_of(workspace: Workspace, features: Iterable[Feature], patterns: tuple[str, ...] = ()) -> Any:
    """The IAM policy of a role for some features, on the targets that the patterns select.

    One that only plans may decrypt nothing for Lambda and the stores of secrets: with AWS's own keys the
    values would come along with what it may read. Source: AWS Prescriptive Guidance, "Encryption best
    practices for AWS Lambda"; KMS developer guide, kms:ViaService.

    Raises BadInput when the targets are in several accounts or assume several roles: each has its own.
    """
    wanted = frozenset(features)
    targets = _targets(workspace, wanted, patterns)
    place = _place(workspace, targets)
    resources = resources_of(workspace, targets, place, is_making=Feature.ROLES in wanted)
    needs = needs_of(wanted)
    statements = [
        _statement(thing, actions, resources[thing], resources[Thing.FUNCTIONS])
        for thing, actions in needs.items()
        if resources.get(thing) and thing is not Thing.BOUND_ROLES
    ]
    statements += _bound(needs.get(Thing.BOUND_ROLES, ()), resources.bounds)
    if beside := needs_of(wanted, is_former=True).get(Thing.BY_FUNCTION):
        # A function that is not declared any more may have any name.
        anywhere = {lambda_arn(place, "*")}
        statements.append(_statement(Thing.BY_FUNCTION, beside, {"*"}, anywhere, "NoLongerDeclaredBeside"))
    if beside := needs_of(wanted, is_former=True).get(Thing.BESIDE):
        statements.append(
            _statement(Thing.BESIDE, beside, outliving_at(place), set(), "NoLongerDeclaredElsewhere")
        )
    if own := needs_of(wanted, is_former=True).get(Thing.FUNCTIONS):
        statements.append(
            {
                "Sid": "NoLongerDeclared",
                "Effect": "Allow",
                "Action": list(own),
                "Resource": lambda_arn(place, "*"),
                "Condition": {
                    "StringEquals": {"aws:ResourceTag/lockstep:project": workspace.project.name},
                },
            }
        )
    if wanted <= _WITHOUT_VALUES:
        statements.append(dict(_NO_VALUES))
    return {"Version": "2012-10-17", "Statement": sorted(statements, key=lambda one: str(one["Sid"]))}


def trust_of(workspace: Workspace, subject: Subject, branch: str = "main", *, pulls: bool = True) -> Any:
    """Who may assume the role: GitHub's OpenID Connect provider, for just these workflows.

    Without an environment those of the branch, and with ``pulls`` those of pull requests; a fork's get no
    token from GitHub.
    Source: GitHub documentation, "Configuring OpenID Connect in Amazon Web Services". BadInput for a
    branch that cannot be: subjects are compared as they are, so a glob would match nothing.
    """
    if problem := rules.branch(branch):
        raise BadInput(problem[0], where="--branch", fix=problem[1])
    if branch.startswith("refs/"):
        raise BadInput(
            f"{branch} is the name of a ref, and never matches",
            where="--branch",
            fix="write the branch as git branch shows it, for example main",
        )
    place = _place(workspace, [*workspace.fleet.targets.values()], is_strict=False)
    start = f"repo:{subject.repository}"
    provider = f"arn:{place.partition}:iam::{place.account if place.account != '*' else 'ACCOUNT'}"
    own = f"{start}:ref:refs/heads/{branch}"
    subs: list[str] | str = [f"{start}:pull_request", own] if pulls else own
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

    only_previews = not wanted - {Feature.PREVIEWS, Feature.GC}
    found = {**workspace.fleet.targets, **any_preview(workspace)}
    check_patterns(workspace, patterns)
    fleet = replace(workspace.fleet, targets=found, selection=patterns)
    chosen = [found[key] for key in fleet.selected()]
    return [
        target
        for target in chosen
        if target.function is not None and (target.is_preview or not only_previews)
    ]


def _place(workspace: Workspace, targets: Iterable[Target], *, is_strict: bool = True) -> Place:
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
    return Place(
        account=(accounts.pop() or "*") if len(accounts) == 1 else "*",
        region=(regions.pop() or "*") if len(regions) == 1 else "*",
        partition=partition_of(known),
    )


def _statement(
    thing: Thing, actions: tuple[str, ...], arns: set[str], functions: set[str], sid: str = ""
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Sid": sid or "".join(word.capitalize() for word in thing.value.split()),
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": _least(arns),
    }
    if conditions := CONDITIONS.get(thing):
        made["Condition"] = {"StringEquals": dict(conditions)}
    if thing is Thing.BY_FUNCTION:
        # Source: service authorization reference of AWS Lambda, condition key lambda:FunctionArn.
        made["Condition"] = {"ArnLike": {"lambda:FunctionArn": _least(functions)}}
    return made


def _bound(actions: tuple[str, ...], bounds: Mapping[str, set[str]]) -> Iterator[dict[str, Any]]:
    """What gives roles rights, of each environment within the boundary that is demanded there."""
    for number, boundary in enumerate(sorted(bounds) if actions else ()):
        made = _statement(Thing.BOUND_ROLES, actions, bounds[boundary], set())
        made["Sid"] += str(number + 1) if number else ""
        if boundary:
            made["Condition"] = {"StringEquals": {BOUNDARY_KEY: boundary}}
        yield made


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
