"""The commands and the global options."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import fill

from lockstep._version import __version__
from lockstep.cli.completing import completion, declare_completion
from lockstep.cli.drifting import declare_drift, drift
from lockstep.cli.events import declare_event, event
from lockstep.cli.examples import DOCS, EXAMPLES, SECTIONS
from lockstep.cli.explaining import (
    declare_diff,
    declare_explain,
    declare_form,
    declare_validate,
    diff,
    doctor,
    explain,
    validate,
)
from lockstep.cli.graphing import declare_graph, graph
from lockstep.cli.handover import adopt, declare_adopt, declare_eject, eject
from lockstep.cli.packaging import declare_package, package
from lockstep.cli.parser import Parser
from lockstep.cli.permitting import declare_iam_policy, iam_policy
from lockstep.cli.planning import declare_plan, declare_sync, plan, sync
from lockstep.cli.previewing import (
    compact,
    declare_compact,
    declare_down,
    declare_gc,
    declare_list,
    declare_up,
    down,
    gc,
    listing,
    up,
)
from lockstep.cli.promoting import (
    declare_history,
    declare_hold,
    declare_promote,
    declare_release_hold,
    declare_rollback,
    history,
    hold,
    promote,
    release_hold,
    rollback,
)
from lockstep.cli.pulls import declare_pulls, pulls
from lockstep.cli.releasing import declare_release, release
from lockstep.cli.remembering import audit, declare_audit, declare_runs, runs
from lockstep.cli.rendering import declare_render, render
from lockstep.cli.rolling import (
    abort,
    approve,
    declare_bare,
    declare_reasoned,
    declare_seen,
    pause,
    resume,
    retry,
    seen,
)
from lockstep.cli.serving import declare_serve, serve
from lockstep.cli.shell import Shell
from lockstep.cli.starting import declare_demo, declare_init, demo, init
from lockstep.cli.status import declare_status, status
from lockstep.cli.trying import declare_invoke, declare_logs, declare_top, invoke, logs, top
from lockstep.cli.versions import changed, declare_changed, declare_version, version
from lockstep.errors import BadInput
from lockstep.settings import read_settings
from lockstep.values import dataclass

__all__ = ["COMMANDS", "GROUPS", "command_parser", "declare_global", "global_parser", "run"]

_ABOUT = "Keep AWS Lambda functions in lockstep with a GitOps repository."
_CODES = "Exit codes: 0 done or nothing to do, 1 failed, 2 differences (with --exit-code), 3 bad input."
_FIRST = """\
first steps:
  lockstep demo                             all of it, without an AWS account
  lockstep init                             in your repository
  lockstep plan                             what would be done; changes nothing"""
_ANYWHERE = (
    "Global options (-C, --repo, --rev, --server, --no-color, -v) may stand before or after the command."
)


@dataclass(frozen=True, slots=True)
class Command:
    """What runs a command, and what declares its arguments."""

    run: Callable[..., int]
    declare: Callable[[Parser], None]

    @property
    def about(self) -> str:
        """One sentence."""
        return (self.run.__doc__ or "").partition("\n")[0]


COMMANDS: Mapping[str, Command] = {
    "init": Command(init, declare_init),
    "validate": Command(validate, declare_validate),
    "plan": Command(plan, declare_plan),
    "sync": Command(sync, declare_sync),
    "status": Command(status, declare_status),
    "drift": Command(drift, declare_drift),
    "explain": Command(explain, declare_explain),
    "graph": Command(graph, declare_graph),
    "diff": Command(diff, declare_diff),
    "logs": Command(logs, declare_logs),
    "invoke": Command(invoke, declare_invoke),
    "top": Command(top, declare_top),
    "version": Command(version, declare_version),
    "changed": Command(changed, declare_changed),
    "package": Command(package, declare_package),
    "release": Command(release, declare_release),
    "promote": Command(promote, declare_promote),
    "rollback": Command(rollback, declare_rollback),
    "hold": Command(hold, declare_hold),
    "release-hold": Command(release_hold, declare_release_hold),
    "rollout status": Command(seen, declare_seen),
    "rollout approve": Command(approve, declare_bare),
    "rollout pause": Command(pause, declare_reasoned),
    "rollout resume": Command(resume, declare_bare),
    "rollout abort": Command(abort, declare_reasoned),
    "rollout retry": Command(retry, declare_bare),
    "history": Command(history, declare_history),
    "runs": Command(runs, declare_runs),
    "audit": Command(audit, declare_audit),
    "pulls": Command(pulls, declare_pulls),
    "preview up": Command(up, declare_up),
    "preview down": Command(down, declare_down),
    "preview list": Command(listing, declare_list),
    "preview event": Command(event, declare_event),
    "preview gc": Command(gc, declare_gc),
    "preview compact": Command(compact, declare_compact),
    "render": Command(render, declare_render),
    "serve": Command(serve, declare_serve),
    "adopt": Command(adopt, declare_adopt),
    "eject": Command(eject, declare_eject),
    "doctor": Command(doctor, declare_form),
    "iam-policy": Command(iam_policy, declare_iam_policy),
    "demo": Command(demo, declare_demo),
    "completion": Command(completion, declare_completion),
}

GROUPS: Mapping[str, str] = {
    "rollout": "Releases on their way to their calls.",
    "preview": "Previews of pull requests.",
}
"""What commands of two words have in common, by their first."""


def run(words: Sequence[str]) -> int:
    """Run the command that the arguments name; global options come first. Raises BadInput."""
    if not words:
        global_parser().print_help()
        return 3
    options = global_parser().parse_args(words)
    name: str = options.words[0]
    rest: list[str] = options.words[1:]
    if name in GROUPS:
        if not rest or rest[0] in ("-h", "--help"):
            sys.stdout.write(_group_help(name))
            return 0 if rest else 3
        name, rest = f"{name} {rest[0]}", rest[1:]
    if name not in COMMANDS:
        from lockstep.cli.hints import for_command

        known = {known: command.about for known, command in COMMANDS.items()}
        raise BadInput(f"there is no command {name!r}", fix=for_command(name, known))
    given = vars(command_parser(name).parse_intermixed_args(rest))
    shell = _shell(options)
    asked = _asked(shell, name)
    code = (asked or COMMANDS[name].run)(shell, **given)
    if asked is None and shell.can_hint and given.get("output", "table") in ("table", "wide"):
        from lockstep.cli.next_step import next_step

        if step := next_step(name, code, given, shell.suggested):
            shell.log(f"Next: {step}")
    return code


def _asked(shell: Shell, name: str) -> Callable[..., int] | None:
    """What asks the server for a command, where one is named that can do it.

    BadInput where --server is given for what none can do; with LOCKSTEP_SERVER alone that is done here.
    """
    if shell.server is None:
        return None
    from lockstep.cli.asking import ASKED

    of_git = [option for option, value in (("--repo", shell.repo), ("--rev", shell.rev)) if value is not None]
    if name in ASKED and not of_git:
        return ASKED[name]
    if not shell.is_server_named:
        return None
    if of_git:
        raise BadInput(
            "a server reads what it follows", where=of_git[0], fix=f"leave out {of_git[0]}, or --server"
        )
    raise BadInput(
        f"a server cannot be asked for {name}",
        where="--server",
        fix=f"leave it out; a server does: {', '.join(ASKED)}",
    )


def global_parser() -> Parser:
    """The parser of everything before the command."""
    listed = _listed()
    sections = "\n\n".join(
        "\n".join([f"{title}:", *(_row(name, listed[name]) for name in names)])
        for title, names in SECTIONS.items()
    )
    parser = Parser(
        "lockstep",
        usage="lockstep [OPTIONS] COMMAND [ARGUMENTS]",
        description=f"{_ABOUT}\n\n{sections}",
        epilog=f"{_FIRST}\n\n{fill(_CODES, 78, break_on_hyphens=False)}\n\nDocs: {DOCS}",
    )
    declare_global(parser)
    parser.add_argument("words", nargs=argparse.PARSER, metavar="COMMAND", help=argparse.SUPPRESS)
    return parser


def declare_global(parser: Parser) -> None:
    """The options of every command."""
    parser.add_argument(
        *("-C", "--directory"), metavar="DIR", type=Path, default=Path(), help="work in this folder"
    )
    parser.add_argument("--repo", metavar="URL", help="read this repository instead of DIR")
    parser.add_argument("--rev", metavar="REV", help="read this commit, branch or tag; no checkout")
    parser.add_argument(
        "--server", metavar="URL", help="ask this lockstep serve instead; default: LOCKSTEP_SERVER"
    )
    parser.add_argument("--project", metavar="NAME", help="of those that the server follows")
    parser.add_argument(
        "--plaintext", action="store_true", help="speak http with a server that is not on this machine"
    )
    parser.add_argument("--no-color", action="store_true", help="no colours")
    parser.add_argument(
        *("-v", "--verbose"), action="count", default=0, help="log what is done; -vv says more"
    )
    parser.add_argument("--version", action="version", version=f"lockstep {__version__}")


def _row(name: str, about: str) -> str:
    return fill(f"  {name:<14}{about}", 78, subsequent_indent=" " * 16, break_on_hyphens=False)


def _listed() -> Mapping[str, str]:
    """Commands and groups of commands, in their order, each with a sentence."""
    found: dict[str, str] = {}
    for name, command in COMMANDS.items():
        group = name.partition(" ")[0]
        found.setdefault(group, f"{GROUPS[group]} Has its own --help." if group in GROUPS else command.about)
    return found


def _group_help(group: str) -> str:
    """The commands of a group."""
    commands = "\n".join(
        _row(name.partition(" ")[2], command.about)
        for name, command in COMMANDS.items()
        if name.startswith(f"{group} ")
    )
    usage = f"usage: lockstep {group} COMMAND [ARGUMENTS]"
    return f"{usage}\n\n{GROUPS[group]}\n\ncommands:\n{commands}\n\nDocs: {_address(group)}\n"


def command_parser(name: str) -> Parser:
    """The parser of one command's arguments."""
    command = COMMANDS[name]
    epilog = f"{_examples(name)}\n\n{fill(_ANYWHERE, 78, break_on_hyphens=False)}\n\nDocs: {_address(name)}"
    about = fill(command.about, 78, break_on_hyphens=False)
    parser = Parser(f"lockstep {name}", description=about, epilog=epilog)
    command.declare(parser)
    return parser


