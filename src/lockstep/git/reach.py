"""Whether others can reach a commit: it is on a branch of the place where refs are shared."""

from collections.abc import Iterable

from lockstep.errors import Rejected
from lockstep.git.command import Repository
from lockstep.git.remote import Remote, fetch, list_refs

__all__ = ["is_shared"]


def is_shared(remote: Remote, commit: str, *patterns: str) -> bool:
    """Say whether one of the refs that the patterns name (see ``list_refs``) has a commit in its history.

    The refs are those of the remote now; of their histories only what is missing here is fetched, and
    only when what is here does not tell.
    """
    refs = list_refs(remote, *patterns)
    if commit in refs.values() or _reach(remote.repository, refs.values(), commit):
        return True
    try:
        fetch(remote, refs)
    except Rejected:  # a branch moved between the two requests
        refs = list_refs(remote, *patterns)
        fetch(remote, refs)
    return _reach(remote.repository, refs.values(), commit)


def _reach(repository: Repository, tips: Iterable[str], commit: str) -> bool:
    """Whether the histories of those tips that are here have the commit."""
    listed = "".join(f"^{tip}\n" for tip in dict.fromkeys(tips))
    output = repository.run(
        *("rev-list", "--max-count=1", "--ignore-missing", "--stdin"),
        doing="looking for the commit on the branches",
        data=f"{commit}\n{listed}".encode("ascii"),
    )
    return not output.strip()
