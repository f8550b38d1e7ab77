"""Layers that are built here: what an environment declares of them, and the functions that take them.

Sources: Lambda API reference (PublishLayerVersion), Lambda developer guide, "Managing Lambda dependencies
with layers".
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockstep.config import rules, templates
from lockstep.config.context import Context
from lockstep.config.layers import Path, fold
from lockstep.config.problems import Problems
from lockstep.config.release import read_release
from lockstep.config.schema import LAYER
from lockstep.config.shapes import Checker, problem_of
from lockstep.model import Project, Target
from lockstep.model.engines import AWS
from lockstep.model.fields import built_in
from lockstep.model.layer import DEPLOYMENT, LONGEST_NAMES, BuiltLayer
from lockstep.suggest import suggestion

__all__ = ["build_layer", "with_built_layers"]


def build_layer(context: Context) -> Target | None:
    """The target that declares a layer's version; None where something is wrong, which the context notes."""
    candidate = context.candidate
    for layer in context.stack.layers[1:]:  # the lowest holds the defaults of functions
        if layer.name not in _SHARED and layer.values.get("lambda"):
            context.wrong_at(
                layer.place(("lambda",)),
                "lambda: declares a function, and this service is a layer",
                "remove it; a function that takes the layer names it in lambda.layers",
            )
    block = _block(context)
    version = block.get("version")
    if version is None:
        context.wrong(("layer", "version"), "no version is declared", 'add layer.version: "1.2.3"')
    elif wrong := rules.version(version):
        context.wrong(("layer", "version"), *wrong)
    elif templates.has_template(version):
        context.wrong(("layer", "version"), "a version cannot be a template", "write the version itself")
    if context.is_wrong or version is None:
        return None
    context.version = version
    made = BuiltLayer(
        target=candidate.key,
        service=candidate.service,
        version=version,
        name=_name(context, block.get("name") or candidate.service),
        runtimes=tuple(sorted(set(block.get("runtimes") or ()))),
        architectures=tuple(sorted(set(block.get("architectures") or ()))),
        license=block.get("license"),
        place=context.place("layer", "version"),
    )
    project = context.file.project
    if len(project.name) + len(made.release) > LONGEST_NAMES:
        context.wrong(
            ("layer", "version"),
            f"project, layer and version have more than {LONGEST_NAMES} characters, and the description of a "
            "published version has no room for them",
            "shorten the names or the version",
        )
    if project.artifacts.get("source") is None:
        context.wrong_at(
            made.place,
            "nothing says where the package comes from",
            "add artifacts: to lockstep.yaml",
        )
    release = None if context.is_wrong else read_release(context, {}, version, None, made.place)
    if context.is_wrong:
        return None
    return Target(
        environment=candidate.environment,
        service=candidate.service,
        deployment_type=DEPLOYMENT,
        version=version,
        release=release,
        layer=made,
        place=made.place,
    )


_SHARED = frozenset({"global", "environment", "preview"})
"""Layers of values of several services, functions among them."""


def _block(context: Context) -> dict[str, Any]:
    """The ``layer:`` blocks of all layers of values, checked and merged."""
    found = []
    for layer in context.stack.layers:
        if (block := layer.values.get("layer")) is None:
            continue
        checker = Checker(layer.file, templates=True)
        checked = checker.check(LAYER, block, layer.lines[1]["layer"], LAYER.name)
        context.keep(checker.errors)
        found.append(checked or {})
    return fold(found)


def _name(context: Context, text: str) -> str:
    """The layer's name in AWS, filled in."""
    path: Path = ("layer", "name")
    name = context.fill(text, context.stack.place(path)) or ""
    if name and (wrong := problem_of(LAYER.by_name["name"], name)):
        context.wrong(path, *wrong)
    return name


def with_built_layers(
    project: Project, targets: Mapping[str, Target], problems: Problems
) -> dict[str, Target]:
    """The targets with the layers that their functions take by name.

    A preview takes the version of its own, and where it declares none that of the environment that its
    services come from. What is wrong is a problem at the line of the function's layers.
    """
    found = dict(targets)
    for key, target in targets.items():
        names = built_in(target.function.settings.get("layers")) if target.function is not None else ()
        if names:
            taken = [_taken(project, targets, target, name, problems) for name in names]
            found[key] = replace(target, layers=tuple(one for one in taken if one is not None))
    return found


def _taken(
    project: Project, targets: Mapping[str, Target], target: Target, name: str, problems: Problems
) -> BuiltLayer | None:
    """The layer of a name, as a target takes it; None where it cannot, which is a problem."""
    place = target.places.get("layers") or target.place
    if (engine := project.environment(target.environment).engine) != AWS.name:
        problems.add(
            place,
            f"{{layer: {name}}} is published by Lockstep itself, and the engine of {target.environment} is "
            f"{engine}",
            "declare the ARN of a version that is published already",
            doing=target.key,
        )
        return None
    environments = [target.environment, *([project.preview.source] if target.is_preview else [])]
    found = next((one for env in environments if (one := targets.get(f"{env}/{name}")) is not None), None)
    if found is None or found.layer is None:
        layers = {one.service for one in targets.values() if one.layer is not None}
        where = f"environments/{environments[-1]}/{name}/config.yaml"
        problems.add(
            place,
            f"there is no layer {name} in {' or '.join(environments)}"
            if found is None
            else f"{found.key} ({found.place}) is no layer",
            suggestion(name, sorted(layers - {name}), f"declare it in {where}, with layer: {{version: ...}}"),
            doing=target.key,
        )
        return None
    for problem in _misfits(target, found.layer):
        problems.add(place, *problem, doing=target.key)
    return found.layer


def _misfits(target: Target, layer: BuiltLayer) -> Iterator[tuple[str, str]]:
    """Why a function cannot work with a layer; AWS takes both, and the function fails when it is called."""
    assert target.function is not None  # noqa: S101 - it names the layer
    settings = target.function.settings
    runtime = settings.get("runtime")
    if layer.runtimes and runtime not in layer.runtimes:
        yield (
            f"the layer {layer.service} is for {', '.join(layer.runtimes)}, and the function has "
            f"{runtime or 'no runtime'}",
            f"add it to layer.runtimes of {layer.service}, or leave the layer out",
        )
    architectures = settings.get("architectures", ("x86_64",))
    own = architectures[0] if isinstance(architectures, tuple) and architectures else "x86_64"
    if layer.architectures and own not in layer.architectures:
        yield (
            f"the layer {layer.service} is for {', '.join(layer.architectures)}, and the function runs on "
            f"{own}",
            f"build the layer for it and add it to layer.architectures of {layer.service}",
        )
