"""Where every value of a target comes from: all layers that set it, the last one won."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lockstep.config.context import Context
from lockstep.config.layers import Layer, Path, Stack
from lockstep.config.layout import Candidate, arrange
from lockstep.config.load import Files, read_project_file
from lockstep.config.problems import Problems
from lockstep.config.resources import is_taken
from lockstep.config.schema import LAMBDA
from lockstep.config.shapes import REMOVED
from lockstep.config.versions import find_version
from lockstep.errors import BadInput
from lockstep.model import Explained, Origin, Project, Reference, Secret, Value, looks_secret
from lockstep.model.fields import BY_NAME
from lockstep.model.kinds import KINDS, ROWS, row_at
from lockstep.model.paths import value_at
from lockstep.model.tree import Tree
from lockstep.suggest import did_you_mean, nearest

__all__ = ["explain"]


def explain(tree: Tree, project: Project, key: str, path: str | None = None) -> tuple[Explained, ...]:
    """Values under ``lambda:`` (or the version of a service that others deploy) with their layers.

    ``path`` selects one value or what is below it, with or without ``lambda.`` in front. A field that
    no layer sets is explained as AWS's default, without origins; of what a preview leaves to others it is
    told. Values that look secret are wrapped
    in Secret. BadInput when there is no such target or key, or when a layer cannot be read.
    """
    file = read_project_file(tree, project.file)
    candidate = _candidate(tree, project, key)
    files = Files(file, tree.read(candidate.layers))
    stack = files.stack(candidate)
    context = Context(file=file, candidate=candidate, stack=stack, problems=Problems(), shared={})
    block = stack.values.get("lambda")
    if isinstance(block, dict):
        context.version = block.get("version")
        block = context.filled(block, ())
    explained = [
        replace(_explained(stack, block or {}, leaf), unused=_unused(context, leaf))
        for leaf in sorted(set(_leaves(stack)), key=_order)
    ]
    if not any(value.path == "lambda.version" for value in explained):
        explained = [*_other_version(stack, candidate.service, project), *explained]
    return tuple(explained) if path is None else _selected(explained, path)


def _candidate(tree: Tree, project: Project, key: str) -> Candidate:
    layout = arrange(tree, project.folder, file=project.file, has_all=project.preview.has_all)
    known = {candidate.key: candidate for candidate in layout.candidates}
    if key not in known:
        near = nearest(key, known)
        fix = f"did you mean {near}?" if near else f"targets: {', '.join(list(known)[:10])}"
        raise BadInput(f"there is no target {key}", where=key, fix=fix)
    return known[key]


def _leaves(stack: Stack) -> Iterator[Path]:
    """Paths below ``lambda`` of everything that is no map, in any layer."""
    for layer in stack.layers:
        block = layer.values.get("lambda")
        if isinstance(block, dict):
            yield from _below(block, ())


def _below(values: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _below(value, (*path, name))
        elif value is not None or not _has_members((*path, name)):
            yield (*path, name)


def _has_members(path: Path) -> bool:
    """Null for a whole map is shown at the values that it deletes."""
    return len(path) == 1 and path[0] in _MAPS


_MAPS = frozenset(
    member.name for member in LAMBDA.members if member.members or member.name in ("environment", "tags")
)


_ORDER = {name: number for number, name in enumerate(LAMBDA.by_name)}


def _order(path: Path) -> tuple[int, Path]:
    return _ORDER.get(str(path[0]), len(_ORDER)), path


def _explained(stack: Stack, block: Mapping[str, Any], path: Path) -> Explained:
    value = value_at(block, path)
    origins = tuple(origin for layer in stack.layers if (origin := _origin(layer, path)) is not None)
    return Explained(path=".".join(map(str, ("lambda", *path))), value=_shown(value, path), origins=origins)


def _unused(context: Context, path: Path) -> str:
    """Why the target has nothing of what is declared there."""
    kind = KINDS.get(str(path[0]))
    if kind is None or not kind.has_names or len(path) == 1 or is_taken(context, kind, str(path[1])):
        return ""
    return "this preview has none: others share the source, and its number is not in it"


def _origin(layer: Layer, path: Path) -> Origin | None:
    """What a layer says at a path; null for the path, or for a map above it, deletes."""
    whole: Path = ("lambda", *path)
    value: Any = layer.values
    for depth, part in enumerate(whole):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
        if value is None:
            return Origin(layer=layer.name, place=layer.place(whole[: depth + 1]), value=None)
    return Origin(layer=layer.name, place=layer.place(whole), value=_shown(value, path))


def _shown(value: Any, path: Path) -> Value:
    match value:
        case Secret() | Reference():
            return value
        case str() if path[0] == "environment" and looks_secret(str(path[-1]), value):
            return Secret(value)
        case list():
            return tuple(_shown(entry, path) for entry in value)
        case dict():
            return {name: _shown(entry, path) for name, entry in value.items()}
        case _ if value is REMOVED:
            return None
        case _:
            return value  # type: ignore[no-any-return]


def _other_version(stack: Stack, service: str, project: Project) -> list[Explained]:
    """The version of a service that others deploy."""
    stated = find_version(stack, service, project.sources.services.get(service))
    path = stated.path
    if not path:
        return []
    origins = []
    for layer in stack.layers:
        value = value_at(layer.values, path)
        if value is not None:
            origins.append(Origin(layer=layer.name, place=layer.place(path), value=_shown(value, path)))
    return [Explained(path=".".join(map(str, path)), value=stated.text, origins=tuple(origins))]


def _selected(explained: list[Explained], path: str) -> tuple[Explained, ...]:
    wanted = {path, f"lambda.{path}"}
    found = tuple(
        value for value in explained if any(value.path == w or value.path.startswith(f"{w}.") for w in wanted)
    )
    if found:
        return found
    name = path.removeprefix("lambda.")
    row = BY_NAME.get(name) or row_at(name)
    if row is not None:
        return (Explained(path=f"lambda.{name}", value=row.default, origins=()),)
    if name in LAMBDA.by_name:
        return (Explained(path=f"lambda.{name}", value=None, origins=()),)
    known = [value.path.removeprefix("lambda.") for value in explained]
    raise BadInput(
        f"there is no value {path}",
        where=path,
        fix=did_you_mean(name, [*known, *BY_NAME, *ROWS, *LAMBDA.by_name]),
    )
