"""One target on its way from one version to another, and how far it came."""

from enum import StrEnum

from lockstep.model.image import image_tag
from lockstep.model.target import environment_of, service_of
from lockstep.values import dataclass

__all__ = ["Arrival", "Move", "Reached"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """What a promotion or a rollback changes in one declaration."""

    target: str  # "staging/s3-notifier"
    old: str | None
    new: str
    deployment_type: str = "lambda"
    old_commit: str | None = None  # of the source
    commit: str | None = None  # of the source; None: not known
    sha256: str | None = None  # of the package or of the image that is pinned, lowercase hex
    size: int = 0  # bytes of the package; 0: not known
    origin: str | None = None  # where the package comes from, for people
    tag: str | None = None  # of the release of the new version
    old_tag: str | None = None

    @property
    def service(self) -> str:
        """Its service."""
        return service_of(self.target)

    @property
    def environment(self) -> str:
        """Its environment."""
        return environment_of(self.target)

    @property
    def text(self) -> str:
        """The new version; of a service that other tools deploy with the digest that pins its image."""
        is_image = self.deployment_type != "lambda" and self.sha256 is not None
        return image_tag(self.new, self.sha256 or "") if is_image else self.new

    def __str__(self) -> str:
        return f"{self.target} {self.old or '(none)'} -> {self.new}"


class Reached(StrEnum):
    """How far a change of declarations has come."""

    NOTHING = "nothing to do"  # the branch says it already
    COMMITTED = "committed"
    MERGED = "merged"
    WAITING = "waiting"  # merges itself when its checks pass
    OPEN = "open"  # a person has to merge it
    BLOCKED = "blocked"  # was to merge itself, and cannot


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """What became of a change, as results show it."""

    reached: Reached
    commit: str | None = None  # on the deployed branch when it was committed or merged
    number: int | None = None  # of the pull request
    url: str | None = None
    why: str | None = None  # it is blocked, where that is known
