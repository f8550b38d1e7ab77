"""How a version stands in the environment that it comes from: since when, and whether it is well."""

import datetime
from collections.abc import Mapping

from lockstep.delivery.places.timeline import Timeline, read_timelines
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.status import read_status
from lockstep.errors import LockstepError
from lockstep.model import StatusRow, Target
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.gates import Standing

__all__ = ["find_standings"]


def find_standings(
    workspace: Workspace,
    wanted: Mapping[str, str],
    options: Options,
    *,
    watcher: Watcher = SILENT,
) -> Mapping[str, Standing]:
    """The standing of versions (``wanted``: target of the source environment -> version) by target.

    A version that runs now counts from the commit that brought it, or from the last time that AWS
    changed the function, whichever is later: so drift and its mending begin a soak anew. One that
    another version replaced counts for as long as it was declared, unless it was taken back. Never
    raises for AWS: why it could not be asked is part of the standing.
    """
    fleet = workspace.fleet
    timelines = read_timelines(workspace, [fleet.targets[key] for key in wanted])
    running = [key for key, version in wanted.items() if _runs(fleet.targets[key], version)]
    rows: dict[str, StatusRow] = {}
    problem: str | None = None
    if watched := [key for key in running if fleet.targets[key].function is not None]:
        try:
            found, _ = read_status(workspace, _only(options, tuple(watched)), watcher=watcher)
            rows = {row.target: row for row in found}
        except LockstepError as error:
            problem = error.problem
    return {
        key: _standing(fleet.targets[key], version, timelines[key], rows.get(key), problem)
        for key, version in wanted.items()
    }


def _only(options: Options, patterns: tuple[str, ...]) -> Options:
    return Options(patterns=patterns, github_token=options.github_token)


def _runs(target: Target, version: str) -> bool:
    return target.version == version


def _standing(
    target: Target, version: str, timeline: Timeline, row: StatusRow | None, problem: str | None
) -> Standing:
    era = timeline.era_of(version)
    if era is None:
        return Standing(target=target.key)
    since = datetime.datetime.fromisoformat(era.since)
    if not _runs(target, version):
        until = datetime.datetime.fromisoformat(era.until) if era.until else None
        return Standing(target=target.key, since=since, until=until, is_watched=False, undone=era.undone)
    if target.function is None:
        return Standing(target=target.key, since=since, is_watched=False)
    if row is None:
        return Standing(target=target.key, since=since, problem=problem or "AWS does not know it")
    modified = datetime.datetime.fromisoformat(row.modified) if row.modified else since
    if modified.tzinfo is None:
        modified = modified.replace(tzinfo=datetime.UTC)
    return Standing(
        target=target.key,
        since=max(since, modified),
        status=row.status,
        health=row.health,
        problem=row.problem,
        rollout=row.progress.words if row.progress is not None and row.progress.is_under_way else None,
    )
