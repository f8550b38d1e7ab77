"""Where two commits stand to each other."""

from lockstep.git.command import Repository
from lockstep.git.repository import is_shallow
from lockstep.values import dataclass

__all__ = ["Relation", "relation"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """How many commits each of two has that the other has not."""

    ahead: int
    behind: int


def relation(repository: Repository, commit: str, other: str) -> Relation | None:
    """How ``commit`` stands to ``other``.

    None when one of them is not in this repository, or when a shallow clone cannot tell.
    """
    if commit == other:
        return Relation(ahead=0, behind=0)
    outcome = repository.attempt(
        *("rev-list", "--left-right", "--count", f"{commit}...{other}", "--"), doing="comparing two commits"
    )
    counts = outcome.output.split()
    if outcome.code or len(counts) != 2:
        return None
    found = Relation(ahead=int(counts[0]), behind=int(counts[1]))
    # Beyond the oldest commits of a shallow clone the two may well meet.
    return None if found.ahead and found.behind and is_shallow(repository) else found
