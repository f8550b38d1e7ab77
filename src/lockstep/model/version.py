"""Versions as Semantic Versioning 2.0.0 has them: reading, precedence, the next one. Source: semver.org."""

import re
from collections.abc import Iterable
from enum import IntEnum
from functools import total_ordering
from typing import Any

from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["Level", "NotAVersion", "Version"]

_MAX_LENGTH = 255  # what a Git tag and a key in S3 can hold; also bounds the size of the numbers
_NUMBER = r"0|[1-9][0-9]*"
_CORE = regex(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-([^+]*))?(?:\+(.*))?", re.DOTALL)
_IDENTIFIER = regex(r"[0-9A-Za-z-]+")
_PADDED = regex(r"0[0-9]+")


class NotAVersion(ValueError):
    """The text is not a semantic version; the message says why."""


class Level(IntEnum):
    """Which part of a version a change moves."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3

    def __str__(self) -> str:
        return self.name.lower()


@total_ordering
@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A semantic version. ``str`` gives back the text that was parsed.

    ``<`` follows SemVer's precedence and then, so that every two versions have an order, the text of
    the build metadata. Where build metadata must not count, compare ``precedence``.
    """

    major: int
    minor: int
    patch: int
    prerelease: tuple[int | str, ...] = ()  # identifiers; numeric ones are int
    build: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read a version. Raises NotAVersion; a leading ``v`` belongs to a tag, not to the version."""
        if len(text) > _MAX_LENGTH:
            raise NotAVersion(f"is longer than {_MAX_LENGTH} characters")
        found = _CORE.fullmatch(text)
        if not found:
            raise NotAVersion(_why_not(text))
        major, minor, patch, prerelease, build = found.groups()
        return cls(
            major=int(major),
            minor=int(minor),
            patch=int(patch),
            prerelease=tuple(_identifier(part) for part in _parts(prerelease, "pre-release")),
            build=tuple(_parts(build, "build metadata")),
        )

    @classmethod
    def find(cls, text: str) -> "Version | None":
        """The version that a text is, or None."""
        try:
            return cls.parse(text)
        except NotAVersion:
            return None

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        if self.prerelease:
            text += "-" + ".".join(str(part) for part in self.prerelease)
        return f"{text}+{'.'.join(self.build)}" if self.build else text

    @property
    def is_release(self) -> bool:
        """It is no pre-release."""
        return not self.prerelease

    @property
    def core(self) -> "Version":
        """The release without pre-release and build metadata: ``0.2.0`` of ``0.2.0-rc.1+5``."""
        return Version(major=self.major, minor=self.minor, patch=self.patch)

    @property
    def precedence(self) -> tuple[Any, ...]:
        """A key that orders as SemVer 2.0.0 § 11 says; equal for versions that differ in build only.

        A release stands above its pre-releases; numeric identifiers stand below others and compare as
        numbers; with the same beginning the longer pre-release is higher.
        """
        identifiers = tuple(
            (0, part, "") if isinstance(part, int) else (1, 0, part) for part in self.prerelease
        )
        return (self.major, self.minor, self.patch, not self.prerelease, identifiers)

    def __lt__(self, other: "Version") -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return (self.precedence, self.build) < (other.precedence, other.build)

    def bump(self, level: Level) -> "Version":
        """The next release: the smallest that moves ``level`` and is higher than this version.

        Of a pre-release that is its own release where that is enough: the patch, minor and major of
        ``1.0.0-rc.1`` are ``1.0.0``. ``NONE`` gives this version back. Build metadata is dropped.
        """
        match level:
            case Level.NONE:
                return self
            case Level.PATCH if self.prerelease:
                return self.core
            case Level.PATCH:
                return Version(major=self.major, minor=self.minor, patch=self.patch + 1)
            case Level.MINOR if self.prerelease and self.patch == 0:
                return self.core
            case Level.MINOR:
                return Version(major=self.major, minor=self.minor + 1, patch=0)
            case Level.MAJOR if self.prerelease and self.minor == self.patch == 0:
                return self.core
            case Level.MAJOR:
                return Version(major=self.major + 1, minor=0, patch=0)

    def as_prerelease(self, *identifiers: int | str) -> "Version":
        """A pre-release of this release: ``0.1.6`` with ``("pr123", 4)`` is ``0.1.6-pr123.4``.

        Raises NotAVersion when an identifier is not one.
        """
        text = f"{self.core}-{'.'.join(str(part) for part in identifiers)}"
        return Version.parse(text)


def _identifier(text: str) -> int | str:
    if not text.isdecimal():
        return text
    if _PADDED.fullmatch(text):
        raise NotAVersion(f"has the number {text} with a leading zero in its pre-release")
    return int(text)


def _parts(text: str | None, what: str) -> Iterable[str]:
    if text is None:
        return
    for part in text.split("."):
        if not part:
            raise NotAVersion(f"has an empty part in its {what}")
        if not _IDENTIFIER.fullmatch(part):
            raise NotAVersion(f"has characters other than 0-9, A-Z, a-z and - in its {what}")
        yield part


def _why_not(text: str) -> str:
    if not text:
        return "is empty"
    if text != text.strip():
        return "has blanks around it"
    if re.match(r"[vV][0-9]", text):
        return f"begins with {text[0]}, which is part of a tag and not of a version"
    core = re.split(r"[-+]", text, maxsplit=1)[0].split(".")
    if len(core) != 3 and all(re.fullmatch(r"[0-9]+", part) for part in core):
        return (
            f"has {len(core)} of the three numbers MAJOR.MINOR.PATCH"
            if len(core) < 3
            else ("has more than the three numbers MAJOR.MINOR.PATCH")
        )
    if any(_PADDED.fullmatch(part) for part in core):
        return "has a number with a leading zero"
    return "does not begin with MAJOR.MINOR.PATCH"
