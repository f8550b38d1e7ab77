"""``status``."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from lockstep.cli.next_step import quoted
from lockstep.cli.parser import (
    Parser,
    at_least,
    declare_full,
    declare_output,
    declare_targets,
    declare_timeout,
)
from lockstep.cli.screen import Screen
from lockstep.cli.shell import Shell, WideOutput
from lockstep.errors import BadInput, LockstepError
from lockstep.render.cells import message_lines

if TYPE_CHECKING:
    from lockstep.delivery.sync.options import Options
    from lockstep.model import StatusRow

__all__ = ["declare_status", "show_status", "status"]

_Look: TypeAlias = "Callable[[], tuple[Sequence[StatusRow], Sequence[str]]]"

_MANY = 20  # services; more do not fit on a screen
_FEW = 3  # targets that the next step names


def declare_status(parser: Parser) -> None:
    """The arguments of ``status``."""
    declare_targets(parser)
    declare_output(parser, "form of the result", WideOutput)
    parser.add_argument(
        "--watch",
        metavar="[SECONDS]",
        type=at_least(0.5, float),
        help="show it again every 5 (or so many) seconds",
    )
    parser.add_argument("--exit-code", action="store_true", help="exit 2 when something is out of sync")
    parser.add_argument(
        "--all",
        action="store_true",
        dest="is_all",
        help=f"every target, also where there are more than {_MANY} services",
    )
    declare_full(parser)
    declare_timeout(parser)


def status(
    shell: Shell,
    *,
    targets: list[str],
    output: WideOutput,
    watch: float | None,
    exit_code: bool,
    is_all: bool,
    full: bool,
    timeout: float | None,
) -> int:
    """Show what runs where, and whether it is what the repository says."""
    from lockstep.delivery.sync.options import Options

    token = shell.settings.github_token
    options = Options(
        patterns=tuple(targets), full=full, recalls=not full, timeout=timeout, github_token=token
    )
    return show_status(
        shell, lambda: _look(shell, options), targets, output, watch, exit_code=exit_code, is_all=is_all
    )


def show_status(
    shell: Shell,
    look: _Look,
    targets: Sequence[str],
    output: WideOutput,
    watch: float | None,
    *,
    exit_code: bool,
    is_all: bool,
) -> int:
    """Show what a look tells of these targets: rows and notes; again and again where it is to be watched."""

    def once(emit: Callable[[list[str]], None]) -> int:
        return _once(shell, look, targets, output, exit_code, is_all, emit)

    if watch is None:
        return once(shell.emit)
    is_first, is_text = True, output in (WideOutput.TABLE, WideOutput.WIDE)
    screen = Screen(shell, f"lockstep status {quoted(targets)}".rstrip(), watch) if shell.is_live else None
    while True:
        lines: list[str] = []
        if screen is None and is_text:
            shell.emit([datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")])
        try:
            once(lines.extend if screen else shell.emit)
        except LockstepError as error:
            if is_first and isinstance(error, BadInput):
                raise  # waiting would not mend what was asked for
            shell.end_progress()
            told = f"error: {error}"
            lines = message_lines(told, shell.columns)
            if screen is None:
                shell.log(told)
        is_first = False
        if screen is None:
            time.sleep(watch)
        else:
            screen.draw(lines)
            screen.wait()


def _look(shell: Shell, options: "Options") -> "tuple[Sequence[StatusRow], Sequence[str]]":
    from lockstep.delivery.sync.causes import with_causes
    from lockstep.delivery.sync.clusters import with_cluster
    from lockstep.delivery.sync.status import read_status

    workspace = shell.open_workspace(timeout=options.timeout)
    rows, notes = read_status(workspace, options, watcher=shell.watcher)
    rows = with_causes(workspace, rows, shell.credentials)
    rows, unheard = with_cluster(workspace, rows)
    return rows, (*notes, *unheard)


def _once(
    shell: Shell,
    look: _Look,
    targets: Sequence[str],
    output: WideOutput,
    exit_code: bool,
    is_all: bool,
    emit: Callable[[list[str]], None],
) -> int:
    from lockstep.model import SyncStatus
    from lockstep.render.markdown import status_markdown

    rows, notes = look()
    shell.end_progress()
    match output:
        case WideOutput.JSON:
            from lockstep.render.documents import status_document

            emit(status_document(rows, notes).splitlines())
        case WideOutput.MARKDOWN:
            emit(status_markdown(rows, notes).splitlines())
        case WideOutput.WIDE:
            from lockstep.render.status import wide_lines

            now = datetime.now(UTC)
            emit(wide_lines(rows, notes, now=now, palette=shell.palette, columns=shell.columns))
        case WideOutput.TABLE if not is_all and len({row.service for row in rows}) > _MANY:
            from lockstep.render.overview import overview_lines

            most = shell.lines
            emit(overview_lines(rows, notes, palette=shell.palette, columns=shell.columns, most=most))
        case WideOutput.TABLE:
            from lockstep.render.status import status_lines

            emit(status_lines(rows, notes, palette=shell.palette, columns=shell.columns))
    shell.summarise(lambda: status_markdown(rows, notes))
    own = [row for row in rows if row.is_ours]
    statuses = {row.status for row in own}
    if SyncStatus.UNKNOWN in statuses:
        shell.suggested.append("lockstep doctor tells what is missing")
        return 1
    off = [row.target for row in own if row.status is SyncStatus.OUT_OF_SYNC]
    if off:
        few = quoted(off if len(off) <= _FEW else targets)
        shell.suggested.append(f"lockstep plan {few}".rstrip())
    return 2 if exit_code and off else 0
