"""Whether an answer is one of AWS's: what stands between, a proxy above all, answers as well.

botocore reads what it can and leaves the rest out: a page of HTML, an empty body or another document with
status 200 are "nothing there" to it. So each answer has to prove what it is before it is read, and what
AWS always tells has to be in it afterwards.

Sources: S3 API reference (root elements, "Common response headers"), AWS protocol specifications of
Smithy (the header x-amzn-errortype, ``__type``), the API references of the services.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree  # expat reads no external entities, and its own limits stop bombs

from lockstep.errors import CloudError
from lockstep.model.foreign import read_json
from lockstep.model.kinds import KINDS

__all__ = ["PROOFS", "ROOTS", "Untrue", "believe_only_proofs", "odd"]

_CONFIGURATION = ("FunctionName", "FunctionArn", "Role", "MemorySize", "Timeout")

_ALIAS = ("AliasArn", "Name", "FunctionVersion")

_OWN: Mapping[str, tuple[str, ...]] = {
    "cloudtrail:LookupEvents": ("Events[].EventId",),
    "cloudwatch:DescribeAlarms": ("MetricAlarms[].AlarmName",),
    "cloudwatch:GetMetricData": ("MetricDataResults[].Id",),
    "ec2:DescribeSecurityGroups": ("SecurityGroups[].GroupId",),
    "ec2:DescribeSubnets": ("Subnets[].SubnetId",),
    "ecr:BatchGetImage": ("images[].imageId",),
    "iam:GetRole": ("Role.Arn",),
    "iam:SimulatePrincipalPolicy": ("EvaluationResults[].EvalActionName", "EvaluationResults[].EvalDecision"),
    "lambda:AddPermission": ("Statement{}",),
    "lambda:CreateAlias": _ALIAS,
    "lambda:CreateFunction": ("FunctionName", "FunctionArn"),
    "lambda:DeleteAlias": (),
    "lambda:DeleteFunction": (),
    "lambda:DeleteFunctionCodeSigningConfig": (),
    "lambda:DeleteFunctionConcurrency": (),
    "lambda:GetAlias": _ALIAS,
    "lambda:GetAccountSettings": ("AccountLimit", "AccountUsage"),
    "lambda:GetFunction": tuple(f"Configuration.{name}" for name in _CONFIGURATION),
    "lambda:GetFunctionCodeSigningConfig": ("FunctionName",),
    "lambda:GetLayerVersionByArn": ("LayerVersionArn", "Content.CodeSha256"),
    "lambda:GetPolicy": ("Policy{}",),
    "lambda:Invoke": ("ExecutedVersion",),
    "lambda:ListFunctions": tuple(f"Functions[].{name}" for name in _CONFIGURATION),
    "lambda:ListAliases": tuple(f"Aliases[].{name}" for name in _ALIAS),
    "lambda:ListLayerVersions": ("LayerVersions[].LayerVersionArn",),
    "lambda:ListVersionsByFunction": tuple(f"Versions[].{name}" for name in (*_CONFIGURATION, "Version")),
    "lambda:PublishLayerVersion": ("LayerVersionArn", "Version"),
    "lambda:PublishVersion": ("FunctionName", "FunctionArn", "Version"),
    "lambda:PutFunctionCodeSigningConfig": ("FunctionName",),
    "lambda:PutFunctionConcurrency": ("ReservedConcurrentExecutions",),
    "lambda:RemovePermission": (),
    "lambda:TagResource": (),
    "lambda:UntagResource": (),
    "lambda:UpdateAlias": _ALIAS,
    "lambda:UpdateFunctionCode": ("FunctionName", "FunctionArn"),
    "lambda:UpdateFunctionConfiguration": ("FunctionName", "FunctionArn"),
    "logs:CreateLogGroup": (),
    "logs:DeleteLogGroup": (),
    "logs:DeleteRetentionPolicy": (),
    "logs:DescribeLogGroups": ("logGroups[].logGroupName",),
    "logs:FilterLogEvents": ("events[].timestamp",),
    "logs:PutRetentionPolicy": (),
    "resourcegroupstaggingapi:GetResources": (
        "ResourceTagMappingList[].ResourceARN",
        "ResourceTagMappingList[].Tags[].Key",
    ),
    "s3:DeleteObjects": (),
    "s3:GetBucketNotificationConfiguration": (),
    "s3:GetObject": ("ETag", "LastModified"),
    "s3:HeadBucket": (),
    "s3:HeadObject": ("ETag",),
    "s3:ListObjectsV2": ("Name", "IsTruncated"),
    "s3:PutBucketNotificationConfiguration": (),
    "s3:PutObject": ("ETag",),
    "secretsmanager:GetSecretValue": ("ARN", "Name"),
    "secretsmanager:ListSecretVersionIds": ("ARN", "Name"),
    "sqs:DeleteMessage": (),
    "sqs:ReceiveMessage": ("Messages[].ReceiptHandle", "Messages[].Body"),
    "ssm:DescribeParameters": ("Parameters[].Name", "Parameters[].Version"),
    "ssm:GetParameters": ("Parameters[].Name", "Parameters[].Value"),
    "sts:GetCallerIdentity": ("Account", "Arn"),
}


def _of_kinds() -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the kinds of resources beside a function say of the answers to their own calls."""
    for kind in KINDS.values():
        for call in (*kind.reads, *kind.writes, *kind.removes):
            if call not in _OWN:
                yield call, kind.proofs.get(call, () if call in kind.removes else kind.proof)


