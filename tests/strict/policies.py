"""IAM: calls that a policy does not allow are denied, and a simulation tells which would be.

Only what our policies use: Allow and Deny, wildcards in actions and resources, and three condition keys.
Which permissions a call needs is written here anew, from the service authorization reference, and not
taken from the code that is tested.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import count, takewhile
from typing import Any
from urllib.parse import urlencode

from tests.strict.errors import access_denied
from tests.strict.keys import conceal
from tests.strict.proxy import Call, Rule
from tests.strict.settings import each_configuration
from tests.strict.wire import Answer

__all__ = ["S3", "Policy", "needs"]

S3 = {
    "HeadObject": "s3:GetObject",
    "GetObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "DeleteObjects": "s3:DeleteObject",
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "PutBucketNotificationConfiguration": "s3:PutBucketNotification",
}
"""Actions of S3's operations, many of which have other names."""

_QUALIFIED = ("GetFunction", "GetPolicy", "AddPermission", "RemovePermission", "DeleteFunction", "Invoke")


_OWN_KEY = "arn:aws:kms:eu-west-1:111111111111:key/aws-lambda"


class Policy(Rule):
    """Denies what no statement of the document allows. ``used`` are the actions that were needed."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.used: set[str] = set()
        self.denied: list[tuple[str, str]] = []

    def before(self, call: Call) -> Answer | None:
        """Deny, or let the call pass."""
        for action, resource in needs(call, self._path_of):
            if not self._allows(action, resource, lambda key: self._told(call, key)):
                self.denied.append((action, resource))
                return access_denied(call.operation, action, resource)
            self.used.add(action)
        return self._simulated(call) if call.name == "iam.SimulatePrincipalPolicy" else None

    def after(self, call: Call, answer: Answer) -> Answer:
        """Keep the variables that a key of the team's encrypts from whoever may not decrypt them."""
        if call.name not in ("lambda.GetFunction", "lambda.ListFunctions"):
            return answer

        def read(config: dict[str, Any]) -> dict[str, Any]:
            key = config.get("KMSKeyArn")
            if not config.get("Environment", {}).get("Variables"):
                return config
            # The policy of AWS's own key lets everybody in the account who calls Lambda use it.
            effects = self._effects("kms:Decrypt", key or _OWN_KEY, lambda name: self._told(call, name))
            if "Deny" in effects or (key and "Allow" not in effects):
                conceal(config, "Environment")
            elif key:
                self.used.add("kms:Decrypt")
            return config

        return each_configuration(call, answer, read)

    def _allows(self, action: str, resource: str, told: Callable[[str], str | None]) -> bool:
        return self._effects(action, resource, told) == {"Allow"}

    def _effects(self, action: str, resource: str, told: Callable[[str], str | None]) -> set[str]:
        return {
            one.get("Effect", "Allow")
            for one in self.document["Statement"]
            if _matches(one["Action"], action)
            and _matches(one["Resource"], resource)
            and all(
                told(key) == value for key, value in one.get("Condition", {}).get("StringEquals", {}).items()
            )
            and all(
                _matches(value, told(key) or "")
                for operator in ("StringLike", "ArnLike")
                for key, value in one.get("Condition", {}).get(operator, {}).items()
            )
        }

    def _path_of(self, call: Call) -> str:
        """The path of a role; one that is not there has none.

        Source: Lambda and IAM name a role by its whole ARN, and calls about one have its name alone.
        """
        return self._of_role(call, "Path") or "/"

    def _of_role(self, call: Call, element: str) -> str | None:
        """What IAM says of the role of a call."""
        name = call.operation.params["RoleName"]
        form = urlencode({"Action": "GetRole", "Version": "2010-05-08", "RoleName": name}).encode()
        answer = self.cloud.ask(call, "POST", "/", body=form, service="iam")
        found = re.search(rf"<{element}>([^<]+)</{element}>".encode(), answer.body)
        return found[1].decode() if found and answer.is_success else None

    def _told(self, call: Call, key: str) -> str | None:
        """What a call tells to a condition."""
        match key.split("/"):
            case ["iam:PassedToService"]:
                return f"{call.operation.service}.amazonaws.com"
            case ["kms:ViaService"]:
                return f"{call.operation.service}.{call.operation.region}.amazonaws.com"
            case ["lambda:FunctionArn"]:
                return self._mapped(call)
            case ["iam:PermissionsBoundary"]:
                # Source: IAM user guide, "Delegating responsibility to others using permissions boundaries":
                # the one that the call sets, or the one that the role has.
                set_by = call.operation.params.get("PermissionsBoundary")
                return set_by or self._of_role(call, "PermissionsBoundaryArn")
            case ["aws:ResourceTag", tag]:
                function = self.cloud.function(call) or {}
                found: str | None = function.get("Tags", {}).get(tag)
                return found
            case _:
                raise AssertionError(f"{key}: not a condition that is known here")

    def _mapped(self, call: Call) -> str:
        """The function of an event source mapping: as the call says, or as the mapping has it."""
        place = f"{call.operation.region}:{call.operation.account}"
        if called := call.json().get("FunctionName"):
            return f"arn:aws:lambda:{place}:function:{called}"
        answer = self.cloud.ask(call, "GET", call.request.path)
        return str(json.loads(answer.body).get("FunctionArn", ""))

    def _simulated(self, call: Call) -> Answer:
        """One result for each action and resource; what is not told by the call is not guessed."""
        form = call.operation.params

        def members(name: str) -> list[str]:
            numbers = (f"{name}.member.{number}" for number in count(1))
            return [form[key] for key in takewhile(form.__contains__, numbers)]

        context = _context(form)
        results = "".join(
            f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{arn}</EvalResourceName>"
            f"<EvalDecision>{'allowed' if self._allows(action, arn, context.get) else 'implicitDeny'}"
            "</EvalDecision></member>"
            for action in members("ActionNames")
            for arn in members("ResourceArns")
        )
        text = (
            "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated>"
            f"<EvaluationResults>{results}</EvaluationResults></SimulatePrincipalPolicyResult>"
            "</SimulatePrincipalPolicyResponse>"
        )
        return Answer(status=200, headers={"content-type": "text/xml"}, body=text.encode())


