"""Global options may stand anywhere: they are moved before the command, where the parser wants them."""

import re
from collections.abc import Sequence

from lockstep.errors import BadInput

__all__ = ["arranged"]

_WITH_VALUE = ("-C", "--directory", "--repo", "--rev")
_FLAGS = ("--no-color", "-v", "-vv", "--verbose")
_WATCH_SECONDS = "5"


def arranged(arguments: Sequence[str]) -> list[str]:
    """The arguments with global options first, and ``--watch`` with its default value written out.

    ``plan -C x staging`` becomes ``-C x plan staging``, and ``help plan`` becomes ``plan --help``. What
    stands after ``--`` is left alone. BadInput when a global option has no value.
    """
    if arguments and arguments[0] == "help":
        return [*arguments[1:], "--help"]
    first: list[str] = []
    rest: list[str] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        name, equals, _ = word.partition("=")
        if word == "--":
            rest += [word, *words]
            break
        if word in _FLAGS or (name in _WITH_VALUE and equals and name.startswith("--")):
            first.append(word)
        elif word in _WITH_VALUE:
            if not words:
                raise BadInput("a value is missing", where=word, fix="`lockstep --help` shows what there is")
            first += [word, *words[:1]]
            del words[:1]
        elif word.startswith("-C") and not word.startswith("--"):
            first += ["-C", word[2:]]
        elif word == "--watch":
            follows = bool(words) and re.fullmatch(r"-?[\d.]+", words[0])
            rest += [word, words.pop(0) if follows else _WATCH_SECONDS]
        else:
            rest.append(word)
    return first + rest
