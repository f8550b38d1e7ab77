"""The folder of one preview: which files it should hold, and what that changes in a tree."""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lockstep.config.declaration import Declaration, apply_edits, read_declarations, version_changes
from lockstep.config.edit import Change
from lockstep.config.layers import Stack, fold
from lockstep.config.preview_file import edit_preview, fill_known, read_preview
from lockstep.config.versions import find_version
from lockstep.errors import BadInput
from lockstep.model import Project, Source
from lockstep.model.move import Move
from lockstep.model.preview import FOLDER, Preview
from lockstep.model.tree import Tree
from lockstep.values import dataclass

__all__ = [
    "Asked",
    "Edited",
    "folder_of",
    "has_lambda",
    "preview_files",
    "previewable",
    "previews_root",
    "read_previews",
    "with_services",
]

_SHORT = 7  # digits of a commit, as Git shows it


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a preview is to be. ``moves`` are its services; each version of them is named."""

    preview: Preview
    moves: tuple[Move, ...]
    ttl: str | None = None  # as people write it; None: as it is
    places: Mapping[str, tuple[str, ...]]  # service -> where another environment keeps its version
    forgets_pins: bool = False  # a digest that is not named again is removed, though the version stays


class Edited:
    """A tree with other contents of some files, none of them committed yet; None removes one."""

    is_dirty = True

    def __init__(self, tree: Tree, changes: Mapping[str, bytes | None]) -> None:
        self._tree = tree
        self._written = {path: data for path, data in changes.items() if data is not None}
        self.commit = tree.commit
        kept = {path: blob for path, blob in tree.blobs.items() if path not in changes}
        self.blobs: Mapping[str, str] = kept | {path: f"edited {path}" for path in self._written}
        self.links: Mapping[str, str] = {p: text for p, text in tree.links.items() if p not in changes}

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Contents of the given files. KeyError for a path that is not in ``blobs``."""
        wanted = list(dict.fromkeys(paths))
        if missing := [path for path in wanted if path not in self.blobs]:
            raise KeyError(missing[0])
        found = self._tree.read([path for path in wanted if path not in self._written])
        return {path: self._written[path] if path in self._written else found[path] for path in wanted}


def previews_root(folder: str) -> str:
    """The folder of all previews, in a project's tree."""
    return FOLDER if folder == "." else f"{folder}/{FOLDER}"


def folder_of(folder: str, number: int) -> str:
    """The folder of one preview, with a slash at its end."""
    return f"{previews_root(folder)}/pr-{number}/"


def read_previews(tree: Tree, folder: str) -> Mapping[int, Preview]:
    """Every preview of a tree, by number. BadInput for a ``pr.yaml`` that contradicts itself."""
    start = f"{previews_root(folder)}/pr-"
    files = {
        int(name): path
        for path in tree.blobs
        if path.startswith(start) and path.endswith("/pr.yaml") and path.count("/") == start.count("/") + 1
        for name in [path[len(start) :].partition("/")[0]]
        if name.isdecimal() and name.isascii() and not name.startswith("0") and len(name) <= 10
    }
    contents = tree.read(sorted(files.values()))
    return {number: read_preview(contents[path], path, number) for number, path in sorted(files.items())}


def previewable(tree: Tree, project: Project, number: int) -> Mapping[str, bool]:
    """Services that may be in a preview, and whether every preview has them.

    Every preview has those with ``preview/services/{svc}/config.yaml``, and where the project says so those
    with ``services/{svc}/config.yaml``; one that has only values there, or a file in this preview already,
    is in it when it is asked for.
    """
    folder = project.folder
    root = f"{previews_root(folder)}/"
    base = "services/" if folder == "." else f"{folder}/services/"
    found: dict[str, bool] = {}
    for path in tree.blobs:
        if project.preview.has_all and path.startswith(base):
            service, _, name = path[len(base) :].partition("/")
            if name == "config.yaml":
                found[service] = True
        if not path.startswith(root):
            continue
        match path[len(root) :].split("/"):
            case ["services", service, "config.yaml"]:
                found[service] = True
            case ["services", service, "values.yaml"]:
                found.setdefault(service, False)
            case [preview, "services", name] if preview == f"pr-{number}" and name.endswith(".values.yaml"):
                found.setdefault(name.removesuffix(".values.yaml"), False)
            case _:
                pass
    return found


def with_services(tree: Tree, folder: str, number: int, services: Iterable[str]) -> Edited:
    """The tree with a preview that has at least an empty file for each of the services."""
    own = folder_of(folder, number)
    wanted = [f"{own}pr.yaml", *(f"{own}services/{service}.values.yaml" for service in services)]
    return Edited(tree, {path: b"" for path in wanted if path not in tree.blobs})


def has_lambda(stack: Stack) -> bool:
    """Whether the layers of a service that says no deploymentType describe a function."""
    block = stack.values.get("lambda")
    return isinstance(block, dict) and "functionName" in block


