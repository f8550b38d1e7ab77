"""What a command finds out about a repository once, however often it asks.

Law: only what stays as it is while a command runs. What commits hold, that objects are here and how git is
configured is kept; where a branch, a tag, HEAD or a remote is, and what lies on disk, is asked each time.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

__all__ = ["Facts"]

_T = TypeVar("_T")


class Facts:
    """What is known of one opened repository. It lives as long as that, and its copies share it."""

    def __init__(self) -> None:
        self.commits: set[str] = set()  # ids that are commits which are here
        self.whole: set[str] = set()  # ids of objects that are here with all that they consist of
        self._found: dict[Hashable, Any] = {}

    def once(self, about: Hashable, find: Callable[[], _T]) -> _T:
        """What ``find`` returned when this was asked first. What it raises is not kept."""
        if about not in self._found:
            self._found[about] = find()
        return cast("_T", self._found[about])

    def forget(self) -> None:
        """Nothing is known any more: the repository was made anew, and may hold less."""
        self.commits.clear()
        self.whole.clear()
        self._found.clear()
