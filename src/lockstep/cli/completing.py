"""``completion``, and what a shell asks for while a command line is typed: commands, options, targets."""

import argparse
import contextlib
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any

from lockstep.cli.parser import Parser, one_of
from lockstep.cli.shell import Shell

__all__ = ["Kind", "complete", "completion", "declare_completion", "line_parser"]


class Kind(StrEnum):
    """Shells whose completion is known."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def declare_completion(parser: Parser) -> None:
    """The arguments of ``completion``."""
    parser.add_argument(
        "kind", metavar="SHELL", type=one_of(Kind), help=f"the shell that it is for: {', '.join(Kind)}"
    )


def completion(shell: Shell, *, kind: Kind) -> int:
    """Print what makes a shell complete commands, options and targets."""
    from argcomplete.shell_integration import shellcode

    shell.emit(shellcode(["lockstep"], shell=kind.value).strip("\n") + "\n")
    return 0


def complete() -> None:
    """Answer a shell that completes a line, and end the process."""
    import argcomplete

    argcomplete.autocomplete(line_parser())


def line_parser() -> argparse.ArgumentParser:
    """One parser for a whole line, as completion wants it: the global options, and commands below them."""
    from lockstep.cli.app import COMMANDS, GROUPS, declare_global

    parser = Parser("lockstep")
    declare_global(parser)
    commands = parser.add_subparsers(metavar="COMMAND")
    groups: dict[str, Any] = {
        name: commands.add_parser(name, help=about).add_subparsers(metavar="COMMAND")
        for name, about in GROUPS.items()
    }
    for name, command in COMMANDS.items():
        first, _, second = name.partition(" ")
        place = groups[first] if second else commands
        below = place.add_parser(second or first, help=command.about, conflict_handler="resolve")
        declare_global(below)
        command.declare(below)
        for action in below._actions:
            if (choices := _choices(action)) is not None:
                setattr(action, "completer", choices)  # noqa: B010 - argcomplete looks for it there
    return parser


def _choices(action: argparse.Action) -> Callable[..., Iterable[str]] | None:
    """What an argument may be; None where argcomplete knows it, or nobody does."""
    match action.dest:
        case "targets" | "target":
            return _targets
        case "to" | "source" | "environments" if action.choices is None:
            return _environments
        case "services" | "service":
            return _services
        case "kind":
            return lambda **_: tuple(Kind)
        case "output":
            return lambda **_: ("table", "json", "markdown")
        case "github":
            return lambda **_: ("monorepo", "gitops", "infrastructure", "combined")
        case _:
            return None


def _targets(parsed_args: argparse.Namespace, **_: object) -> list[str]:
    return sorted({key for key, _ in _fleet(parsed_args)} | {place for _, place in _fleet(parsed_args)})


def _environments(parsed_args: argparse.Namespace, **_: object) -> list[str]:
    return sorted({place for _, place in _fleet(parsed_args)})


def _services(parsed_args: argparse.Namespace, **_: object) -> list[str]:
    from lockstep.delivery.places.sources import built_here
    from lockstep.errors import LockstepError

    found = {key.rpartition("/")[2] for key, _ in _fleet(parsed_args)}
    with contextlib.suppress(LockstepError):
        found |= set(built_here(_shell(parsed_args).where).services)
    return sorted(found)


def _fleet(given: argparse.Namespace) -> list[tuple[str, str]]:
    """Targets and their environments; nothing where the project cannot be read: that is told elsewhere."""
    from lockstep.delivery.places.workspace import open_workspace
    from lockstep.errors import LockstepError

    try:
        fleet = open_workspace(_shell(given).where).fleet
    except LockstepError:
        return []
    return [(key, target.environment) for key, target in fleet.targets.items()]


def _shell(given: argparse.Namespace) -> Shell:
    from lockstep.settings import read_settings

    directory = Path(getattr(given, "directory", None) or ".")
    return Shell(settings=read_settings(), directory=directory.expanduser(), rev=given.rev)
