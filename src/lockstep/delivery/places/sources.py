"""Opening the repository that services are built from: its ``services:`` and the commit that is meant."""

import difflib
from dataclasses import dataclass

from lockstep.config.sources import read_sources
from lockstep.delivery.places.workspace import PROJECT_FILE, Subtree, Where, open_tree
from lockstep.errors import BadInput
from lockstep.git.command import Repository
from lockstep.git.tree import CommitTree, WorkTree
from lockstep.model import Source, Sources
from lockstep.model.tree import Tree

__all__ = ["SourceTree", "built_here", "open_sources"]


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
        near = difflib.get_close_matches(service, names, n=1)
        if near:
            fix = f"did you mean {near[0]}?"
        elif names:
            fix = f"there are: {', '.join(names)}"
        else:
            fix = f"add services: {{{service}: {{source: {{paths: [...]}}}}}} to {PROJECT_FILE}"
        raise BadInput(f"services names no {service!r}", where=f"{self.prefix}{self.sources.file}", fix=fix)

    def paths(self, source: Source) -> tuple[str, ...]:
        """The patterns of a service from the repository's root on; () for every path."""
        if not self.prefix or not source.paths:
            return source.paths or ((self.prefix.rstrip("/"),) if self.prefix else ())
        return tuple(self.prefix + ("**" if pattern == "." else pattern) for pattern in source.paths)


def open_sources(where: Where) -> SourceTree:
    """Read ``services:`` of the project file that is nearest to a folder, as ``open_tree`` finds it.

    Raises BadInput when it is no local Git repository, has no commit, or the file is not valid.
    """
    whole, prefix, _ = open_tree(where)
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


def built_here(where: Where) -> tuple[str, ...]:
    """Services of a repository that builds and declares nothing; () for one that declares environments.

    Raises BadInput when the project file is not valid.
    """
    whole, prefix, _ = open_tree(where)
    tree: Tree = Subtree(whole, prefix) if prefix else whole
    sources = read_sources(tree, project_file=PROJECT_FILE)
    declares = any("environments" in path.split("/")[:-1] for path in tree.blobs if path.endswith(".yaml"))
    return () if declares else tuple(sorted(sources.services))
