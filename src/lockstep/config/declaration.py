"""Where a target's version is declared, and what a new version changes there.

The declaring file is ``environments/{env}/{svc}/config.yaml``, for previews
``pr-{N}/services/{svc}.values.yaml``: the highest layer, so what is written there holds, wherever the
version came from before. Nothing else is ever edited.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from lockstep.config.edit import Change, Changes, edit
from lockstep.config.layers import SHORT_VERSION, Path, Stack, fold, has
from lockstep.config.layout import Candidate, arrange
from lockstep.config.load import Files, read_project_file
from lockstep.config.project_file import ProjectFile
from lockstep.config.versions import Stated, find_version, image_changes
from lockstep.config.yaml_reader import parse
from lockstep.errors import BadInput, BadInputs
from lockstep.model import Hold, Source
from lockstep.model.move import Move
from lockstep.model.paths import value_at
from lockstep.model.pin import Pin, read_pin
from lockstep.model.tree import Tree
from lockstep.values import dataclass

__all__ = [
    "Declaration",
    "Edits",
    "HoldChange",
    "apply_edits",
    "hold_changes",
    "read_declarations",
    "version_changes",
    "version_edits",
]

Edits: TypeAlias = Mapping[str, Changes]
"""Path of a file to what changes in it."""

_SHORT = 7  # digits of a commit, as Git shows it


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldChange:
    """A hold that is set; None lifts the one that is there."""

    hold: Hold | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Declaration:
    """What a target's declaring file says, and all layers together."""

    target: str
    service: str
    file: str  # of a preview it may not exist yet
    values: Mapping[str, Any]  # of the file alone
    stack: Stack
    source: Source | None = None  # as the project says what it is
    is_layer: bool = False  # its folder lies below layers/

    @property
    def stated(self) -> Stated:
        """The version as all layers together say it."""
        return find_version(self.stack, self.service, self.source)

    @property
    def version(self) -> str | None:
        """The version, without the digest of an image."""
        return self.stated.version


def read_declarations(
    tree: Tree, targets: Iterable[str], *, project_file: str = "lockstep.yaml"
) -> Mapping[str, Declaration]:
    """The declarations of some targets by key; their files are fetched in one go.

    BadInput or BadInputs for a target that the tree does not declare and for files that cannot be read.
    """
    wanted = list(dict.fromkeys(targets))
    file = read_project_file(tree, project_file)
    layout = arrange(tree, file.project.folder, file=project_file, has_all=file.project.preview.has_all)
    candidates = {candidate.key: candidate for candidate in layout.candidates}
    errors = [
        BadInput(
            "the repository does not declare this target any more",
            where=key,
            fix="run 'lockstep status' to see what is declared",
        )
        for key in wanted
        if key not in candidates
    ]
    _raise(errors)
    chosen = [candidates[key] for key in wanted]
    files = Files(file, tree.read(sorted({path for candidate in chosen for path in candidate.layers})))
    found: dict[str, Declaration] = {}
    for candidate in chosen:
        try:
            found[candidate.key] = _declaration(file, candidate, files)
        except BadInput as error:
            errors.append(error)
    _raise(errors)
    return found


def _declaration(file: ProjectFile, candidate: Candidate, files: Files) -> Declaration:
    path = _declaring_file(file.project.folder, candidate)
    is_there = path in candidate.layers
    stack = files.stack(candidate)
    return Declaration(
        target=candidate.key,
        service=candidate.service,
        file=path,
        values=(parse(files.contents[path], path).value or {}) if is_there else {},
        stack=stack,
        source=file.project.sources.services.get(candidate.service),
        is_layer=candidate.base.is_layer,
    )


def _declaring_file(folder: str, candidate: Candidate) -> str:
    root = "environments" if folder == "." else f"{folder}/environments"
    if candidate.pr is not None:
        return f"{root}/{candidate.environment}/services/{candidate.service}.values.yaml"
    return f"{root}/{candidate.environment}/{candidate.service}/config.yaml"


def version_changes(declaration: Declaration, move: Move, *, add_commit: bool = False) -> Changes:
    """What a move changes in the declaring file.

    The version where it stands (``lambda.version`` or ``lambdaVersion``; for others the configured key or
    the place where it is found), the pin or the digest of the image, and the commit wherever the file
    names one. A pin, digest or commit of another version never stays: what is not known of the new version
    is removed. ``add_commit`` writes ``gitVersion`` and ``deploymentNotification`` into a file that has
    neither. BadInput for a service without a known place of its version, and for a pin of another version
    in another file.
    """
    changes: dict[tuple[str, ...], Change] = {}
    stated, source = declaration.stated, declaration.source
    old, path = stated.version, stated.path
    is_lambda = move.deployment_type == "lambda"
    if is_lambda:
        path = (SHORT_VERSION,) if SHORT_VERSION in declaration.values else ("lambda", "version")
        old = declaration.stack.values.get("lambda", {}).get("version")
    elif source is not None and source.version_key is not None:
        path = source.version_key
    elif not path:
        raise BadInput(
            "no layer says where this service's version stands",
            where=declaration.file,
            fix=f"set services.{declaration.service}.versionKey in lockstep.yaml, such as image.tag",
        )
    if is_lambda:
        changes |= _pin(declaration, move, is_same=old == move.new)
    if move.commit is not None or old != move.new:
        changes |= _commits(declaration.values, move, path, add=add_commit)
    written = tuple(map(str, path))
    if is_lambda:
        changes[written] = move.new
    else:
        changes |= image_changes(
            declaration.stack, declaration.file, written, source, new=move.new, image=move.sha256
        )
    if is_lambda and path == (SHORT_VERSION,) and has(declaration.values, ("lambda", "version")):
        changes["lambda", "version"] = move.new
    return changes


