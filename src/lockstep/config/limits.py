"""What AWS refuses of a whole function although each of its fields is well formed.

Sources: the Lambda developer guide ("Lambda runtimes", "Lambda SnapStart", "Working with layers",
"Configuring file system access", "Tenant isolation", "Create a function using a container image", "Lambda
Managed Instances"), and "Tag naming limits" of the AWS general reference.
"""

import re
from collections.abc import Iterator, Mapping

from lockstep.config.context import Context
from lockstep.config.layers import Path
from lockstep.config.newest import check_since
from lockstep.model import Value, runtimes
from lockstep.model.fields import BUILT, BY_NAME, FIELDS, PARAMETER
from lockstep.model.runtimes import RUNTIMES, Phase, Runtime
from lockstep.regexes import regex
from lockstep.suggest import nearest

__all__ = ["check_limits", "check_tags"]

_MAX_TAGS = 50
_MANAGED_MB = 2048  # the least on managed instances
_SNAP_START_MB = 512  # of /tmp; more does not go with SnapStart
_BESIDE = {"capacityProvider.arn": "on managed instances", "accelerator.memorySize": "with an accelerator"}
_BOUNDED = [row for row in FIELDS if row.most is not None]
_IMAGE_REGION = regex(r"[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.")


def check_limits(
    context: Context, settings: Mapping[str, Value], image: str | None, alias: str | None = None
) -> None:
    """Note what is wrong with one function as a whole, and what AWS will soon refuse."""
    name = settings.get("runtime")
    if isinstance(name, str):
        _check_runtime(context, name)
    _check_layers(context, _texts(settings.get("layers")))
    if "fileSystems" in settings and "vpc.subnetIds" not in settings:
        context.wrong(
            ("lambda", "fileSystems"),
            "a file system is reached through a VPC, and none is declared",
            "add vpc: {subnetIds: [...], securityGroupIds: [...]}",
        )
    if settings.get("snapStart") == "PublishedVersions":
        _check_snap_start(context, settings, alias)
    if "capacityProvider.arn" in settings:
        _check_managed(context, settings, alias)
    _check_bounds(context, settings)
    _check_newest(context, settings)
    _check_places(context, settings, image)


def check_tags(context: Context, tags: Mapping[str, str | None], own: int) -> None:
    """A resource has at most 50 tags; ``own`` of them are those that Lockstep sets itself."""
    declared = sum(value is not None for value in tags.values())
    if declared + own > _MAX_TAGS:
        context.wrong(
            ("lambda", "tags"),
            f"{declared} tags are declared; AWS allows {_MAX_TAGS}, and {own} of them are Lockstep's own",
            f"remove {declared + own - _MAX_TAGS}",
        )


def _check_runtime(context: Context, name: str) -> None:
    path: Path = ("lambda", "runtime")
    runtime = RUNTIMES.get(name)
    if runtime is None and runtimes.is_newer(name):
        context.note(
            path, f"{name} is newer than the runtimes of {runtimes.AS_OF}: AWS will say if it has it"
        )
    elif runtime is None:
        usable = [one for one, row in RUNTIMES.items() if _phase(context, row) is not Phase.RETIRED]
        family = [one for one in usable if one.startswith(re.sub(r"[^a-z].*", "", name.lower()) or "?")]
        family.sort(key=lambda one: [int(part) for part in re.findall(r"\d+", one)])
        has_number = re.search(r"\d", name) is not None
        near = (nearest(name, usable, cutoff=0.7) if has_number else None) or next(reversed(family), None)
        context.wrong(
            path,
            f"{name!r} is no runtime of Lambda",
            f"did you mean {near}?"
            if near
            else "write for example python3.14, nodejs24.x or provided.al2023",
        )
    else:
        _check_phase(context, path, runtime)


def _phase(context: Context, runtime: Runtime) -> Phase:
    return runtimes.phase_of(runtime, context.today)


