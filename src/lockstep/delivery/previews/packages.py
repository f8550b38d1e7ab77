"""Staged packages that nobody declares any more, and never has where it would be needed again."""

import datetime
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field, replace
from typing import TYPE_CHECKING

from lockstep.delivery.places.timeline import read_timeline
from lockstep.delivery.places.workspace import Workspace
from lockstep.delivery.sync.options import Options
from lockstep.delivery.sync.packages import open_catalog, with_packages
from lockstep.engines.aws.connection import Connections
from lockstep.errors import LockstepError
from lockstep.model import Environment, PackageBucket
from lockstep.model.preview import StoredObject
from lockstep.model.watching import SILENT, Watcher
from lockstep.planning.previews import stale_packages
from lockstep.values import dataclass

if TYPE_CHECKING:
    from lockstep.artifacts.catalog import Catalog

__all__ = ["StalePackages", "delete_packages", "find_packages"]

NEWEST = 10  # packages of a service that stay, whatever their age
MOST = 100_000  # objects that are looked at
_WORKERS = 8
_AT_ONCE = 1000  # packages that one run deletes


@dataclass(frozen=True, kw_only=True, slots=True)
class StalePackages:
    """What may go, by environment whose credentials and bucket it is."""

    packages: tuple[tuple[Environment, PackageBucket, tuple[StoredObject, ...]], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def objects(self) -> tuple[StoredObject, ...]:
        """All of them."""
        return tuple(one for _, _, objects in self.packages for one in objects)


@dataclass(slots=True)
class _Kept:
    """Digests that somebody may still want."""

    digests: set[str] = field(default_factory=set)
    doubt: str | None = None  # why it cannot be known


def find_packages(
    workspace: Workspace,
    options: Options,
    *,
    now: datetime.datetime,
    days: int,
    watcher: Watcher = SILENT,
) -> StalePackages:
    """Look through the package buckets. Nothing is stale as long as anything of it is in doubt.

    Kept are the packages of all versions that are declared, of all that the history of the declarations
    pins, of all that AWS has published for an alias to go back to, those younger than ``days``, and of each
    service the newest ones.
    """
    template = workspace.project.package_key
    prefix = template.partition("{")[0]
    if "{sha256}" not in template or not prefix:
        return StalePackages(
            notes=("packages were not looked at: packages.key has no {sha256} below a folder",)
        )
    connections = Connections()
    watcher.progress("looking through the history of packages")
    kept = _kept(workspace, open_catalog(workspace, connections, options.github_token))
    if kept.doubt is None:
        watcher.progress("asking for published versions")
        kept = _with_published(kept, workspace, connections)
    if kept.doubt is not None:
        return StalePackages(notes=(f"packages were not looked at: {kept.doubt}",))
    from lockstep.engines.aws.objects import list_objects

    found = []
    notes = []
    for environment, bucket in _buckets(workspace):
        connection = connections.get(environment)
        owner = bucket.account or connection.scope.account
        watcher.progress(f"listing the packages in {bucket.name}")
        with connections.reading(MOST // 1000):
            objects = list_objects(connection, bucket.name, prefix, most=MOST, owner=owner)
        if len(objects) > MOST:
            notes.append(f"{bucket.name} holds more than {MOST:,} packages; the first of them were looked at")
        stale = stale_packages(objects, template, kept.digests, now=now, days=days, newest=NEWEST)
        found.append((environment, bucket, stale[:_AT_ONCE]))
        if len(stale) > _AT_ONCE:
            notes.append(f"{len(stale) - _AT_ONCE} more packages of {bucket.name} wait for the next run")
    return StalePackages(packages=tuple(found), notes=tuple(notes))


def delete_packages(stale: StalePackages) -> None:
    """Delete what was found."""
    from lockstep.engines.aws.objects import delete_objects

    connections = Connections()
    for environment, bucket, objects in stale.packages:
        if objects:
            connection = connections.get(environment)
            delete_objects(connection, objects, owner=bucket.account or connection.scope.account)


def _buckets(workspace: Workspace) -> Iterable[tuple[Environment, PackageBucket]]:
    """Each package bucket once, with an environment that uses it."""
    seen: dict[str, tuple[Environment, PackageBucket]] = {}
    for target in workspace.fleet.targets.values():
        bucket = workspace.project.packages_for(target.environment)
        if target.function is not None and bucket is not None:
            seen.setdefault(bucket.name, (workspace.project.environment(target.environment), bucket))
    return seen.values()


def _kept(workspace: Workspace, catalog: "Catalog") -> _Kept:
    kept = _Kept()
    fleet, errors = with_packages(replace(workspace.fleet, selection=()), catalog, workspace.project)
    if errors:
        key, error = next(iter(errors.items()))
        kept.doubt = f"the package of {key} is not known ({error.problem})"
        return kept
    for target in fleet.targets.values():
        if target.function is None:
            continue
        if target.function.code.sha256 is not None:
            kept.digests.add(target.function.code.sha256)
        if target.is_preview:
            continue  # nobody rolls a preview back
        timeline = read_timeline(workspace, target)
        if timeline.is_cut:
            kept.doubt = "this clone holds only the newest commits (git fetch --unshallow)"
            return kept
        kept.digests |= {era.said.sha256 for era in timeline.eras if era.said.sha256 is not None}
    return kept


def _with_published(kept: _Kept, workspace: Workspace, connections: Connections) -> _Kept:
    """And the packages of published versions that AWS keeps of functions with an alias.

    One whose code AWS reads where it is staged (``s3ObjectStorageMode: REFERENCE``) ends with its package.
    """
    from lockstep.engines.aws.alias import digests

    project = workspace.project
    functions = {
        (target.environment, target.function.name): project.environment(target.environment)
        for target in workspace.fleet.targets.values()
        if target.function is not None and target.alias is not None and not target.is_preview
    }
    if not functions:
        return kept
    try:
        with connections.reading(len(functions)), ThreadPoolExecutor(_WORKERS) as pool:
            found = pool.map(lambda one: digests(connections.get(functions[one]), one[1]), functions)
            return replace(kept, digests=kept.digests.union(*found))
    except LockstepError as error:
        return replace(kept, doubt=f"published versions are not known ({error.problem})")
