"""An alias of a function: the name that everything which calls the function uses, and what it points at."""

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime

from lockstep.model.function import Function, Value
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = [
    "LATEST",
    "PATTERN",
    "Alias",
    "Published",
    "dated",
    "described",
    "is_number",
    "is_ours",
    "mark_of",
    "pointed_at",
    "qualified",
    "release_of",
    "target_of",
    "undated",
    "unversioned",
    "versioned",
    "written_at",
]

LATEST = "$LATEST"
"""What a function without an alias runs as: code and configuration that change in place."""

PATTERN = r"^(?![0-9]+$)[a-zA-Z0-9_-]{1,100}$"
"""AWS allows 128 characters; two names have to fit into one tag. Source: Lambda's service model, Alias."""

_MOST = 256  # characters of a description, AWS's limit
_TIME = 40  # of them for what it was pointed at, and when
_NUMBER = regex(r"[1-9][0-9]{0,18}")
_MARK = regex(r"lockstep (?P<project>\S+) (?P<target>\S+) (?P<release>\S+)")
_DATE = regex(r" @(?P<number>\d+) (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$")
_RECORD = regex(r" ~[a-z]+ \d+>\d+ .*\Z", re.DOTALL)  # of a rollout, see ``rolling``
_UNVERSIONED = frozenset({"description", "reservedConcurrency", "logRetentionDays", "codeSigningConfigArn"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Alias:
    """One live alias and the published version that it points at.

    ``function`` is that version as it was published: it never changes. None for ``$LATEST``, which is no
    published version. ``weights`` are the shares of calls, 0 to 1, that go to other versions by number;
    ``held`` those that AWS itself gives to the version before, until the one that the alias points at has
    what the alias is to have of it.
    """

    name: str
    version: str  # "43", or "$LATEST"
    function: Function | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    description: str = ""
    candidate: Function | None = None  # the version that its description names besides, as it was published
    revision: str | None = field(default=None, compare=False)  # RevisionId of the alias itself
    held: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def words(self) -> str:
        """``version 43``, with the shares of others."""
        if self.held:
            return f"version {self.version}, AWS still calls version {' and '.join(sorted(self.held))}"
        if not self.weights:
            return f"version {self.version}"
        shares = ", ".join(
            f"version {number}: {round(share * 100, 6):g} %" for number, share in sorted(self.weights.items())
        )
        return f"version {self.version}, {shares}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """One published version of a live function, and who needs it."""

    number: str
    description: str
    function: Function  # as it was published
    aliases: tuple[str, ...] = ()  # names of those that point at it or give it a share
    needs: str = ""  # what else it is there for, in words; "" for nothing that was found

    @property
    def words(self) -> str:
        """``version 3 (1.0.0)``."""
        release = release_of(self.description)
        return f"version {self.number}{f' ({release})' if release else ''}"


def described(project: str, target: str, release: str, commit: str | None = None) -> str:
    """The description that marks an alias, or a published version, as ours and says which release it is."""
    words = ["lockstep", project, target, release, *([commit[:12]] if commit else [])]
    return " ".join(words)[: _MOST - _TIME]


def is_ours(description: str, project: str) -> bool:
    """Whether the description bears the mark of a project."""
    found = _MARK.match(description)
    return found is not None and found["project"] == project


def is_number(version: str) -> bool:
    """Whether a version is the number of a published one, as AWS gives them: 1, 2, 3 and on."""
    return _NUMBER.fullmatch(version) is not None


def dated(description: str, number: str, now: datetime) -> str:
    """The description with what the alias was pointed at and when, which nothing is compared by."""
    return f"{description} @{number} {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def undated(description: str) -> str:
    """The description as it was before ``dated``, or before a rollout's record was put to it."""
    return _DATE.sub("", _RECORD.sub("", description))


def written_at(alias: Alias) -> datetime | None:
    """Since when an alias points where it does; None where somebody else has moved it, or nothing says so."""
    found = _DATE.search(alias.description)
    if found is None or found["number"] != alias.version or alias.weights:
        return None
    return datetime.fromisoformat(found["time"])


def mark_of(description: str) -> str | None:
    """The mark that a description of ours begins with: project, target and release."""
    found = _MARK.match(description)
    return found[0] if found else None


def release_of(description: str) -> str | None:
    """The release that a description of ours names."""
    found = _MARK.match(description)
    return found["release"] if found else None


def target_of(description: str) -> str | None:
    """The target that a description of ours names."""
    found = _MARK.match(description)
    return found["target"] if found else None


def pointed_at(description: str) -> str | None:
    """The number of the version that we pointed an alias at last, as its description tells."""
    found = _DATE.search(description)
    return found["number"] if found else None


def qualified(arn: str, alias: str | None) -> str:
    """The ARN by which a function is called: that of its alias, where it has one."""
    return f"{arn}:{alias}" if alias else arn


def versioned(settings: Mapping[str, Value]) -> dict[str, Value]:
    """The settings that a published version keeps; the others belong to the function as a whole.

    A version's description is its own, given when it is published. Source: Lambda developer guide, "Manage
    Lambda function versions".
    """
    return {name: value for name, value in settings.items() if name not in _UNVERSIONED}


def unversioned(settings: Mapping[str, Value]) -> dict[str, Value]:
    """The settings that belong to the function as a whole."""
    return {name: value for name, value in settings.items() if name in _UNVERSIONED}
