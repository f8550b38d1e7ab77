"""``graph``."""

from enum import StrEnum

from lockstep.cli.parser import Parser, declare_full, declare_output, declare_targets, declare_timeout
from lockstep.cli.shell import Shell

__all__ = ["declare_graph", "graph"]


class Drawn(StrEnum):
    """Forms of a graph."""

    TEXT = "text"
    MERMAID = "mermaid"
    SVG = "svg"


def declare_graph(parser: Parser) -> None:
    """The arguments of ``graph``."""
    declare_targets(parser)
    declare_output(parser, "form of the result", Drawn)
    parser.add_argument(
        "--declared",
        action="store_true",
        dest="is_declared",
        help="what Git says alone, without a look at AWS",
    )
    declare_full(parser)
    declare_timeout(parser)


def graph(
    shell: Shell, *, targets: list[str], output: Drawn, is_declared: bool, full: bool, timeout: float | None
) -> int:
    """Show who calls which functions, and what gets something from them."""
    from lockstep.delivery.setup.calling import declared_calls, live_calls
    from lockstep.delivery.sync.options import Options

    workspace = shell.open_workspace(timeout=timeout)
    if is_declared:
        found = declared_calls(workspace, tuple(targets))
    else:
        token = shell.settings.github_token
        options = Options(
            patterns=tuple(targets), full=full, recalls=not full, timeout=timeout, github_token=token
        )
        found = live_calls(workspace, options, watcher=shell.watcher)
    shell.end_progress()
    match output:
        case Drawn.TEXT:
            from lockstep.render.calling import text_lines

            shell.emit(text_lines(found, palette=shell.palette, columns=shell.columns))
        case Drawn.MERMAID:
            from lockstep.render.calling import mermaid_lines

            shell.emit(mermaid_lines(found))
        case Drawn.SVG:
            from lockstep.render.picture import svg_text

            shell.emit(svg_text(found).splitlines())
    return 0