def _pin(declaration: Declaration, move: Move, *, is_same: bool) -> dict[tuple[str, ...], Change]:
    path = ("lambda", "sha256")
    if move.sha256 is not None:
        return {path: str(Pin.of(move.new, move.sha256))}
    if is_same:
        return {}
    others = Stack(layers=tuple(x for x in declaration.stack.layers if x.file != declaration.file))
    text = value_at(fold(layer.values for layer in others.layers), path)
    pin = read_pin(text) if isinstance(text, str) else None
    if text is not None and (pin is None or not pin.is_named):
        raise BadInput(
            "lambda.sha256 pins all versions of this service, and the digest of the new one is not known",
            where=others.place(path),
            fix=f"remove it there, or move it to {declaration.file}",
        )
    return {path: None} if has(declaration.values, path) else {}


def _commits(
    values: Mapping[str, Any], move: Move, path: Path, *, add: bool
) -> dict[tuple[str, ...], Change]:
    """The commit wherever the file names one; a section that would say nothing any more goes."""
    changes: dict[tuple[str, ...], Change] = {}
    if has(values, ("lambda", "commitSha")):
        changes["lambda", "commitSha"] = move.commit
    wanted: dict[str, dict[str, Change]] = {
        "gitVersion": {"sha": move.commit, "shortSha": _short(values, move.commit)},
        "deploymentNotification": {"commitSha": move.commit},
    }
    if value_at(values, ("gitVersion", "version")) is not None:
        wanted["gitVersion"]["version"] = move.new
    is_adding = add and move.commit is not None and not wanted.keys() & values.keys()
    for section, inside in wanted.items():
        if section not in values and not is_adding:
            continue
        there = values.get(section)
        keys = [key for key in inside if key in there] if isinstance(there, dict) and there else list(inside)
        gone = {key for key in keys if inside[key] is None}
        if gone and path[0] != section and not (isinstance(there, dict) and there.keys() - gone):
            changes[(section,)] = None
        else:
            changes |= {(section, key): inside[key] for key in keys}
    return changes


def _short(values: Mapping[str, Any], commit: str | None) -> str | None:
    """A commit as short as the one before it."""
    if commit is None:
        return None
    before = value_at(values, ("gitVersion", "shortSha"))
    digits = len(before) if isinstance(before, str) and set(before.lower()) <= _HEX else _SHORT
    return commit[: max(digits, _SHORT)]


_HEX = frozenset("0123456789abcdef")


def hold_changes(declaration: Declaration, change: HoldChange) -> Changes:
    """What sets or lifts a hold. BadInput when the hold that is to be lifted stands in another file."""
    hold = change.hold
    if hold is not None:
        said = {"version": hold.version, "since": hold.since, "by": hold.by, "reason": hold.reason}
        return {("lockstep", "hold"): {key: value for key, value in said.items() if value is not None}}
    for layer in declaration.stack.layers:
        if layer.file != declaration.file and value_at(layer.values, ("lockstep", "hold")) is not None:
            raise BadInput(
                "the hold stands in a file of several targets",
                where=layer.place(("lockstep", "hold")),
                fix="remove it there by hand",
            )
    block = declaration.values.get("lockstep")
    if not isinstance(block, dict) or "hold" not in block:
        return {}
    return {("lockstep",): None} if len(block) == 1 else {("lockstep", "hold"): None}


def version_edits(
    tree: Tree,
    moves: Iterable[Move],
    *,
    holds: Mapping[str, HoldChange] | None = None,
    project_file: str = "lockstep.yaml",
    add_commit: bool = False,
) -> Edits:
    """What moves, and holds by target, change in which files of a tree.

    A hold may be set or lifted for a target that does not move. BadInput or BadInputs name everything
    that is in the way.
    """
    moves = tuple(moves)
    holds = holds or {}
    declarations = read_declarations(
        tree, [*(move.target for move in moves), *holds], project_file=project_file
    )
    edits: dict[str, dict[tuple[str, ...], Change]] = {}
    errors: list[BadInput] = []
    for move in moves:
        declaration = declarations[move.target]
        try:
            changes = version_changes(declaration, move, add_commit=add_commit)
        except BadInput as error:
            errors.append(error)
        else:
            edits.setdefault(declaration.file, {}).update(changes)
    for key, hold in holds.items():
        try:
            changes = hold_changes(declarations[key], hold)
        except BadInput as error:
            errors.append(error)
        else:
            edits.setdefault(declarations[key].file, {}).update(changes)
    _raise(errors)
    return edits


def apply_edits(tree: Tree, edits: Edits) -> Mapping[str, bytes]:
    """New contents of the files that change; a file that does not exist begins empty.

    BadInput or BadInputs name every file that cannot be edited, and then nothing is returned.
    """
    blobs = tree.blobs
    contents = tree.read(sorted(path for path in edits if path in blobs))
    results: dict[str, bytes] = {}
    errors: list[BadInput] = []
    for path, changes in sorted(edits.items()):
        before = contents.get(path, b"")
        try:
            after = edit(before, changes, file=path)
        except BadInputs as error:
            errors += error.errors
        except BadInput as error:
            errors.append(error)
        else:
            if after != before:
                results[path] = after
    _raise(errors)
    return results


def _raise(errors: list[BadInput]) -> None:
    if errors:
        raise errors[0] if len(errors) == 1 else BadInputs(errors)
