"""Pull requests for people who have no page for them: looked at, merged and closed on any forge."""

from dataclasses import dataclass

from lockstep.config.sources import read_sources
from lockstep.delivery.forges import Credentials, open_forge
from lockstep.delivery.workspace import PROJECT_FILE, Subtree, Where, open_tree
from lockstep.errors import ForgeError
from lockstep.forge.base import Check, Commit, Forge, MergeMethod, Pull, PullState
from lockstep.git.remote import open_remote
from lockstep.model.tree import Tree

__all__ = ["Remark", "Review", "close", "merge", "open_pulls", "read_review"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """A comment."""

    author: str
    written: str  # ISO 8601
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """Everything that a reviewer looks at. GitHub's comments stand on the pull request's page."""

    pull: Pull
    checks: tuple[Check, ...] = ()
    commits: tuple[Commit, ...] = ()
    remarks: tuple[Remark, ...] = ()


def open_pulls(where: Where, credentials: Credentials) -> Forge:
    """The forge of the repository around a folder, or of the one that is named.

    The project need not be valid: the pull request that mends it can be merged. BadInput where there
    is no project file.
    """
    whole, prefix, _ = open_tree(where)
    tree: Tree = Subtree(whole, prefix) if prefix else whole
    settings = read_sources(tree, project_file=PROJECT_FILE).forge
    remote = open_remote(where.repo or where.folder, where.cache, access=where.access)
    return open_forge(settings, remote, credentials)


def read_review(forge: Forge, number: int) -> Review:
    """One pull request with its checks, commits and comments; an ended one has no commits to show."""
    from lockstep.forge.local import LocalForge

    pull = forge.pull(number)
    remarks: tuple[Remark, ...] = ()
    if isinstance(forge, LocalForge):
        remarks = tuple(
            Remark(author=note.author, written=note.written, body=note.body)
            for note in forge.comments(number)
        )
    is_open = pull.state is PullState.OPEN
    return Review(
        pull=pull,
        checks=tuple(forge.checks(pull.sha)) if is_open else (),
        commits=tuple(forge.commits(pull.base, pull.sha)) if is_open else (),
        remarks=remarks,
    )


def merge(forge: Forge, number: int, *, method: MergeMethod) -> Pull:
    """Merge a pull request as it is now, and return it; ForgeError says what is in the way."""
    pull = forge.pull(number)
    if pull.state is PullState.CLOSED:
        raise ForgeError(f"pull request #{number} is closed", where=pull.url, fix="open a new one")
    if pull.state is PullState.OPEN:
        forge.merge_pull(number, sha=pull.sha, method=method)
        pull = forge.pull(number)
    return pull


def close(forge: Forge, number: int, *, comment: str | None) -> Pull:
    """Close a pull request without merging it, and return it; ForgeError when it was merged."""
    pull = forge.pull(number)
    if pull.state is PullState.MERGED:
        raise ForgeError(
            f"pull request #{number} is merged", where=pull.url, fix="take its change back with another one"
        )
    forge.close_pull(number, comment=comment)
    return forge.pull(number)
