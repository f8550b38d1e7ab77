"""Opening the repository that services are built from: its ``services:`` and the commit that is meant."""

from collections.abc import Iterable, Iterator

from lockstep.config.sources import read_sources
from lockstep.delivery.places.workspace import PROJECT_FILE, Subtree, Where, open_tree
from lockstep.errors import BadInput
from lockstep.git.command import Repository
from lockstep.git.export import submodules_on_disk
from lockstep.git.tree import CommitTree, WorkTree
from lockstep.model import Source, Sources
from lockstep.model.tree import Tree
from lockstep.planning.paths import unmatched
from lockstep.suggest import suggestion
from lockstep.values import dataclass

__all__ = ["Built", "SourceTree", "built_here", "open_sources"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceTree:
    """A repository with ``services:``, at one commit."""

    sources: Sources
    repository: Repository
    commit: str
    whole: WorkTree | CommitTree  # the files on disk, or those of the commit when a revision was named
    prefix: str = ""  # of the project file's folder in the repository, ending in "/"

    def source(self, service: str) -> Source:
        """What is said of a service; BadInput, with what is near, when nothing is."""
        try:
            return self.sources.services[service]
        except KeyError:
            names = sorted(self.sources.services)
        fix = f"add services: {{{service}: {{source: {{paths: [...]}}}}}} to {PROJECT_FILE}"
        if names:
            fix = suggestion(service, names, f"there are: {', '.join(names)}")
        raise BadInput(f"services names no {service!r}", where=f"{self.prefix}{self.sources.file}", fix=fix)

    def paths(self, source: Source) -> tuple[str, ...]:
        """The patterns of a service from the repository's root on; () for every path."""
        if not self.prefix or not source.paths:
            return source.paths or ((self.prefix.rstrip("/"),) if self.prefix else ())
        return tuple(self.prefix + ("**" if pattern == "." else pattern) for pattern in source.paths)

    def unmatched(self, source: Source) -> tuple[str, ...]:
        """Warnings about paths of a service that no file of the repository lies at."""
        prefix = self.prefix
        own = [path.removeprefix(prefix) for path in _files(self.whole) if path.startswith(prefix)]
        return tuple(matching_nothing(source, own))


def matching_nothing(source: Source, files: Iterable[str]) -> Iterator[str]:
    """A warning for each of a service's paths that selects none of the files."""
    for pattern in unmatched(source.paths, files):
        yield f"{source.place}: the path {pattern} of {source.service} matches nothing"


def _files(tree: WorkTree | CommitTree) -> Iterator[str]:
    """Every path of a tree, submodules too."""
    yield from tree.blobs
    yield from tree.links
    if tree.repository is not None:
        yield from submodules_on_disk(tree.repository)


def open_sources(where: Where, opened: CommitTree | None = None) -> SourceTree:
    """Read ``services:`` of the project file that is nearest to a folder, as ``open_tree`` finds it.

    ``opened`` is the tree of the revision, where it was opened before. Raises BadInput when it is no local
    Git repository, has no commit, or the file is not valid.
    """
    whole, prefix, _ = open_tree(where, opened)
    tree: Tree = Subtree(whole, prefix) if prefix else whole
    repository = whole.repository
    if repository is None:
        raise BadInput(
            "this is no Git repository, so there is no history",
            where=str(where.folder.resolve()),
            fix="run in a clone of the repository, or name one with -C",
        )
    if repository.url is not None:
        raise BadInput(
            "tags and history are read from a clone, not from a URL",
            where="--repo",
            fix="clone the repository and run there, or name the clone with -C",
        )
    if whole.commit is None:
        raise BadInput(
            "the repository has no commits yet", where=str(repository.folder), fix="commit your files first"
        )
    return SourceTree(
        sources=read_sources(tree, project_file=PROJECT_FILE),
        repository=repository,
        commit=whole.commit,
        whole=whole,
        prefix=prefix,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """What a repository builds."""

    services: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def built_here(where: Where) -> Built:
    """Services of a repository that builds and declares nothing; none for one that declares environments.

    Raises BadInput when the project file is not valid.
    """
    whole, prefix, _ = open_tree(where)
    tree: Tree = Subtree(whole, prefix) if prefix else whole
    sources = read_sources(tree, project_file=PROJECT_FILE)
    declares = any("environments" in path.split("/")[:-1] for path in tree.blobs if path.endswith(".yaml"))
    if declares:
        return Built()
    files = [path.removeprefix(prefix) for path in _files(whole) if path.startswith(prefix)]
    warnings = [told for source in sources.services.values() for told in matching_nothing(source, files)]
    return Built(services=tuple(sorted(sources.services)), warnings=tuple(warnings))
