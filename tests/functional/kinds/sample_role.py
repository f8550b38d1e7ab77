"""A role made for the function."""

from types import SimpleNamespace
from typing import Any

from tests.support.clouds import client

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "role"
_PATH = "/lockstep/shop/staging/"
_BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_READS = {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::orders/*"}
FIRST = {"path": _PATH, "policies": [_BASIC]}
SECOND = {
    "path": _PATH,
    "policies": [_BASIC, "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"],
    "statements": [_READS],
    "boundary": "arn:aws:iam::aws:policy/PowerUserAccess",
}


def drift(lambda_: Any, name: str) -> str:
    """Somebody lets the function do everything; returns the path of what differs."""
    iam = client(SimpleNamespace(endpoint=lambda_.meta.endpoint_url), "iam")
    roles = iam.list_roles(PathPrefix=_PATH)["Roles"]
    (role,) = [one["RoleName"] for one in roles if one["RoleName"].startswith(name)]
    iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    return "role.policies"