def preview_files(
    tree: Tree, folder: str, templates: str, asked: Asked, *, now: str
) -> Mapping[str, bytes | None]:
    """What changes in a project's tree so that its preview is as asked; nothing when it is so already.

    ``updated`` becomes ``now`` when anything else changes. Files that somebody else put into the folder
    stay. BadInput when the folder is another thing's, for a service without a known place of its version,
    and for files that cannot be edited.
    """
    number = asked.preview.number
    own = folder_of(folder, number)
    before = _contents(tree, own)
    if before and f"{own}pr.yaml" not in before:
        raise BadInput(
            "the folder exists and holds no pr.yaml, so it is no preview's",
            where=own.rstrip("/"),
            fix=f"remove it, or make it one: an empty {own}pr.yaml is enough",
        )
    files: dict[str, bytes] = dict(_service_files(tree, folder, asked))
    files |= _from_templates(tree, folder, templates, asked)
    file = f"{own}pr.yaml"
    data = before.get(file, b"")
    was = read_preview(data, file, number)
    preview = replace(
        asked.preview, created=was.created or now, updated=was.updated or now, warned=was.warned
    )
    changed = {path: data for path, data in files.items() if before.get(path) != data}
    said = edit_preview(data, preview, file, ttl=asked.ttl)
    if not changed and said == data:
        return {}
    preview = replace(preview, updated=now, warned=None)
    return {**changed, file: edit_preview(data, preview, file, ttl=asked.ttl)}


def _contents(tree: Tree, own: str) -> Mapping[str, bytes]:
    for link in tree.links:
        if link.startswith(own) or f"{link}/" == own:
            raise BadInput(
                "a symbolic link stands in the preview's folder; links are not followed",
                where=link,
                fix="remove it",
            )
    return tree.read(sorted(path for path in tree.blobs if path.startswith(own)))


def _service_files(tree: Tree, folder: str, asked: Asked) -> Mapping[str, bytes]:
    number = asked.preview.number
    there = with_services(tree, folder, number, [move.service for move in asked.moves])
    declarations = read_declarations(there, [move.target for move in asked.moves])
    edits: dict[str, Mapping[tuple[str, ...], Change]] = {}
    errors: list[BadInput] = []
    for move in asked.moves:
        declaration = declarations[move.target]
        try:
            edits[declaration.file] = _service_changes(declaration, move, asked)
        except BadInput as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return apply_edits(there, edits)


def _service_changes(declaration: Declaration, move: Move, asked: Asked) -> Mapping[tuple[str, ...], Change]:
    """The service's name and kind, its version, and the commit that it was built from."""
    declaration = _with_place(declaration, move, asked.places.get(move.service))
    changes: dict[tuple[str, ...], Change] = {}
    for key, value in (("serviceName", move.service), ("deploymentType", move.deployment_type)):
        if declaration.stack.values.get(key) != value or not declaration.values:
            changes[key,] = value
    said = version_changes(declaration, move)
    changes |= {path: said[path] for path in sorted(said, key=lambda path: "sha" in path[-1].lower())}
    if move.deployment_type == "lambda" and move.sha256 is None and asked.forgets_pins:
        changes["lambda", "sha256"] = None
    if move.commit is not None:
        changes.setdefault(("gitVersion", "sha"), move.commit)
        changes.setdefault(("gitVersion", "shortSha"), move.commit[:_SHORT])
    return changes


def _with_place(declaration: Declaration, move: Move, place: tuple[str, ...] | None) -> Declaration:
    """A declaration that knows where its version stands: as in another environment, unless its own layers
    name a place that counts before that one.
    """
    source = declaration.source or Source(service=declaration.service)
    if move.deployment_type == "lambda" or source.version_key is not None or place is None:
        return declaration
    tried: dict[str, Any] = {place[-1]: move.new}
    for key in reversed(place[:-1]):
        tried = {key: tried}
    values = fold((declaration.stack.values, tried))
    path = find_version(replace(declaration.stack, values=values), declaration.service).path
    return replace(declaration, source=replace(source, version_key=tuple(map(str, path)) or place))


def _from_templates(tree: Tree, folder: str, templates: str, asked: Asked) -> Mapping[str, bytes]:
    """The project's own files, filled in; those whose name holds ``{service}`` once for each service."""
    base = f"{templates if folder == '.' else posixpath.join(folder, templates)}/"
    own = folder_of(folder, asked.preview.number)
    paths = sorted(path for path in tree.blobs if path.startswith(base))
    contents = tree.read(paths)
    common = {"pr": str(asked.preview.number), "env": asked.preview.name}
    files: dict[str, bytes] = {}
    for path in paths:
        name = path[len(base) :]
        if name == "pr.yaml" or name.startswith("services/"):
            raise BadInput(
                "Lockstep writes this file of a preview itself",
                where=path,
                fix="give the template another name",
            )
        if "{service}" not in name:
            files[own + fill_known(name.encode(), common, path).decode()] = fill_known(
                contents[path], common, path
            )
            continue
        for move in asked.moves:
            names = {**common, "service": move.service, "version": move.new}
            files[own + fill_known(name.encode(), names, path).decode()] = fill_known(
                contents[path], names, path
            )
    return files
