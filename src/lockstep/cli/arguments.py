"""Global options may stand anywhere: they are moved before the command, where the parser wants them."""

import re
from collections.abc import Sequence
from itertools import pairwise

from lockstep.errors import BadInput

__all__ = ["arranged", "asks_for_json", "interrupted_words"]

_WITH_VALUE = ("-C", "--directory", "--repo", "--rev", "--server", "--project")
_FLAGS = ("--plaintext", "--no-color", "-v", "-vv", "--verbose")
_WATCH_SECONDS = "5"
_READING = (
    *(
        "validate",
        "plan",
        "status",
        "explain",
        "graph",
        "diff",
        "version",
        "changed",
        "package",
        "history",
        "logs",
        "top",
        "runs",
        "audit",
    ),
    *("preview list", "doctor", "iam-policy", "help"),
)
"""Commands that change nothing in Git or AWS."""


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


def asks_for_json(given: Sequence[str]) -> bool:
    """Whether ``-o json`` is among the arguments, in any of its spellings."""
    words = list(given[: given.index("--")] if "--" in given else given)
    pairs = (("-o", "json"), ("--output", "json"))
    return any(pair in pairs for pair in pairwise(words)) or any(
        word in ("-ojson", "--output=json") for word in words
    )


def interrupted_words(given: Sequence[str]) -> str:
    """What is true when Ctrl-C ends a command at once."""
    try:
        words = arranged(given)
    except BadInput:
        words = []
    while words and words[0].startswith("-"):
        del words[: 2 if words[0] in _WITH_VALUE else 1]
    if not words or words[0] in _READING or " ".join(words[:2]) in _READING:
        return "interrupted; nothing was changed"
    return "interrupted; run the same command again to finish what it may have begun"
