"""From declared versions to packages that are known by digest."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from lockstep.delivery.places.workspace import Workspace
from lockstep.errors import ArtifactError, BadInput, LockstepError
from lockstep.git.command import mask
from lockstep.model import Code, Fleet, Obstacle, Package, Project, Release, Target
from lockstep.model.layer import BuiltLayer

if TYPE_CHECKING:
    from lockstep.artifacts.catalog import Catalog
    from lockstep.artifacts.directory import DirectorySource, TreeSource
    from lockstep.artifacts.s3 import Ask
    from lockstep.engines.aws.connection import Connection, Connections

__all__ = ["absent_packages", "open_catalog", "open_sources", "with_package", "with_packages"]


def open_catalog(workspace: Workspace, connections: "Connections", token: str | None) -> "Catalog":
    """The artifact sources that a project uses, with the credentials of its environments for buckets."""
    from lockstep.artifacts.cache import Cache
    from lockstep.artifacts.catalog import Catalog
    from lockstep.artifacts.s3 import S3Source
    from lockstep.settings import read_settings

    clients = _Clients(workspace, connections)

    def staged(bucket: str) -> S3Source:
        return S3Source(lambda _: clients.of_packages(bucket), workspace.where.deadline)

    return Catalog(
        _sources(workspace, clients, token),
        Cache(workspace.where.cache, limit=read_settings().cache_limit),
        staged=staged,
        is_ours_alone=lambda release: _is_ours_alone(workspace, release),
        deadline=workspace.where.deadline,
        timeout=workspace.where.timeout,
    )


def open_sources(workspace: Workspace, connections: "Connections", token: str | None) -> "Catalog":
    """The same sources alone: nobody looks what was staged, which takes credentials of AWS."""
    from lockstep.artifacts.cache import Cache
    from lockstep.artifacts.catalog import Catalog
    from lockstep.settings import read_settings

    where = workspace.where
    cache = Cache(where.cache, limit=read_settings().cache_limit)
    sources = _sources(workspace, _Clients(workspace, connections), token)
    return Catalog(sources, cache, deadline=where.deadline, timeout=where.timeout)


def _sources(workspace: Workspace, clients: "_Clients", token: str | None) -> dict[str, Any]:
    """The sources by their kind, those alone that a target names."""
    kinds = {target.release.source for target in workspace.fleet.targets.values() if target.release}
    sources: dict[str, Any] = {}
    deadline = workspace.where.deadline
    for kind in sorted(kinds):
        match kind:
            case "directory":
                sources[kind] = _directory(workspace)
            case "github-release":
                from lockstep.artifacts.github_release import GitHubReleaseSource
                from lockstep.artifacts.web import Web

                api = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
                sources[kind] = GitHubReleaseSource(token=token, api=api, web=Web(deadline=deadline))
            case "git-release":
                from lockstep.artifacts.git_release import GitReleaseSource

                sources[kind] = GitReleaseSource(
                    cache=workspace.where.cache, root=workspace.root, deadline=deadline
                )
            case "https":
                from lockstep.artifacts.http import HttpSource
                from lockstep.artifacts.web import Web

                sources[kind] = HttpSource(Web(deadline=deadline))
            case "s3":
                from lockstep.artifacts.s3 import S3Source

                sources[kind] = S3Source(clients.of_region, deadline)
    return sources


class _Clients:
    """Calls of S3 with the credentials of the environments that deploy anything."""

    def __init__(self, workspace: Workspace, connections: "Connections") -> None:
        self._project = workspace.project
        self._connections = connections
        targets = workspace.fleet.targets.values()
        self._deploying = list(dict.fromkeys(one.environment for one in targets if one.function is not None))

    def of_region(self, region: str | None) -> "Ask":
        """With the credentials of the first environment that deploys anything and is reached."""
        if not self._deploying:
            raise BadInput("no environment deploys anything", where=self._project.file)
        return partial(self._reached(self._deploying).ask, "s3", region=region)

    def of_packages(self, bucket: str) -> "Ask":
        """With the credentials of an environment that stages its packages in a bucket."""
        packages = {name: self._project.packages_for(name) for name in self._deploying}
        names = [name for name, one in packages.items() if one is not None and one.name == bucket]
        return partial(self._reached(names).ask, "s3") if names else self.of_region(None)

    def _reached(self, environments: Iterable[str]) -> "Connection":
        """The first connection whose account answers; the very first when none does, which says why."""
        places = [self._project.environment(name) for name in environments]
        first, *others = dict.fromkeys(self._connections.get(one) for one in places)
        for connection in (first, *others) if others else ():
            with contextlib.suppress(LockstepError):
                _ = connection.scope
                return connection
        return first


def absent_packages(workspace: Workspace) -> tuple[BadInput, ...]:
    """Declared versions whose packages would lie in the repository, with the others, and do not.

    What is pinned is left to those who can look whether it was staged, and what Git ignores to the build.
    """
    source = _directory(workspace)
    absent: list[BadInput] = []
    there: set[str] = set()  # paths: many previews run one version
    for target in workspace.fleet.targets.values():
        release = target.release
        if release is None or release.source != source.kind or release.sha256 is not None:
            continue
        path = release.options.get("path", "")
        if path in there:
            continue
        try:
            source.find(release)
            there.add(path)
        except ArtifactError as error:
            if not _is_ours_alone(workspace, release):
                absent.append(BadInput(error.problem, where=error.where, fix=error.fix, doing=target.key))
        except BadInput as error:
            absent.append(error)
    return tuple(absent)


def _directory(workspace: Workspace) -> "DirectorySource | TreeSource":
    from lockstep.artifacts.directory import DirectorySource, TreeSource

    if workspace.where.rev is not None or workspace.root is None:
        return TreeSource(workspace.tree, _name_of(workspace))
    return DirectorySource(workspace.root)


def _is_ours_alone(workspace: Workspace, release: Release) -> bool:
    """Whether the package of a release lies in a folder whose files are in no commit."""
    from lockstep.artifacts.directory import is_kept

    return release.source == "directory" and not is_kept(workspace.tree, release.options.get("path", ""))


def _name_of(workspace: Workspace) -> str:
    """Which commit of which repository is read."""
    where = workspace.where
    commit = (workspace.tree.commit or "")[:8]
    return where.about or f"commit {commit} of {mask(where.repo) if where.repo else where.folder.resolve()}"


def with_packages(
    fleet: Fleet, catalog: "Catalog", project: Project
) -> tuple[Fleet, Mapping[str, LockstepError]]:
    """The fleet with the package of every selected target, and what is wrong with the others'.

    So have the layers that functions take by name. A target whose package, or a layer's, cannot be had keeps
    the reason as its ``obstacle``.
    """
    wanted = {}
    owners: dict[str, str | None] = {}

    def want(key: str, release: Release | None, environment: str) -> None:
        if release is not None:
            bucket = project.packages_for(environment)
            wanted[key] = (release, bucket.name if bucket else None)
            owners[key] = bucket.account if bucket else None

    for key in fleet.selected():
        target = fleet.targets[key]
        if target.function is not None or target.layer is not None:
            want(key, target.release, target.environment)
        for layer in target.layers:
            want(_layer_key(key, layer), fleet.targets[layer.target].release, target.environment)
    resolved = catalog.resolve(wanted)
    packages = {
        key: package if package.bucket_owner == owners[key] else replace(package, bucket_owner=owners[key])
        for key, package in resolved.packages.items()
    }
    targets = dict(fleet.targets)
    for key in fleet.selected():
        target = targets[key]
        if key in packages:
            target = with_package(target, packages[key])
        if target.layers:
            layers = (replace(one, package=packages.get(_layer_key(key, one))) for one in target.layers)
            target = replace(target, layers=tuple(layers))
        errors = [resolved.errors.get(one) for one in (key, *(_layer_key(key, one) for one in target.layers))]
        if obstacle := Obstacle.all_of(Obstacle.of(error) for error in errors if error is not None):
            target = replace(target, obstacle=obstacle)
        if target is not targets[key]:
            targets[key] = target
    return replace(fleet, targets=targets), resolved.errors


def _layer_key(key: str, layer: BuiltLayer) -> str:
    return f"{layer.target} for {key}"


def with_package(target: Target, package: Package) -> Target:
    """The target of a function, running a package; or of a layer that is one."""
    if target.layer is not None:
        return replace(target, layer=replace(target.layer, package=package))
    assert target.function is not None  # noqa: S101 - only such targets are asked for
    code = Code(sha256=package.sha256, package=package)
    return replace(target, function=replace(target.function, code=code))
