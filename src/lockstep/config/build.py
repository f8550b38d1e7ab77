"""The merged values of one candidate -> a Target, where they declare one."""

from collections.abc import Mapping
from typing import Any

from lockstep.config import rules, templates
from lockstep.config.alias import read_alias, read_keeping
from lockstep.config.built_layers import build_layer
from lockstep.config.context import Context
from lockstep.config.function import read_settings
from lockstep.config.hold import read_hold
from lockstep.config.layers import Path
from lockstep.config.limits import check_limits, check_tags
from lockstep.config.release import read_published, read_release
from lockstep.config.resources import read_resources
from lockstep.config.role import with_own_role
from lockstep.config.rollout import read_rollout
from lockstep.config.schema import LAMBDA
from lockstep.config.shapes import REMOVED
from lockstep.config.triggers import read_triggers
from lockstep.config.versions import find_version
from lockstep.model import Code, Function, Target
from lockstep.model.alias import is_number
from lockstep.model.fields import APART
from lockstep.model.function import MAX_ENVIRONMENT, environment_size
from lockstep.model.layer import DEPLOYMENT
from lockstep.planning.policy import ownership_tags
from lockstep.suggest import is_misspelt

__all__ = ["DECLARING", "PLACED", "build"]

DECLARING = frozenset({"environment config", "environment service", "pull request", "preview service config"})
"""Layers of which a ``lambda:`` block makes a service a Lambda function without a deploymentType."""

PLACED = (
    *("role", "vpc.subnetIds", "deadLetterTarget", "kmsKeyArn", "fileSystems", "logRetentionDays"),
    *("description", "reservedConcurrency", "codeSigningConfigArn", "layers"),
)
"""Settings whose lines a target knows, because what is wrong with them may show only in AWS or elsewhere."""

_NAMED = frozenset({"environment config", "pull request", "preview service config", "service config"})


def build(context: Context) -> Target | None:
    """Make the target; None where the candidate is none.

    Problems are noted in the context; what is returned then must not be used.
    """
    _check_names(context)
    if _has_misspelt_block(context):
        return None
    kind = _deployment_type(context)
    values = context.stack.values
    if kind == DEPLOYMENT:
        return build_layer(context) if _is_enabled(context, {}) else None
    if kind != "lambda":
        return None if values.get("enabled") is False else _other(context, kind)
    broken = [layer for layer in context.stack.layers if layer.errors]
    for layer in broken:
        context.keep(layer.errors)
    if broken:
        return None  # what was wrong is left out of the values: no use in judging the rest
    block = values.get("lambda") or {}
    if not _is_enabled(context, block):
        return None
    if _has_lost_its_service(context, block):
        return None
    version = block.get("version")
    if version is None:
        if context.candidate.pr is not None and not context.candidate.own:
            key = context.candidate.key
            context.notes.append(f"{key}: not deployed, no layer of it declares lambda.version")
            return None
        context.wrong(("lambda", "version"), "no version is declared", 'add lambda.version: "1.2.3"')
    elif templates.has_template(version):
        context.wrong(("lambda", "version"), "a version cannot be a template", "write the version itself")
    if context.is_wrong or version is None:
        return None
    context.version = version
    is_filled = any(layer.has_templates for layer in context.stack.layers)
    if is_filled:
        block = context.filled(block, ())
    return None if context.is_wrong else _function(context, block, version, is_shared=not is_filled)


def _adopts(context: Context, block: Mapping[str, Any]) -> bool:
    """Whether the declaration takes over what nobody's tags own. A pull request's own file never does."""
    adopts = bool(block.get("adopt"))
    if adopts and (place := context.of_pull_request("lambda", "adopt")):
        context.wrong_at(
            place,
            "a pull request's own file takes over what nobody owns, and nobody has to read it first",
            "remove adopt, or let somebody who may deploy say --adopt",
        )
    return adopts


def _function(context: Context, block: dict[str, Any], version: str, *, is_shared: bool) -> Target:
    name = block.get("functionName")
    if name is None:
        fix = "add lambda.functionName; templates such as my-function-{env} are possible"
        context.wrong(("lambda",), "no functionName is declared", fix)
    block, named = with_own_role(context, block)
    settings, defaults = read_settings(context, named, is_shared=is_shared and named is block)
    size = environment_size(settings)
    if size > MAX_ENVIRONMENT:
        context.wrong(
            ("lambda", "environment"),
            f"the environment variables have {size:,} bytes in all; Lambda allows 4,096",
            "move large values to {ssm: ...} parameters that the function reads itself",
        )
    tags = block.get("tags") or {}
    if REMOVED in tags.values():
        tags = {key: None if v is REMOVED else v for key, v in tags.items()}
    place = context.place("lambda", "version")
    commit = _commit(block, context.stack.values)
    image = block.get("image")
    check_limits(context, settings, image, block.get("alias"))
    alias = read_alias(context, block)
    keep_versions, keep_seconds = read_keeping(context, block)
    is_published = alias is not None and is_number(version)
    triggers, relayed, rules_of_them = read_triggers(context, block)
    target = Target(
        environment=context.candidate.environment,
        service=context.candidate.service,
        version=version,
        commit=commit,
        function=Function(
            name=name or "",
            settings=settings,
            code=read_published(context, block, version) if is_published else Code(image=image),
            tags=tags,
            defaults=defaults,
        ),
        release=None if is_published else read_release(context, block, version, commit, place),
        triggers=triggers,
        relayed=relayed,
        resources=(*read_resources(context, block), *rules_of_them),
        alias=alias,
        keep_versions=keep_versions,
        keep_seconds=keep_seconds,
        rollout=read_rollout(context, block),
        ignore=tuple(block.get("ignore") or ()),
        adopt=_adopts(context, block),
        hold=read_hold(context),
        place=place,
        places={
            **({"image": context.place("lambda", "image")} if image else {}),
            **({"tags": context.place("lambda", "tags")} if tags else {}),
            **{name: context.place("lambda", *name.split(".")) for name in PLACED if name in settings},
        },
    )
    if tags:
        buckets = {trigger.bucket for trigger in target.triggers}
        beside = {one.word for one in target.resources} | (APART & settings.keys())
        own = ownership_tags(context.file.project.name, target, buckets, beside)
        check_tags(context, tags, own=len(own))
    return target


