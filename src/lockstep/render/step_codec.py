"""Steps, and the functions and packages in them, as JSON and back."""

from collections.abc import Mapping
from typing import Any, assert_never

from lockstep.model import (
    AddPermission,
    ApplyResource,
    Change,
    Code,
    CreateFunction,
    DeleteAlias,
    DeleteFunction,
    DeleteLogGroup,
    DeleteVersion,
    Function,
    Health,
    Merge,
    Package,
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
    Statement,
    Step,
    UpdateCode,
    UpdateConfiguration,
    Value,
    WriteManifests,
)
from lockstep.model.kinds import KINDS
from lockstep.model.layer import BuiltLayer
from lockstep.render.masks import concealed, concealed_change
from lockstep.render.wire import Node, value_to

__all__ = ["change_from", "change_to", "step_from", "step_to"]


def step_to(step: Step) -> Mapping[str, Any]:
    """A step as JSON; ``kind`` says which one it is."""
    kind, members = _members_to(step)
    return {"kind": kind, "id": step.id, "target": step.target, "needs": step.needs, **members}


def _members_to(step: Step) -> tuple[str, Mapping[str, Any]]:
    match step:
        case StagePackage():
            return "stage-package", {"package": _package_to(step.package)}
        case PublishLayer():
            return "publish-layer", {"layer": _layer_to(step.layer)}
        case CreateFunction():
            return "create-function", {"function": _function_to(step.function)}
        case UpdateConfiguration():
            return "update-configuration", {
                "function": _function_to(step.function),
                "changes": [change_to(change) for change in step.changes],
                "revision": step.revision,
            }
        case UpdateCode():
            return "update-code", {
                "function": _function_to(step.function),
                "changes": [change_to(change) for change in step.changes],
            }
        case SetCodeSigning():
            return "set-code-signing", {"function": step.function, "config": step.config}
        case SetConcurrency():
            return "set-concurrency", {"function": step.function, "reserved": step.reserved}
        case SetLogRetention():
            return "set-log-retention", {"logGroup": step.log_group, "days": step.days}
        case SetTags():
            return "set-tags", {
                "function": step.function,
                "put": dict(step.put),
                "remove": step.remove,
                "later": dict(step.later),
            }
        case AddPermission():
            return "add-permission", {
                "function": step.function,
                "statement": _statement_to(step.statement),
            }
        case RemovePermission():
            return "remove-permission", {
                "function": step.function,
                "sid": step.sid,
                "qualifier": step.qualifier,
            }
        case PutNotifications():
            return "put-notifications", {
                "bucket": step.bucket,
                "put": [dict(entry) for entry in step.put],
                "remove": step.remove,
                "targets": step.targets,
                "switchOn": step.switch_on,
            }
        case PutResource():
            return "put-resource", {
                "function": step.function,
                "resource": _resource_to(step.resource),
                "changes": [change_to(change) for change in step.changes],
                "movesFrom": step.moves_from,
            }
        case RemoveResource():
            return "remove-resource", {"function": step.function, "resource": _resource_to(step.resource)}
        case PublishVersion():
            return "publish-version", {
                "function": _function_to(step.function),
                "description": step.description,
                "ignore": step.ignore,
            }
        case PutAlias():
            return "put-alias", {
                "function": step.function,
                "alias": step.alias,
                "version": step.version,
                "description": step.description,
                "revision": step.revision,
            }
        case ShiftAlias():
            return "shift-alias", {
                "function": step.function,
                "alias": step.alias,
                "stable": step.stable,
                "candidate": step.candidate,
                "weight": step.weight,
                "state": step.state,
                "digest": step.digest,
                "policy": step.policy,
                "step": step.step,
                "steps": step.steps,
                "description": step.description,
                "revision": step.revision,
                "begun": step.begun,
                "reason": step.reason,
            }
        case SmokeTest():
            return "smoke-test", {
                "function": step.function,
                "version": step.version,
                "payload": step.payload,
                "expected": step.expected,
                "timeout": step.timeout,
                "place": step.place,
            }
        case DeleteAlias():
            return "delete-alias", {"function": step.function, "alias": step.alias}
        case DeleteVersion():
            return "delete-version", {
                "function": step.function,
                "version": step.version,
                "reason": step.reason,
            }
        case DeleteFunction():
            return "delete-function", {"function": step.function}
        case DeleteLogGroup():
            return "delete-log-group", {"logGroup": step.log_group}
        case RunTerraform():
            return "run-terraform", {"folder": step.folder, "workspace": step.workspace}
        case ApplyResource():
            return "apply-resource", {"address": step.address, "action": step.action}
        case WriteManifests():
            return "write-manifests", {
                "road": step.road,
                "merge": step.merge,
                "files": dict(step.files),
                "digest": step.digest,
                "branch": step.branch,
            }
        case _:
            assert_never(step)


