"""Roles made for functions, told from others by their tags.

Sources: IAM API reference: ListRoles tells neither tags nor policies, GetAccountAuthorizationDetails tells
both of all roles of the account, in pages; DeleteRole refuses a role that has a policy or is in an instance
profile. IAM shows what was written late.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockstep.engines.aws.answers import odd
from lockstep.engines.aws.connection import Connection
from lockstep.engines.aws.errors import Stale, code_of
from lockstep.errors import CloudError
from lockstep.model import Resource
from lockstep.model.kinds.base import compact, digest_of
from lockstep.model.kinds.role import FORMER_TAG, FUNCTION_TAG, INLINE, KIND, LET_TAG, let_by
from lockstep.model.policies import MOST_MANAGED, document_of, meaning_of, read_document

__all__ = ["KIND", "put", "read", "remove", "survey", "under_way"]

_LAMBDA = "lambda.amazonaws.com"
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": _LAMBDA}, "Action": "sts:AssumeRole"}],
    }
)
_MOST = 1000  # of a page

_Details = Mapping[str, Any]
"""A role with its policies, as ``GetAccountAuthorizationDetails`` tells it."""


def survey(connection: Connection) -> Mapping[str, _Details]:
    """All roles of the account by name, each with its policies: a call for some hundreds of them."""
    paged = ("RoleDetailList", "Marker", "Marker")
    of: dict[str, Any] = {"Filter": ["Role"], "MaxItems": _MOST}
    pages = connection.pages("iam", "GetAccountAuthorizationDetails", *paged, **of)
    return {one["RoleName"]: one for one in pages}


def read(
    connection: Connection,
    function: str,
    qualifier: str,
    sought: Mapping[str, str],
    surveyed: Mapping[str, _Details] | None = None,
) -> Iterator[Resource]:
    """The roles that are sought; one without the mark of the function is foreign.

    Of one that may be taken over, and of one of ours that nothing declares any more, it is asked who else
    needs it.
    """
    for name, is_declared in {**_named(connection, sought, surveyed), **_declared(sought)}.items():
        try:
            details = _details(connection, name) if surveyed is None else surveyed.get(name)
            if details is None:
                continue
            found = _resource(connection, function, qualifier, details)
            if is_declared == found.foreign:
                found = _with_users(connection, function, found, details)
        except CloudError as error:
            if _is_gone(error):
                continue
            raise
        yield found


def put(connection: Connection, function: str, resource: Resource, live: Resource | None) -> None:
    """Make it, or what differs of it: its tags first, and what comes before what goes: it may be in use."""
    name, wanted = resource.identity, resource.settings
    have = live.settings if live is not None else {}
    of = {"RoleName": name}
    boundary = str(wanted.get("boundary") or "")
    tags = {FUNCTION_TAG: connection.scope.function_arn(function), LET_TAG: " ".join(sorted(let_by(wanted)))}
    if live is None:
        bound = {"PermissionsBoundary": boundary} if boundary else {}
        _create(connection, tags, **of, Path=wanted["path"], **bound)
    else:
        if live.foreign or live.handle != tags[LET_TAG]:
            connection.call("iam", "TagRole", **of, Tags=_marks({**tags, FORMER_TAG: live.handle}))
        if boundary and boundary != have.get("boundary"):
            connection.call("iam", "PutRolePermissionsBoundary", **of, PermissionsBoundary=boundary)
        if have.get("trust"):
            connection.call("iam", "UpdateAssumeRolePolicy", **of, PolicyDocument=_TRUST)
    old, new = _texts(have, "policies"), _texts(wanted, "policies")
    if len(old | new) > MOST_MANAGED:
        _detach(connection, name, old - new)
    for arn in sorted(new - old):
        connection.call("iam", "AttachRolePolicy", **of, PolicyArn=arn)
    statements = _statements(wanted)
    if statements and statements != _statements(have):
        document = document_of(statements)
        connection.call("iam", "PutRolePolicy", **of, PolicyName=INLINE, PolicyDocument=document)
    _detach(connection, name, old - new)
    going = _texts(have, "others") | ({INLINE} if _statements(have) and not statements else set())
    for policy in sorted(going):
        connection.find("iam", "DeleteRolePolicy", **of, PolicyName=policy)
    if have.get("boundary") and not boundary:
        connection.find("iam", "DeleteRolePermissionsBoundary", **of)


def remove(connection: Connection, function: str, live: Resource) -> None:
    """Take its policies away and delete it, where it is what Lockstep made of it, and nothing else's."""
    name = live.identity
    try:
        details = _details(connection, name)
        why = _held(connection, details, live) if details is not None else []
    except CloudError as error:
        if _is_gone(error):
            return
        raise
    if details is None:
        return
    if why:
        raise Stale(f"the role {name} stays: {'; '.join(why)}", where="iam:GetRole", fix="run again")
    _detach(connection, name, _texts(live.settings, "policies"))
    if _statements(live.settings):
        connection.find("iam", "DeleteRolePolicy", RoleName=name, PolicyName=INLINE)
    connection.find("iam", "DeleteRole", RoleName=name)


def under_way(connection: Connection, live: Resource) -> str:
    """Nothing: what IAM shows late is read again."""
    return ""


def _is_gone(error: CloudError) -> bool:
    """Whether another run deleted the role between two calls about it."""
    return error.__cause__ is not None and code_of(error.__cause__) == "NoSuchEntity"


