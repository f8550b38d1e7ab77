"""The pin of a package in a declaration: a digest, and the version that it belongs to.

``"0.1.5@9f86...0a08~8b5d4f1c"``: the version in the clear, the SHA-256 of its package, and a check of the
version. The check is for replacements over a whole file (``sed s/0.1.5/0.1.6/``), which would hand the
digest to another version: it spells the version in a way that they do not reach. By hand version and
digest, or the digest alone, are enough.
"""

import hashlib

from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["Pin", "read_pin"]

_PIN = regex(
    r"(?:(?P<version>[A-Za-z0-9][A-Za-z0-9._+-]{0,127})@)?(?P<sha256>[0-9a-fA-F]{64})"
    r"(?:~(?P<check>[0-9a-f]{8}))?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """A digest and whose it is. Without a version nothing says so: it has to be compared to be believed."""

    sha256: str  # lowercase hex
    version: str | None = None
    check: str | None = None  # of the version that it was written with

    @classmethod
    def of(cls, version: str, sha256: str) -> "Pin":
        """The pin as Lockstep writes it."""
        return cls(sha256=sha256, version=version, check=_check(version))

    @property
    def is_named(self) -> bool:
        """Whether it says which version it belongs to."""
        return self.version is not None or self.check is not None

    def is_of(self, version: str) -> bool:
        """Whether it may be this version's. What names none may be any version's."""
        return self.version in (None, version) and self.check in (None, _check(version))

    def __str__(self) -> str:
        named = f"{self.version}@" if self.version is not None else ""
        return named + self.sha256 + (f"~{self.check}" if self.check is not None else "")


def read_pin(text: str) -> Pin | None:
    """The pin that a text is; None when it is none."""
    match = _PIN.fullmatch(text)
    if match is None:
        return None
    return Pin(sha256=match["sha256"].lower(), version=match["version"], check=match["check"])


def _check(version: str) -> str:
    return hashlib.sha256(version.encode()).hexdigest()[:8]
