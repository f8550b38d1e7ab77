"""What a sync did to one target, as it is written down."""

from enum import StrEnum

from lockstep.values import dataclass

__all__ = ["Done", "Record"]


class Done(StrEnum):
    """How it ended."""

    DEPLOYED = "deployed"
    FAILED = "failed"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One target in one sync."""

    at: str  # when the sync ended, ISO 8601
    done: Done
    version: str | None
    by: str
    commit: str | None = None  # of the GitOps repository; None: files that were not committed
    source: str | None = None  # commit of the source that is declared
    run: str | None = None  # URL of the workflow run