PROOFS: Mapping[str, tuple[str, ...]] = {**_OWN, **dict(_of_kinds())}
"""By operation: what each answer has. ``[]``: each item of a list, ``{}``: a text that is a JSON object."""

ROOTS: Mapping[str, tuple[str, ...]] = {
    "s3:DeleteObjects": ("DeleteResult",),
    # The second is moto's, which people try things out on.
    "s3:GetBucketNotificationConfiguration": ("NotificationConfiguration", "GetBucketNotificationResponse"),
    "s3:ListObjectsV2": ("ListBucketResult",),
}
"""Root elements of S3's answers, which its model does not tell."""

_WHOLE = frozenset({"s3:GetBucketNotificationConfiguration"})
"""What is written back whole: an element that nobody knows would be lost by it."""

_NOT_SINGLE = " is no single value"
_NO_TEXT = " is no text"
_IDS = ("x-amzn-requestid", "x-amz-request-id")
_FIRST_FAULT = 500  # from here on, and at 429, botocore tries again
_THROTTLED = 429
_REDIRECT = 300
_NOT_MODIFIED = 304


class Untrue(CloudError):
    """An answer that does not prove to be AWS's."""


def odd(call: str, what: str) -> Untrue:
    """The error for what is not as AWS tells it, in an answer that proves to be the right one otherwise."""
    return Untrue(f"an answer that is not AWS's, or not whole: {what}", where=call, fix=_FIX)


def believe_only_proofs(session: Any) -> None:
    """Let every client of a botocore session refuse answers that do not prove to be what was asked for."""
    events = session.get_component("event_emitter")
    # First: botocore makes a fault of S3's, to be tried again, of any success that is no XML.
    events.register_first("before-parse.*.*", _before_parse)
    events.register("after-call", _after_call)


