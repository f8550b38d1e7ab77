"""Parsing of arguments: argparse, whose import costs a tenth of any other parser's.

Options and operands may be mixed; what is wrong is BadInput, as everywhere else.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from textwrap import wrap
from typing import Any, NoReturn, TypeVar

from lockstep.errors import BadInput

__all__ = [
    "GLOBAL_OPTIONS",
    "Parser",
    "at_least",
    "declare_full",
    "declare_output",
    "declare_targets",
    "declare_timeout",
    "declare_wait",
    "one_by_one",
    "one_of",
]

GLOBAL_OPTIONS = (
    *("-C", "--directory", "--repo", "--rev", "--server", "--project", "--plaintext"),
    *("--no-color", "-v", "-vv", "--verbose", "--version"),
)
"""Options that stand before or after every command."""

_Choice = TypeVar("_Choice", bound=StrEnum)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """The help of every Python alike: 3.13 writes ``-o, --output FORM``, those before it FORM twice."""

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        return f"{', '.join(action.option_strings)} {action.metavar}"

    def _split_lines(self, text: str, width: int) -> list[str]:
        """Broken at spaces only: an option is a word to be copied."""
        return wrap(" ".join(text.split()), width, break_on_hyphens=False, break_long_words=False)


class Parser(argparse.ArgumentParser):
    """A parser that raises BadInput and takes no abbreviations."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(
            prog=prog,
            formatter_class=_Formatter,
            allow_abbrev=False,
            **options,
        )

    def print_help(self, file: Any = None) -> None:
        """Write the help; unlike argparse's own, a reader that has gone away is noticed."""
        (file or sys.stdout).write(self.format_help())

    def error(self, message: str) -> NoReturn:
        """Raise BadInput with what was probably meant, or what the user can look at."""
        from lockstep.cli.hints import for_option

        _, is_unknown, words = message.partition("unrecognized arguments: ")
        first = next((word for word in words.split() if word.startswith("-")), None)
        _, lacks, needed = message.partition("the following arguments are required: ")
        if lacks:
            options = {name: action.metavar for action in self._actions for name in action.option_strings}
            missing = [
                f"{name} {options[name]}" if options.get(name) else name for name in needed.split(", ")
            ]
            told = ", ".join(missing)
            raise BadInput(f"{told} is missing", fix=f"add it; `{self.prog} --help` shows what there is")
        if not is_unknown:
            raise BadInput(message, fix=f"`{self.prog} --help` shows what there is")
        if first is None:
            raise BadInput(f"too many arguments: {words}", fix=f"`{self.prog} --help` shows what it takes")
        own = [name for action in self._actions for name in action.option_strings]
        selects = any(action.dest in ("targets", "target") for action in self._actions)
        fix = for_option(first, self.prog, [*own, *GLOBAL_OPTIONS], selects=selects)
        raise BadInput(f"there is no option {first.partition('=')[0]}", fix=fix)


def one_of(kind: type[_Choice]) -> Callable[[str], _Choice]:
    """A converter to a member of an enumeration."""

    def convert(text: str) -> _Choice:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(kind)}") from None

    return convert


def at_least(least: float, kind: type[int] | type[float]) -> Callable[[str], float]:
    """A converter to a number that is not below ``least``."""

    def convert(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = None
        if number is None or not number >= least:
            what = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {what} of at least {least}")
        return number

    return convert


def one_by_one(texts: Iterable[str]) -> list[str]:
    """What several texts name, commas between the names of one: as a step of CI hands them on."""
    return [name for text in texts for name in text.split(",")]


def declare_targets(parser: Parser) -> None:
    """The operands that select targets."""
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="targets, environments or globs: staging, '*/s3-*'; default: all",
    )


def declare_full(parser: Parser) -> None:
    """``--full``."""
    parser.add_argument(
        "--full", action="store_true", help="read everything of every function, however long it takes"
    )


def declare_timeout(parser: Parser) -> None:
    """``--timeout``."""
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=at_least(1, float),
        help="how long reading AWS, and before it the packages' hosts, may take; default: 120, and a second "
        "more for each target over ten",
    )


def declare_output(parser: Parser, about: str, kind: type[StrEnum]) -> None:
    """``-o``, by default the first of its forms."""
    first, *_ = kind
    parser.add_argument(
        *("-o", "--output"),
        metavar="FORM",
        type=one_of(kind),
        default=first,
        help=f"{about}: {', '.join(kind)}; default: {first}",
    )


def declare_wait(parser: Parser, until: str) -> None:
    """``--wait`` and how long."""
    parser.add_argument("--wait", action="store_true", help=f"follow it until it is {until}")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=at_least(0, float), default=1800.0, help="default: 1800"
    )
