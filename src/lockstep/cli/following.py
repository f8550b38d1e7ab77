"""A sync while it runs: plain lines, or on a terminal live rows for the steps under way."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lockstep.cli.shell import Shell
from lockstep.cli.watching import Teller
from lockstep.model import Outcome, Plan, StepResult
from lockstep.render.report import result_lines
from lockstep.render.steps import step_words, words_by_step

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["Follower"]

_ROWS = 8  # live rows at most; the rest is counted


class Follower(Teller):
    """Told of the plan and of every result, possibly by several threads; shows them as they come."""

    def __init__(self, shell: Shell, write: Callable[[list[str]], None]) -> None:
        super().__init__(shell)
        self._write = write
        self._lock = threading.Lock()
        self._running: dict[str, tuple[str, float]] = {}
        self._live: Any = None
        self.words: Mapping[str, str] = {}

    def planned(self, plan: Plan) -> None:
        """Take the words for the steps from the plan."""
        self.words = words_by_step(plan)

    def rolled(self, plan: Plan) -> None:
        """Take the words for the steps that follow."""
        self.words = {**self.words, **words_by_step(plan)}

    def under_way(self) -> list[str]:
        """Words for the steps that are running. Takes no lock: a signal handler asks."""
        return [words for words, _ in list(self._running.values())]

    def stepped(self, result: StepResult) -> None:
        """Show one result."""
        with self._lock:
            if result.outcome is Outcome.STARTED:
                self._running[result.step] = (step_words(result, self.words), time.monotonic())
                return
            if result.outcome is Outcome.WAITING and not self._waits(result):
                return
            if result.outcome is not Outcome.WAITING:
                self._running.pop(result.step, None)
            with contextlib.suppress(OSError):  # a reader that has gone stops no sync: that is finished
                self._show(result)

    def _waits(self, result: StepResult) -> bool:
        """Put what a step waits for into its row; whether a line has to say it, once."""
        words = f"{step_words(result, self.words)}, waiting for {result.waits_for}"
        known, since = self._running.get(result.step, ("", time.monotonic()))
        self._running[result.step] = (words, since)
        return self._live is None and words != known

    def _show(self, result: StepResult) -> None:
        lines = result_lines(result, self.words, palette=self._shell.palette, columns=self._shell.columns)
        if self._live is None:
            self._write(lines)
            return
        from rich.text import Text

        self._live.refresh()  # what is done must not stand below as running until the next tick
        self._live.console.print(Text.from_ansi("\n".join(lines)), soft_wrap=True)

    def begin(self) -> None:
        """Show live rows from now on, where stdout is a terminal. Costs the import of rich."""
        if self._live is not None or not self._shell.is_live:
            return
        from rich.console import Console
        from rich.live import Live

        console = Console(highlight=False, markup=False, emoji=False)
        live = Live(get_renderable=self._table, console=console, transient=True, refresh_per_second=8)
        live.start()
        self._live = live

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Take the live rows away at the end of the block, however it ends."""
        try:
            yield
        finally:
            self.end()

    def end(self) -> None:
        """Take the live rows away."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _table(self) -> "Text":
        from rich.text import Text

        now = time.monotonic()
        rows = list(self._running.values())
        lines = [f"  ...       {words} ({now - since:.0f} s)" for words, since in rows[:_ROWS]]
        if len(rows) > _ROWS:
            lines.append(f"            and {len(rows) - _ROWS} more")
        return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")
