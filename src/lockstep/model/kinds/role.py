"""A role made for the function: what it may do, from policies of AWS or the account and from statements.

Sources: IAM API reference (CreateRole, PutRolePolicy, AttachRolePolicy, PutRolePermissionsBoundary), IAM user
guide, "IAM and STS quotas" and "Permissions boundaries", and Lambda developer guide, "Lambda execution role".
A role's name is one in an account, whatever its path and the Region of what uses it.
"""

from collections.abc import Mapping

from lockstep.model.fields import Field, Kind
from lockstep.model.function import Value
from lockstep.model.kinds.base import ResourceKind, digest_of
from lockstep.model.policies import MANAGED, MOST_INLINE, labelled, size_of

__all__ = [
    "FORMER_TAG",
    "FUNCTION_TAG",
    "INLINE",
    "KIND",
    "LET_TAG",
    "let_by",
]

INLINE = "lockstep"
"""Name of the one inline policy that Lockstep keeps in a role."""
FUNCTION_TAG = "lockstep:function"
"""Tag of a role: the ARN of the function that it was made for, in whatever Region."""
LET_TAG = "lockstep:allows"
"""Tag of a role: digests of all that Lockstep gave it: it is not deleted with what somebody else did."""
FORMER_TAG = "lockstep:allowed"
"""Tag of a role: the same of what it had before; a run that is killed leaves some of both."""
_MOST = 20
_MANAGED = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_LONGEST = 64


def let_by(settings: Mapping[str, Value]) -> Mapping[str, str]:
    """What makes a role allow what it does, by a digest of each: a tag has room for these."""
    arns, others = settings.get("policies"), settings.get("others")
    statements = settings.get("statements")
    found = [str(one) for one in (arns if isinstance(arns, tuple | list) else ())]
    found += [f"the inline policy {one}" for one in (others if isinstance(others, tuple | list) else ())]
    digests = {digest_of(one): one for one in found}
    if isinstance(statements, Mapping) and statements:
        digests[digest_of(repr(sorted(statements.items())))] = "other statements"
    for row, what in (("boundary", "the boundary"), ("trust", "the trust policy")):
        if value := settings.get(row):
            digests[digest_of(f"{row} {value}")] = f"{what} {value}"
    return digests


def _usual(settings: Mapping[str, Value], function: str, name: str) -> Mapping[str, Value]:
    """The function's name, and a digest of its place: another environment's function may have the same."""
    end = digest_of(f"{settings.get('path', '')}{function}")
    return {"name": f"{function[: _LONGEST - len(end) - 1]}-{end}"}


def _identify(settings: Mapping[str, Value]) -> str:
    return str(settings.get("name") or "")


def _check(settings: Mapping[str, Value]) -> tuple[str, str, str] | None:
    """What IAM refuses of a role."""
    statements = settings.get("statements")
    if not statements and not settings.get("policies"):
        return (
            "",
            "lambda.role allows nothing, not even to write logs",
            f"add policies: [{_MANAGED}], or statements: `lockstep explain TARGET role` proposes them",
        )
    size = size_of(labelled(statements)) if isinstance(statements, Mapping) else 0
    if size > MOST_INLINE:
        return (
            "statements",
            f"the statements have {size:,} characters, and IAM allows a role {MOST_INLINE:,}",
            "make a managed policy of some of them, and name it under policies",
        )
    return None


def _setting(settings: Mapping[str, Value]) -> str:
    return f"{settings['path']}{settings['name']}"


def _stays(settings: Mapping[str, Value], is_gone: bool) -> str | None:
    """Who still needs a role that nothing declares; its function's own versions go with the function."""
    users = settings.get("held")
    versions = () if is_gone else settings.get("versions")
    found = [
        *(users if isinstance(users, tuple | list) else ()),
        *(f"version {one} uses it" for one in (versions if isinstance(versions, tuple | list) else ())),
    ]
    return "; ".join(map(str, found)) or None


