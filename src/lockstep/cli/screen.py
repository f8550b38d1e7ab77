"""Drawing again in place: what is new stands where the old was, without flicker, below a clock."""

import shutil
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import takewhile

from lockstep.cli.shell import Shell
from lockstep.render.cells import columns_of

__all__ = ["Screen"]

_HOME, _CLEAR, _REST, _BELOW = "\x1b[H", "\x1b[2J", "\x1b[K", "\x1b[J"
_ENDING = 3  # lines of the summary that are always seen
_KEEP, _BACK = "\x1b7", "\x1b8"


class Screen:
    """The whole terminal, for a command that looks again every so many seconds."""

    def __init__(self, shell: Shell, title: str, seconds: float) -> None:
        self._shell = shell
        self._title = title
        self._seconds = seconds
        self._read = time.monotonic()
        self._is_begun = False

    def draw(self, lines: Sequence[str]) -> None:
        """Put lines below the clock, the last ones in any case; those that find no room are counted."""
        self._read = time.monotonic()
        room = max(shutil.get_terminal_size((80, 24)).lines - 3, 3)  # for clock, progress and the cursor
        shown = list(lines)
        if len(shown) > room:
            ending = list(takewhile(str.strip, reversed(shown)))[:_ENDING][::-1]  # it sums up
            kept = room - 1 - len(ending)
            more = f"... {len(shown) - kept - len(ending)} more lines; name targets to see fewer"
            shown = [*shown[:kept], more, *ending]
        text = "".join(f"{line}{_REST}\n" for line in (self._head(), *shown))
        self._shell.emit(f"{_HOME}{'' if self._is_begun else _CLEAR}{text}{_BELOW}")
        self._is_begun = True

    def wait(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """Let the time pass until it is read again; the clock goes on."""
        end = time.monotonic() + self._seconds
        while (left := end - time.monotonic()) > 0:
            sleep(min(left, 1.0))
            self._shell.emit(f"{_KEEP}{_HOME}{self._head()}{_REST}{_BACK}")

    def _head(self) -> str:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        words = f"{now}, read {time.monotonic() - self._read:.0f} s ago, again every {self._seconds:g} s"
        columns = self._shell.columns - 1
        beside = f"{words}: {self._title}"
        return beside if columns_of(beside) <= columns else words[:columns]
