"""Triggers on buckets, from a merged ``lambda`` block."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockstep.config.context import Context
from lockstep.config.layers import Path
from lockstep.model import Resource, Trigger
from lockstep.model.relay import EVENTBRIDGE, rules_of, unsent
from lockstep.planning.notifications import find_overlaps

__all__ = ["read_triggers"]


def read_triggers(
    context: Context, block: Mapping[str, Any]
) -> tuple[tuple[Trigger, ...], tuple[Trigger, ...], tuple[Resource, ...]]:
    """The triggers by notifications, those through EventBridge, and the rules that call for these.

    Problems are noted in the context.
    """
    triggers: list[Trigger] = []
    relayed: list[Trigger] = []
    if block.get("s3TriggerPrefix") is not None:
        triggers.append(
            _trigger(context, {"prefix": block["s3TriggerPrefix"]}, ("lambda", "s3TriggerPrefix"))
        )
    for number, entry in enumerate(block.get("triggers") or ()):
        one = _trigger(context, entry, ("lambda", "triggers", number))
        (relayed if entry.get("via") == EVENTBRIDGE else triggers).append(one)
    _check_relayed(context, relayed)
    alias, function = block.get("alias") or "", block.get("functionName") or ""
    rules = tuple(rule for one in relayed for rule in rules_of(one, alias, function))
    return tuple(triggers), tuple(relayed), rules


def _check_relayed(context: Context, relayed: Sequence[Trigger]) -> None:
    run = context.file.project.environment(context.candidate.environment).terraform
    for one in relayed:
        if run is not None:
            context.wrong_at(
                one.place,
                "the trigger is to come through EventBridge, which the engine terraform switches on for no "
                "bucket",
                "switch it on in your Terraform code and declare a rule for the bucket's events under "
                "lambda.rules, or use `engine: aws`",
            )
        if (event := unsent(one.events)) is not None:
            context.wrong_at(
                one.place, f"S3 sends no {event} to EventBridge", "take the event out, or `via: eventbridge`"
            )
    for first, second in find_overlaps([("", one) for one in relayed]):
        context.wrong_at(
            relayed[second].place,
            f"shares objects of s3://{relayed[first].bucket}/ with the trigger at {relayed[first].place}, "
            "both through EventBridge: the function would be called twice for each of them",
            "remove one of them, or give them prefixes or suffixes of which neither contains the other",
        )


def _trigger(context: Context, entry: Mapping[str, Any], path: Path) -> Trigger:
    bucket = entry.get("bucket") or context.file.trigger_bucket
    if bucket is None:
        fix = "add 'triggers: {bucket: name}' to lockstep.yaml"
        context.wrong(path, "the trigger names no bucket", fix)
    events = entry.get("events")
    return Trigger(
        bucket=bucket or "",
        prefix=entry.get("prefix") or "",
        suffix=entry.get("suffix") or "",
        events=tuple(sorted(set(events))) if events else context.file.trigger_events,
        place=context.stack.place(path),
    )
