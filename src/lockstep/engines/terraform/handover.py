"""Handing functions over, as text and data: what a state holds of them, blocks that let go of them and
blocks that take them.

Sources: Terraform's documentation of ``removed`` (1.7) and ``import`` (1.5) blocks, and the AWS
provider's of how each resource is imported.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from lockstep.engines.terraform.beside import CALLERS
from lockstep.engines.terraform.state import ALIAS, FUNCTION, ROLLED
from lockstep.errors import BadInput
from lockstep.model import Bucket, Fleet, Resource, Statement, Target, Trigger
from lockstep.model.foreign import read_json, shaped
from lockstep.model.kinds import KINDS
from lockstep.model.kinds.base import sid_on
from lockstep.planning.notifications import LAMBDA, owner_of
from lockstep.values import dataclass

__all__ = [
    "Managed",
    "Takeover",
    "following",
    "managed_in",
    "removed_blocks",
    "takeover",
    "triggers_of",
]

NOTIFICATION = "aws_s3_bucket_notification"
PERMISSION = "aws_lambda_permission"
_CALLS = {
    list(kind.terraform.resources)[-1]: kind.terraform.calls for kind in KINDS.values() if kind.terraform
}
"""Where a resource beside functions names the one that it calls."""
_PARTS = {part for kind in KINDS.values() if kind.terraform for part in kind.terraform.resources}


@dataclass(frozen=True, kw_only=True, slots=True)
class Managed:
    """One instance of a resource in a state."""

    address: str  # with its key: module.fleet.aws_lambda_function.this["staging/api"]
    resource: str  # without it
    kind: str
    name: str
    index: str | int | None
    values: Mapping[str, Any] = field(repr=False)

    @property
    def function(self) -> str | None:
        """Name of the function that it is, or that it is about."""
        text: Any = self.values
        for part in _CALLS.get(self.kind, "function_name").split("."):
            text = text[0] if isinstance(text, list) and text else text
            text = text.get(part) if isinstance(text, dict) else None
        found = str(text or "").partition(":function:")[2] or str(text or "")
        if found.startswith(("arn:", "http:", "https:")):
            return None  # a queue, a stream, an address
        return found.partition(":")[0] or None


def managed_in(text: str, where: str) -> list[Managed]:
    """Everything that a state manages: from a state file, ``state pull`` or ``show -json``.

    Raises BadInput when the text is none of these.
    """
    no_state = BadInput(
        "this is no state of Terraform's",
        where=where,
        fix="give what `terraform state pull` or `terraform show -json` prints",
    )
    with shaped(no_state):
        document: dict[str, Any] = read_json(text)
        if "format_version" in document:
            return list(_shown(document.get("values", {}).get("root_module", {})))
        if document["version"] != 4:
            raise KeyError("version")
        return [
            _managed(one, instance.get("index_key"), instance.get("attributes") or {}, one.get("module"))
            for one in document["resources"]
            if one["mode"] == "managed"
            for instance in one["instances"]
        ]


def _shown(module: Mapping[str, Any]) -> Iterable[Managed]:
    for one in module.get("resources", ()):
        if one["mode"] == "managed":
            yield _managed(one, one.get("index"), one.get("values") or {}, module.get("address"))
    for child in module.get("child_modules", ()):
        yield from _shown(child)


def _managed(one: Mapping[str, Any], index: Any, values: Mapping[str, Any], module: str | None) -> Managed:
    resource = f"{module}." if module else ""
    resource += f"{one['type']}.{one['name']}"
    key = "" if index is None else f"[{json.dumps(index)}]"
    if not isinstance(values, dict) or not isinstance(index, str | int | None):
        raise TypeError(f"{resource} is not described")
    if one["type"] == NOTIFICATION:
        for entry in values.get("lambda_function") or ():
            named = [entry.get(name) for name in ("lambda_function_arn", "filter_prefix", "filter_suffix")]
            told = [*filter(None, named), *(entry.get("events") or ())]
            if not all(isinstance(text, str) for text in told):
                raise TypeError(f"an entry of {resource} is not described")
    return Managed(
        address=resource + key,
        resource=resource,
        kind=str(one["type"]),
        name=str(one["name"]),
        index=index,
        values=values,
    )


def triggers_of(function: str, managed: Iterable[Managed]) -> tuple[Trigger, ...]:
    """Triggers of a function: entries that call it in the notifications of a state's buckets."""
    found: list[Trigger] = []
    for one in managed:
        if one.kind != NOTIFICATION:
            continue
        for entry in one.values.get("lambda_function") or ():
            if _called(entry) == function:
                found.append(
                    Trigger(
                        bucket=str(one.values.get("bucket")),
                        prefix=entry.get("filter_prefix") or "",
                        suffix=entry.get("filter_suffix") or "",
                        events=tuple(sorted(entry.get("events") or ())),
                    )
                )
    return tuple(found)


