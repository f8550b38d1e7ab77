"""``package``: a service's package, from the files on disk or from a commit as it is."""

import tempfile
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from lockstep.artifacts.building import build
from lockstep.config.sources import read_sources
from lockstep.delivery.places.workspace import PROJECT_FILE, Subtree, Where, open_tree
from lockstep.errors import BadInput
from lockstep.git.command import Repository
from lockstep.git.export import commit_time, export_commit, submodules_on_disk
from lockstep.git.tree import CommitTree, WorkTree
from lockstep.model import Built, Source, Sources
from lockstep.model.tree import Tree
from lockstep.model.watching import SILENT, Watcher
from lockstep.suggest import nearest

__all__ = ["build_commit", "find_source", "package_name", "package_service"]

_FOLDER = "dist"


def package_service(
    where: Where,
    service: str,
    *,
    version: str | None = None,
    into: Path | None = None,
    stop: threading.Event | None = None,
    watcher: Watcher = SILENT,
) -> Built:
    """Build one service and write its package.

    With a revision or a remote repository the files are those of the commit; otherwise those on disk,
    with a warning when they are in no commit. ``into`` is a file or a folder; by default the folder
    ``dist`` beside the project file. Raises BadInput for a service that is not known, and what
    ``build`` raises.
    """
    tree, prefix, root = open_tree(where)
    sources = read_sources(Subtree(tree, prefix) if prefix else tree, project_file=PROJECT_FILE)
    source = find_source(sources, service)
    target = _target(into, root or Path(), package_name(service, version)).absolute()
    if isinstance(tree, CommitTree):
        return build_commit(
            tree.repository,
            tree.commit or "HEAD",
            source,
            prefix=prefix,
            version=version,
            into=target,
            stop=stop,
            watcher=watcher,
        )
    return _from_disk(tree, prefix, source, version=version, into=target, stop=stop, watcher=watcher)


def find_source(sources: Sources, service: str) -> Source:
    """The service of that name, with how it is built; BadInput, naming what is near, without one."""
    source = sources.services.get(service)
    if source is None:
        known = sorted(sources.services)
        near = nearest(service, known)
        there = f"there are: {', '.join(known)}" if known else "add services: with source and build"
        raise BadInput(
            f"there is no service {service!r} to build",
            where=sources.file,
            fix=f"did you mean {near}?" if near else there,
        )
    return source


def package_name(service: str, version: str | None) -> str:
    """The file name of a package: ``s3-notifier-0.1.6.zip``, or ``s3-notifier.zip`` without a version."""
    return f"{service}-{version}.zip" if version else f"{service}.zip"


def build_commit(
    repository: Repository,
    commit: str,
    source: Source,
    *,
    into: Path,
    prefix: str = "",
    version: str | None = None,
    stop: threading.Event | None = None,
    watcher: Watcher = SILENT,
) -> Built:
    """Build a service from a clean checkout of a commit, which is removed afterwards.

    ``prefix`` is the folder of the project file in the repository, ending in "/". Raises what
    ``build`` and ``export_commit`` raise.
    """
    watcher.progress(f"{source.service}: checking out {commit[:12]}")
    with tempfile.TemporaryDirectory(prefix="lockstep-commit-", ignore_cleanup_errors=True) as folder:
        exported = export_commit(repository, commit, Path(folder))
        built = build(
            source,
            root=exported.folder / prefix,
            into=into,
            version=version,
            commit=commit,
            submodules=[path.removeprefix(prefix) for path in exported.submodules if path.startswith(prefix)],
            epoch=exported.time,
            stop=stop,
            watcher=watcher,
        )
    return replace(built, warnings=(*_left_out(exported.submodules, source, prefix), *built.warnings))


def _left_out(submodules: Iterable[str], source: Source, prefix: str) -> Iterable[str]:
    """Warnings about parts of the source that the repository does not hold."""
    folder = source.build.path if source.build else "."
    own = prefix + (f"{folder}/" if folder != "." else "")
    for path in submodules:
        if f"{path}/".startswith(own) or own.startswith(f"{path}/"):
            yield f"{path} is a submodule: its files are not in this repository, nor in the package"


def _from_disk(
    tree: WorkTree,
    prefix: str,
    source: Source,
    *,
    version: str | None,
    into: Path,
    stop: threading.Event | None,
    watcher: Watcher,
) -> Built:
    files: list[str] | None = None
    commit: str | None = None
    epoch: dict[str, int] = {}
    warnings: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    if tree.repository is not None:
        own: Tree = Subtree(tree, prefix) if prefix else tree
        files = [*own.blobs, *own.links]
        if tree.commit is not None:
            epoch = {"epoch": commit_time(tree.repository, tree.commit)}
        if _is_clean(tree, prefix, source):
            commit = tree.commit
        else:
            warnings = ("built from files that are not committed",)
        submodules = submodules_on_disk(tree.repository)
        warnings = (*warnings, *_left_out(submodules, source, prefix))
    built = build(
        source,
        root=tree.root / prefix,
        into=into,
        version=version,
        commit=commit,
        files=files,
        submodules=[path.removeprefix(prefix) for path in submodules if path.startswith(prefix)],
        stop=stop,
        watcher=watcher,
        **epoch,
    )
    return replace(built, warnings=(*warnings, *built.warnings))


def _is_clean(tree: WorkTree, prefix: str, source: Source) -> bool:
    """Whether what the package is built from is in the commit: its paths and the project file."""
    if not tree.is_dirty:
        return True
    folder = source.build.path if source.build else "."
    literal = [path for path in source.paths if not any(character in path for character in "*?")]
    under = tuple(prefix + path for path in (folder, *literal, PROJECT_FILE))
    return not WorkTree(tree.root, repository=tree.repository, under=under).is_dirty


def _target(into: Path | None, root: Path, name: str) -> Path:
    """Where the package is written; makes the default folder, which Git then ignores."""
    if into is None:
        folder = root / _FOLDER
        if not folder.is_dir():
            try:
                folder.mkdir(exist_ok=True)  # another build may make it too
                (folder / ".gitignore").write_text("*\n", encoding="utf-8")
            except OSError as error:
                raise BadInput(
                    f"cannot be made: {error.strerror}",
                    where=str(folder),
                    fix="name another place with --into",
                ) from None
        return folder / name
    if into.is_dir():
        return into / name
    if not into.parent.is_dir():
        raise BadInput("there is no such folder", where=str(into.parent), fix="make it, or correct --into")
    return into