def _examples(name: str) -> str:
    """Each with what it does: beside it where there is room, else below."""
    lines = ["examples:"]
    for words, about in EXAMPLES[name]:
        line = f"  lockstep {words}"
        beside = f"{line:<42}  {about}"
        lines += [beside] if len(line) <= 42 and len(beside) <= 78 else [line, f"      {about}"]
    return "\n".join(lines)


def _address(name: str) -> str:
    """Where the documentation tells of a command."""
    return f"{DOCS}/reference/commands/#{name.replace(' ', '-')}"


def _shell(options: argparse.Namespace) -> Shell:
    settings = read_settings()
    verbose: int = options.verbose
    level = ("debug" if verbose > 1 else "info") if verbose else settings.log_level
    if level != "warning":
        _log_to_stderr(level)
    directory: Path = options.directory
    return Shell(
        settings=settings,
        directory=directory.expanduser(),
        repo=options.repo,
        rev=options.rev,
        server=_url(options.server, settings.server),
        is_server_named=options.server is not None,
        project=options.project,
        may_be_plain=options.plaintext,
        no_color=options.no_color,
        verbosity=verbose,
    )


def _url(option: str | None, variable: str | None) -> str | None:
    """The server; BadInput for an empty one: an unset variable of a script must not do the work here."""
    if option == "":
        raise BadInput("the value is empty", where="--server", fix="give a URL, or leave out --server")
    return option or variable


def _log_to_stderr(level: str) -> None:
    """Show Lockstep's own log. Other libraries' logs stay off: theirs may hold credentials."""
    import logging

    from lockstep.render.cells import printable_lines

    class Lines(logging.Formatter):
        """Records as lines that can act neither on a terminal nor on a CI system."""

        def format(self, record: logging.LogRecord) -> str:
            return "\n".join(printable_lines(super().format(record)))

    handler = logging.StreamHandler()
    handler.setFormatter(Lines("%(levelname)s %(name)s: %(message)s"))
    log = logging.getLogger("lockstep")
    log.addHandler(handler)
    log.setLevel(level.upper())
    log.propagate = False
