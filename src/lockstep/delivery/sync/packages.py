"""From declared versions to packages that are known by digest."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lockstep.delivery.places.workspace import Workspace
from lockstep.errors import LockstepError
from lockstep.model import Code, Fleet, Package, Project, Target

if TYPE_CHECKING:
    from lockstep.artifacts.catalog import Catalog

__all__ = ["make_catalog", "with_packages"]


def make_catalog(
    workspace: Workspace,
    token: str | None,
    s3_client: Callable[[str | None], Any],
    staged_client: Callable[[str], Any] | None = None,
) -> "Catalog":
    """The artifact sources that a project uses.

    ``s3_client`` makes a client for a Region (None: its own), ``staged_client`` one for a package bucket
    (absent: the former).
    """
    from lockstep.artifacts.cache import Cache
    from lockstep.artifacts.catalog import Catalog
    from lockstep.artifacts.s3 import S3Source

    def staged(bucket: str) -> S3Source:
        return S3Source(s3_client if staged_client is None else lambda _: staged_client(bucket))

    kinds = {target.release.source for target in workspace.fleet.targets.values() if target.release}
    sources: dict[str, Any] = {}
    for kind in sorted(kinds):
        match kind:
            case "directory":
                from lockstep.artifacts.directory import DirectorySource, TreeSource

                is_commit = workspace.where.rev is not None or workspace.root is None
                sources[kind] = (
                    TreeSource(workspace.tree)
                    if is_commit or workspace.root is None
                    else DirectorySource(workspace.root)
                )
            case "github-release":
                from lockstep.artifacts.github_release import GitHubReleaseSource

                api = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
                sources[kind] = GitHubReleaseSource(token=token, api=api)
            case "git-release":
                from lockstep.artifacts.git_release import GitReleaseSource

                sources[kind] = GitReleaseSource(cache=workspace.where.cache, root=workspace.root)
            case "https":
                from lockstep.artifacts.http import HttpSource

                sources[kind] = HttpSource()
            case "s3":
                sources[kind] = S3Source(s3_client)
    return Catalog(sources, Cache(workspace.where.cache), staged=staged)


def with_packages(
    fleet: Fleet, catalog: "Catalog", project: Project
) -> tuple[Fleet, Mapping[str, LockstepError]]:
    """The fleet with the package of every selected target, and what is wrong with the others'.

    A target whose package cannot be had keeps the reason as its ``problem``.
    """
    wanted = {}
    owners: dict[str, str | None] = {}
    for key in fleet.selected():
        target = fleet.targets[key]
        if target.function is not None and target.release is not None:
            bucket = project.packages_for(target.environment)
            wanted[key] = (target.release, bucket.name if bucket else None)
            owners[key] = bucket.account if bucket else None
    resolved = catalog.resolve(wanted)
    targets = dict(fleet.targets)
    for key, package in resolved.packages.items():
        targets[key] = _with_package(targets[key], replace(package, bucket_owner=owners[key]))
    for key, error in resolved.errors.items():
        targets[key] = replace(targets[key], problem=str(error))
    return replace(fleet, targets=targets), resolved.errors


def _with_package(target: Target, package: Package) -> Target:
    assert target.function is not None  # noqa: S101 - only such targets are asked for
    code = Code(sha256=package.sha256, package=package)
    return replace(target, function=replace(target.function, code=code))
