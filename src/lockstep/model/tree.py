"""The files of one commit or working tree, as the rest of Lockstep sees them."""

from collections.abc import Iterable, Mapping
from typing import Protocol

__all__ = ["Tree"]


class Tree(Protocol):
    """Files by path, known by content hash before any of them is read.

    Paths are POSIX paths relative to the repository's root.
    """

    @property
    def commit(self) -> str | None:
        """40 hex digits; None outside Git."""
        ...

    @property
    def is_dirty(self) -> bool:
        """The files differ from the commit."""
        ...

    @property
    def blobs(self) -> Mapping[str, str]:
        """Path of each regular file to a hash of its content. Symbolic links are not in it."""
        ...

    @property
    def links(self) -> Mapping[str, str]:
        """Path of each symbolic link to the text that it points to."""
        ...

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Contents of the given files, fetched in one go. KeyError for a path that is not in ``blobs``."""
        ...
