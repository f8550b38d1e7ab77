"""Texts of a function's own, such as its log, without what is secret in them."""

import re
from collections.abc import Iterable

from lockstep.model.blotting import blotted
from lockstep.model.secrets import looks_secret

__all__ = ["without_literals", "without_secrets_in"]

_WORDS = "(secret)"
_NAMED = re.compile(
    r"""(?P<name>(?:\\{0,8}["'])?[A-Za-z][\w.-]{2,60}(?:\\{0,8}["'])?\s{0,3}[:=]\s{0,3})"""
    r"""(?P<value>(?P<quote>\\{1,8}")[^"\\]*\\{1,8}"|"[^"]*"|'[^']*'|[^\s,;&}\]]+)"""
)
"""A name with a value, as programs and JSON write them; in JSON within JSON quotes are escaped."""
_HARMLESS = frozenset({"null", "none", "true", "false", "", '""', "''", "(secret)"})


def without_secrets_in(text: str, secrets: Iterable[str]) -> str:
    """A text without secrets that are known, values of names that look secret, and shapes of credentials.

    What else a function logs is its own: nobody can tell that "hunter2" is a password.
    """
    text = _NAMED.sub(_masked, blotted(text, secrets))
    return re.sub(r"\S+", lambda found: _WORDS if looks_secret("", found[0]) else found[0], text)


def without_literals(code: str) -> str:
    """A line of a program without texts in quotes that names call secret, and shapes of credentials.

    What is no text stays: an expression that asks for a password is not one.
    """
    code = _NAMED.sub(lambda found: _masked(found) if found["value"][0] in "\"'" else found[0], code)
    return re.sub(r"[^\s\"']+", lambda found: _WORDS if looks_secret("", found[0]) else found[0], code)


def _masked(found: re.Match[str]) -> str:
    name = re.sub(r"[\\\"'\s:=]", "", found["name"])
    value = found["value"]
    if value.lower() in _HARMLESS or not looks_secret(name):
        return found[0]
    quote = found["quote"] or (value[0] if value[0] in "\"'" else "")
    return f"{found['name']}{quote}{_WORDS}{quote}"
