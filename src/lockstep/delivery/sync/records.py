"""What syncs did, written down in the repository itself: ``refs/lockstep/syncs``.

A file of JSON lines for each target, the newest last. No server keeps it and nothing depends on it: a
record that cannot be written or read is a note, and the sync is what it was.
"""

import datetime
import json
from collections.abc import Iterable, Mapping
from typing import Any

from lockstep.delivery.places.actor import find_actor
from lockstep.delivery.places.forges import Credentials, as_app
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.reporting import Ending, endings_of
from lockstep.errors import LockstepError
from lockstep.forge.base import DeploymentState
from lockstep.git.remote import Remote, fetch, list_refs
from lockstep.git.tree import CommitTree
from lockstep.git.writing import write
from lockstep.model import Plan, Report
from lockstep.model.foreign import read_json
from lockstep.model.record import Done, Record
from lockstep.model.target import is_preview
from lockstep.model.tree import Tree
from lockstep.model.watching import SILENT, Watcher

__all__ = ["REF", "leave_records", "read_records", "record_of", "record_of_fields", "records_of"]

REF = "refs/lockstep/syncs"
_MOST = 200  # records of a target that are kept
_ATTEMPTS = 10
_DONE = {
    DeploymentState.SUCCESS: Done.DEPLOYED,
    DeploymentState.FAILURE: Done.FAILED,
    DeploymentState.INACTIVE: Done.REMOVED,
}


def leave_records(
    workspace: Workspace,
    plan: Plan,
    report: Report,
    credentials: Credentials,
    *,
    now: datetime.datetime,
    watcher: Watcher = SILENT,
) -> None:
    """Write down what a sync did to each target that it changed or could not change.

    Raises nothing that Git or its host can cause: ``watcher`` is told instead.
    """
    endings = [one for one in endings_of(workspace, plan, report) if one.state in _DONE]
    if workspace.repository is None or not endings:
        return
    try:
        remote = _remote(workspace, credentials)
        actor = find_actor(remote.repository)
        records = records_of(workspace, plan, report, actor=actor.name, run=actor.run, now=now)
        lines = {_path(workspace, target): _line(record) for target, record in records.items()}
        gone = {_path(workspace, one.target) for one in endings if _is_gone(one)}

        def edit(tree: Tree) -> Mapping[str, bytes | None]:
            there = tree.read([path for path in lines if path in tree.blobs])
            kept = {path: there.get(path, b"").splitlines(keepends=True)[1 - _MOST :] for path in lines}
            return {
                path: None if path in gone else b"".join([*kept[path], line])
                for path, line in lines.items()
                if path not in gone or path in there
            }

        write(remote, REF, edit, _message(endings), may_create=True, attempts=_ATTEMPTS)
    except LockstepError as error:
        fix = f" (fix: {error.fix})" if error.fix else ""
        watcher.note(f"no record of this sync was left in {REF}: {error.problem}{fix}")


def records_of(
    workspace: Workspace, plan: Plan, report: Report, *, actor: str, run: str | None, now: datetime.datetime
) -> Mapping[str, Record]:
    """What a sync did to each target that it changed or could not change."""
    return {
        one.target: Record(
            at=now.isoformat(timespec="seconds"),
            done=_DONE[one.state],
            version=one.version,
            by=actor,
            commit=None if workspace.tree.is_dirty else _commit(workspace, plan, one.target),
            source=one.commit,
            run=run,
        )
        for one in endings_of(workspace, plan, report)
        if one.state in _DONE
    }


def read_records(
    workspace: Workspace, targets: Iterable[str], credentials: Credentials
) -> tuple[Mapping[str, tuple[Record, ...]], str | None]:
    """The records of targets, oldest first, and why they are not known, where they cannot be read."""
    paths = {target: _path(workspace, target) for target in targets}
    contents: Mapping[str, bytes] = {}
    problem = None
    try:
        remote = _remote(workspace, credentials)
        refs = list_refs(remote, REF)
        if REF in refs:
            fetch(remote, refs)
            tree = CommitTree(remote.repository, refs[REF], under=tuple(paths.values()))
            contents = tree.read([path for path in paths.values() if path in tree.blobs])
    except LockstepError as error:
        problem = f"what was deployed when is not known: {error.problem}"
    found = {
        target: tuple(
            record for line in contents.get(path, b"").splitlines() if (record := record_of(line)) is not None
        )
        for target, path in paths.items()
    }
    return found, problem


def _remote(workspace: Workspace, credentials: Credentials) -> Remote:
    remote = workspace.remote(credentials.access())
    return as_app(remote, workspace.project.sources.forge, credentials)


def _path(workspace: Workspace, target: str) -> str:
    return f"{workspace.project.name}/{target}.jsonl"


def _commit(workspace: Workspace, plan: Plan, target: str) -> str | None:
    return plan.previews if is_preview(target) and plan.previews else workspace.tree.commit


def _is_gone(ending: Ending) -> bool:
    """A preview's records go with it: there will be none of its name again."""
    return ending.state is DeploymentState.INACTIVE and is_preview(ending.target)


def _message(endings: list[Ending]) -> str:
    words = [f"{one.target} {one.version or ''} {_DONE[one.state]}".replace("  ", " ") for one in endings]
    return f"{words[0]}{f' and {len(words) - 1} more' if len(words) > 1 else ''}\n\n" + "\n".join(words)


def _line(record: Record) -> bytes:
    fields = {
        "at": record.at,
        "done": record.done.value,
        "version": record.version,
        "by": record.by,
        "commit": record.commit,
        "source": record.source,
        "run": record.run,
    }
    return (json.dumps({key: value for key, value in fields.items() if value is not None}) + "\n").encode()


def record_of(line: bytes) -> Record | None:
    """A record; None for a line that a newer Lockstep or somebody else wrote in another form."""
    try:
        return record_of_fields(read_json(line))
    except ValueError:
        return None


def record_of_fields(fields: Any) -> Record | None:
    """A record; None for what has another form."""
    try:
        datetime.datetime.fromisoformat(fields["at"])
        return Record(
            at=fields["at"],
            done=Done(fields["done"]),
            version=_text(fields.get("version")),
            by=_text(fields["by"]) or "",
            commit=_text(fields.get("commit")),
            source=_text(fields.get("source")),
            run=_text(fields.get("run")),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value
