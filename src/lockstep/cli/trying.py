"""``logs``, ``invoke`` and ``top``: seeing live functions work."""

import argparse
import re
import shlex
import sys
import time
from pathlib import Path

from lockstep.cli.parser import Parser, at_least, declare_output, declare_targets
from lockstep.cli.shell import Shell
from lockstep.cli.versions import Form
from lockstep.errors import BadInput

__all__ = ["declare_invoke", "declare_logs", "declare_top", "invoke", "logs", "time_words", "top"]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_ROOM = 8  # lines of the terminal that the table of ``top`` leaves


def declare_logs(parser: Parser) -> None:
    """The arguments of ``logs``."""
    parser.add_argument("target", metavar="TARGET", help="a target: staging/s3-notifier")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=_time,
        default=600,
        help="how far back: 30s, 10m, 2h, 1d; default: 10m",
    )
    declare_output(parser, "form of the result; json stands alone, without --follow", Form)


def declare_invoke(parser: Parser) -> None:
    """The arguments of ``invoke``."""
    parser.add_argument("target", metavar="TARGET", help="a target: staging/s3-notifier")
    parser.add_argument(
        "--payload", metavar="FILE", help="JSON document that it gets; - reads stdin; default: {}"
    )
    declare_output(parser, "form of the result", Form)


def declare_top(parser: Parser) -> None:
    """The arguments of ``top``."""
    declare_targets(parser)
    parser.add_argument(
        "--minutes", metavar="N", type=at_least(1, int), default=60, help="how far back; default: 60"
    )
    parser.add_argument("--all", action="store_true", dest="is_all", help="every target, however many")
    declare_output(parser, "form of the result", Form)


def logs(shell: Shell, *, target: str, follow: bool, since: int, output: Form) -> int:
    """Show what a target's function has logged, and with --follow what it goes on logging."""
    from lockstep.cli.stopping import ending
    from lockstep.delivery.trying.logs import follow_logs, read_logs
    from lockstep.render.trying import log_document, log_text

    if follow and output is not Form.TABLE:
        raise BadInput("what has no end is no document", where="--follow", fix="leave out one of the two")
    workspace = shell.open_workspace()
    if follow:
        with ending("") as stop:
            for line in follow_logs(workspace, target, since=since, now=time.time(), stop=stop):
                shell.emit(log_text(line, shell.palette))
        return 130
    found = read_logs(workspace, target, since=since, now=time.time())
    if output is Form.JSON:
        shell.emit(log_document(target, found))
        return 0
    for line in found:
        shell.emit(log_text(line, shell.palette))
    if not found:
        shell.log(f"{target} has logged nothing in the last {time_words(since)}")
    return 0


def invoke(shell: Shell, *, target: str, payload: str | None, output: Form) -> int:
    """Call a target's function, and show its answer and the end of its log."""
    from lockstep.delivery.trying.invoke import call_target, checked_payload
    from lockstep.render.trying import answer_text, invocation_document, invocation_lines

    body = checked_payload(_read(payload), "stdin" if payload == "-" else payload) if payload else b"{}"
    workspace = shell.open_workspace()
    shell.progress(f"calling {target}")
    made = call_target(workspace, target, body)
    shell.end_progress()
    if output is Form.JSON:
        shell.emit(invocation_document(made))
    else:
        shell.log("\n".join(invocation_lines(made, columns=shell.columns)))
        shell.emit(answer_text(made))
    return 0 if made.error is None else 1


def top(shell: Shell, *, targets: list[str], minutes: int, is_all: bool, output: Form) -> int:
    """Show calls, errors and duration by target, from Lambda's own metrics."""
    import shutil

    from lockstep.delivery.trying.top import read_usage
    from lockstep.render.trying import top_document, top_lines

    workspace = shell.open_workspace()
    shell.progress("asking CloudWatch")
    rows = read_usage(workspace, targets, minutes=minutes, now=time.time())
    shell.end_progress()
    if output is Form.JSON:
        shell.emit(top_document(rows, minutes=minutes))
        return 0
    room = None if is_all or not shell.is_live else max(shutil.get_terminal_size((80, 24)).lines - _ROOM, 5)
    shell.emit(top_lines(rows, minutes=minutes, palette=shell.palette, columns=shell.columns, most=room))
    return 1 if any(row.problem for row in rows) else 0


def _time(text: str) -> int:
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None or int(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 30s, 10m, 2h or 1d")
    return int(found[1]) * _SECONDS[found[2]]


def time_words(seconds: int) -> str:
    """``2 h``, ``10 min``."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        fix = "name a file with a JSON document"
        if name.lstrip()[:1] in ("{", "["):
            fix = f"it takes a file; or: echo {shlex.quote(name)} | lockstep invoke TARGET --payload -"
        raise BadInput(f"cannot read the payload: {reason}", where=name, fix=fix) from None
