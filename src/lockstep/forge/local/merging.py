"""The commit that a merge would make: three methods, without a work tree."""

from lockstep.forge.base import MergeMethod
from lockstep.git.command import Repository
from lockstep.git.commits import Identity, commit_tree, write_entries
from lockstep.git.log import merge_base
from lockstep.git.merge import Merge, three_way
from lockstep.values import dataclass

__all__ = ["Merged", "conflicts_of", "merge"]

_UNRELATED = ("the whole history",)  # the branches have nothing in common


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """What to put in place of the base's commit, or the files that are in the way."""

    commit: str | None
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """What a commit says of itself."""

    id: str
    parents: tuple[str, ...]
    author: Identity
    date: str  # of the author, as Git writes it
    message: str


def conflicts_of(repository: Repository, *, base: str, head: str) -> tuple[str, ...]:
    """Paths that keep a head from being merged into a base; () when nothing does."""
    start = _merge_base(repository, base, head)
    if start is None:
        return _UNRELATED
    return _three_way(repository, start, base, head).conflicts


def merge(
    repository: Repository,
    *,
    base: str,
    head: str,
    method: MergeMethod,
    number: int,
    name: str,
    title: str,
    subject: str | None,
) -> Merged:
    """Make the commit that holds both, and return it; no ref is moved.

    ``name`` is the head branch, ``title`` the pull request's, ``subject`` what is said instead of
    the usual first line.
    """
    start = _merge_base(repository, base, head)
    if start is None:
        return Merged(commit=None, conflicts=_UNRELATED)
    if method is MergeMethod.REBASE:
        return _rebase(repository, start, base, head)
    tree, conflicts = _bring(repository, start, base, head)
    if tree is None:
        return Merged(commit=None, conflicts=conflicts)
    if method is MergeMethod.MERGE:
        message = f"{subject or f'Merge pull request #{number} from {name}'}\n\n{title}"
        return Merged(commit=commit_tree(repository, tree, parents=(base, head), message=message))
    said = _commits(repository, base, head)
    author = said[0].author if len({one.author for one in said}) == 1 else None
    message = f"{subject or f'{title} (#{number})'}\n\n{_summary(said)}"
    return Merged(commit=commit_tree(repository, tree, parents=(base,), message=message, author=author))


def _rebase(repository: Repository, start: str, base: str, head: str) -> Merged:
    """Make each commit again on top of the base; those that are there already fall away."""
    if start == base:
        return Merged(commit=head)
    tip = base
    for one in _commits(repository, base, head):
        if len(one.parents) != 1:
            continue  # a merge brings nothing of its own
        tree, conflicts = _bring(repository, one.parents[0], tip, one.id)
        if tree is None:
            return Merged(commit=None, conflicts=conflicts)
        if tree != _tree(repository, tip):
            tip = commit_tree(
                repository, tree, parents=(tip,), message=one.message, author=one.author, date=one.date
            )
    return Merged(commit=tip)


def _bring(repository: Repository, start: str, ours: str, theirs: str) -> tuple[str | None, tuple[str, ...]]:
    """The tree of ours with what theirs changed since ``start``, or the paths in conflict."""
    result = _three_way(repository, start, ours, theirs)
    if result.conflicts:
        return None, result.conflicts
    entries = {
        path: (entry.mode, entry.id) if entry is not None else None for path, entry in result.changes.items()
    }
    return write_entries(repository, ours, entries), ()


def _three_way(repository: Repository, start: str, ours: str, theirs: str) -> Merge:
    """What the merge of three commits is; the same as often as it is asked."""
    return repository.facts.once(
        ("merge", start, ours, theirs), lambda: three_way(repository, base=start, ours=ours, theirs=theirs)
    )


def _merge_base(repository: Repository, one: str, other: str) -> str | None:
    """Where two histories parted that are here whole."""
    return repository.facts.once(("base", one, other), lambda: merge_base(repository, one, other))


def _tree(repository: Repository, commit: str) -> str:
    return repository.run("rev-parse", f"{commit}^{{tree}}", doing="reading a commit").decode("ascii").strip()


def _commits(repository: Repository, base: str, head: str) -> list[_Said]:
    """The commits that a head has on top of a base, oldest first."""
    output = repository.run(
        *("log", "-z", "--reverse", "--topo-order", "--no-color"),
        *("--format=%H%x01%P%x01%an%x01%ae%x01%ad%x01%B", "--date=raw", f"{base}..{head}", "--"),
        doing="reading the commits",
    )
    said = []
    for entry in output.decode("utf-8", "replace").split("\0"):
        if entry.strip():
            commit, parents, name, email, date, message = entry.split("\x01", 5)
            author = Identity(name=name, email=email)
            said.append(
                _Said(id=commit, parents=tuple(parents.split()), author=author, date=date, message=message)
            )
    return said


def _summary(said: list[_Said]) -> str:
    """What a squashed commit keeps of those that it stands for: the text of one, the subjects of several."""
    if len(said) == 1:
        return said[0].message.partition("\n")[2].strip()
    return "\n".join(f"* {one.message.partition(chr(10))[0]}" for one in said)
