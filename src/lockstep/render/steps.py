"""Steps of a plan in words."""

from collections.abc import Mapping
from typing import Any, assert_never

from lockstep.model import (
    AddPermission,
    ApplyResource,
    CreateFunction,
    DeleteAlias,
    DeleteFunction,
    DeleteLogGroup,
    DeleteVersion,
    Plan,
    PublishLayer,
    PublishVersion,
    PutAlias,
    PutNotifications,
    PutResource,
    RemovePermission,
    RemoveResource,
    Resource,
    RunTerraform,
    SetCodeSigning,
    SetConcurrency,
    SetLogRetention,
    SetTags,
    ShiftAlias,
    SmokeTest,
    StagePackage,
    Step,
    StepResult,
    UpdateCode,
    UpdateConfiguration,
    WriteManifests,
)
from lockstep.model.kinds import KINDS
from lockstep.model.layer import BuiltLayer
from lockstep.model.rolling import TAKEN_BACK
from lockstep.model.rollout import share_words
from lockstep.render.cells import printable

__all__ = ["SWITCHED_ON", "describe", "entry_words", "layer_words", "step_words", "words_by_step"]

SWITCHED_ON = "all events to EventBridge"
"""What is new about a bucket whose switch for EventBridge is put on."""


def describe(step: Step) -> str:
    """What the step does, in a few words: ``update code``, ``reserve 5 concurrent executions``."""
    match step:
        case StagePackage(package=package):
            words = f"stage package {package.origin}"
        case PublishLayer(layer=layer):
            words = layer_words(layer)
        case CreateFunction():
            words = "create function"
        case UpdateConfiguration():
            words = "update configuration"
        case UpdateCode():
            words = "update code"
        case SetCodeSigning(config=None):
            words = "take away the code signing configuration"
        case SetCodeSigning(config=config):
            words = f"set the code signing configuration {config}"
        case SetConcurrency(reserved=None):
            words = "give back reserved concurrency"
        case SetConcurrency(reserved=reserved):
            words = f"reserve {reserved} concurrent executions"
        case SetLogRetention(log_group=group, days=None):
            words = f"keep logs of {group} for ever"
        case SetLogRetention(log_group=group, days=days):
            words = f"keep logs of {group} for {days} days"
        case SetTags():
            words = "set tags"
        case AddPermission(statement=statement):
            words = f"allow {statement.source_arn or statement.principal} to call"
        case RemovePermission(sid=sid):
            words = f"remove permission {sid}"
        case PutNotifications():
            words = "write bucket notifications"
        case PutResource(resource=resource, moves_from=str() as qualifier):
            there = qualifier or "the function itself"
            words = f"move {_titled(resource)} from {there} to {resource.qualifier or 'the function itself'}"
        case PutResource(resource=resource):
            words = f"set {_titled(resource)}"
        case RemoveResource(resource=resource):
            words = f"remove {_titled(resource)}"
        case PublishVersion():
            words = "publish version"
        case PutAlias(alias=alias, version=None):
            words = f"point alias {alias} at it"
        case PutAlias(alias=alias, version=version):
            words = f"point alias {alias} at version {version}"
        case ShiftAlias(alias=alias, stable=stable, reason=reason) if step.state in TAKEN_BACK:
            words = f"take all calls of {alias} back to version {stable}: {reason}"
        case ShiftAlias(alias=alias, weight=weight, step=number, steps=steps):
            version = f"version {step.candidate}" if step.candidate is not None else "it"
            share = share_words(weight)
            where = f"step {number + 1} of {steps}" if number < steps else "the end for its group"
            words = f"give {version} {share} of the calls of {alias}, {where}"
        case SmokeTest(version=None):
            words = "call it once"
        case SmokeTest(version=version):
            words = f"call version {version} once"
        case DeleteAlias(alias=alias):
            words = f"delete alias {alias}"
        case DeleteVersion(version=version, reason=reason):
            words = f"delete version {version}: {reason}"
        case DeleteFunction():
            words = "delete function"
        case DeleteLogGroup(log_group=group):
            words = f"delete logs {group}"
        case RunTerraform(folder=folder):
            words = f"terraform apply in {folder}"
        case ApplyResource(address=address, action=action):
            words = f"{action} {address}"
        case WriteManifests(road=road, files=files):
            words = f"write {len(files)} {'manifest' if len(files) == 1 else 'manifests'} for {road}"
        case _:
            assert_never(step)
    return printable(words)


def layer_words(layer: BuiltLayer) -> str:
    """``publish common@1.4.0 as a version of the layer orders-common``."""
    return f"publish {layer.release} as a version of the layer {layer.name}"


def _titled(resource: Resource) -> str:
    """``function URL``; of one of several ``event source orders``."""
    return f"{KINDS[resource.kind].title} {resource.name}".rstrip()


def words_by_step(plan: Plan) -> Mapping[str, str]:
    """Words for each step of a plan, by the step's id, to tell results with."""
    return {step.id: describe(step) for step in plan.steps}


def step_words(result: StepResult, words: Mapping[str, str]) -> str:
    """``staging/s3-notifier: update code``, or the step's id where the plan is not at hand."""
    what = words.get(result.step, "") or printable(result.step)
    return f"{printable(result.target)}: {what}" if result.target and result.step in words else what


def entry_words(entry: Mapping[str, Any]) -> str:
    """A notification entry as the API takes it: ``staging/* [s3:ObjectCreated:*] -> function``."""
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", ())
    filters = {str(rule.get("Name", "")).lower(): str(rule.get("Value", "")) for rule in rules}
    events = ", ".join(str(event) for event in entry.get("Events", ()))
    function = str(entry.get("LambdaFunctionArn", "")).partition(":function:")[2]
    words = f"{filters.get('prefix', '')}*{filters.get('suffix', '')} [{events}]"
    return printable(f"{words} -> {function}" if function else words)
