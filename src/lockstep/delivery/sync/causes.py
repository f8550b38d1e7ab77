"""Whether Git is ahead of AWS or AWS was changed, from what syncs have written down."""

from collections.abc import Sequence
from dataclasses import replace

from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.workspace import Workspace, open_workspace
from lockstep.delivery.sync.records import read_records
from lockstep.errors import LockstepError
from lockstep.model import Fleet, Health, StatusRow, SyncStatus
from lockstep.model.record import Done, Record
from lockstep.model.status import Cause
from lockstep.model.target import is_preview
from lockstep.planning.causes import cause_of

__all__ = ["with_causes"]


def with_causes(
    workspace: Workspace, rows: Sequence[StatusRow], credentials: Credentials
) -> tuple[StatusRow, ...]:
    """The rows that are out of sync with whose differences theirs are; the rest as they are.

    What was declared at the last sync is read from Git. Without its record, or without that commit in
    this clone, nothing is said. Raises nothing that Git or its host can cause.
    """
    targets = workspace.fleet.targets
    off = [row.target for row in rows if row.status is SyncStatus.OUT_OF_SYNC and row.target in targets]
    if not off or workspace.repository is None:
        return tuple(rows)
    records, _ = read_records(workspace, off, credentials)
    last = {target: found for target in off if (found := _last(records[target])) is not None}
    fleets: dict[tuple[str, bool], Fleet | None] = {}
    return tuple(
        replace(row, cause=_cause(workspace, row, last[row.target], fleets)) if row.target in last else row
        for row in rows
    )


def _last(records: Sequence[Record]) -> Record | None:
    """The last sync that brought a target to what a commit says; None when others came after it."""
    newest = records[-1] if records else None
    return newest if newest is not None and newest.done is Done.DEPLOYED and newest.commit else None


def _cause(
    workspace: Workspace, row: StatusRow, record: Record, fleets: dict[tuple[str, bool], Fleet | None]
) -> Cause | None:
    is_apart = is_preview(row.target) and workspace.previews is not None
    key = (record.commit or "", is_apart)
    if key not in fleets:
        fleets[key] = _fleet(workspace, *key)
    fleet = fleets[key]
    then = fleet.targets.get(row.target) if fleet is not None else None
    if then is None:
        return None
    now = workspace.fleet.targets[row.target]
    names = [one.function.name for one in (then, now) if one.function is not None]
    if row.health is Health.MISSING and len(names) == 2 and names[0] == names[1]:
        return Cause.AWS  # it was there
    return cause_of(row.changes, then, now)


def _fleet(workspace: Workspace, commit: str, is_apart: bool) -> Fleet | None:
    where = workspace.where
    where = replace(where, previews=commit) if is_apart else replace(where, rev=commit)
    try:
        return open_workspace(where).fleet
    except LockstepError:
        return None
