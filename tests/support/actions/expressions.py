"""The expressions of GitHub Actions that our workflows use: operators, contexts and a few functions.

Source: GitHub documentation, "Evaluate expressions in workflows and actions".
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["evaluate", "fill"]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<sign>==|!=|&&|\|\||[!().,*\[\]]))"
)
_WORDS = {"true": True, "false": False, "null": None}


def fill(text: str, contexts: Mapping[str, Any]) -> str:
    """A text with every ``${{ }}`` in it replaced."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda m: _as_text(evaluate(m[1], contexts)), text, flags=re.DOTALL)


def evaluate(text: str, contexts: Mapping[str, Any]) -> Any:
    """The value of an expression; an unknown property is null, an unknown context an error."""
    parser = _Parser(text.strip().removeprefix("${{").removesuffix("}}"), contexts)
    value = parser.either()
    assert not parser.tokens, f"{text}: {parser.tokens} is left"
    return value


class _Parser:
    """Descends from the operator that binds least."""

    def __init__(self, text: str, contexts: Mapping[str, Any]) -> None:
        self.contexts = contexts
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            assert match is not None, f"{text!r}: cannot read {text[at:]!r}"
            self.tokens.append((str(match.lastgroup), match[match.lastgroup or 0]))
            at = match.end()

    def either(self) -> Any:
        value = self.both()
        while self._take("||"):
            other = self.both()
            value = value or other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self._take("&&"):
            other = self.compared()
            value = other if value else value
        return value

    def compared(self) -> Any:
        value = self.single()
        if self._take("=="):
            return _same(value, self.single())
        if self._take("!="):
            return not _same(value, self.single())
        return value

    def single(self) -> Any:
        if self._take("!"):
            return not self.single()
        if self._take("("):
            value = self.either()
            assert self._take(")")
            return value
        kind, word = self.tokens.pop(0)
        match kind:
            case "text":
                return word[1:-1].replace("''", "'")
            case "number":
                return float(word)
            case "name" if word in _WORDS:
                return _WORDS[word]
            case "name" if self._take("("):
                return self._call(word)
            case "name":
                return self._path(self.contexts[word])
        raise AssertionError(f"{word} stands where a value should")

    def _path(self, value: Any) -> Any:
        while self._take("."):
            _, name = self.tokens.pop(0)
            if name == "*":
                assert self._take(".")
                _, name = self.tokens.pop(0)
                value = [one.get(name) for one in value or ()]
            else:
                value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def _call(self, name: str) -> Any:
        arguments: list[Any] = []
        while not self._take(")"):
            arguments.append(self.either())
            self._take(",")
        return _FUNCTIONS[name](*arguments)

    def _take(self, sign: str) -> bool:
        if self.tokens and self.tokens[0] == ("sign", sign):
            self.tokens.pop(0)
            return True
        return False


def _contains(where: Any, what: Any) -> bool:
    if isinstance(where, list):
        return any(_same(one, what) for one in where)
    return _as_text(what).lower() in _as_text(where).lower()


def _same(one: Any, other: Any) -> bool:
    """Strings are compared without case, and values of different types as numbers, as GitHub does.

    Source: GitHub documentation, "Evaluate expressions in workflows and actions", operators.
    """
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    if type(one) is type(other):
        return bool(one == other)
    return _as_number(one) == _as_number(other)


def _as_number(value: Any) -> float:
    """Nothing and an empty text are 0; what is no number is equal to nothing."""
    match value:
        case None | "":
            return 0.0
        case bool() | int() | float():
            return float(value)
        case str():
            try:
                return float(json.loads(value))
            except (ValueError, TypeError):
                return float("nan")
        case _:
            return float("nan")


def _as_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case list() | dict():
            return json.dumps(value)
    return str(value)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "contains": _contains,
    "format": lambda text, *values: re.sub(r"\{(\d)\}", lambda m: _as_text(values[int(m[1])]), text),
    "fromJSON": json.loads,
    "always": lambda: True,
    "cancelled": lambda: False,  # nobody cancels here
}
