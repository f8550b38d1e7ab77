"""Global options may stand anywhere: they are moved before the command, where the parser wants them."""

from collections.abc import Sequence

__all__ = ["arranged"]

_WITH_VALUE = ("-C", "--directory", "--repo", "--rev")
_FLAGS = ("--no-color", "-v", "-vv", "--verbose")
_WATCH_SECONDS = "5"


def arranged(arguments: Sequence[str]) -> list[str]:
    """The arguments with global options first, and ``--watch`` with its default value written out.

    ``plan -C x staging`` becomes ``-C x plan staging``. What stands after ``--`` is left alone.
    """
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
            first += [word, *words[:1]]
            del words[:1]
        elif word.startswith("-C") and not word.startswith("--"):
            first += ["-C", word[2:]]
        elif word == "--watch":
            follows = bool(words) and words[0].replace(".", "", 1).isdigit()
            rest += [word, words.pop(0) if follows else _WATCH_SECONDS]
        else:
            rest.append(word)
    return first + rest
