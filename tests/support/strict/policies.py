"""IAM: calls that a policy does not allow are denied.

Only what our policies use: Allow, wildcards in actions and resources, and two condition keys. Which
permissions a call needs is written here anew, from the service authorization reference, and not taken
from the code that is tested.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.strict.errors import access_denied
from tests.support.strict.keys import conceal
from tests.support.strict.proxy import Call, Rule
from tests.support.strict.wire import Answer

__all__ = ["Policy"]

_S3 = {
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "PutBucketNotificationConfiguration": "s3:PutBucketNotification",
}


class Policy(Rule):
    """Denies what no statement of the document allows. ``used`` are the actions that were needed."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.used: set[str] = set()
        self.denied: list[tuple[str, str]] = []

    def before(self, call: Call) -> Answer | None:
        """Deny, or let the call pass."""
        for action, resource in _needs(call):
            if not any(self._allows(one, call, action, resource) for one in self.document["Statement"]):
                self.denied.append((action, resource))
                return access_denied(call.operation)
            self.used.add(action)
        return None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Keep the variables that a key of the team's encrypts from whoever may not decrypt them."""
        if call.name != "lambda.GetFunction" or not answer.is_success:
            return answer
        body = json.loads(answer.body)
        key = body["Configuration"].get("KMSKeyArn")
        if not key or not body["Configuration"].get("Environment", {}).get("Variables"):
            return answer
        if any(self._allows(one, call, "kms:Decrypt", key) for one in self.document["Statement"]):
            self.used.add("kms:Decrypt")
            return answer
        conceal(body["Configuration"], "Environment")
        answer.body = json.dumps(body).encode()
        return answer

    def _allows(self, statement: Mapping[str, Any], call: Call, action: str, resource: str) -> bool:
        if not _matches(statement["Action"], action) or not _matches(statement["Resource"], resource):
            return False
        for key, value in statement.get("Condition", {}).get("StringEquals", {}).items():
            match key.split("/"):
                case ["iam:PassedToService"]:
                    found = "lambda.amazonaws.com"
                case ["aws:ResourceTag", tag]:
                    function = self.cloud.function(call) or {}
                    found = function.get("Tags", {}).get(tag)
                case _:
                    raise AssertionError(f"{key}: not a condition that is known here")
            if found != value:
                return False
        return True


def _matches(patterns: str | list[str], text: str) -> bool:
    wanted = [patterns] if isinstance(patterns, str) else patterns
    return any(
        re.fullmatch(re.escape(one).replace(r"\*", ".*").replace(r"\?", "."), text) is not None
        for one in wanted
    )


def _needs(call: Call) -> Iterator[tuple[str, str]]:
    """The actions and resources of a call."""
    operation = call.operation
    place = f"{operation.region}:{operation.account}"
    name, params = operation.name, operation.params
    match operation.service:
        case "lambda" if name == "ListFunctions":
            yield "lambda:ListFunctions", "*"
        case "lambda":
            function = f"arn:aws:lambda:{place}:function:{call.function}"
            yield f"lambda:{name}", function
            if name == "GetFunction":
                yield "lambda:ListTags", function
            body = call.json() if name in ("CreateFunction", "UpdateFunctionConfiguration") else {}
            if body.get("Tags"):
                yield "lambda:TagResource", function
            if body.get("Role"):
                yield "iam:PassRole", body["Role"]
            if body.get("KMSKeyArn"):
                yield "kms:CreateGrant", body["KMSKeyArn"]
                yield "kms:Encrypt", body["KMSKeyArn"]
        case "s3":
            key = f"/{params['Key']}" if "Key" in params else ""
            yield _S3[name], f"arn:aws:s3:::{params['Bucket']}{key}"
        case "logs":
            group = call.json().get("logGroupName")
            is_listing = name == "DescribeLogGroups"
            yield f"logs:{name}", "*" if is_listing else f"arn:aws:logs:{place}:log-group:{group}"
        case "ssm":
            for parameter in call.json()["Names"]:
                yield f"ssm:{name}", f"arn:aws:ssm:{place}:parameter/{parameter.lstrip('/')}"
        case "secretsmanager":
            secret = call.json()["SecretId"]
            yield f"secretsmanager:{name}", f"arn:aws:secretsmanager:{place}:secret:{secret}-Ab1xYz"
        case "tagging":
            yield f"tag:{name}", "*"
        case "sts":
            return
        case _:
            raise AssertionError(f"{call.name}: nothing says which permission it needs")
