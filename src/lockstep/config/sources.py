"""What a repository says of building and of its forge, whether or not it declares environments."""

from lockstep.config.load import read_project_file
from lockstep.model import Sources
from lockstep.model.tree import Tree

__all__ = ["read_sources"]


def read_sources(tree: Tree, *, project_file: str = "lockstep.yaml") -> Sources:
    """``services`` and ``forge`` of a tree's project file.

    Raises BadInput as reading a project does, but needs neither a project's name nor environments.
    """
    return read_project_file(tree, project_file, needs_name=False).project.sources
