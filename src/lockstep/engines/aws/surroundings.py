"""What functions stand on, asked for before anything is applied: roles, networks, values, log groups.

Every check of ``doctor`` here reads only. What may not be asked is skipped and says so: it may well be there.
Source: Lambda developer guide, "Lambda execution role" (trust policy) and "VPC".
"""

import urllib.parse
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from lockstep.engines.aws.answers import odd
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import code_of
from lockstep.engines.aws.references import find_versions
from lockstep.errors import LockstepError
from lockstep.model import Check, Reference, Verdict
from lockstep.model.foreign import read_json

__all__ = ["log_group", "network", "role", "values"]

_LAMBDA = "lambda.amazonaws.com"
_MAY_ASSUME = "sts:AssumeRole"


def role(connection: Connection, arn: str) -> Check:
    """Whether a role is there and its trust policy lets Lambda assume it."""
    path = arn.partition(":role/")[2] or arn
    name = path.rpartition("/")[2]
    title = f"role {name}"
    answer: dict[str, Any] | None = None
    try:
        answer = connection.try_call("iam", "GetRole", RoleName=name)
    except Exception as error:
        if code_of(error) != "NoSuchEntity":
            told = connection.explain(error, "iam", "GetRole")
            return Check(name=title, verdict=Verdict.SKIPPED, detail=f"not asked: {told.problem}")
    if answer is None:
        return Check(
            name=title,
            verdict=Verdict.FAILED,
            detail="there is no such role, so Lambda takes no function with it",
            fix=f"create it in account {connection.scope.account}, or correct lambda.role",
        )
    if not trusts_lambda(answer["Role"].get("AssumeRolePolicyDocument")):
        return Check(
            name=title,
            verdict=Verdict.FAILED,
            detail="its trust policy does not let Lambda assume it",
            fix=f"allow {_MAY_ASSUME} to the service {_LAMBDA} in the role's trust policy",
        )
    return Check(name=title, verdict=Verdict.OK, detail="Lambda may assume it")


def trusts_lambda(document: Any) -> bool:
    """Whether a statement allows it; conditions are not judged. What cannot be read trusts nobody."""
    try:
        if isinstance(document, str):
            document = read_json(urllib.parse.unquote(document))
        return _lets_lambda(document)
    except (ValueError, TypeError, AttributeError):
        return False


def _lets_lambda(document: Any) -> bool:
    statements = document.get("Statement", ()) if isinstance(document, Mapping) else ()
    for one in [statements] if isinstance(statements, Mapping) else statements:
        principal = one.get("Principal", {})
        services = principal if principal == "*" else principal.get("Service", ())
        actions = one.get("Action", ())
        if (
            one.get("Effect") == "Allow"
            and any(service in ("*", _LAMBDA) for service in _listed(services))
            and any(fnmatchcase(_MAY_ASSUME.lower(), action.lower()) for action in _listed(actions))
        ):
            return True
    return False


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value]


def network(connection: Connection, subnets: Iterable[str], groups: Iterable[str]) -> Check:
    """Whether subnets and security groups are there, and lie in one VPC."""
    wanted, rules = sorted({*subnets}), sorted({*groups})
    name = f"network ({', '.join([*wanted, *rules][:2])}{', ...' if len(wanted) + len(rules) > 2 else ''})"
    try:
        vpcs = {
            one["VpcId"]
            for service, key, ids in (
                ("DescribeSubnets", "SubnetIds", wanted),
                ("DescribeSecurityGroups", "GroupIds", rules),
            )
            if ids
            for one in _described(connection, service, key, ids)
        }
    except LockstepError as error:
        is_missing = "NotFound" in error.problem or "Malformed" in error.problem
        return Check(
            name=name,
            verdict=Verdict.FAILED if is_missing else Verdict.SKIPPED,
            detail=error.problem if is_missing else f"not asked: {error.problem}",
            fix="correct lambda.vpc, or the Region of the environment" if is_missing else None,
        )
    if len(vpcs) > 1:
        return Check(
            name=name,
            verdict=Verdict.FAILED,
            detail=f"they lie in several VPCs: {', '.join(sorted(vpcs))}",
            fix="name subnets and security groups of one VPC",
        )
    return Check(name=name, verdict=Verdict.OK, detail=f"in {', '.join(vpcs) or 'no VPC'}")


def _described(connection: Connection, operation: str, key: str, ids: list[str]) -> list[dict[str, Any]]:
    """What EC2 says of each; it refuses a question about what is not there."""
    match operation:
        case "DescribeSubnets":
            found = list(connection.call("ec2", "DescribeSubnets", **{key: ids})["Subnets"])
            told = {one["SubnetId"] for one in found}
        case _:
            found = list(connection.call("ec2", "DescribeSecurityGroups", **{key: ids})["SecurityGroups"])
            told = {one["GroupId"] for one in found}
    if untold := {*ids} - told:
        raise odd(f"ec2:{operation}", f"it says nothing of {', '.join(sorted(untold))}")
    return found


def values(connection: Connection, references: Iterable[Reference]) -> Iterable[Check]:
    """Parameters and secrets that functions refer to: those that are not there, or all in one line."""
    wanted = sorted({*references}, key=str)
    if not wanted:
        return
    found = find_versions(connection, wanted)  # no value is read for it
    for reference, error in sorted(found.errors.items(), key=str):
        name = f"{reference.store} {reference.name}"
        if error.is_unread:  # this role need not read values: a plan without them is one, too
            yield Check(name=name, verdict=Verdict.SKIPPED, detail=f"not asked: {error.problem}")
        else:
            yield Check.failure(name, error)
    if not found.errors:
        count = len(wanted)
        words = f"{count} parameter or secret" if count == 1 else f"{count} parameters and secrets"
        yield Check(name="values", verdict=Verdict.OK, detail=f"{words} are there")


def log_group(connection: Connection, group: str) -> Check:
    """Whether a log group that a declaration names is there: Lambda makes only the usual one by itself."""
    name = f"log group {group}"
    try:
        there = [
            one
            for one in connection.call("logs", "DescribeLogGroups", logGroupNamePrefix=group).get(
                "logGroups", ()
            )
            if one.get("logGroupName") == group
        ]
    except LockstepError as error:
        return Check(name=name, verdict=Verdict.SKIPPED, detail=f"not asked: {error.problem}")
    if there:
        return Check(name=name, verdict=Verdict.OK, detail="is there")
    return Check(
        name=name,
        verdict=Verdict.WARNING,
        detail="is not there yet: it comes with the first log, where the role may logs:CreateLogGroup",
        fix="declare lambda.logRetentionDays, with which Lockstep makes it, or create it",
    )
