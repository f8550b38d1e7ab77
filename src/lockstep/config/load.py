"""A tree of files -> the project and its desired fleet."""

import datetime
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from lockstep.config.build import build
from lockstep.config.built_layers import with_built_layers
from lockstep.config.cache import Cache, Memo, Record, freeze, thaw
from lockstep.config.checks import check_fleet
from lockstep.config.context import Context, Shared, present_day
from lockstep.config.layers import Layer, Stack, merge, read_layer
from lockstep.config.layout import Candidate, Layout, Slot, arrange
from lockstep.config.problems import Problems
from lockstep.config.project_file import ProjectFile, read_project
from lockstep.config.rollout import with_smoke_files
from lockstep.config.yaml_reader import parse
from lockstep.errors import BadInput
from lockstep.model import Fleet, Project, Target
from lockstep.model.runtimes import edition
from lockstep.model.tree import Tree
from lockstep.planning.paths import unmatched
from lockstep.values import dataclass

__all__ = ["Files", "Loaded", "load", "read_project_file"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What a tree declares."""

    project: Project
    fleet: Fleet
    warnings: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]]
    """Every path that contributes to a target, the project file first, its own declaration last."""


def load(
    tree: Tree,
    *,
    project_file: str = "lockstep.yaml",
    cache: Cache | None = None,
    widen: Callable[[Project], Tree] | None = None,
    today: datetime.date | None = None,
) -> Loaded:
    """Read the project file and every layer, and make the desired fleet.

    Raises BadInput, or BadInputs with everything that is wrong. An empty or half-read tree is an error,
    never an empty fleet. With a cache only the layers of targets that changed are read. ``widen`` gives the
    tree to read instead, once the project file has said what belongs to it. ``today`` is the day that dates
    of AWS are compared with; the present one in UTC when None.
    """
    with _without_collector():
        file = read_project_file(tree, project_file)
        if widen is not None:
            tree = widen(file.project)
        layout = arrange(tree, file.project.folder, file=project_file, has_all=file.project.preview.has_all)
        file = _with_environments(file, layout)
        day = today or present_day()
        context = f"{project_file} {file.blob} {edition(day)}"
        name = f"{file.project.name} {file.project.folder} {project_file}"
        known = cache.read(name, context) if cache is not None else {}
        problems = Problems()
        fresh = _resolve(tree, file, _changed(layout, known), problems, day)
        records: dict[str, Record] = {}
        targets: dict[str, Target] = {}
        notes: list[str] = []
        frozen: Memo = {}
        thawed: Memo = {}
        for candidate in layout.candidates:
            key = candidate.key
            target, said = fresh[key] if key in fresh else _recall(known[key], thawed)
            if target is not None:
                targets[key] = target
            notes += said
            if key in fresh:
                records[key] = (candidate.stamp, said, None if target is None else freeze(target, frozen))
            else:
                records[key] = known[key]
        _check_listed(file, layout, targets, problems)
        problems.stop()
        targets = with_smoke_files(tree, targets, problems)
        targets = with_built_layers(file.project, targets, problems)
        problems.stop()
        if fresh or records.keys() != known.keys():
            check_fleet(file.project, targets, problems)
            problems.stop()
            if cache is not None:
                cache.write(name, context, records)
        return Loaded(
            project=file.project,
            fleet=Fleet(project=file.project.name, targets=targets, commit=tree.commit, doubts=layout.doubts),
            warnings=(
                *layout.warnings,
                *_missing(file, layout),
                *_pathless(file.project, tree),
                *dict.fromkeys(notes),
            ),
            files=_Contributors(
                project_file, {c.key: c for c in layout.candidates if c.key in targets}, targets
            ),
        )


def read_project_file(tree: Tree, project_file: str, *, needs_name: bool = True) -> ProjectFile:
    """The project file of a tree. BadInput when the tree is empty or has none."""
    if project_file in tree.links:
        raise BadInput(
            f"the project file is a symbolic link to {tree.links[project_file]!r}; links are not followed",
            where=project_file,
            fix="replace the link by the file",
        )
    blobs = tree.blobs
    if not blobs:
        raise BadInput(
            "the repository has no files",
            where=project_file,
            fix="commit lockstep.yaml and environments/, or choose another folder or revision",
        )
    if project_file not in blobs:
        raise BadInput(
            f"there is no {project_file} at the root of the repository",
            where=project_file,
            fix="run 'lockstep init', or choose another folder or revision",
        )
    data = tree.read([project_file])[project_file]
    file = read_project(data, project_file, needs_name=needs_name)
    return replace(file, blob=blobs[project_file])


class _Contributors(Mapping[str, tuple[str, ...]]):
    """Paths by target, put together when they are asked for."""

    def __init__(
        self, project_file: str, candidates: Mapping[str, Candidate], targets: Mapping[str, Target]
    ) -> None:
        self._project_file = project_file
        self._candidates = candidates
        self._targets = targets

    def __getitem__(self, key: str) -> tuple[str, ...]:
        own = self._candidates[key].files
        own = self._candidates[key].files
        layers = (self._candidates[one.target].files for one in self._targets[key].layers)
        return (self._project_file, *dict.fromkeys(path for files in (*layers, own) for path in files))

    def __iter__(self) -> Iterator[str]:
        return iter(self._candidates)

    def __len__(self) -> int:
        return len(self._candidates)


class Files:
    """Layers of files that were fetched, each parsed once, and the stacks they make."""

    def __init__(self, file: ProjectFile, contents: Mapping[str, bytes]) -> None:
        self.file = file
        self.contents = contents
        self.shared: dict[str, Layer] = {}
        self.stacks: dict[tuple[Slot, ...], Stack] = {
            (): Stack(layers=(file.defaults,), values=merge({}, file.defaults.values))
        }

    def stack(self, candidate: Candidate) -> Stack:
        """The layers of a candidate, merged. BadInput when a file cannot be read."""
        stack = self._common(candidate.base.slots)
        for slot in candidate.own:
            stack = stack.under(self._read(slot))
        return stack

    def _common(self, slots: tuple[Slot, ...]) -> Stack:
        """Layers that several candidates share; each run of them from the lowest is merged once."""
        stack = self.stacks.get(slots)
        if stack is None:
            stack = self.stacks[slots] = self._common(slots[:-1]).under(self._shared(slots[-1]))
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
    tree: Tree,
    file: ProjectFile,
    candidates: Iterable[Candidate],
    problems: Problems,
    today: datetime.date,
) -> dict[str, tuple[Target | None, tuple[str, ...]]]:
    """Targets and notes of candidates, from their files. Problems are collected."""
    wanted = list(candidates)
    paths = {path for candidate in wanted for path in candidate.layers}
    files = Files(file, tree.read(sorted(paths)) if paths else {})
    shared: Shared = {}
    resolved: dict[str, tuple[Target | None, tuple[str, ...]]] = {}
    for candidate in wanted:
        try:
            stack = files.stack(candidate)
        except BadInput as error:
            problems.keep(error)
            resolved[candidate.key] = (None, ())
            continue
        context = Context(
            file=file, candidate=candidate, stack=stack, problems=problems, shared=shared, today=today
        )
        target = build(context)
        resolved[candidate.key] = (target, tuple(context.notes))
    return resolved


def _changed(layout: Layout, known: Mapping[str, Record]) -> Iterator[Candidate]:
    for candidate in layout.candidates:
        record = known.get(candidate.key)
        if record is None or record[0] != candidate.stamp:
            yield candidate


def _recall(record: Record, thawed: Memo) -> tuple[Target | None, tuple[str, ...]]:
    _, notes, data = record
    return (None if data is None else thaw(data, thawed)), notes


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


def _pathless(project: Project, tree: Tree) -> Iterator[str]:
    """Paths of services that match nothing, in a repository that others of them do match."""
    services = project.sources.services.values()
    is_elsewhere = project.sources.origin.repository is not None
    if is_elsewhere or ".gitmodules" in tree.blobs or not any(one.paths for one in services):
        return  # what lies in a submodule is not listed
    files = [*tree.blobs, *tree.links]
    idle = {one.service: unmatched(one.paths, files) for one in services}
    if all(len(idle[one.service]) == len(one.paths) for one in services):
        return  # they are built from another repository
    for one in services:
        for pattern in idle[one.service]:
            yield f"{one.place}: the path {pattern} of {one.service} matches nothing"


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
