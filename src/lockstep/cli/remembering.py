"""``runs`` and ``audit``: what a server remembers, and nobody else."""

from typing import NoReturn

from lockstep.cli.parser import Parser, declare_output
from lockstep.cli.shell import Shell
from lockstep.cli.versions import Form
from lockstep.errors import BadInput

__all__ = ["audit", "declare_audit", "declare_runs", "runs"]


def declare_runs(parser: Parser) -> None:
    """The arguments of ``runs``."""
    parser.add_argument("run", nargs="?", metavar="RUN", help="id of one run; default: the last 50")
    parser.add_argument("-f", "--follow", action="store_true", help="show its steps until it is over")
    parser.add_argument("--query", metavar="WORDS", default="", help="only runs with all of these words")
    declare_output(parser, "form of the result", Form)


def declare_audit(parser: Parser) -> None:
    """The arguments of ``audit``."""
    parser.add_argument("target", nargs="?", metavar="TARGET", help="a target: staging/s3-notifier")
    parser.add_argument("--query", metavar="WORDS", default="", help="only events with all of these words")
    declare_output(parser, "form of the result", Form)


def runs(shell: Shell, **_: object) -> int:
    """Show what a server has synced and was asked for, or the steps of one run. Needs --server."""
    _no_server("runs")


def audit(shell: Shell, **_: object) -> int:
    """Show who did what and when, as a server remembers it. Needs --server."""
    _no_server("audit")


def _no_server(name: str) -> NoReturn:
    raise BadInput(
        "only a running lockstep serve remembers that",
        where=name,
        fix=f"name one: lockstep {name} --server URL, or LOCKSTEP_SERVER",
    )
