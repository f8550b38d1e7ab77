"""``status``: what every target should be, what it is, and who changed it last."""

from collections.abc import Mapping
from dataclasses import replace

from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.options import Options, Purpose
from lockstep.delivery.sync.running import running_versions
from lockstep.delivery.sync.session import Session, patterns_of
from lockstep.git.history import Commit, last_changes
from lockstep.model import Health, StatusRow, SyncStatus, Target, TargetPlan, select
from lockstep.model.target import is_preview
from lockstep.model.watching import SILENT, Watcher

__all__ = ["read_status"]


def read_status(
    workspace: Workspace,
    options: Options,
    *,
    watcher: Watcher = SILENT,
) -> tuple[tuple[StatusRow, ...], tuple[str, ...]]:
    """One row for each selected target, deployed by Lockstep or not, and notes on what was not read.

    Health is asked for function by function (100 a second). What could not be read of one target is told
    in its row; LockstepError when nothing could be read.
    """
    patterns = patterns_of(workspace, options)
    if patterns is None:
        return (), (f"no target changed since {options.since}",)
    chosen = select(workspace.fleet.targets, patterns)
    plans: dict[str, TargetPlan] = {}
    versions: Mapping[str, str | None] = {}
    modified: Mapping[str, str | None] = {}
    notes: tuple[str, ...] = ()
    if any(workspace.fleet.targets[key].function for key in chosen) or patterns:
        session = Session(
            workspace,
            replace(options, full=True, refresh=options.full),
            purpose=Purpose.STATUS,
            watcher=watcher,
        )
        plan = session.plan(patterns)
        plans = {target.target: target for target in plan.targets}
        versions = running_versions(session)
        notes = (*plan.notes, *plan.problems)
        modified = session.look.modified if session.look is not None else {}
    changes = _changes(workspace, [workspace.fleet.targets[key] for key in chosen])
    rows = [_row(workspace.fleet.targets[key], plans.get(key), versions.get(key)) for key in chosen]
    rows += [_gone(plan, versions) for key, plan in plans.items() if key not in workspace.fleet.targets]
    return tuple(_dated(row, modified.get(row.target), changes.get(row.target)) for row in rows), notes


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


def _dated(row: StatusRow, modified: str | None, commit: Commit | None) -> StatusRow:
    """The row with when AWS changed the function, and who changed its declaration when."""
    if commit is None:
        return replace(row, modified=modified)
    return replace(row, modified=modified, commit=commit.sha, author=commit.author, changed=commit.date)
