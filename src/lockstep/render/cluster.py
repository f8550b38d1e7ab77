"""What a cluster says of a target, where AWS says otherwise or something is not well."""

from collections.abc import Iterator
from datetime import UTC, datetime

from lockstep.model import Health, StatusRow, SyncStatus
from lockstep.model.status import Condition
from lockstep.render.ages import age_words

__all__ = ["cluster_words"]


def cluster_words(row: StatusRow, now: datetime | None = None) -> Iterator[str]:
    """A line for each object that disagrees with AWS or is not well; AWS is always the one who is right."""
    is_so = row.status is SyncStatus.SYNCED and row.health is Health.HEALTHY
    for one in row.cluster:
        if one.health is Health.HEALTHY and is_so:
            continue
        said = f"{one.name}: {one.health}{_when(one, now or datetime.now(UTC))}"
        said += f": {one.message}" if one.message else ""
        if one.health is Health.HEALTHY and row.status is SyncStatus.OUT_OF_SYNC:
            yield f"{said}; AWS is right, and it is not as declared there"
        elif one.health is not Health.HEALTHY and is_so:
            yield f"{said}; AWS is right, and it is as declared there"
        else:
            yield said


def _when(one: Condition, now: datetime) -> str:
    return f" ({age_words(one.since, now)} ago)" if one.since else ""
