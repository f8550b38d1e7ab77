"""Pull requests for people who have no page for them: opened, read, merged and closed on any forge."""

from collections.abc import Sequence

from lockstep.config.sources import read_sources
from lockstep.delivery.places.forges import Credentials, open_forge
from lockstep.delivery.places.workspace import PROJECT_FILE, Subtree, Where, open_tree
from lockstep.errors import BadInput, ForgeError
from lockstep.forge.base import Forge, MergeMethod
from lockstep.git.command import Repository
from lockstep.git.remote import Remote, default_branch, open_remote
from lockstep.model.pull import Pull, PullState, Review
from lockstep.model.tree import Tree
from lockstep.values import dataclass

__all__ = ["Place", "close", "label", "merge", "open_place", "propose", "read_review"]

_LONGEST_LABEL = 50  # characters; GitHub's limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A repository and the forge that it is on."""

    forge: Forge
    remote: Remote
    branch: str | None  # that pull requests go to; None: the remote's default branch


def open_place(where: Where, credentials: Credentials) -> Place:
    """The repository around a folder, or the one that is named, and its forge.

    The project need not be valid: the pull request that mends it can be merged. BadInput where there
    is no project file.
    """
    whole, prefix, _ = open_tree(where)
    tree: Tree = Subtree(whole, prefix) if prefix else whole
    settings = read_sources(tree, project_file=PROJECT_FILE).forge
    remote = open_remote(where.repo or whole.repository or where.folder, where.cache, access=where.access)
    return Place(forge=open_forge(settings, remote, credentials), remote=remote, branch=settings.branch)


def propose(place: Place, head: str | None, *, title: str | None, body: str) -> Pull:
    """Open a pull request of a branch that was pushed, by default the one that is checked out.

    Its title is the newest commit's when none is given. BadInput when no branch is checked out.
    """
    base = place.branch or default_branch(place.remote)
    head = head or _current(place.remote.repository)
    if title is None:
        newest = place.forge.commits(base, head, most=1)
        title = newest[0].subject if newest else head
    return place.forge.open_pull(head=head, base=base, title=title, body=body)


def read_review(forge: Forge, number: int) -> Review:
    """One pull request with its checks, commits and comments; an ended one has no commits to show."""
    pull = forge.pull(number)
    remarks = tuple(forge.comments(number))
    is_open = pull.state is PullState.OPEN
    return Review(
        pull=pull,
        checks=tuple(forge.checks(pull.sha)) if is_open else (),
        commits=tuple(forge.commits(pull.base, pull.sha)) if is_open else (),
        remarks=remarks,
    )


def label(forge: Forge, number: int, *, add: Sequence[str], remove: Sequence[str]) -> Pull:
    """Add and remove labels of a pull request, and return it. BadInput when there is none to set."""
    if not add and not remove:
        raise BadInput(
            "no label is named",
            where="pulls label",
            fix="write: lockstep pulls label NUMBER LABEL, or --remove LABEL",
        )
    for name in (*add, *remove):
        if not name.strip() or len(name) > _LONGEST_LABEL or not name.isprintable():
            raise BadInput(
                f"{name!r} is no label",
                where="pulls label",
                fix=f"1 to {_LONGEST_LABEL} characters that can be printed",
            )
    forge.pull(number)  # an issue has the same numbers
    forge.label(number, add=add, remove=remove)
    return forge.pull(number)


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


def _current(repository: Repository) -> str:
    """The branch that is checked out in a clone."""
    answer = repository.run(
        "symbolic-ref", "--quiet", "--short", "HEAD", doing="reading the branch", allowed=(0, 1)
    )
    name = answer.decode("utf-8", "surrogateescape").strip()
    if repository.url or not name:
        raise BadInput("no branch is checked out", fix="name the branch: lockstep pulls open BRANCH")
    return name
