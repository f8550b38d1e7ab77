"""Previews on a branch of their own, read together with the project as one tree.

Of that branch only the folders of previews count, and of the project's own tree all but those. What is
at a revision (``--rev``) is the project; previews are as they are now, since their branch is compacted
and what it held once is gone. Two commits say together what a plan was made from.
"""

from collections.abc import Iterable, Mapping

from lockstep.config.preview_tree import previews_root
from lockstep.errors import BadInput
from lockstep.git.remote import Remote
from lockstep.git.tree import CommitTree
from lockstep.git.writing import head
from lockstep.model import Project
from lockstep.model.tree import Tree

__all__ = ["Joined", "check_is_theirs", "is_of_preview", "left_over", "open_previews"]


class Joined:
    """A project's tree with the previews of another one. Both have the project's folder as their root."""

    def __init__(self, tree: Tree, previews: Tree, folder: str) -> None:
        self._tree = tree
        self._previews = previews
        self._folder = folder
        self.blobs: Mapping[str, str] = self._join(tree.blobs, previews.blobs)
        self.links: Mapping[str, str] = self._join(tree.links, previews.links)

    @property
    def commit(self) -> str | None:
        """The project's."""
        return self._tree.commit

    @property
    def is_dirty(self) -> bool:
        """As the project's."""
        return self._tree.is_dirty

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Contents of the given files. KeyError for a path that is not in ``blobs``."""
        wanted = list(dict.fromkeys(paths))
        if missing := [path for path in wanted if path not in self.blobs]:
            raise KeyError(missing[0])
        own = [path for path in wanted if not is_of_preview(path, self._folder)]
        others = [path for path in wanted if is_of_preview(path, self._folder)]
        return {**self._tree.read(own), **(self._previews.read(others) if others else {})}

    def _join(self, own: Mapping[str, str], previews: Mapping[str, str]) -> Mapping[str, str]:
        kept = {path: value for path, value in own.items() if not is_of_preview(path, self._folder)}
        return kept | {path: value for path, value in previews.items() if is_of_preview(path, self._folder)}


def is_of_preview(path: str, folder: str) -> bool:
    """Whether a path of a project's tree lies in the folder of a preview."""
    return path.startswith(f"{previews_root(folder)}/pr-")


def open_previews(remote: Remote, project: Project, commit: str | None = None) -> CommitTree:
    """The branch of a project's previews, at a commit of it or as it is now.

    BadInput when there is no such branch: that every preview is gone must be said by somebody.
    """
    branch = project.preview.branch
    assert branch is not None  # noqa: S101 - the caller's choice
    found = commit or head(remote, branch)
    if found is None:
        raise BadInput(
            f"{remote} has no branch {branch}, which is to hold the previews",
            where=project.preview.place,
            fix="`lockstep preview compact` begins it, with the previews that lie on the other branch",
        )
    tree = CommitTree(remote.repository, found)
    check_is_theirs(tree, project)
    return tree


def left_over(tree: Tree, project: Project) -> list[str]:
    """A warning for previews that lie in the project's own tree, where they do not count any more."""
    start = f"{previews_root(project.folder)}/"
    names = sorted(
        {path[len(start) :].partition("/")[0] for path in tree.blobs if is_of_preview(path, project.folder)}
    )
    if not names:
        return []
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    branch = project.preview.branch
    return [f"{start}{names[0]}{more}: not read, since previews are on the branch {branch}; remove it here"]


def check_is_theirs(tree: Tree, project: Project) -> None:
    """BadInput when the branch of previews is one that holds a project, such as the deployed one."""
    if any(path.rpartition("/")[2] == project.file for path in tree.blobs):
        raise BadInput(
            f"the branch {project.preview.branch} holds a {project.file}, so it is not the previews' own",
            where=project.preview.place,
            fix="name another branch; `lockstep preview compact` begins it",
        )
