"""``status``: what every target should be, what it is, and who changed it last."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.options import Options, Purpose
from lockstep.delivery.sync.running import running_versions
from lockstep.delivery.sync.session import Session, patterns_of
from lockstep.engines.base import Look
from lockstep.git.history import Commit, last_changes
from lockstep.model import Health, StatusRow, SyncStatus, Target, TargetPlan, select
from lockstep.model.target import is_preview
from lockstep.model.watching import SILENT, Watcher
from lockstep.render.status import age_words

__all__ = ["read_status"]


def read_status(
    workspace: Workspace,
    options: Options,
    *,
    watcher: Watcher = SILENT,
    stop: threading.Event | None = None,
) -> tuple[tuple[StatusRow, ...], tuple[str, ...]]:
    """One row for each selected target, deployed by Lockstep or not, and notes on what was not read.

    Health is asked for function by function (100 a second), unless the options say to recall it. What could
    not be read of one target is told in its row; LockstepError when nothing could be read. A ``stop`` cuts
    the reading short: within a second or two, with rows or Interrupted, of which nothing is to be believed.
    """
    patterns = patterns_of(workspace, options)
    if patterns is None:
        return (), (f"no target changed since {options.since}",)
    chosen = select(workspace.fleet.targets, patterns)
    plans: dict[str, TargetPlan] = {}
    versions: Mapping[str, str | None] = {}
    look: Look | None = None
    notes: tuple[str, ...] = ()
    if any(workspace.fleet.targets[key].function for key in chosen) or patterns:
        from lockstep.engines.aws.connection import Connections

        session = Session(
            workspace,
            replace(options, full=True, refresh=options.full),
            purpose=Purpose.STATUS,
            watcher=watcher,
            connections=Connections(stop, cut=stop) if stop is not None else None,
        )
        plan = session.plan(patterns)
        plans = {target.target: target for target in plan.targets}
        versions = running_versions(session)
        look = session.look
        notes = (*plan.notes, *plan.problems)
    changes = _changes(workspace, [workspace.fleet.targets[key] for key in chosen])
    rows = [_row(workspace.fleet.targets[key], plans.get(key), versions.get(key)) for key in chosen]
    rows += [_gone(plan, versions) for key, plan in plans.items() if key not in workspace.fleet.targets]
    rows = [_dated(row, look, changes.get(row.target)) for row in rows]
    return tuple(rows), (*notes, *_remembered(rows))


def _row(target: Target, plan: TargetPlan | None, live: str | None) -> StatusRow:
    return StatusRow(
        target=target.key,
        service=target.service,
        environment=target.environment,
        deployment_type=target.deployment_type,
        declared=target.version,
        live=live,
        status=plan.status if plan else SyncStatus.UNKNOWN,
        health=plan.health if plan else Health.UNKNOWN,
        changes=plan.changes if plan else (),
        problem=plan.problem if plan else None,
        progress=plan.progress if plan else None,
    )


def _gone(plan: TargetPlan, versions: Mapping[str, str | None]) -> StatusRow:
    key = plan.target.partition(" ")[0]
    environment, _, service = key.rpartition("/")
    return StatusRow(
        target=plan.target,
        service=service,
        environment=environment,
        deployment_type="lambda",
        declared=None,
        live=versions.get(key),
        status=plan.status,
        health=plan.health,
        changes=plan.changes,
        problem="not declared any more: the next sync deletes it",
    )


def _changes(workspace: Workspace, targets: list[Target]) -> dict[str, Commit]:
    """The last commit that touched the file which declares each target's version."""
    commit = workspace.tree.commit
    if commit is None or workspace.repository is None:
        return {}
    files = {
        target.key: (workspace.prefix + target.place.rpartition(":")[0],)
        for target in targets
        if target.place
    }
    found = dict(last_changes(workspace.repository, commit, files))
    if workspace.previews is not None and workspace.previews.commit is not None:
        own = {key: paths for key, paths in files.items() if is_preview(key)}
        found |= last_changes(workspace.previews.repository, workspace.previews.commit, own)
    return found


def _dated(row: StatusRow, look: Look | None, commit: Commit | None) -> StatusRow:
    """The row with when AWS changed the function and where its alias points, how old its health is, and who
    changed the declaration.
    """
    if look is not None:
        row = replace(
            row,
            modified=look.modified.get(row.target),
            alias=look.aliases.get(row.target),
            well=look.well.get(row.target),
        )
    if commit is None:
        return row
    return replace(row, commit=commit.sha, author=commit.author, changed=commit.date)


def _remembered(rows: Iterable[StatusRow]) -> Iterator[str]:
    """A note on health that was not read again."""
    read = [row.well for row in rows if row.well is not None]
    if read:
        oldest = age_words(min(read), datetime.now(UTC))
        yield (
            f"the health of {len(read)} functions was read up to {oldest} ago, and not again: each has the "
            "revision and the time of change at which it was healthy (--full reads it)"
        )
