"""Why nothing is done about a target, although something may have to be."""

from collections.abc import Iterable

from lockstep.errors import LockstepError
from lockstep.values import dataclass

__all__ = ["Obstacle"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Obstacle:
    """What is in the way of a target, in words, with the way out.

    ``is_unread``: it could not be read, so nobody knows whether anything is wrong. Else something that
    is declared has to be mended before the target can be in sync.
    """

    text: str
    is_unread: bool = False

    @classmethod
    def of(cls, error: LockstepError, place: str = "") -> "Obstacle":
        """The error as an obstacle. ``place`` is the ``file:line`` of what it is about."""
        text = str(error) if not place or error.where == place else f"{place}: {error}"
        return cls(text=text, is_unread=error.is_unread)

    @classmethod
    def all_of(cls, obstacles: Iterable["Obstacle | None"]) -> "Obstacle | None":
        """Several as one, each said once; None when there are none."""
        distinct = list(dict.fromkeys(one for one in obstacles if one is not None))
        if len(distinct) < 2:
            return distinct[0] if distinct else None
        return cls(
            text="\n".join(one.text for one in distinct),
            is_unread=all(one.is_unread for one in distinct),
        )