def _matches(patterns: str | list[str], text: str) -> bool:
    wanted = [patterns] if isinstance(patterns, str) else patterns
    return any(
        re.fullmatch(re.escape(one).replace(r"\*", ".*").replace(r"\?", "."), text) is not None
        for one in wanted
    )


def _context(form: Mapping[str, str]) -> Mapping[str, str]:
    """The context that a simulation is given."""
    return {
        form[key]: form[key.replace("ContextKeyName", "ContextKeyValues.member.1")]
        for key in form
        if key.endswith(".ContextKeyName")
    }


def needs(call: Call, path_of: Callable[[Call], str] = lambda _: "/") -> Iterator[tuple[str, str]]:
    """The actions and resources of a call, the one that gives it its name first."""
    operation = call.operation
    place = f"{operation.region}:{operation.account}"
    name, params = operation.name, operation.params
    match operation.service:
        case "lambda" if name in ("ListFunctions", "GetAccountSettings"):
            yield f"lambda:{name}", "*"
        case "lambda" if name.endswith(("EventSourceMapping", "EventSourceMappings")):
            # Source: service authorization reference; two of them have no resources.
            mapping = f"arn:aws:lambda:{place}:event-source-mapping:{params.get('UUID')}"
            yield f"lambda:{name}", mapping if "UUID" in params else "*"
        case "lambda" if name.startswith(("GetLayerVersion", "PublishLayerVersion", "ListLayerVersions")):
            # Source: service authorization reference; a listing has no resources.
            arn = params.get("Arn") or f"arn:aws:lambda:{place}:layer:{params.get('LayerName')}"
            action = "lambda:GetLayerVersion" if name.startswith("Get") else f"lambda:{name}"
            yield action, "*" if name.startswith("List") else arn
            content = call.json().get("Content", {}) if name.startswith("Publish") else {}
            if "S3Key" in content:
                yield "s3:GetObject", f"arn:aws:s3:::{content['S3Bucket']}/{content['S3Key']}"
        case "sqs":
            body = call.json()
            queue = body.get("QueueName") or str(body.get("QueueUrl", "")).rpartition("/")[2]
            yield f"sqs:{name}", f"arn:aws:sqs:{place}:{queue}"
        case "lambda":
            function = f"arn:aws:lambda:{place}:function:{call.function}"
            # Source: Lambda developer guide, "Fine-tuning the Resources and Conditions sections of policies".
            if params.get("Qualifier") and name in _QUALIFIED:
                function = f"{function}:{params['Qualifier']}"
            yield "lambda:InvokeFunction" if name == "Invoke" else f"lambda:{name}", function
            if name == "GetFunction":
                yield "lambda:ListTags", function
            body = call.json() if name in ("CreateFunction", "UpdateFunctionConfiguration") else {}
            if body.get("Tags"):
                yield "lambda:TagResource", function
            if body.get("Role"):
                yield "iam:PassRole", body["Role"]
            if managed := body.get("CapacityProviderConfig"):
                arn = managed["LambdaManagedInstancesCapacityProviderConfig"]["CapacityProviderArn"]
                yield "lambda:PassCapacityProvider", arn
            for layer in body.get("Layers") or ():
                yield "lambda:GetLayerVersion", layer
            if body.get("KMSKeyArn"):
                yield "kms:CreateGrant", body["KMSKeyArn"]
                yield "kms:Encrypt", body["KMSKeyArn"]
            code = body.get("Code", {}) if name == "CreateFunction" else {}
            code = call.json() if name == "UpdateFunctionCode" else code
            if code.get("SourceKMSKeyArn"):
                yield "kms:GenerateDataKey", code["SourceKMSKeyArn"]
        case "s3":
            key = f"/{params['Key']}" if "Key" in params else ""
            yield S3.get(name, f"s3:{name}"), f"arn:aws:s3:::{params.get('Bucket', '*')}{key}"
        case "logs":
            group = call.json().get("logGroupName")
            is_listing = name == "DescribeLogGroups"
            yield f"logs:{name}", "*" if is_listing else f"arn:aws:logs:{place}:log-group:{group}:*"
        case "sns":
            # Source: service authorization reference: subscriptions are no resources of their own.
            yield f"sns:{name}", params["TopicArn"] if name == "Subscribe" else "*"
        case "scheduler" if name == "ListSchedules":
            yield f"scheduler:{name}", "*"
        case "scheduler":
            # Source: service authorization reference; user guide, "Setting up": the role is passed on.
            body = call.json()
            group = params.get("GroupName") or body.get("GroupName") or "default"
            yield f"scheduler:{name}", f"arn:aws:scheduler:{place}:schedule/{group}/{params['Name']}"
            if "Target" in body:
                yield "iam:PassRole", body["Target"]["RoleArn"]
        case "events" if name in ("ListRules", "ListEventBuses"):
            yield f"events:{name}", "*"
        case "events":
            # Source: service authorization reference: a rule, and what PutRule's tags need.
            body = call.json()
            rule = (
                body.get("ResourceARN") or f"arn:aws:events:{place}:rule/{body.get('Rule') or body['Name']}"
            )
            yield f"events:{name}", rule
            if name == "PutRule" and body.get("Tags"):
                yield "events:TagResource", rule
        case "apigatewayv2":
            # Source: service authorization reference, "Actions defined by Amazon API Gateway Management V2".
            yield (
                f"apigateway:{call.request.method}",
                f"arn:aws:apigateway:{operation.region}::{call.request.path.removeprefix('/v2')}",
            )
        case "ecr":
            body = call.json()
            yield (
                f"ecr:{name}",
                f"arn:aws:ecr:{operation.region}:{body['registryId']}:repository/{body['repositoryName']}",
            )
        case "cloudwatch" | "monitoring":
            yield f"cloudwatch:{name}", "*"
        case "cloudtrail":
            yield f"cloudtrail:{name}", "*"
        case "ssm" if name == "DescribeParameters":
            yield f"ssm:{name}", "*"
        case "ssm":
            for parameter in call.json()["Names"]:
                yield f"ssm:{name}", f"arn:aws:ssm:{place}:parameter/{parameter.lstrip('/')}"
        case "secretsmanager":
            secret = call.json()["SecretId"]
            yield f"secretsmanager:{name}", f"arn:aws:secretsmanager:{place}:secret:{secret}-Ab1xYz"
        case "tagging":
            yield f"tag:{name}", "*"
        case "iam" if "RoleName" in params:
            path = params.get("Path", "/") if name == "CreateRole" else path_of(call)
            yield f"iam:{name}", f"arn:aws:iam::{operation.account}:role{path}{params['RoleName']}"
            if name == "CreateRole" and any(key.startswith("Tags.") for key in params):
                yield "iam:TagRole", f"arn:aws:iam::{operation.account}:role{path}{params['RoleName']}"
        case "ec2":
            yield f"ec2:{name}", "*"
        case "iam":
            yield f"iam:{name}", "*"
        case "sts":  # who we are needs no permission; nobody denies it but a test
            return
        case _:
            raise AssertionError(f"{call.name}: nothing says which permission it needs")
