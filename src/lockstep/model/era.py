"""How long a version was what a declaration said."""

from lockstep.values import dataclass

__all__ = ["Era", "Said"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a declaration said at one time, as far as it can be read."""

    version: str | None
    commit: str | None = None  # of the source
    sha256: str | None = None  # of a pin that may be this version's
    is_named: bool = False  # the pin names this version
    image: str | None = None  # SHA-256 of the image that is pinned, of a service that other tools deploy
    held: str | None = None  # the version that a hold says was taken back


@dataclass(frozen=True, kw_only=True, slots=True)
class Era:
    """One version from the commit that brought it to the one that took it away."""

    version: str | None  # None: the target was not declared
    said: Said  # at its beginning
    sha: str  # of the commit on the main line, 40 hex digits
    author: str
    subject: str
    since: str  # ISO 8601, when that commit was made
    until: str | None = None  # None: it is what is declared now
    pull: int | None = None  # number of the pull request, where the commit tells
    is_oldest_known: bool = False  # a shallow clone ends here: it may be older
    undone: str | None = None  # how it was taken back: "reverted to 0.1.5 by Ada (15de124e)"