def _check_phase(context: Context, path: Path, runtime: Runtime) -> None:
    phase = _phase(context, runtime)
    if phase is Phase.SUPPORTED:
        return
    newest = runtimes.successor(runtime)
    fix = f"use {newest}" if newest else "use another one"
    created, changed = runtime.no_create, runtime.no_update
    later = f"; from {changed} on it refuses every change" if changed else ""
    match phase:
        case Phase.DEPRECATED:
            later = f"; from {created} on Lambda creates no function with it{later}" if created else later
            since = f"deprecated since {runtime.deprecated}{later}"
        case Phase.NO_CREATE:
            since = f"deprecated: since {created} Lambda creates no function with it{later}"
        case Phase.RETIRED:
            problem = f"the runtime {runtime.name} is retired: since {changed} Lambda refuses every change"
            context.wrong(path, problem, fix)
            return
    context.note(path, f"the runtime {runtime.name} is {since}; {fix}")


def _check_layers(context: Context, arns: tuple[str, ...]) -> None:
    """A function has a layer once, in one version."""
    seen: dict[str, str] = {}
    for number, arn in enumerate(arns):
        layer, version = (arn, "") if _is_named(arn) else _halves(arn)
        other = seen.get(layer)
        if other is not None:
            again = "twice" if other == version else f"in the versions {other} and {version}"
            path = ("lambda", "layers", number)
            context.wrong(path, f"the layer {layer} is there {again}", "keep one of the two")
        seen[layer] = version


def _halves(arn: str) -> tuple[str, str]:
    layer, _, version = arn.rpartition(":")
    return layer, version


def _check_snap_start(context: Context, settings: Mapping[str, Value], alias: str | None) -> None:
    """What SnapStart does not go with. Source: "Lambda SnapStart", supported features and limitations."""
    path: Path = ("lambda", "snapStart")
    runtime = RUNTIMES.get(str(settings.get("runtime")))
    size = settings.get("ephemeralStorage")
    if runtime is not None and not runtime.has_snap_start:
        context.wrong(
            path,
            f"SnapStart does not go with the runtime {runtime.name}",
            "remove snapStart, or use java11, python3.12, dotnet8 or a newer one of these",
        )
    if isinstance(size, int) and size > _SNAP_START_MB:
        context.wrong(
            path,
            f"SnapStart does not go with more than {_SNAP_START_MB} MB of /tmp; ephemeralStorage is {size}",
            "remove one of the two",
        )
    for name in ("fileSystems", "tenancy"):
        if name in settings:
            context.wrong(path, f"SnapStart does not go with {name}", "remove one of the two")
    if alias is None:
        context.note(
            path,
            "snapStart does nothing here: it is about published versions, and Lockstep publishes them for an "
            "alias; add lambda.alias, or remove it",
        )


def _check_managed(context: Context, settings: Mapping[str, Value], alias: str | None) -> None:
    """What Lambda Managed Instances ask for, and what does not go with them.

    Sources: Lambda developer guide, "Lambda Managed Instances" (runtimes; ``$LATEST`` is never called, and a
    call without qualifier goes to ``$LATEST.PUBLISHED``), and what AWS answers, as LocalStack's tests of
    parity hold it (2048 MB and the format JSON are the defaults there, and the least).
    """
    path: Path = ("lambda", "capacityProvider")
    runtime = RUNTIMES.get(str(settings.get("runtime")))
    if alias is None:
        context.wrong(
            path,
            "managed instances run published versions only, and Lockstep publishes them for an alias",
            "add lambda.alias",
        )
    if "capacityProvider.maxConcurrency" not in settings:
        context.wrong(
            path,
            "capacityProvider has no maxConcurrency, of which AWS's default depends on the runtime",
            "add capacityProvider.maxConcurrency, for example 16",
        )
    if runtime is not None and not runtime.is_managed:
        context.wrong(
            ("lambda", "runtime"),
            f"managed instances do not run {runtime.name}",
            "use nodejs22.x, python3.13, java21, dotnet8 or a newer one of these, or provided.al2023",
        )
    memory = settings.get("memorySize", BY_NAME["memorySize"].default)
    if isinstance(memory, int) and memory < _MANAGED_MB:
        context.wrong(
            path if "memorySize" not in settings else ("lambda", "memorySize"),
            f"managed instances give a function at least {_MANAGED_MB} MB of memory; memorySize is {memory}",
            f"write memorySize: {_MANAGED_MB}",
        )
    if settings.get("logging.format") != "JSON":
        context.wrong(
            path if "logging.format" not in settings else ("lambda", "logging", "format"),
            "a function on managed instances logs in the format JSON, and in no other",
            "write logging: {format: JSON}",
        )
    if settings.get("snapStart") == "PublishedVersions":
        context.wrong(path, "SnapStart does not go with managed instances", "remove one of the two")


