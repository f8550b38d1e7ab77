"""Parsing of arguments: argparse, whose import costs a tenth of any other parser's.

Options and operands may be mixed; what is wrong is BadInput, as everywhere else.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from lockstep.errors import BadInput

__all__ = [
    "Parser",
    "at_least",
    "declare_full",
    "declare_output",
    "declare_targets",
    "declare_timeout",
    "one_by_one",
    "one_of",
]

_Choice = TypeVar("_Choice", bound=StrEnum)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """The help of every Python alike: 3.13 writes ``-o, --output FORM``, those before it FORM twice."""

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        return f"{', '.join(action.option_strings)} {action.metavar}"


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
        """Raise BadInput with what the user can look at."""
        raise BadInput(message, fix=f"`{self.prog} --help` shows what there is")


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
        help="how long reading AWS may take; default: 120, and a second more for each target over ten",
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