def step_from(node: Node) -> Step:
    """What ``step_to`` wrote; BadInput for anything else."""
    base: dict[str, Any] = {
        "id": node.get("id").text(),
        "target": node.get("target").text(),
        "needs": node.get("needs").texts(),
    }
    match node.get("kind").text():
        case "stage-package":
            return StagePackage(**base, package=_package_from(node.get("package")))
        case "publish-layer":
            return PublishLayer(**base, layer=_layer_from(node.get("layer")))
        case "create-function":
            return CreateFunction(**base, function=_function_from(node.get("function")))
        case "update-configuration":
            return UpdateConfiguration(
                **base,
                function=_function_from(node.get("function")),
                changes=node.get("changes").many(change_from),
                revision=node.get("revision").maybe(Node.text),
            )
        case "update-code":
            return UpdateCode(
                **base,
                function=_function_from(node.get("function")),
                changes=node.get("changes").many(change_from),
            )
        case "set-code-signing":
            return SetCodeSigning(
                **base,
                function=node.get("function").text(),
                config=node.get("config").maybe(Node.text),
            )
        case "set-concurrency":
            return SetConcurrency(
                **base,
                function=node.get("function").text(),
                reserved=node.get("reserved").maybe(Node.integer),
            )
        case "set-log-retention":
            return SetLogRetention(
                **base,
                log_group=node.get("logGroup").text(),
                days=node.get("days").maybe(Node.integer),
            )
        case "delete-log-group":
            return DeleteLogGroup(**base, log_group=node.get("logGroup").text())
        case "set-tags":
            return SetTags(
                **base,
                function=node.get("function").text(),
                put=node.get("put").text_map(),
                remove=node.get("remove").texts(),
                later=node.get("later").map_of(lambda value: value.maybe(Node.text)),
            )
        case "add-permission":
            return AddPermission(
                **base,
                function=node.get("function").text(),
                statement=_statement_from(node.get("statement")),
            )
        case "remove-permission":
            return RemovePermission(
                **base,
                function=node.get("function").text(),
                sid=node.get("sid").text(),
                qualifier=node.get("qualifier").text(),
            )
        case "put-notifications":
            return PutNotifications(
                **base,
                bucket=node.get("bucket").text(),
                put=node.get("put").many(Node.raw_mapping),
                remove=node.get("remove").texts(),
                targets=node.get("targets").texts(),
                switch_on=node.get("switchOn").maybe(Node.flag) or False,
            )
        case "put-resource":
            return PutResource(
                **base,
                function=node.get("function").text(),
                resource=_resource_from(node.get("resource")),
                changes=node.get("changes").many(change_from),
                moves_from=node.get("movesFrom").maybe(Node.text),
            )
        case "remove-resource":
            return RemoveResource(
                **base,
                function=node.get("function").text(),
                resource=_resource_from(node.get("resource")),
            )
        case "publish-version":
            return PublishVersion(
                **base,
                function=_function_from(node.get("function")),
                description=node.get("description").text(),
                ignore=node.get("ignore").texts(),
            )
        case "put-alias":
            return PutAlias(
                **base,
                function=node.get("function").text(),
                alias=node.get("alias").text(),
                version=node.get("version").maybe(Node.text),
                description=node.get("description").text(),
                revision=node.get("revision").maybe(Node.text),
            )
        case "shift-alias":
            return ShiftAlias(
                **base,
                function=node.get("function").text(),
                alias=node.get("alias").text(),
                stable=node.get("stable").text(),
                candidate=node.get("candidate").maybe(Node.text),
                weight=float(node.get("weight").number()),
                state=node.get("state").text(),
                digest=node.get("digest").text(),
                policy=node.get("policy").text(),
                step=node.get("step").integer(),
                steps=node.get("steps").integer(),
                description=node.get("description").text(),
                revision=node.get("revision").maybe(Node.text),
                begun=node.get("begun").maybe(Node.text),
                reason=node.get("reason").text(),
            )
        case "smoke-test":
            return SmokeTest(
                **base,
                function=node.get("function").text(),
                version=node.get("version").maybe(Node.text),
                payload=node.get("payload").text(),
                expected=node.get("expected").text(),
                timeout=node.get("timeout").integer(),
                place=node.get("place").text(),
            )
        case "delete-alias":
            return DeleteAlias(**base, function=node.get("function").text(), alias=node.get("alias").text())
        case "delete-version":
            return DeleteVersion(
                **base,
                function=node.get("function").text(),
                version=node.get("version").text(),
                reason=node.get("reason").text(),
            )
        case "delete-function":
            return DeleteFunction(**base, function=node.get("function").text())
        case "run-terraform":
            return RunTerraform(
                **base, folder=node.get("folder").text(), workspace=node.get("workspace").text()
            )
        case "apply-resource":
            return ApplyResource(**base, address=node.get("address").text(), action=node.get("action").text())
        case "write-manifests":
            return WriteManifests(
                **base,
                road=node.get("road").text(),
                merge=node.get("merge").choice(Merge),
                files=node.get("files").text_map(),
                digest=node.get("digest").text(),
                branch=node.get("branch").maybe(Node.text),
            )
        case other:
            raise node.fail(f"{other!r} is not a kind of step")


