"""A permission for somebody's API."""

import json
from typing import Any

from tests.support.clouds import ACCOUNT, REGION

__all__ = ["FIRST", "KIND", "SECOND", "drift"]

KIND = "permissions"
_API = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:abc123"
FIRST = {"principal": "apigateway.amazonaws.com", "sourceArn": f"{_API}/*/GET/orders"}
SECOND = {"principal": "apigateway.amazonaws.com", "sourceArn": f"{_API}/*", "sourceAccount": ACCOUNT}


def drift(lambda_: Any, name: str) -> str:
    """Somebody lets every account's API of that name call; returns the path of what differs."""
    policy = json.loads(lambda_.get_policy(FunctionName=name)["Policy"])
    (sid,) = [one["Sid"] for one in policy["Statement"] if one["Sid"].startswith("lockstep-permissions-")]
    lambda_.remove_permission(FunctionName=name, StatementId=sid)
    lambda_.add_permission(
        FunctionName=name,
        StatementId=sid,
        Action="lambda:InvokeFunction",
        Principal=SECOND["principal"],
        SourceArn=SECOND["sourceArn"],
    )
    return "permissions.orders.sourceAccount"