def _check_bounds(context: Context, settings: Mapping[str, Value]) -> None:
    """Values that AWS takes only beside another setting."""
    for row in _BOUNDED:
        value = settings.get(row.name)
        if row.maximum is None or not isinstance(value, int) or value <= row.maximum:
            continue
        if row.most_with not in settings:
            context.wrong(
                ("lambda", row.name),
                f"lambda.{row.name}: {value} is out of range",
                f"it takes at least {row.minimum} and at most {row.maximum} "
                f"({row.most} {_BESIDE[row.most_with]})",
            )


def _check_newest(context: Context, settings: Mapping[str, Value]) -> None:
    """Runtimes of publishers and accelerators.

    Sources: Lambda API reference, FunctionRuntimeConfig and AcceleratorConfig; AWS SAM developer guide,
    AcceleratorConfig (images and x86_64 only).
    """
    for row in FIELDS:
        if row.since and row.name in settings:
            check_since(context, row, ("lambda", *row.name.split(".")))
    for name in ("customRuntime.arn", "customRuntime.alias"):
        if settings.get("runtime") == "custom" and name not in settings:
            context.wrong(
                ("lambda", "runtime"),
                f"the runtime custom is one that {name} is a part of, and that is not declared",
                f"add {name}, or name a runtime of AWS's",
            )
    if "accelerator.memorySize" in settings and "architectures" in settings:
        context.wrong(
            ("lambda", "architectures"),
            "accelerators are there for x86_64 only",
            "build the image for x86_64 and remove architectures, or remove accelerator",
        )


def _check_places(context: Context, settings: Mapping[str, Value], image: str | None) -> None:
    """Lambda takes things of its own Region, and a role of its own account."""
    environment = context.file.project.environment(context.candidate.environment)
    region = environment.region
    if region is not None:
        for path, there in _regions(settings, image):
            if there != region:
                context.wrong(
                    ("lambda", *path),
                    f"lambda.{path[0]} lies in the Region {there}, and {environment.name} in {region}",
                    f"name one of {region}",
                )
    role = settings.get("role")
    account = environment.account
    if account is not None and isinstance(role, str) and role.startswith("arn:"):
        there = role.split(":")[4]
        if there != account:
            context.wrong(
                ("lambda", "role"),
                f"the role lies in the account {there}, and {environment.name} in {account}",
                "write the role's name alone, or a role of that account",
            )


def _regions(settings: Mapping[str, Value], image: str | None) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each thing that has to be in the function's Region: its path, and the Region it names."""
    found: list[tuple[tuple[str | int, ...], str]] = [
        (("layers", number), arn)
        for number, arn in enumerate(_texts(settings.get("layers")))
        if not _is_named(arn)
    ]
    for name in (
        *("kmsKeyArn", "durable.kmsKeyArn", "capacityProvider.arn", "codeSigningConfigArn"),
        "customRuntime.arn",
    ):
        arn = settings.get(name)
        if isinstance(arn, str):
            found.append((tuple(name.split(".")), arn))
    systems = settings.get("fileSystems")
    for number, system in enumerate(systems if isinstance(systems, tuple) else ()):
        if isinstance(system, Mapping):
            found.append((("fileSystems", number, "arn"), str(system.get("arn"))))
    for path, arn in found:
        if region := arn.split(":")[3]:
            yield path, region
    if image is not None and (match := _IMAGE_REGION.match(image)) is not None:
        yield ("image",), match[1]


def _texts(value: Value) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, tuple) else ()


def _is_named(arn: str) -> bool:
    """Whether it is only named, and AWS tells its ARN."""
    return arn.startswith((PARAMETER, BUILT))
