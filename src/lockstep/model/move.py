"""One target on its way from one version to another."""

from dataclasses import dataclass

__all__ = ["Move"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """What a promotion or a rollback changes in one declaration."""

    target: str  # "staging/s3-notifier"
    old: str | None
    new: str
    deployment_type: str = "lambda"
    old_commit: str | None = None  # of the source
    commit: str | None = None  # of the source; None: not known
    sha256: str | None = None  # of the package, lowercase hex
    size: int = 0  # bytes of the package; 0: not known
    origin: str | None = None  # where the package comes from, for people
    tag: str | None = None  # of the release of the new version
    old_tag: str | None = None

    @property
    def service(self) -> str:
        """Its service."""
        return self.target.rpartition("/")[2]

    @property
    def environment(self) -> str:
        """Its environment."""
        return self.target.rpartition("/")[0]

    def __str__(self) -> str:
        return f"{self.target} {self.old or '(none)'} -> {self.new}"