def _resource_to(resource: Resource) -> Mapping[str, Any]:
    settings = {name: value_to(concealed(name, value)) for name, value in resource.settings.items()}
    return {
        "kind": resource.kind,
        "qualifier": resource.qualifier,
        "identity": resource.identity,
        "name": resource.name,
        "settings": settings,
        "place": resource.place,
    }


def _resource_from(node: Node) -> Resource:
    kind = node.get("kind").text()
    if kind not in KINDS:
        raise node.get("kind").fail(f"{kind!r} is not a kind of resource")
    settings = node.get("settings")
    return Resource(
        kind=kind,
        qualifier=node.get("qualifier").text(),
        identity=node.get("identity").text(),
        name=node.get("name").text(),
        settings=settings.map_of(Node.value),
        place=node.get("place").text(),
    )


def change_to(change: Change) -> Mapping[str, Any]:
    """A change as JSON, with its secrets' values left out."""
    change = concealed_change(change)
    return {"path": change.path, "old": value_to(change.old), "new": value_to(change.new)}


def change_from(node: Node) -> Change:
    """What ``change_to`` wrote."""
    return Change(path=node.get("path").text(), old=node.get("old").value(), new=node.get("new").value())


def _function_to(function: Function) -> Mapping[str, Any]:
    return {
        "name": function.name,
        "settings": {name: value_to(concealed(name, v)) for name, v in function.settings.items()},
        "code": _code_to(function.code),
        "tags": dict(function.tags),
        "arn": function.arn,
        "revision": function.revision,
        "modified": function.modified,
        "health": function.health,
        "reason": function.reason,
        "unread": sorted(function.unread),
    }


def _function_from(node: Node) -> Function:
    settings: dict[str, Value] = {
        name: node.get("settings").get(name).value() for name in node.get("settings").mapping()
    }
    tags = node.get("tags")
    return Function(
        name=node.get("name").text(),
        settings=settings,
        code=_code_from(node.get("code")),
        tags=tags.map_of(lambda tag: tag.maybe(Node.text)),
        arn=node.get("arn").maybe(Node.text),
        revision=node.get("revision").maybe(Node.text),
        modified=node.get("modified").maybe(Node.text),
        health=node.get("health").choice(Health),
        reason=node.get("reason").maybe(Node.text),
        unread=frozenset(node.get("unread").texts()),
    )


def _code_to(code: Code) -> Mapping[str, Any]:
    package = _package_to(code.package) if code.package else None
    return {"sha256": code.sha256, "image": code.image, "package": package}


def _code_from(node: Node) -> Code:
    return Code(
        sha256=node.get("sha256").maybe(Node.text),
        image=node.get("image").maybe(Node.text),
        package=node.get("package").maybe(_package_from),
    )


def _package_to(package: Package) -> Mapping[str, Any]:
    return {
        "sha256": package.sha256,
        "size": package.size,
        "bucket": package.bucket,
        "key": package.key,
        "origin": package.origin,
        "objectVersion": package.object_version,
        "bucketOwner": package.bucket_owner,
        "isStaged": package.is_staged,
        "releases": package.releases,
    }


def _package_from(node: Node) -> Package:
    return Package(
        sha256=node.get("sha256").text(),
        size=node.get("size").integer(),
        bucket=node.get("bucket").text(),
        key=node.get("key").text(),
        origin=node.get("origin").text(),
        object_version=node.get("objectVersion").maybe(Node.text),
        bucket_owner=node.get("bucketOwner").maybe(Node.text),
        is_staged=node.get("isStaged").flag(),
        releases=node.get("releases").texts(),
    )


def _layer_to(layer: BuiltLayer) -> Mapping[str, Any]:
    return {
        "target": layer.target,
        "service": layer.service,
        "version": layer.version,
        "name": layer.name,
        "runtimes": layer.runtimes,
        "architectures": layer.architectures,
        "license": layer.license,
        "package": _package_to(layer.package) if layer.package else None,
        "arn": layer.arn,
        "place": layer.place,
    }


def _layer_from(node: Node) -> BuiltLayer:
    return BuiltLayer(
        target=node.get("target").text(),
        service=node.get("service").text(),
        version=node.get("version").text(),
        name=node.get("name").text(),
        runtimes=node.get("runtimes").texts(),
        architectures=node.get("architectures").texts(),
        license=node.get("license").maybe(Node.text),
        package=node.get("package").maybe(_package_from),
        arn=node.get("arn").text(),
        place=node.get("place").text(),
    )


def _statement_to(statement: Statement) -> Mapping[str, Any]:
    return {
        "sourceArn": statement.source_arn,
        "sourceAccount": statement.source_account,
        "principal": statement.principal,
        "action": statement.action,
        "qualifier": statement.qualifier,
        "sid": statement.sid,
    }


def _statement_from(node: Node) -> Statement:
    return Statement(
        source_arn=node.get("sourceArn").text(),
        source_account=node.get("sourceAccount").maybe(Node.text),
        principal=node.get("principal").text(),
        action=node.get("action").text(),
        qualifier=node.get("qualifier").text(),
        sid=node.get("sid").text(),
    )
