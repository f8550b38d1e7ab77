"""One commit of a history, as the rules on versions need it."""

from lockstep.values import dataclass

__all__ = ["LogEntry"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LogEntry:
    """A commit with its whole message and the paths that it changed.

    A merge lists only the paths that differ from all its parents: what it brings in from a branch
    belongs to the branch's commits.
    """

    sha: str
    parents: tuple[str, ...] = ()
    author: str = ""
    date: str = ""  # when it was committed, ISO 8601
    message: str
    paths: frozenset[str] = frozenset()

    @property
    def subject(self) -> str:
        """The first line of the message that is not empty."""
        return next((line.strip() for line in self.message.splitlines() if line.strip()), "")

    @property
    def is_merge(self) -> bool:
        """It has more than one parent."""
        return len(self.parents) > 1
