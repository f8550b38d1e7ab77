"""The git command line as a library: trees at a commit, changed paths, history, commits and pushes.

Law: runs git with argument lists, knows nothing of what the files mean.
"""

from lockstep.git.access import Access
from lockstep.git.command import Repository, mask
from lockstep.git.commits import Identity, commit_files
from lockstep.git.history import Commit, changed_paths, last_changes
from lockstep.git.refs import RefUpdate, branch_ref
from lockstep.git.remote import Remote, fetch, list_refs, open_remote, push
from lockstep.git.repository import open_commit, open_worktree
from lockstep.git.tree import CommitTree, WorkTree
from lockstep.git.writing import Edit, Written, head, write

__all__ = [
    "Access",
    "Commit",
    "CommitTree",
    "Edit",
    "Identity",
    "RefUpdate",
    "Remote",
    "Repository",
    "WorkTree",
    "Written",
    "branch_ref",
    "changed_paths",
    "commit_files",
    "fetch",
    "head",
    "last_changes",
    "list_refs",
    "mask",
    "open_commit",
    "open_remote",
    "open_worktree",
    "push",
    "write",
]