KIND = ResourceKind(
    name="role",
    title="role",
    about="Execution role: an ARN, a name (path included) in the environment's account, or what a role is to "
    "allow that Lockstep makes for the function. Whoever makes one needs what `lockstep iam-policy sync "
    "roles` prints.",
    rows=(
        Field(
            name="path",
            api="Path",
            kind=Kind.STRING,
            about="Path of the role; /lockstep/PROJECT/ENVIRONMENT/ when absent.",
            pattern=r"^/([\x21-\x2e\x30-\x7a\x7c\x7e]+/)*$",
            fixed=True,
            required=True,
            example="/lockstep/shop/staging/",
        ),
        Field(
            name="name",
            api="RoleName",
            kind=Kind.STRING,
            about="Name of the role, of which an account has one; the function's with a digest when absent.",
            pattern=r"^[\w+=,.@-]{1,64}$",
            fixed=True,
            example="orders-staging",
        ),
        Field(
            name="policies",
            api="PolicyArn",
            kind=Kind.SET,
            about="ARNs of managed policies, of AWS or of the account: 10, or 20 where AWS raised the quota.",
            default=(),
            reset=[],
            maximum=_MOST,
            pattern=rf"^{MANAGED}$",
            example=_MANAGED,
        ),
        Field(
            name="statements",
            api="PolicyDocument",
            kind=Kind.STATEMENTS,
            about="What it may do besides: statements of IAM, or a whole policy as `lockstep explain TARGET "
            "role` prints it.",
            default={},
            reset={},
        ),
        Field(
            name="boundary",
            api="PermissionsBoundary",
            kind=Kind.STRING,
            about="ARN of the managed policy beyond which it may do nothing, whatever allows it.",
            default="",
            reset="",
            pattern=rf"^{MANAGED}$",
            example="arn:aws:iam::123456789012:policy/boundary",
        ),
        Field(
            name="trust",
            api="AssumeRolePolicyDocument",
            kind=Kind.STRING,
            about="Who else than Lambda alone may take it",
            default="",
            computed=True,
        ),
        Field(
            name="others",
            api="Others",
            kind=Kind.SET,
            about="Inline policies that somebody else put into it",
            default=(),
            computed=True,
        ),
        Field(
            name="held",
            api="Held",
            kind=Kind.SET,
            about="Of one that nothing declares: why it stays",
            default=(),
            computed=True,
        ),
        Field(
            name="versions",
            api="Versions",
            kind=Kind.SET,
            about="Of one that nothing declares: published versions of the function that use it",
            default=(),
            computed=True,
        ),
    ),
    reads=(
        "iam:GetRole",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
        "iam:GetRolePolicy",
        "iam:ListRoles",
        "iam:ListInstanceProfilesForRole",
        "iam:GetAccountAuthorizationDetails",
        "lambda:ListFunctions",
    ),
    writes=(
        "iam:CreateRole",
        "iam:TagRole",
        "iam:AttachRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:DeleteRolePermissionsBoundary",
        "iam:UpdateAssumeRolePolicy",
    ),
    removes=("iam:DetachRolePolicy", "iam:DeleteRolePolicy", "iam:DeleteRole"),
    proof=(),
    proofs={
        "iam:CreateRole": ("Role.Arn",),
        "iam:ListAttachedRolePolicies": ("AttachedPolicies[].PolicyArn",),
        "iam:ListRolePolicies": ("IsTruncated",),
        "iam:GetRolePolicy": ("RoleName", "PolicyName", "PolicyDocument"),
        "iam:ListRoles": ("Roles[].RoleName",),
        "iam:ListInstanceProfilesForRole": ("InstanceProfiles[].InstanceProfileName",),
        "iam:GetAccountAuthorizationDetails": ("RoleDetailList[].RoleName", "RoleDetailList[].Arn"),
    },
    on={
        "iam:GetRole": "listed roles",  # of one that is not there AWS knows no path
        "iam:ListAttachedRolePolicies": "made roles",
        "iam:ListRolePolicies": "made roles",
        "iam:GetRolePolicy": "made roles",
        "iam:ListRoles": "listed roles",
        "iam:ListInstanceProfilesForRole": "made roles",
        "iam:GetAccountAuthorizationDetails": "listed roles",
        "lambda:ListFunctions": "all",
        "iam:CreateRole": "bound roles",
        "iam:AttachRolePolicy": "bound roles",
        "iam:PutRolePolicy": "bound roles",
        "iam:PutRolePermissionsBoundary": "bound roles",
        "iam:TagRole": "made roles",
        "iam:DetachRolePolicy": "made roles",
        "iam:DeleteRolePolicy": "made roles",
        "iam:DeleteRolePermissionsBoundary": "unbound roles",
        "iam:UpdateAssumeRolePolicy": "made roles",
        "iam:DeleteRole": "made roles",
    },
    left_out={
        "AssumeRolePolicyDocument": "Lambda alone takes the role of a function",
        "Description": "the role's tags say whose it is",
        "MaxSessionDuration": "Lambda takes the role for as long as it needs",
        "MaxSigninSessionDuration": "nobody signs in by it",
        "Tags": "the marks by which Lockstep knows its own; tags of others stay",
        "PolicyName": "that of Lockstep's own inline policy",
    },
    feature="roles",
    instead="write the role's ARN in its place",
    stands_alone=True,
    unversioned=True,
    leads=True,
    outlives=True,
    overlaps=True,
    at_once=True,
    sole=True,
    is_global=True,
    has_names=False,
    identify=_identify,
    usual=_usual,
    check=_check,
    stays=_stays,
    setting=_setting,
    fixing="give it another name as well: an account has one role of a name",
)