def _create(connection: Connection, tags: Mapping[str, str], **about: Any) -> None:
    """Create the role. One with the same marks was made by a call whose answer was lost."""
    try:
        connection.try_call("iam", "CreateRole", AssumeRolePolicyDocument=_TRUST, Tags=_marks(tags), **about)
    except Exception as error:
        if code_of(error) != "EntityAlreadyExists":
            raise connection.explain(error, "iam", "CreateRole") from error
        there = connection.find("iam", "GetRole", RoleName=about["RoleName"])
        if there is None or not tags.items() <= _tags(there["Role"]).items():
            raise CloudError(
                f"the role {about['RoleName']} is there already, and is not Lockstep's",
                where="iam:CreateRole",
                fix="give it another name, or remove the one that is there",
            ) from error


def _detach(connection: Connection, name: str, arns: set[str]) -> None:
    for arn in sorted(arns):
        connection.find("iam", "DetachRolePolicy", RoleName=name, PolicyArn=arn)


def _marks(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _declared(sought: Mapping[str, str]) -> dict[str, bool]:
    return {name: True for name in sought.values() if name}


def _named(
    connection: Connection, sought: Mapping[str, str], surveyed: Mapping[str, _Details] | None
) -> dict[str, bool]:
    """Names of roles that only a digest tells: the project's are looked through for them."""
    digests = {digest for digest, name in sought.items() if not name}
    if not digests:
        return {}
    names: Iterator[str] = iter(surveyed or ())
    if surveyed is None:
        pages = connection.pages("iam", "ListRoles", "Roles", "Marker", "Marker", MaxItems=_MOST)
        names = (one["RoleName"] for one in pages)
    return {name: False for name in names if digest_of(name) in digests}


def _details(connection: Connection, name: str) -> _Details | None:
    """One role: a call, one for its attached policies, one for the inline ones and one for each of those."""
    answer = connection.find("iam", "GetRole", RoleName=name)
    if answer is None:
        return None
    of = {"RoleName": name}
    paged = ("Marker", "Marker")
    attached = connection.pages("iam", "ListAttachedRolePolicies", "AttachedPolicies", *paged, **of)
    inline = connection.pages("iam", "ListRolePolicies", "PolicyNames", *paged, **of)
    return {
        **answer["Role"],
        "AttachedManagedPolicies": [*attached],
        "RolePolicyList": [
            (connection.find("iam", "GetRolePolicy", PolicyName=INLINE, **of) or {})
            if policy == INLINE
            else {"PolicyName": policy}
            for policy in map(str, inline)
        ],
    }


def _resource(connection: Connection, function: str, qualifier: str, details: _Details) -> Resource:
    inline = {one["PolicyName"]: one.get("PolicyDocument") for one in details["RolePolicyList"] if one}
    trust = _read(details["AssumeRolePolicyDocument"])
    is_usual = meaning_of(trust) == meaning_of(read_document(_TRUST))
    answer = {
        "Path": details["Path"],
        "RoleName": details["RoleName"],
        "PolicyArn": [one["PolicyArn"] for one in details["AttachedManagedPolicies"]],
        "PolicyDocument": _read(inline[INLINE]) if INLINE in inline else None,
        "PermissionsBoundary": details.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "AssumeRolePolicyDocument": "" if is_usual else compact(json.dumps(trust)),
        "Others": [name for name in inline if name != INLINE],
    }
    found = KIND.read(answer, qualifier)
    assert found is not None  # noqa: S101 - it stands alone
    tags = _tags(details)
    is_foreign = tags.get(FUNCTION_TAG) != connection.scope.function_arn(function)
    return replace(found, handle=tags.get(LET_TAG, ""), foreign=is_foreign)


def _with_users(connection: Connection, function: str, found: Resource, details: _Details) -> Resource:
    """The role with who else needs it, and which published versions of the function do."""
    held = _held(connection, details, found)
    versions = []
    paged = ("Functions", "Marker", "NextMarker")
    for one in connection.pages("lambda", "ListFunctions", *paged, FunctionVersion="ALL", MaxItems=50):
        if one["Role"] != details["Arn"]:
            continue
        if one["FunctionName"] != function:
            held.append(f"the function {one['FunctionName']} uses it")
        elif not found.foreign and str(one.get("Version", "$LATEST")) != "$LATEST":
            versions.append(str(one["Version"]))
    said = {"held": tuple(sorted({*held})), "versions": tuple(sorted(versions))}
    return replace(found, settings={**found.settings, **{row: told for row, told in said.items() if told}})


def _held(connection: Connection, details: _Details, found: Resource) -> list[str]:
    """Why a role of ours is not deleted, and one of others not taken over, as far as IAM knows."""
    tags = _tags(details)
    if found.foreign:
        held = [f"it was made for {tags[FUNCTION_TAG]}"] if FUNCTION_TAG in tags else []
    else:
        given = {word for tag in (LET_TAG, FORMER_TAG) for word in tags.get(tag, "").split()}
        let = let_by(found.settings)
        held = [f"somebody else gave it {what}" for word, what in let.items() if word not in given]
    used = details.get("RoleLastUsed", {}).get("Region")
    if used and used != connection.scope.region:
        held.append(f"it was last used in {used}")
    paged = ("InstanceProfiles", "Marker", "Marker")
    of = {"RoleName": details["RoleName"]}
    profiles = connection.pages("iam", "ListInstanceProfilesForRole", *paged, **of)
    held += [f"the instance profile {one['InstanceProfileName']} has it" for one in profiles]
    return held


def _read(document: Any) -> Mapping[str, Any]:
    try:
        return read_document(document)
    except ValueError as error:
        raise odd("iam:GetRole", "a policy that is none") from error


def _tags(details: _Details) -> Mapping[str, str]:
    return {one["Key"]: one["Value"] for one in details.get("Tags", ())}


def _texts(settings: Mapping[str, Any], row: str) -> set[str]:
    return {str(one) for one in settings.get(row) or ()}


def _statements(settings: Mapping[str, Any]) -> dict[str, str]:
    return dict(settings.get("statements") or {})
