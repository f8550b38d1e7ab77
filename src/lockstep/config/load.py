"""A tree of files -> the project and its desired fleet."""

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lockstep.config.build import Skipped, build
from lockstep.config.cache import Cache, Record, freeze, thaw
from lockstep.config.checks import check_fleet
from lockstep.config.context import Context
from lockstep.config.layers import Layer, Stack, fold, merge, read_layer
from lockstep.config.layout import Base, Candidate, Layout, Slot, arrange
from lockstep.config.problems import Problems
from lockstep.config.project_file import ProjectFile, read_project
from lockstep.config.yaml_reader import parse
from lockstep.errors import BadInput
from lockstep.model import Fleet, Project, Target
from lockstep.model.tree import Tree

__all__ = ["Files", "Loaded", "load", "read_project_file"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What a tree declares."""

    project: Project
    fleet: Fleet
    warnings: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]]
    """Every path that contributes to a target, the project file first, its own declaration last."""


def load(tree: Tree, *, project_file: str = "lockstep.yaml", cache: Cache | None = None) -> Loaded:
    """Read the project file and every layer, and make the desired fleet.

    Raises BadInput, or BadInputs with everything that is wrong. An empty or half-read tree is an error,
    never an empty fleet. With a cache only the layers of targets that changed are read.
    """
    with _without_collector():
        file = read_project_file(tree, project_file)
        layout = arrange(tree, file.project.folder)
        file = _with_environments(file, layout)
        context = f"{project_file} {tree.blobs[project_file]}"
        name = f"{file.project.name} {file.project.folder} {project_file}"
        known = cache.read(name, context) if cache is not None else {}
        problems = Problems()
        fresh = _resolve(tree, file, _changed(layout, known), problems)
        records: dict[str, Record] = {}
        targets: dict[str, Target] = {}
        notes: list[str] = []
        for candidate in layout.candidates:
            key = candidate.key
            target, note = fresh[key] if key in fresh else _recall(known[key])
            if target is not None:
                targets[key] = target
            if note is not None:
                notes.append(note)
            if key in fresh:
                records[key] = (candidate.stamp, note, None if target is None else freeze(target))
            else:
                records[key] = known[key]
        _check_listed(file, layout, targets, problems)
        problems.stop()
        if fresh or records.keys() != known.keys():
            check_fleet(file.project, targets, problems)
            problems.stop()
            if cache is not None:
                cache.write(name, context, records)
        return Loaded(
            project=file.project,
            fleet=Fleet(project=file.project.name, targets=targets, commit=tree.commit),
            warnings=(*layout.warnings, *_missing(file, layout), *notes),
            files={
                candidate.key: (project_file, *candidate.files)
                for candidate in layout.candidates
                if candidate.key in targets
            },
        )


def read_project_file(tree: Tree, project_file: str) -> ProjectFile:
    """The project file of a tree. BadInput when the tree is empty or has none."""
    if project_file in tree.links:
        raise BadInput(
            f"the project file is a symbolic link to {tree.links[project_file]!r}; links are not followed",
            where=project_file,
            fix="replace the link by the file",
        )
    if not tree.blobs:
        raise BadInput(
            "the repository has no files",
            where=project_file,
            fix="commit lockstep.yaml and environments/, or choose another folder or revision",
        )
    if project_file not in tree.blobs:
        raise BadInput(
            f"there is no {project_file} at the root of the repository",
            where=project_file,
            fix="run 'lockstep init', or choose another folder or revision",
        )
    return read_project(tree.read([project_file])[project_file], project_file)


class Files:
    """Layers of files that were fetched, each parsed once, and the stacks they make."""

    def __init__(self, file: ProjectFile, contents: Mapping[str, bytes]) -> None:
        self.file = file
        self.contents = contents
        self.shared: dict[str, Layer] = {}
        self.stacks: dict[int, Stack] = {}

    def stack(self, candidate: Candidate) -> Stack:
        """The layers of a candidate, merged. BadInput when a file cannot be read."""
        base = self._base(candidate.base)
        own = [self._read(slot) for slot in candidate.own]
        values = base.values
        for layer in own:
            values = merge(values, layer.values)
        return Stack(layers=[*base.layers, *own], values=values)

    def _base(self, base: Base) -> Stack:
        stack = self.stacks.get(id(base))
        if stack is None:
            layers = [self.file.defaults, *(self._shared(slot) for slot in base.slots)]
            stack = Stack(layers=layers, values=fold(layer.values for layer in layers))
            self.stacks[id(base)] = stack
        return stack

    def _shared(self, slot: Slot) -> Layer:
        layer = self.shared.get(slot[1])
        if layer is None:
            layer = self.shared[slot[1]] = self._read(slot)
        return layer

    def _read(self, slot: Slot) -> Layer:
        name, path = slot
        return read_layer(parse(self.contents[path], path), name)


def _resolve(
    tree: Tree, file: ProjectFile, candidates: Iterable[Candidate], problems: Problems
) -> dict[str, tuple[Target | None, str | None]]:
    """Targets (or notes) of candidates, from their files. Problems are collected."""
    wanted = list(candidates)
    paths = {path for candidate in wanted for path in candidate.files}
    files = Files(file, tree.read(sorted(paths)) if paths else {})
    resolved: dict[str, tuple[Target | None, str | None]] = {}
    for candidate in wanted:
        try:
            stack = files.stack(candidate)
        except BadInput as error:
            problems.keep(error)
            resolved[candidate.key] = (None, None)
            continue
        built = build(Context(file=file, candidate=candidate, stack=stack, problems=problems))
        resolved[candidate.key] = (None, built.note) if isinstance(built, Skipped) else (built, None)
    return resolved


def _changed(layout: Layout, known: Mapping[str, Record]) -> Iterator[Candidate]:
    for candidate in layout.candidates:
        record = known.get(candidate.key)
        if record is None or record[0] != candidate.stamp:
            yield candidate


def _recall(record: Record) -> tuple[Target | None, str | None]:
    _, note, data = record
    return (None if data is None else thaw(data)), note


def _with_environments(file: ProjectFile, layout: Layout) -> ProjectFile:
    """Without ``environments:`` in the project file every folder is an environment with the defaults."""
    if file.listed is not None:
        return file
    found = {name: file.environment(name) for name in sorted(layout.environments)}
    return replace(file, project=replace(file.project, environments=found))


def _check_listed(
    file: ProjectFile, layout: Layout, targets: Mapping[str, Target], problems: Problems
) -> None:
    """A function in an environment nobody listed would go to whatever account is at hand."""
    if file.listed is None or layout.environments <= file.listed:
        return
    reported: set[str] = set()
    for target in targets.values():
        base = target.environment.partition("/")[0]
        if target.function is not None and base not in file.listed | reported:
            reported.add(base)
            problems.add(
                file.place("environments"),
                f"the environment {base} is not listed, and {target.place} declares a function in it",
                f"add '{base}: {{}}' under environments, or remove its folder",
            )


def _missing(file: ProjectFile, layout: Layout) -> Iterator[str]:
    for name in sorted((file.listed or frozenset()) - layout.environments - {"preview"}):
        yield f"{file.place('environments', name)}: {name} is listed, and no service is declared in it"


@contextmanager
def _without_collector() -> Iterator[None]:
    """Nothing that loading makes is cyclic garbage; looking for it takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
