"""``drift``: what is live otherwise than Git says, and the one issue that tells of it."""

from collections.abc import Sequence

from lockstep.delivery.places.forges import Credentials
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.causes import with_causes
from lockstep.delivery.sync.clusters import with_cluster
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.status import read_status
from lockstep.forge.base import Forge, Issue
from lockstep.model import StatusRow, SyncStatus
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.aliases import of_version
from lockstep.render.cluster import cluster_words
from lockstep.render.markdown import drift_markdown
from lockstep.values import dataclass

__all__ = ["Drift", "drift_of", "find_drift", "put_issue"]

_LABEL = "drift"


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """Targets that differ, and those of which nobody knows."""

    patterns: tuple[str, ...]
    differing: tuple[StatusRow, ...] = ()
    unknown: tuple[StatusRow, ...] = ()  # deployed by Lockstep, but not read
    notes: tuple[str, ...] = ()

    @property
    def marker(self) -> str:
        """Of the issue: a look at some targets has one of its own, which other looks leave alone."""
        return " ".join(("drift", *sorted(self.patterns)))


def find_drift(
    workspace: Workspace, options: Options, credentials: Credentials, *, watcher: Watcher = SILENT
) -> Drift:
    """Compare everything with what is live, and say whose differences they are where records tell.

    Changes nothing. Raises LockstepError when AWS cannot be read.
    """
    rows, notes = read_status(workspace, options, watcher=watcher)
    rows = with_causes(workspace, rows, credentials)
    rows, unheard = with_cluster(workspace, rows)
    # What other tools deploy has no status of ours.
    declared = workspace.fleet.targets
    ours = [row for row in rows if row.target not in declared or declared[row.target].function is not None]
    return drift_of(ours, options.patterns, (*notes, *unheard))


def drift_of(ours: Sequence[StatusRow], patterns: tuple[str, ...], notes: Sequence[str]) -> Drift:
    """What differs, and what nobody knows, of targets that Lockstep deploys as they were read."""
    return Drift(
        patterns=patterns,
        differing=_with([row for row in ours if not _is_shifting(row)], SyncStatus.OUT_OF_SYNC),
        unknown=_with(ours, SyncStatus.UNKNOWN),
        notes=(
            *notes,
            *(
                f"{row.target}: {words}"
                for row in ours
                if row.status is SyncStatus.SYNCED
                for words in cluster_words(row)
            ),
            *(f"{row.target}: {row.progress.words}" for row in ours if row.progress and _is_shifting(row)),
        ),
    )


def _is_shifting(row: StatusRow) -> bool:
    """Whether it differs because a release is on its way to its calls, in time, and for nothing else."""
    if row.progress is None or not row.progress.is_under_way or row.progress.late or row.problem:
        return False
    return all(change.path in ("alias", "version") or of_version(change) for change in row.changes)


def put_issue(forge: Forge, drift: Drift, *, run: str | None = None) -> Issue | None:
    """Open or change the issue while something differs; close it when all is known to be as in Git.

    Returns the issue that is open then. While a target could not be read, an open issue stays as it is.
    """
    if drift.differing:
        count = len(drift.differing)
        title = f"{count} {'target differs' if count == 1 else 'targets differ'} from Git"
        body = drift_markdown(drift.differing, drift.unknown, drift.notes, run=run)
        return forge.put_issue(drift.marker, title=title, body=body, labels=(_LABEL,))
    if drift.unknown:
        return forge.find_issue(drift.marker)
    where = f" ({run})" if run else ""
    forge.close_issue(drift.marker, comment=f"Everything is as Git says again{where}.")
    return None


def _with(rows: Sequence[StatusRow], status: SyncStatus) -> tuple[StatusRow, ...]:
    return tuple(row for row in rows if row.status is status)
