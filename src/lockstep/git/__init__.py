"""The git command line as a library: trees at a commit, changed paths, history.

Law: runs git with argument lists, knows nothing of what the files mean.
"""

from lockstep.git.command import Repository, mask
from lockstep.git.history import Commit, changed_paths, last_changes
from lockstep.git.repository import open_commit, open_worktree
from lockstep.git.tree import CommitTree, WorkTree

__all__ = [
    "Commit",
    "CommitTree",
    "Repository",
    "WorkTree",
    "changed_paths",
    "last_changes",
    "mask",
    "open_commit",
    "open_worktree",
]
