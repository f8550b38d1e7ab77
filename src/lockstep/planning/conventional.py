"""Commit messages as Conventional Commits 1.0.0 has them, and what of them pull requests leave behind."""

import re
from collections.abc import Sequence

from lockstep.planning.quoting import unquoted
from lockstep.planning.squashes import Block, blocks_of
from lockstep.values import dataclass

__all__ = ["KNOWN_TYPES", "Message", "Part", "read_message"]

KNOWN_TYPES = frozenset(
    {"build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"}
)
"""The types that the specification and the Angular convention name; others may be used as well."""

_HEADER = re.compile(
    r"(?P<type>[A-Za-z][A-Za-z0-9_-]*)(?:\((?P<scope>[^()]*)\))?(?P<bang>!)?: +(?P<description>\S.*)"
)
_FOOTER = re.compile(r" {0,3}BREAKING[ -]CHANGE:(?=\s|$)")
_UNANSWERED = re.compile(
    r"[\W_]*(?:none|no|nothing|n/?a|not applicable|yes */ *no)[\W_]*|<[^<>]*>|\[[^][]*\]|\W*", re.I
)
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

    The header is the first line; of a merged pull request it is the pull request's title. The commits
    that a squashed pull request lists name further changes, each with its own footers, unless one of
    them takes back another; a merge has none, because its commits stand in the history.
    ``BREAKING CHANGE:`` counts at the beginning of any line: squashing moves footers into the middle.
    What the body only quotes counts nowhere.
    """
    lines = text.replace("\r\n", "\n").strip().split("\n")
    subject = lines[0].strip()
    if _FIXUP.match(subject):
        return Message(is_fixup=True)
    title = _AZURE.sub("", subject, count=1)
    body = list(unquoted(lines[1:]))
    if is_merge and _PULL_REQUEST.match(subject):
        at = next((number for number, line in enumerate(body) if line.strip()), len(body))
        title, body = "".join(body[at : at + 1]).strip(), body[at + 1 :]
    header = _part(title)
    blocks = blocks_of(body)
    commits = [] if is_merge else _standing(blocks)
    parts = [header] if header else []
    parts += [part for block in commits if (part := _part(block.subject)) and part.type in KNOWN_TYPES]
    said = [line for block in commits for line in (block.subject, *block.body)] if blocks else body
    quoted = _QUOTED.fullmatch(title)
    is_typed = header is not None and header.type == "revert"
    whole = "\n".join([title, *said])
    reverts = list(_REVERTS.findall(whole))
    if is_typed:
        reverts += [sha for shas in _REFS.findall(whole) for sha in re.split(r", *", shas)]
    return Message(
        parts=tuple(parts),
        has_breaking_footer=_breaks(said),
        is_revert=bool(quoted) or is_typed,
        reverts=tuple(sha.lower() for sha in reverts),
        reverts_subject=None if reverts else _subject_taken_back(title),
    )


def _standing(blocks: Sequence[Block]) -> list[Block]:
    """The commits of a squash without those that a later one takes back, and without the latter.

    From the newest on, so that what takes back a revert brings its commit to life again.
    """
    left: list[Block] = []
    gone: list[str] = []
    for number in reversed(range(len(blocks))):
        block = blocks[number]
        if block.subject in gone:
            gone.remove(block.subject)
            continue
        if _FIXUP.match(block.subject):
            continue
        taken_back = _subject_taken_back(block.subject)
        if taken_back is not None and taken_back in [one.subject for one in blocks[:number]]:
            gone.append(taken_back)
        else:
            left.append(block)
    return left[::-1]


def _subject_taken_back(title: str) -> str | None:
    """The subject of the commit that one with this title takes back."""
    if quoted := _QUOTED.fullmatch(title):
        return quoted["subject"]
    header = _part(title)
    return header.description if header and header.type == "revert" else None


def _breaks(lines: Sequence[str]) -> bool:
    """Whether a footer says what breaks; one that a template left unanswered says nothing."""
    for number, line in enumerate(lines):
        if found := _FOOTER.match(line):
            said = line[found.end() :].strip() or "".join(lines[number + 1 : number + 2]).strip()
            if said and not _UNANSWERED.fullmatch(said):
                return True
    return False


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
