"""Commit messages as Conventional Commits 1.0.0 has them, and what of them pull requests leave behind."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["KNOWN_TYPES", "Message", "Part", "read_message"]

KNOWN_TYPES = frozenset(
    {"build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"}
)
"""The types that the specification and the Angular convention name; others may be used as well."""

_HEADER = re.compile(
    r"(?P<type>[A-Za-z][A-Za-z0-9_-]*)(?:\((?P<scope>[^()]*)\))?(?P<bang>!)?: +(?P<description>\S.*)"
)
_ITEM = re.compile(r" {0,3}[*-] +(.*)")
_FOOTER = re.compile(r" {0,3}(?:[*-] +)?BREAKING[ -]CHANGE:(?=\s|$)")
_FIXUP = re.compile(r"(?:fixup|squash|amend)! ")
_AZURE = re.compile(r"Merged PR [0-9]+: ")
_PULL_REQUEST = re.compile(r"Merge pull request #[0-9]+ from |Merged in .* \(pull request #[0-9]+\)")
_QUOTED = re.compile(r'(?:Revert|Reapply) "(?P<subject>.*)"(?: \(#[0-9]+\))?')
_REVERTS = re.compile(r"\bThis reverts commit ([0-9a-f]{7,64})\b", re.IGNORECASE)
_REFS = re.compile(r"Refs?(?:: +| +#)([0-9a-f]{7,64}(?:, *[0-9a-f]{7,64})*)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One change that a message names: ``feat(api)!: retry`` and the like."""

    type: str  # in lower case
    scope: str | None = None
    description: str = ""
    is_breaking: bool = False

    def __str__(self) -> str:
        return f"{self.type}{f'({self.scope})' if self.scope else ''}{'!' if self.is_breaking else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What a commit message says of the change."""

    parts: tuple[Part, ...] = ()  # the header's first; () when the commit is not a conventional one
    has_breaking_footer: bool = False
    is_fixup: bool = False  # belongs to another commit: fixup!, squash!, amend!
    is_revert: bool = False
    reverts: tuple[str, ...] = ()  # ids, possibly shortened, of the commits that it takes back
    reverts_subject: str | None = None  # subject of the commit that it takes back, when no id is named


def read_message(text: str, *, is_merge: bool = False) -> Message:
    """Read a message.

    The header is the first line; of a merged pull request it is the pull request's title. A list in
    the body whose items begin with a known type, as squashed pull requests have, names further
    changes; a merge has none, because its commits stand in the history. ``BREAKING CHANGE:`` counts at
    the beginning of any line: squashing moves footers into the middle.
    """
    lines = text.replace("\r\n", "\n").strip().split("\n")
    subject = lines[0].strip()
    if _FIXUP.match(subject):
        return Message(is_fixup=True)
    title = _AZURE.sub("", subject, count=1)
    if is_merge and _PULL_REQUEST.match(subject):
        title = next((line.strip() for line in lines[1:] if line.strip()), "")
    header = _part(title)
    parts = [header] if header else []
    if not is_merge:
        parts += _items(lines[1:])
    quoted = _QUOTED.fullmatch(title)
    is_typed = header is not None and header.type == "revert"
    reverts = list(_REVERTS.findall(text))
    if is_typed:
        reverts += [sha for shas in _REFS.findall(text) for sha in re.split(r", *", shas)]
    taken_back = quoted["subject"] if quoted else header.description if header and is_typed else None
    return Message(
        parts=tuple(parts),
        has_breaking_footer=any(_FOOTER.match(line) for line in lines[1:]),
        is_revert=bool(quoted) or is_typed,
        reverts=tuple(sha.lower() for sha in reverts),
        reverts_subject=None if reverts else taken_back,
    )


def _part(line: str) -> Part | None:
    found = _HEADER.fullmatch(line.rstrip())
    if not found:
        return None
    return Part(
        type=found["type"].lower(),
        scope=found["scope"] or None,
        description=found["description"],
        is_breaking=found["bang"] is not None,
    )


def _items(lines: list[str]) -> Iterator[Part]:
    for line in lines:
        item = _ITEM.fullmatch(line)
        part = _part(item[1]) if item else None
        if part and part.type in KNOWN_TYPES:
            yield part
