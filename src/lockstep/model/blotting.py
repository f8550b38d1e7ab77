"""Texts of others without the secrets that are known, however those are spelled in them.

A program that quotes a secret seldom writes it as it is: an error of AWS's holds it in JSON, a log of a
proxy in a URL, a script in quotes, a header in base64, a terminal broken at eighty columns. So a text is
read as what its escapes mean, without what only keeps it apart (quotes, backslashes, white space), and
secrets are looked for in that.
"""

import base64
import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from urllib.parse import quote, quote_plus, unquote

from lockstep.errors import bounded
from lockstep.model.secrets import looks_secret

__all__ = ["blotted"]

_LONG = 6
"""Characters of a secret that hardly occur in other words by chance."""
_WORDS = "(secret)"
_WIDEST = 12  # characters that one character takes, at the most: \\ud83d\\ude00
_DEEPEST = 4  # JSON in JSON in JSON
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
_IN_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_DROPPED = frozenset("\\'\"`+$%│")
_UNDECODED = dict.fromkeys(map(ord, _DROPPED)) | {ord("&"): "&amp;"}


def blotted(text: str, secrets: Iterable[str], *, longest: int | None = None) -> str:
    """A text without secret values, their parts and their spellings; of ``longest`` characters and a note.

    Parts are the texts in a JSON document, the lines of several, and passwords in URLs and connection
    strings. A short value ("no", "1") counts only where it stands by itself. Takes time in proportion to
    the text.
    """
    values = sorted({part for value in secrets for part in _parts(value)}, key=len, reverse=True)
    if not values or not text:
        return bounded(text, longest) if longest is not None else text
    kept, more = len(text), 0
    if longest is not None and len(text) > longest:
        # A secret that begins before the cut is looked for whole.
        kept, more = longest, len(text)
        text = text[: longest + _WIDEST * len(values[0]) + 64]
    spans = [span for span in (*_exact(text, values), *_spelled(text, values)) if span[0] < kept]
    result = _without(text[:kept], spans)
    return f"{result}… ({more:,} characters in all; the rest is left out)" if more else result


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces: list[str] = []
    end = 0
    for start, stop in sorted(spans):
        if start >= end:
            pieces += (text[end:start], _WORDS)
        end = max(end, stop)
    return "".join((*pieces, text[end:]))


def _parts(value: str, depth: int = 0) -> Iterator[str]:
    """A secret, and what in it is a secret by itself."""
    if not value:
        return
    yield value
    if depth > _DEEPEST or len(value) < _LONG:
        return
    if value.lstrip()[:1] in ("{", "[", '"'):
        with contextlib.suppress(ValueError, RecursionError):
            yield from _leaves(json.loads(value), "", depth + 1)  # noqa: TID251 - what is nearly JSON, too
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line for line in (each.strip() for each in lines) if len(line) >= _LONG)
    _, scheme, rest = value.partition("://")
    user, at, _ = rest.rpartition("@")
    if scheme and at:
        password = user.partition(":")[2] or user
        yield from {part for part in (password, unquote(password)) if len(part) > 2}
    for name, sign, text in (pair.partition("=") for pair in re.split(r"[;&?]", value)):
        if sign and len(text.strip()) > 2 and looks_secret(name.strip().replace(" ", "_")):
            yield text.strip()


def _leaves(document: object, name: str, depth: int) -> Iterator[str]:
    match document:
        case dict():
            for key, item in document.items():
                yield from _leaves(item, str(key), depth)
        case list():
            for item in document:
                yield from _leaves(item, name, depth)
        case str() if len(document) >= 4 or looks_secret(name):
            yield from _parts(document, depth)
        case int() | float() if not isinstance(document, bool) and (
            len(str(document)) >= _LONG or looks_secret(name)
        ):
            yield str(document)


def _exact(text: str, values: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where values stand as they are; short ones also as they are usually escaped, but by themselves."""
    patterns = []
    for value in values:
        if len(value) >= _LONG:
            patterns.append(re.escape(value))
        else:
            spellings = sorted({value, *_escaped(value)}, key=len, reverse=True)
            patterns.append(rf"(?<!\w)(?:{'|'.join(map(re.escape, spellings))})(?!\w)")
    return (found.span() for found in re.finditer("|".join(patterns), text))


def _escaped(value: str) -> Iterator[str]:
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (quote(value, safe=""), quote_plus(value), value.replace("'", "'\"'\"'"))
    yield "".join(_IN_HTML.get(character, character) for character in value)
    yield base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()


def _spelled(text: str, values: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where long values stand in any spelling, also where a line is broken inside of an escape."""
    for keeps_lines in (True, False):
        said, starts, ends = _read(text, keeps_lines=keeps_lines)
        for value in values:
            if len(value) < _LONG:
                continue
            # What looks like an escape in the secret itself is none once it was escaped as a whole.
            coded = quote(value, safe="", errors="surrogatepass")
            alike = (value, coded, quote(coded), "".join(value.split()).translate(_UNDECODED))
            for needle in {_read(one, keeps_lines=keeps_lines)[0] for one in alike}:
                if len(needle) < _LONG:
                    continue
                yield from ((starts[at], ends[at + len(needle) - 1]) for at in _places(said, needle))
            for code in _coded(value.encode("utf-8", "surrogatepass")):
                for at in _places(said, code):
                    yield _widened(text, starts[at], ends[at + len(code) - 1])


def _places(text: bytes, needle: bytes) -> Iterator[int]:
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + len(needle))