def following(
    going: Sequence[Managed], managed: Sequence[Managed], *, handed_over: Collection[str]
) -> tuple[list[Managed], dict[str, list[str]]]:
    """The functions that go with all that goes with them, and notifications that call others as well.

    A permission follows its function, and so does what calls it: a rule with its target, a route with its
    integration, by the key that they share. A bucket's notification is one resource for all: it goes once
    every function of the state that it calls goes or is ``handed_over`` (names); until then it stays, and is
    told by its address with the functions that hold it.
    """
    names = {one.function for one in going}
    stay = {one.function for one in managed if one.kind == FUNCTION} - names - set(handed_over)
    gone = list(going)
    staying: dict[str, list[str]] = {}
    beside = {_key(one) for one in managed if one.kind in _CALLS and one.function in names}
    for one in managed:
        if one.kind == FUNCTION:
            continue
        if one.function in names or (one.kind in _PARTS and one.index is not None and _key(one) in beside):
            gone.append(one)
        if one.kind == NOTIFICATION:
            called = {_called(entry) for entry in one.values.get("lambda_function") or ()}
            if called & names and called & stay:
                staying[one.address] = sorted(name for name in called & stay if name)
            elif called & names:
                gone.append(one)
    return gone, staying


def _key(one: Managed) -> tuple[str, str | int | None, str]:
    """What parts of one resource of ours share: the module, the key and the name."""
    return one.resource.rpartition(f"{one.kind}.{one.name}")[0], one.index, one.name


def _called(entry: Mapping[str, Any]) -> str:
    """Name of the function that an entry of a notification calls, by any version or alias."""
    return str(entry.get("lambda_function_arn", "")).rpartition(":function:")[2].partition(":")[0]


def removed_blocks(gone: Sequence[Managed], managed: Sequence[Managed], binary: str = "terraform") -> str:
    """Text for a .tf file that lets go of resources without destroying them.

    A block speaks of a whole resource. Where other instances of it stay, a command is named instead.
    """
    addresses = {one.address for one in gone}
    blocks: list[str] = []
    commands: list[str] = []
    for resource in dict.fromkeys(one.resource for one in gone):
        instances = [one for one in managed if one.resource == resource]
        if all(one.address in addresses for one in instances):
            blocks.append(
                f"removed {{\n  from = {resource}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"
            )
        else:
            mine = [one.address for one in instances if one.address in addresses]
            commands += [f"# {binary} state rm '{address}'" for address in mine]
    if commands:
        blocks.append(
            "\n".join(["# Others of the same resource stay; these are let go by command:", *commands, ""])
        )
    return "\n".join(blocks)


@dataclass(frozen=True, kw_only=True, slots=True)
class Takeover:
    """What Terraform needs to take functions over: import blocks, and values beside ``functions``."""

    imports: str
    foreign: Mapping[str, Any]  # foreign_notifications of the module lambda-fleet
    order: Mapping[str, list[str]]  # notification_order


