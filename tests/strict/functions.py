"""What Lambda refuses and an emulator takes: packages, roles, runtimes, statement ids, dry runs.

Source: the errors of CreateFunction, UpdateFunctionCode, AddPermission and RemovePermission in the
Lambda API reference, with the messages that Lambda gives.
"""

import base64
import functools
import hashlib
import json
import re
import threading
from typing import Any
from urllib.parse import quote, urlencode

import botocore.loaders

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["DryRun", "KnownRuntime", "PackageExists", "RoleExists", "Statements"]


def _invalid(call: Call, message: str) -> Answer:
    return error(call.operation, 400, "InvalidParameterValueException", message)


class PackageExists(Rule):
    """Code that is named by bucket and key has to be there, in the version named."""

    def before(self, call: Call) -> Answer | None:
        """Refuse a missing package as Lambda does."""
        match call.name:
            case "lambda.CreateFunction":
                code: dict[str, Any] = call.json().get("Code", {})
            case "lambda.UpdateFunctionCode":
                code = call.json()
            case _:
                return None
        if not code.get("S3Bucket"):
            return None
        query = {"versionId": code["S3ObjectVersion"]} if code.get("S3ObjectVersion") else {}
        path = f"/{code['S3Bucket']}/{quote(code.get('S3Key', ''))}"
        if self.cloud.ask(call, "HEAD", path, query, service="s3").is_success:
            return None
        if not self.cloud.ask(call, "HEAD", f"/{code['S3Bucket']}", service="s3").is_success:
            wrong, text = "NoSuchBucket", "The specified bucket does not exist"
        elif query:
            wrong, text = "NoSuchVersion", "The specified version does not exist."
        else:
            wrong, text = "NoSuchKey", "The specified key does not exist."
        return _invalid(
            call, f"Error occurred while GetObject. S3 Error Code: {wrong}. S3 Error Message: {text}"
        )


class RoleExists(Rule):
    """The execution role has to exist."""

    def before(self, call: Call) -> Answer | None:
        """Refuse a missing role as Lambda does."""
        if call.name not in ("lambda.CreateFunction", "lambda.UpdateFunctionConfiguration"):
            return None
        role = call.json().get("Role")
        if not role:
            return None
        name = str(role).rpartition("/")[2]
        form = urlencode({"Action": "GetRole", "Version": "2010-05-08", "RoleName": name}).encode()
        if self.cloud.ask(call, "POST", "/", body=form, service="iam").is_success:
            return None
        return _invalid(call, "The role defined for the function cannot be assumed by Lambda.")


@functools.cache
def _runtimes() -> tuple[str, ...]:
    model = botocore.loaders.Loader().load_service_model("lambda", "service-2")
    return tuple(model["shapes"]["Runtime"]["enum"])


class KnownRuntime(Rule):
    """The runtime has to be one that Lambda has."""

    def before(self, call: Call) -> Answer | None:
        """Refuse an unknown runtime as Lambda does."""
        if call.name not in ("lambda.CreateFunction", "lambda.UpdateFunctionConfiguration"):
            return None
        runtime = call.json().get("Runtime")
        if runtime is None or runtime in _runtimes():
            return None
        return _invalid(
            call,
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value "
            f"set: [{', '.join(_runtimes())}] or be a valid ARN",
        )


class DryRun(Rule):
    """UpdateFunctionCode with DryRun tells what would be and changes nothing."""

    def before(self, call: Call) -> Answer | None:
        """Answer a dry run without passing it on."""
        if call.name != "lambda.UpdateFunctionCode" or not call.json().get("DryRun"):
            return None
        found = self.cloud.function(call)
        if found is None:
            account, region, function = call.key
            arn = f"arn:aws:lambda:{region}:{account}:function:{function}"
            return error(call.operation, 404, "ResourceNotFoundException", f"Function not found: {arn}")
        config, body = found["Configuration"], call.json()
        if body.get("ZipFile"):
            data = base64.b64decode(body["ZipFile"])
        elif body.get("S3Bucket"):
            query = {"versionId": body["S3ObjectVersion"]} if body.get("S3ObjectVersion") else {}
            path = f"/{body['S3Bucket']}/{quote(body['S3Key'])}"
            data = self.cloud.ask(call, "GET", path, query, service="s3").body
        else:
            data = b""
        if data:
            config["CodeSha256"] = base64.b64encode(hashlib.sha256(data).digest()).decode()
            config["CodeSize"] = len(data)
        return Answer(
            status=200, headers={"content-type": "application/json"}, body=json.dumps(config).encode()
        )


class Statements(Rule):
    """Statement ids are unique in a policy and well formed; a policy is at most 20 KB."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def before(self, call: Call) -> Answer | None:
        """Refuse a statement id that is there already, and the removal of one that is not."""
        if call.name not in ("lambda.AddPermission", "lambda.RemovePermission"):
            return None
        params, body = call.operation.params, call.json()
        wanted = str(body.get("StatementId") or params.get("StatementId") or "")
        if not re.fullmatch(r"[a-zA-Z0-9-_]{1,100}", wanted):
            return error(
                call.operation,
                400,
                "ValidationException",
                f"1 validation error detected: Value '{wanted}' at 'statementId' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)",
            )
        query = {"Qualifier": params["Qualifier"]} if params.get("Qualifier") else {}
        path = f"/2015-03-31/functions/{quote(call.function, safe='')}/policy"
        answer = self.cloud.ask(call, "GET", path, query)
        policy = json.loads(answer.body)["Policy"] if answer.is_success else '{"Statement": []}'
        # Each alias has a policy of its own; the emulators keep one for all of them.
        resource = f":function:{call.function}" + "".join(f":{name}" for name in query.values())
        is_there = any(
            one.get("Sid") == wanted and str(one.get("Resource", resource)).endswith(resource)
            for one in json.loads(policy)["Statement"]
        )
        if call.operation.name == "AddPermission":
            if is_there:
                return error(
                    call.operation,
                    409,
                    "ResourceConflictException",
                    f"The statement id ({wanted}) provided already exists. Please provide a new "
                    "statement id, or remove the existing statement.",
                )
            if len(policy) + len(call.request.body) > 20480:
                return error(
                    call.operation,
                    400,
                    "PolicyLengthExceededException",
                    "The final policy size is bigger than the limit (20480).",
                )
        elif not is_there:
            message = f"Statement {wanted} is not found in resource policy."
            return error(call.operation, 404, "ResourceNotFoundException", message)
        return None
