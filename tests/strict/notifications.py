"""S3 checks a bucket's notifications before it takes them; the emulators take anything.

Sources: PutBucketNotificationConfiguration in the S3 API reference; "Configuring event notifications
using object key name filtering" in the S3 user guide (overlap, wildcards).
"""

import fnmatch
import json
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from urllib.parse import quote

from tests.strict.errors import error
from tests.strict.proxy import Call, Rule
from tests.strict.wire import Answer

__all__ = ["EVENTS", "Entry", "Notifications"]

_PUT = "s3.PutBucketNotificationConfiguration"
_GET = "s3.GetBucketNotificationConfiguration"
_AMBIGUOUS = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes "
    "are overlapping for the same event type."
)
_TARGETS = {"CloudFunction": "lambda", "LambdaFunctionArn": "lambda", "Topic": "sns", "Queue": "sqs"}

EVENTS = frozenset(
    {
        "s3:ReducedRedundancyLostObject",
        "s3:ObjectCreated:*",
        "s3:ObjectCreated:Put",
        "s3:ObjectCreated:Post",
        "s3:ObjectCreated:Copy",
        "s3:ObjectCreated:CompleteMultipartUpload",
        "s3:ObjectRemoved:*",
        "s3:ObjectRemoved:Delete",
        "s3:ObjectRemoved:DeleteMarkerCreated",
        "s3:ObjectRestore:*",
        "s3:ObjectRestore:Post",
        "s3:ObjectRestore:Completed",
        "s3:ObjectRestore:Delete",
        "s3:Replication:*",
        "s3:Replication:OperationFailedReplication",
        "s3:Replication:OperationNotTracked",
        "s3:Replication:OperationMissedThreshold",
        "s3:Replication:OperationReplicatedAfterThreshold",
        "s3:LifecycleTransition",
        "s3:LifecycleExpiration:*",
        "s3:LifecycleExpiration:Delete",
        "s3:LifecycleExpiration:DeleteMarkerCreated",
        "s3:IntelligentTiering",
        "s3:ObjectAcl:Put",
        "s3:ObjectTagging:*",
        "s3:ObjectTagging:Put",
        "s3:ObjectTagging:Delete",
        "s3:ObjectAnnotation:*",
        "s3:ObjectAnnotation:Put",
        "s3:ObjectAnnotation:Delete",
        "s3:ObjectRetention:Put",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry of a bucket's notifications."""

    id: str
    kind: str  # lambda, sns, sqs
    arn: str
    events: frozenset[str]
    prefix: str = ""
    suffix: str = ""
    rules: tuple[str, ...] = ()  # names of the filter rules, lower case

    def overlaps(self, other: "Entry") -> bool:
        """The same object and event could match both."""
        shared = any(
            fnmatch.fnmatchcase(a, b) or fnmatch.fnmatchcase(b, a) for a in self.events for b in other.events
        )
        prefixes = self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix)
        suffixes = self.suffix.endswith(other.suffix) or other.suffix.endswith(self.suffix)
        return shared and prefixes and suffixes


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _entries(root: ET.Element) -> Iterator[Entry]:
    for element in root:
        fields: dict[str, Any] = {"id": "", "events": set(), "arn": "", "kind": ""}
        for child in element.iter():
            text = child.text or ""
            match _name(child):
                case "Id":
                    fields["id"] = text
                case "Event":
                    fields["events"].add(text)
                case "CloudFunction" | "LambdaFunctionArn" | "Topic" | "Queue" as tag:
                    fields["arn"], fields["kind"] = text, _TARGETS[tag]
        if not fields["kind"]:
            continue
        rules = []
        for rule in (child for child in element.iter() if _name(child) == "FilterRule"):
            parts = {_name(part): part.text or "" for part in rule}
            rules.append(parts.get("Name", "").lower())
            fields[rules[-1]] = parts.get("Value", "")
        yield Entry(
            id=fields["id"],
            kind=fields["kind"],
            arn=fields["arn"],
            events=frozenset(fields["events"]),
            prefix=fields.get("prefix", ""),
            suffix=fields.get("suffix", ""),
            rules=tuple(rules),
        )


class Notifications(Rule):
    """Validate every PutBucketNotificationConfiguration as S3 does.

    - ids are unique, events are known, a filter has at most one prefix and one suffix;
    - no two entries, of whatever kind, overlap in event, prefix AND suffix;
    - every Lambda destination exists, in the bucket's Region, and its resource policy (that of the
      qualifier named) lets S3 call it for this bucket, unless SkipDestinationValidation is set;
    - ExpectedBucketOwner, on any S3 call, must be the account;
    - ``EventBridgeConfiguration`` is kept, also on an emulator that drops it.

    SNS and SQS destinations are taken without asking them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._eventbridge: dict[tuple[str, str], bool] = {}
        self._waiting: dict[int, bool] = {}

    def before(self, call: Call) -> Answer | None:
        """Refuse what S3 refuses."""
        if call.operation.service != "s3":
            return None
        owner = call.request.headers.get("x-amz-expected-bucket-owner")
        if owner is not None and owner != call.operation.account:
            return error(call.operation, 403, "AccessDenied", "Access Denied")
        if call.name != _PUT:
            return None
        try:
            root = ET.fromstring(call.request.body)  # noqa: S314 - written by the tests' own clients
        except ET.ParseError:
            return error(
                call.operation,
                400,
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our published schema",
            )
        entries = list(_entries(root))
        problem = self._shape(call, entries) or self._destinations(call, entries)
        if problem is None:
            bridge = any(_name(element) == "EventBridgeConfiguration" for element in root)
            self._waiting[call.number] = bridge
        return problem

    def after(self, call: Call, answer: Answer) -> Answer:
        """Keep and give back whether EventBridge is on."""
        place = (call.operation.account, call.operation.params.get("Bucket", ""))
        if call.name == _PUT:
            bridge = self._waiting.pop(call.number)
            if answer.is_success:
                with self._lock:
                    self._eventbridge[place] = bridge
        elif call.name == _GET and answer.is_success and self._eventbridge.get(place):
            if b"EventBridgeConfiguration" not in answer.body:
                answer.body = _with_eventbridge(answer.body)
        elif call.name == "s3.DeleteBucket" and answer.is_success:
            self._eventbridge.pop(place, None)
        return answer

    def _shape(self, call: Call, entries: list[Entry]) -> Answer | None:
        ids = [entry.id for entry in entries if entry.id]
        if len(ids) != len(set(ids)):
            return _invalid(call, "Same ID used for multiple configurations. IDs must be unique")
        for entry in entries:
            unknown = sorted(entry.events - EVENTS)
            if unknown or not entry.events:
                extra = {"ArgumentName": "Event", "ArgumentValue": unknown[0] if unknown else ""}
                return _invalid(call, "A specified event is not supported for notifications.", extra)
            if set(entry.rules) - {"prefix", "suffix"}:
                return _invalid(call, "filter rule name must be either prefix or suffix")
            for name in ("prefix", "suffix"):
                if entry.rules.count(name) > 1:
                    return _invalid(call, f"Cannot specify more than one {name} rule in a filter.")
        if any(one.overlaps(other) for one, other in combinations(entries, 2)):
            return _invalid(call, _AMBIGUOUS)
        return None

    def _destinations(self, call: Call, entries: list[Entry]) -> Answer | None:
        if call.request.headers.get("x-amz-skip-destination-validation", "").lower() == "true":
            return None
        bucket = call.operation.params["Bucket"]
        problems: dict[str, str] = {}
        for arn in dict.fromkeys(entry.arn for entry in entries if entry.kind == "lambda"):
            problem = self.problem_of(call, arn, bucket)
            if problem:
                problems[arn] = problem
        if not problems:
            return None
        extra = {}
        for number, (arn, problem) in enumerate(problems.items(), 1):
            extra[f"ArgumentName{number}"] = f"{arn}, null"  # as S3 writes it
            extra[f"ArgumentValue{number}"] = problem
        return _invalid(call, "Unable to validate the following destination configurations", extra)

    def problem_of(self, call: Call, arn: str, bucket: str) -> str | None:
        """Say why S3 may not call a function for a bucket; None when it may."""
        parts = arn.split(":")
        if len(parts) not in (7, 8) or parts[2] != "lambda":
            return "The ARN is not well formed"
        if call.operation.region and parts[3] != call.operation.region:
            return (
                "The notification destination service region is not valid for the bucket location constraint"
            )
        query = {"Qualifier": parts[7]} if len(parts) == 8 else {}
        path = f"/2015-03-31/functions/{quote(':'.join(parts[:7]), safe='')}"
        if not self.cloud.ask(call, "GET", path, query).is_success:
            return "The destination Lambda function does not exist"
        policy = self.cloud.ask(call, "GET", f"{path}/policy", query)
        statements = json.loads(json.loads(policy.body)["Policy"])["Statement"] if policy.is_success else []
        own = [one for one in statements if one.get("Resource", arn) == arn]  # of just this qualifier
        if any(_allows(s, f"arn:aws:s3:::{bucket}", call.operation.account) for s in own):
            return None
        return f"Not authorized to invoke function [{arn}]"


def _invalid(call: Call, message: str, extra: dict[str, str] | None = None) -> Answer:
    return error(call.operation, 400, "InvalidArgument", message, extra)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _allows(statement: dict[str, Any], source: str, account: str) -> bool:
    """The statement lets S3 invoke the function for objects of the source bucket."""
    principal = statement.get("Principal")
    services = principal.get("Service", []) if isinstance(principal, dict) else principal or []
    if statement.get("Effect") != "Allow" or not {"s3.amazonaws.com", "*"} & set(_listed(services)):
        return False
    if not any(fnmatch.fnmatchcase("lambda:InvokeFunction", a) for a in _listed(statement["Action"])):
        return False
    actual = {"aws:sourcearn": source, "aws:sourceaccount": account}
    for condition in (statement.get("Condition") or {}).values():
        for key, value in condition.items():
            wanted = actual.get(key.lower(), "")
            if not any(fnmatch.fnmatchcase(wanted, pattern) for pattern in _listed(value)):
                return False
    return True


def _with_eventbridge(body: bytes) -> bytes:
    """Add the element that says that EventBridge is on."""
    text = body.decode()
    if "</NotificationConfiguration>" in text:
        return text.replace(
            "</NotificationConfiguration>", "<EventBridgeConfiguration/></NotificationConfiguration>"
        ).encode()
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        b"<EventBridgeConfiguration/></NotificationConfiguration>"
    )
