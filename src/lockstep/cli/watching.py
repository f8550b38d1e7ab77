"""A verb at work, in words: what every command shows while it waits."""

from typing import TYPE_CHECKING

from lockstep.model.watching import Silent

if TYPE_CHECKING:
    from lockstep.cli.shell import Shell

__all__ = ["Teller"]


class Teller(Silent):
    """Says what is being done on a line that changes, and what stays on lines of the log."""

    def __init__(self, shell: "Shell") -> None:
        self._shell = shell

    def progress(self, words: str) -> None:
        """On the changing line."""
        self._shell.progress(words)

    def note(self, words: str) -> None:
        """As a line of the log."""
        self._shell.end_progress()
        self._shell.log(words)
