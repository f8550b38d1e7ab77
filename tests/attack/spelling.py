"""The ways in which a text that quotes a secret may spell it."""

import base64
import html
import json
import shlex
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

__all__ = ["LOSSLESS", "SPELLINGS", "readings"]

Spelling = Callable[[str], str]


def _wrapped(columns: int, between: str = "\n") -> Spelling:
    return lambda text: between.join(text[at : at + columns] for at in range(0, len(text), columns))


def _base64(before: str, after: str = "", coder: Callable[[bytes], bytes] = base64.b64encode) -> Spelling:
    return lambda text: coder((before + text + after).encode()).decode()


def _json(text: str) -> str:
    return json.dumps({"password": text, "n": 1})


SPELLINGS: Mapping[str, Spelling] = {
    "as it is": lambda text: text,
    "JSON": _json,
    "JSON, not ASCII": lambda text: json.dumps({"password": text}, ensure_ascii=False),
    "JSON as Go writes it": lambda text: _json(text).replace("<", "\\u003c").replace("&", "\\u0026"),
    "JSON as JavaScript writes it": lambda text: _json(text).replace("/", "\\/"),
    "JSON in JSON": lambda text: json.dumps({"body": _json(text)}),
    "JSON in JSON in JSON": lambda text: json.dumps({"body": json.dumps({"body": _json(text)})}),
    "URL": lambda text: quote(text, safe=""),
    "URL in lower case": lambda text: quote(text, safe="").replace("%2F", "%2f"),
    "path": quote,
    "query": lambda text: f"https://host/?password={quote_plus(text)}&x=1",
    "URL in a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "URL with a password": lambda text: f"https://user:{quote(text, safe='')}@host/",
    "HTML": lambda text: html.escape(text),
    "HTML by numbers": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "shell": shlex.quote,
    "shell by backslashes": lambda text: "".join(f"\\{c}" if not c.isalnum() else c for c in text),
    "shell in JSON": lambda text: json.dumps(f"export PASSWORD={shlex.quote(text)}"),
    "Python": repr,
    "HCL": lambda text: json.dumps(text.replace("${", "$${").replace("%{", "%%{")),
    "YAML": lambda text: "'" + text.replace("'", "''") + "'",
    "lines of 16": _wrapped(16),
    "lines of 5, indented": _wrapped(5, "\n      "),
    "lines in Terraform's frame": _wrapped(7, "\n│ "),
    "lines of JSON": lambda text: _wrapped(9)(_json(text)),
    "lines of Windows": _wrapped(11, "\r\n"),
    "base64": _base64(""),
    "base64 after one byte": _base64(":", "more"),
    "base64 after two bytes": _base64("u:", "more"),
    "base64 in lines": _base64("user:", coder=base64.encodebytes),
    "base64 for URLs": _base64("u:", coder=base64.urlsafe_b64encode),
    "base64 in a URL": lambda text: quote(_base64("user:")(text), safe=""),
    "hexadecimal": lambda text: text.encode().hex(),
    "HEXADECIMAL": lambda text: text.encode().hex().upper(),
}
"""By name: what makes of a secret the text that quotes it."""

LOSSLESS = ("as it is", "JSON", "URL", "shell", "HTML", "Python", "base64", "hexadecimal")


def readings(text: str) -> list[str]:
    """What somebody may read in an output: itself, and what it says without its escapes."""
    without = text
    for sign in ("\\", "'", '"', "\n", "\r", " ", "│"):
        without = without.replace(sign, "")
    return [text, without, html.unescape(text)]