def _before_parse(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    call = _call_of(operation_model)
    if call not in PROOFS:
        return
    status, headers, body = response_dict["status_code"], response_dict["headers"], response_dict["body"]
    is_head = operation_model.http.get("method") == "HEAD"
    if status >= _REDIRECT:
        is_told = is_head or status >= _FIRST_FAULT or status == _THROTTLED
        # What was not modified is told without a body (RFC 9110, 15.4.5), and nothing is read from it.
        is_told = is_told or (status == _NOT_MODIFIED and any(headers.get(name) for name in _IDS))
        if not is_told and not _is_error(operation_model, headers, body):
            raise _untrue(call, f"status {status} without an error of AWS's", headers, body)
        return
    if not any(headers.get(name) for name in _IDS):
        raise _untrue(call, "it has no request id", headers, body)
    if operation_model.has_streaming_output or is_head:
        return
    why = _why_other(operation_model, call, body)
    if why is not None:
        raise _untrue(call, why, headers, body)


def _after_call(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    call = _call_of(model)
    if http_response.status_code >= _REDIRECT:
        return
    for path in PROOFS.get(call, ()):
        missing = next(_missing(parsed, path.split("."), ""), None)
        if missing is not None:
            raise Untrue(
                f"an answer that is not AWS's, or not whole: {missing.lstrip('.')} is missing in it",
                where=call,
                fix=_FIX,
            )


def _call_of(operation_model: Any) -> str:
    return f"{operation_model.service_model.service_name}:{operation_model.name}"


def _why_other(operation_model: Any, call: str, body: bytes) -> str | None:
    """What is wrong with the body of a success; None when nothing is."""
    shape = operation_model.output_shape
    has_body = shape is not None and any(
        "location" not in one.serialization for one in shape.members.values()
    )
    if operation_model.service_model.resolved_protocol in {"json", "rest-json"}:
        return _why_other_json(shape if has_body else None, body)
    # The query protocol wraps the metadata of a success that tells nothing else.
    if not has_body and operation_model.service_model.resolved_protocol != "query":
        return "it has a body" if body.strip() else None
    root = _root(body)
    wanted = ROOTS.get(call, (f"{operation_model.name}Response",))
    if root is None:
        return f"it is no whole <{wanted[0]}>"
    if _name(root) not in {*wanted, "Error"}:  # S3 tells some errors with status 200, which botocore knows
        return f"it is no <{wanted[0]}>"
    if call in _WHOLE and (unknown := next(_unknown(shape, root), None)):
        return f"it has a <{unknown}>, which this version does not know and would lose"
    return None


def _why_other_json(shape: Any, body: bytes) -> str | None:
    if shape is None and not body.strip():
        return None
    try:
        value = read_json(body)
    except ValueError:  # of UTF-8, too
        return "it is no whole JSON document"
    if shape is None:
        return None if isinstance(value, dict) and not value else "it has a body"
    return next(_mistyped(shape, value, ""), None)


def _mistyped(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Where a value has another form than its shape says."""
    match shape.type_name, value:
        case ("structure", dict()):
            for told, name, member, is_text in _members_of(shape):
                given = value.get(told)
                if member is None:
                    if isinstance(given, dict | list):
                        yield f"{path}.{name}".lstrip(".") + _NOT_SINGLE
                    elif is_text and not isinstance(given, str | None):
                        yield f"{path}.{name}".lstrip(".") + _NO_TEXT
                elif given is not None:
                    yield from _mistyped(member, given, f"{path}.{name}")
        case ("list", list()):
            for item in value:
                yield from _mistyped(shape.member, item, f"{path}[]")
        case ("map", dict()):
            for item in value.values():
                yield from _mistyped(shape.value, item, f"{path}[]")
        case ("structure" | "list" | "map", _):
            yield f"{path.lstrip('.') or 'it'} is no {'list' if shape.type_name == 'list' else 'object'}"
        case (_, dict() | list()):
            yield path.lstrip(".") + _NOT_SINGLE
        case ("string", bool() | int() | float()):
            yield path.lstrip(".") + _NO_TEXT


@functools.cache
def _members_of(shape: Any) -> tuple[tuple[str, str, Any, bool], ...]:
    """The members of a structure's body: as they are told, their names, the shape of what has parts, and
    whether it is a text.

    Found once: a listing has thousands of such structures.
    """
    return tuple(
        (
            member.serialization.get("name", name),
            name,
            member if member.type_name in ("structure", "list", "map") else None,
            member.type_name == "string",
        )
        for name, member in shape.members.items()
        if "location" not in member.serialization
    )


def _root(body: bytes) -> ElementTree.Element | None:
    try:
        return ElementTree.fromstring(body)  # noqa: S314 - see the import
    except (ElementTree.ParseError, ValueError, LookupError):
        return None


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _unknown(shape: Any, element: ElementTree.Element) -> Iterator[str]:
    """Elements that the model of an answer does not have."""
    if shape.type_name != "structure":
        return
    members: dict[str, Any] = {}
    for name, member in shape.members.items():
        is_flat = member.type_name == "list" and member.serialization.get("flattened")
        inner = member.member.serialization.get("name") if is_flat else None
        members[member.serialization.get("name") or inner or name] = member.member if is_flat else member
    for child in element:
        known = members.get(_name(child))
        if known is None:
            yield _name(child)
        else:
            yield from _unknown(known, child)


def _is_error(operation_model: Any, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a refusal is AWS's own: an error with a code, in the service's language."""
    if operation_model.service_model.resolved_protocol in {"json", "rest-json"}:
        if headers.get("x-amzn-errortype"):
            return True
        try:
            told = read_json(body)
        except ValueError:
            return False
        return isinstance(told, dict) and bool(told.get("__type") or told.get("code") or told.get("Code"))
    root = _root(body)
    return root is not None and any(_name(one) == "Code" and one.text for one in root.iter())


def _missing(value: Any, path: list[str], at: str) -> Iterator[str]:
    """Where something is missing that the path names."""
    name, *rest = path
    bare = name.rstrip("[]{}")
    found = value.get(bare) if isinstance(value, Mapping) else None
    where = f"{at}.{bare}"
    if found is None or found == "":
        yield where
    elif name.endswith("[]"):
        for item in found:
            yield from _missing(item, rest, f"{where}[]") if rest else ()
    elif name.endswith("{}"):
        if not _is_object(str(found)):
            yield where
    elif rest:
        yield from _missing(found, rest, where)


def _is_object(text: str) -> bool:
    try:
        return isinstance(read_json(text), dict)
    except ValueError:
        return False


_FIX = (
    "look what answers in place of AWS (a proxy, a firewall, AWS_ENDPOINT_URL), then run again: nothing was "
    "concluded from this answer"
)


def _untrue(call: str, why: str, headers: Mapping[str, str], body: Any) -> Untrue:
    if not isinstance(body, bytes):
        body.close()  # nobody reads the stream
    kind = str(headers.get("content-type") or "no type").partition(";")[0][:40]
    size = f", {len(body)} bytes" if isinstance(body, bytes) else ""
    return Untrue(f"an answer that is not AWS's ({kind}{size}): {why}", where=call, fix=_FIX)
