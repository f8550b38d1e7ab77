"""``drift``."""

from typing import TYPE_CHECKING

from lockstep.cli.next_step import quoted
from lockstep.cli.parser import Parser, declare_output, declare_targets, declare_timeout
from lockstep.cli.shell import Output, Shell

if TYPE_CHECKING:
    from lockstep.delivery.sync.drift import Drift

__all__ = ["declare_drift", "drift", "drift_code", "show_drift"]


def declare_drift(parser: Parser) -> None:
    """The arguments of ``drift``."""
    declare_targets(parser)
    parser.add_argument(
        "--issue", action="store_true", help="keep one issue open as long as something differs"
    )
    parser.add_argument("--exit-code", action="store_true", help="exit 2 when something differs")
    declare_output(parser, "form of the result", Output)
    declare_timeout(parser)


def drift(
    shell: Shell,
    *,
    targets: list[str],
    issue: bool,
    exit_code: bool,
    output: Output,
    timeout: float | None,
) -> int:
    """Show what is live otherwise than Git says, and keep one issue of it."""
    from lockstep.delivery.places.actor import find_actor
    from lockstep.delivery.promotion.pulls import open_place
    from lockstep.delivery.sync.drift import find_drift, put_issue
    from lockstep.delivery.sync.options import Options

    workspace = shell.open_workspace(timeout=timeout)
    place = open_place(shell.where, shell.credentials) if issue else None
    token = shell.settings.github_token
    options = Options(patterns=tuple(targets), full=True, timeout=timeout, github_token=token)
    found = find_drift(workspace, options, shell.credentials, watcher=shell.watcher)
    shell.end_progress()
    show_drift(shell, found, output)
    if place is not None:
        run = find_actor(place.remote.repository).run
        opened = put_issue(place.forge, found, run=run)
        if opened is not None:
            shell.log(f"issue #{opened.number}: {opened.url}")
    return drift_code(shell, found, exit_code=exit_code)


def show_drift(shell: Shell, found: "Drift", output: Output) -> None:
    """Show what differs, and what nobody knows."""
    from lockstep.render.markdown import drift_markdown

    rows = (*found.differing, *found.unknown)
    match output:
        case Output.JSON:
            from lockstep.render.documents import status_document

            shell.emit(status_document(rows, found.notes))
        case Output.MARKDOWN:
            shell.emit(drift_markdown(found.differing, found.unknown, found.notes))
        case Output.TABLE if rows:
            from lockstep.render.status import status_lines

            shell.emit(status_lines(rows, found.notes, palette=shell.palette, columns=shell.columns))
        case Output.TABLE:
            shell.emit(["Everything is as Git says."])
    shell.summarise(lambda: drift_markdown(found.differing, found.unknown, found.notes))


def drift_code(shell: Shell, found: "Drift", *, exit_code: bool) -> int:
    """The exit code, and what to do next."""
    if found.differing:
        few = [row.target for row in found.differing][:3]
        shell.suggested.append(f"lockstep sync {quoted(few)} makes it as Git says; or say it in Git")
    if found.unknown:
        return 1
    return 2 if exit_code and found.differing else 0