def _has_misspelt_block(context: Context) -> bool:
    """Whether a layer writes the block under a name like ``lamda``: then nothing else is judged."""
    found = False
    for layer in context.stack.layers:
        if "lambda" in layer.values:
            continue
        for key, value in layer.values.items():
            if not isinstance(value, dict):
                continue
            if value.keys() & LAMBDA.by_name.keys() and is_misspelt(key, "lambda"):
                context.wrong_at(layer.place((key,)), f"unknown key {key!r}", "did you mean lambda?")
                found = True
    return found


def _has_lost_its_service(context: Context, block: Mapping[str, Any]) -> bool:
    """Whether what is missing stands in a folder of services/ under another name: told once, for all."""
    lost, service = context.candidate.base.lost, context.candidate.service
    needed = ("functionName",) if context.is_part else ("functionName", "role", "runtime", "handler")
    if lost is None or block.get("image") or all(block.get(name) is not None for name in needed):
        return False
    folder = lost.rpartition("/")[0]
    context.wrong_at(
        lost,
        f"no environment has a service of this name, and {service} has no folder of its own in {folder}",
        f"rename it to {service} if it is the same service; else declare there what {service} needs",
    )
    return True


def _deployment_type(context: Context) -> str:
    declared = context.stack.values.get("deploymentType")
    if declared is None:
        if context.candidate.base.is_layer:
            return DEPLOYMENT
        for layer in context.stack.layers:
            if layer.name in DECLARING and (layer.values.get("lambda") or layer.errors):
                return "lambda"
        return "kubernetes"
    kind = str(declared)
    if kind != DEPLOYMENT and is_misspelt(kind, "lambda"):
        context.wrong(("deploymentType",), f"the deploymentType {kind!r} is not known", "write lambda")
    if kind != DEPLOYMENT and context.candidate.base.is_layer:
        service = context.candidate.service
        context.wrong(
            ("deploymentType",),
            f"the deploymentType is {kind}, and {service} has its folder below layers/",
            f"remove the line, or move the folder to services/{service}",
        )
    return kind


def _is_enabled(context: Context, block: Mapping[str, Any]) -> bool:
    """``enabled: false``, at the top or under ``lambda``, leaves a service out of an environment."""
    enabled = context.stack.values.get("enabled", True)
    if not isinstance(enabled, bool):
        context.wrong(("enabled",), f"enabled: {enabled!r} is not a boolean", "write enabled: true or false")
    return enabled is not False and block.get("enabled") is not False


def _check_names(context: Context) -> None:
    """``serviceName`` and ``envName`` of a metadata file say where the file is, or it was copied."""
    candidate = context.candidate
    base, _, preview = candidate.environment.partition("/")
    for layer in context.stack.layers:
        if layer.name not in _NAMED:
            continue
        service, env = layer.values.get("serviceName"), layer.values.get("envName")
        if service is not None and service != candidate.service:
            context.wrong_at(
                layer.place(("serviceName",)),
                f"serviceName is {service!r} in the folder of {candidate.service!r}",
                f"write serviceName: {candidate.service}, or move the file",
            )
        if (
            env is not None
            and layer.name != "service config"
            and env not in {base, preview, f"{base}/{preview}"}
        ):
            context.wrong_at(
                layer.place(("envName",)),
                f"envName is {env!r} in the folder of {candidate.environment!r}",
                f"write envName: {preview or base}, or move the file",
            )


def _other(context: Context, kind: str) -> Target:
    """A service that somebody else deploys: its version is shown."""
    service = context.candidate.service
    source = context.file.project.sources.services.get(service)
    stated = find_version(context.stack, service, source)
    if stated.path:
        _note_unquoted(context, stated.path)
    return Target(
        environment=context.candidate.environment,
        service=service,
        deployment_type=kind,
        version=stated.version,
        image=stated.image,
        commit=_commit({}, context.stack.values),
        hold=read_hold(context),
        place=context.place(*stated.path),
    )


def _note_unquoted(context: Context, path: Path) -> None:
    """A version without quotes that other tools read as something else: Helm's 1.1 for 1.10."""
    text = context.stack.text(path)
    if text is None:
        return
    value: Any = context.stack.values
    for part in path:
        value = value[part]
    what = "is no string for every YAML reader"
    if not isinstance(value, str):
        what = "is a number" + (f" and reads as {value}" if str(value) != text else "")
    name = ".".join(map(str, path))
    context.note(path, f'{name}: {text} without quotes {what}; write {path[-1]}: "{text}"')


def _commit(block: Mapping[str, Any], values: Mapping[str, Any]) -> str | None:
    """The source's commit where one of the known places names it; a placeholder says nothing."""
    found = block.get("commitSha")
    for section, key in (("deploymentNotification", "commitSha"), ("gitVersion", "sha")):
        inside = values.get(section)
        if not found and isinstance(inside, dict):
            found = inside.get(key)
    if not isinstance(found, str) or rules.commit(found) is not None:
        return None
    digits = found.rstrip(".").lower()
    return digits if len(digits) >= 7 else None