def _coded(value: bytes) -> Iterator[bytes]:
    """A value in hexadecimal and in base64, there also in the midst of something longer."""
    yield value.hex().encode()
    yield value.hex().upper().encode()
    for before in range(3):
        first, last = (0, 2, 3)[before], (before + len(value)) * 8 // 6
        coded = base64.b64encode(b"\0" * before + value)[first:last]
        yield coded.replace(b"+", b"")
        if b"/" in coded or b"+" in coded:
            yield coded.replace(b"+", b"-").replace(b"/", b"_")


def _widened(text: str, start: int, stop: int) -> tuple[int, int]:
    """The place with the characters around it that hold bits of the same value."""
    head, tail = text[max(start - 64, 0) : start], text[stop : stop + 64]
    return start - len(head) + len(head.rstrip(_BASE64)), stop + len(tail) - len(tail.lstrip(_BASE64 + "="))


@cache
def _token() -> re.Pattern[str]:
    return re.compile(
        r"(?P<plain>[^\s\\'\"`+$%&│]+)"
        r"|[\s'\"`+$│]+"
        r"|%(?:25)*(?P<byte>[0-9A-Fa-f]{2})"
        r"|\\++u(?P<pair>[dD][89abAB][0-9a-fA-F]{2}\\++u[dD][c-fC-F][0-9a-fA-F]{2})"
        r"|\\++(?:u(?P<code>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|u\{(?P<braced>[0-9a-fA-F]{1,6})\}|x(?P<short>[0-9a-fA-F]{2})|[nrtbfv]|)"
        r"|&(?:amp;)*(?:#(?P<decimal>\d{1,7})|#[xX](?P<hex>[0-9a-fA-F]{1,6})|(?P<name>amp|lt|gt|quot|apos|nbsp));"
        r"|(?P<sign>&)"
        r"|%"
    )


def _read(text: str, *, keeps_lines: bool) -> tuple[bytes, list[int], list[int]]:
    """What a text says, as UTF-8, with where in it each byte begins and ends.

    Without ``keeps_lines`` it is read as if no white space had ever been in it.
    """
    places: Sequence[int] = range(len(text))
    if not keeps_lines:
        places = [at for at, character in enumerate(text) if character != "│" and not character.isspace()]
        text = "".join(text.replace("│", "").split())
    said = bytearray()
    starts: list[int] = []
    ends: list[int] = []
    for found in _token().finditer(text):
        start, stop = found.span()
        if found.lastgroup == "plain" and found[0].isascii():
            said += found[0].encode()
            starts += places[start:stop]
            ends += [place + 1 for place in places[start:stop]]
        elif found.lastgroup in ("plain", "sign"):
            for place, character in zip(places[start:stop], found[0], strict=True):
                content = character.encode("utf-8", "surrogatepass")
                said += content
                starts += [place] * len(content)
                ends += [place + 1] * len(content)
        elif found.lastgroup is not None:
            content = _meant(found.lastgroup, found[found.lastgroup])
            said += content
            starts += [places[start]] * len(content)
            ends += [places[stop - 1] + 1] * len(content)
    return bytes(said), starts, ends


def _meant(kind: str, digits: str) -> bytes:
    """The bytes that an escape stands for; none for white space and what only keeps apart."""
    match kind:
        case "byte" if digits[0] in "89abcdefABCDEF":
            return bytes.fromhex(digits)
        case "pair":
            return bytes.fromhex(digits[:4] + digits[-4:]).decode("utf-16-be").encode()
        case "name":
            code = ord(_ENTITIES[digits])
        case "decimal":
            code = int(digits)
        case _:
            code = int(digits, 16)
    if code > 0x10FFFF or chr(code).isspace() or chr(code) in _DROPPED:
        return b""
    return chr(code).encode("utf-8", "surrogatepass")