def takeover(keys: Iterable[str], desired: Fleet, live: Fleet, module: str) -> Takeover:
    """Import blocks for the live functions of targets, for the module lambda-fleet called ``module``."""
    blocks: list[tuple[str, str]] = []
    buckets: dict[str, None] = {}
    groups: dict[str, None] = {}
    wanted = list(keys)
    for key in wanted:
        target, there = desired.targets[key], live.targets[key]
        assert target.function is not None  # noqa: S101 - callers pass functions that are live
        name = target.function.name
        blocks.append((f'{FUNCTION}.this["{key}"]', name))
        called = f"{name}:{target.alias}" if target.alias else name
        if there.live_alias is not None:
            whose = ROLLED if target.is_rolled else "this"
            blocks.append((f'{ALIAS}.{whose}["{key}"]', f"{name}/{target.alias}"))
        for one in target.resources:
            blocks += _beside(key, name, one, there)
        scope = live.scope(target.environment)
        for bucket in sorted({trigger.bucket for trigger in target.triggers}):
            buckets[bucket] = None
            sid = _sid(there, scope.bucket_arn(bucket), scope.account, target.qualifier)
            if sid is not None:
                blocks.append((f'{PERMISSION}.s3["{key}:{bucket}"]', f"{called}/{sid}"))
        if target.function.settings.get("logRetentionDays") is not None:
            groups[str(target.function.settings.get("logging.group") or f"/aws/lambda/{name}")] = None
    blocks += [(f'{NOTIFICATION}.this["{bucket}"]', bucket) for bucket in buckets]
    blocks += [(f'aws_cloudwatch_log_group.this["{group}"]', group) for group in groups]
    return Takeover(
        imports="\n".join(
            f"import {{\n  to = {module}.{to}\n  id = {json.dumps(identity)}\n}}\n" for to, identity in blocks
        ),
        foreign={
            name: found
            for name in buckets
            if (found := _foreign(live.buckets.get(name), desired.project, set(wanted)))
        },
        order={
            name: [str(entry.get("Id")) for entry in live.buckets[name].raw.get(LAMBDA, ())]
            for name in buckets
            if name in live.buckets
        },
    )


def _beside(key: str, function: str, wanted: Resource, live: Target) -> Iterator[tuple[str, str]]:
    """Where what stands beside a function goes, and what it is imported by."""
    kind = KINDS[wanted.kind]
    found = [one for one in live.resources if (one.kind, one.identity) == (wanted.kind, wanted.identity)]
    one = next((one for one in found if one.qualifier == wanted.qualifier), None)
    if kind.terraform is None or one is None:
        return
    end = f":{wanted.name}" if wanted.name else ""
    for resource, identity in zip(kind.terraform.resources, kind.terraform.ids(function, one), strict=True):
        if resource.rpartition("_")[2] not in one.missing:
            yield f'{resource}.this["{key}{end}"]', identity
    if kind.terraform.sid is not None and one.is_let_in:
        sid = sid_on(kind.terraform.sid(one.identity), one.qualifier)
        called = f"{function}:{one.qualifier}" if one.qualifier else function
        yield f'{PERMISSION}.{CALLERS}["{key}:{kind.name}{end}"]', f"{called}/{sid}"


def _sid(live: Target, source: str, account: str, qualifier: str) -> str | None:
    """The statement that the module would make, when it is there already."""
    wanted = Statement(source_arn=source, source_account=account, qualifier=qualifier)
    return next((one.sid for one in live.statements if one.sid == wanted.content_id and one == wanted), None)


def _foreign(bucket: Bucket | None, project: str, keys: set[str]) -> dict[str, Any]:
    """Entries of a bucket that are nobody's of those that go over, in the shape of the module."""
    if bucket is None:
        return {}
    found: dict[str, Any] = {}
    if "EventBridgeConfiguration" in bucket.raw:
        found["eventbridge"] = True
    members = {
        LAMBDA: ("lambda_functions", "lambda_function_arn", "LambdaFunctionArn"),
        "QueueConfigurations": ("queues", "queue_arn", "QueueArn"),
        "TopicConfigurations": ("topics", "topic_arn", "TopicArn"),
    }
    for member, (name, key, api) in members.items():
        entries = [
            _entry(entry, key, api)
            for entry in bucket.raw.get(member, ())
            if member != LAMBDA or not _is_ours(str(entry.get("Id", "")), project, keys)
        ]
        if entries:
            found[name] = entries
    return found


def _is_ours(identity: str, project: str, keys: set[str]) -> bool:
    owner = owner_of(identity)
    return owner is not None and owner[0] == project and owner[1] in keys


def _entry(entry: Mapping[str, Any], key: str, api: str) -> dict[str, Any]:
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", ())
    filters = {str(rule.get("Name", "")).lower(): str(rule.get("Value", "")) for rule in rules}
    found: dict[str, Any] = {"id": entry.get("Id"), key: entry.get(api), "events": list(entry["Events"])}
    found |= {f"filter_{name}": value for name, value in filters.items() if value}
    return found
