"""What a database has to do for the history, whichever it is."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from lockstep.errors import LockstepError

__all__ = ["StoreError", "Transactions"]

_T = TypeVar("_T")


class StoreError(LockstepError):
    """Nothing could be written or read. What the controller does does not depend on it."""


class Transactions(Protocol):
    """A database with today's tables."""

    @property
    def where(self) -> str:
        """What it is, without a password."""

    def run(self, work: Callable[[Connection], _T]) -> _T:
        """Do some work in a transaction of its own; raises StoreError, and nothing of it was written then."""

    def close(self) -> None:
        """Let go of it."""
