"""``version`` and ``changed``: what a commit of a service is called, and which services commits touch."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockstep.delivery.places.sources import SourceTree, open_sources
from lockstep.delivery.places.workspace import PROJECT_FILE, Where
from lockstep.errors import BadInput, GitError
from lockstep.git.history import changed_paths
from lockstep.git.log import commits_between, count_commits, merge_base
from lockstep.git.repository import is_shallow, resolve_commit
from lockstep.git.tags import Tag, read_tags, remote_of, remote_tags, takes_no_tags
from lockstep.model import Source
from lockstep.model.foreign import read_json
from lockstep.model.next_version import Basis, NextVersion, VersionTag
from lockstep.model.version import NotAVersion, Version
from lockstep.planning.next_version import (
    given_version,
    is_of_pull,
    last_release,
    next_version,
    objection,
    version_in_tag,
)
from lockstep.planning.paths import touched
from lockstep.values import dataclass

__all__ = ["Changed", "Decided", "changed_services", "find_version", "read_gitversion"]

_SHOWN = 5  # of tags that are named one by one
_FULL_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_LOOKS_LIKE_A_VERSION = re.compile(r".*?v?[0-9]+\.[0-9]+\.[0-9]+.*", re.DOTALL)
_ALL = "git fetch --unshallow --tags, or in GitHub Actions: actions/checkout with fetch-depth: 0"
_TAGS = "git fetch --tags, or in GitHub Actions: actions/checkout with fetch-depth: 0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """A version that was decided on elsewhere."""

    version: Version
    basis: Basis = Basis.GIVEN
    commit: str | None = None  # that it was made for, when that is known


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """The services that a range of commits touches."""

    services: tuple[str, ...]  # by name
    reasons: Mapping[str, str]  # a path of each that changed
    every: str | None = None  # why all services count, where they do


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tags:
    """What the clone and, where it was asked, the remote say of a service's tags."""

    versions: tuple[VersionTag, ...]
    remarks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def find_version(
    where: Where | SourceTree,
    service: str,
    *,
    decided: Decided | None = None,
    pr: int | None = None,
    remote: Mapping[str, str] | None = None,
) -> NextVersion:
    """The version of a service at the commit that ``where`` names, or as it was opened before.

    With ``decided`` that version, if it is free and above the last release; else the next one by the
    tags and commits, for a pull request ``pr`` a pre-release of it. ``remote`` are the remote's tags of
    the service with their commits, where they are known already. Raises BadInput when the version is
    taken, and when the clone lacks commits or tags, so that nothing is miscounted.
    """
    tree = where if isinstance(where, SourceTree) else open_sources(where)
    source = tree.source(service)
    tags = _read_tags(tree, source, remote, is_decided=decided is not None)
    versions, warnings = tags.versions, tags.warnings
    if decided is not None:
        found = _decided(tree, source, versions, decided)
    else:
        if pr is not None:
            pushed, told = _pushed(tree, source, pr, versions, remote)
            versions, warnings = (*versions, *pushed), tuple(dict.fromkeys([*warnings, *told]))
        found = _computed(tree, source, versions, pr)
    if refused := objection(found, versions):
        problem, fix = refused
        raise BadInput(problem, where=service, fix=fix)
    return replace(
        found,
        remarks=(*tags.remarks, *_uncommitted(tree, source)),
        warnings=(*warnings, *_first_words(found, source, tags.versions)),
    )


def read_gitversion(text: str, place: str) -> Decided:
    """The version in GitVersion's JSON output; ``place`` names where it came from.

    Raises BadInput when it is something else, or contradicts itself.
    """
    fix = "write it with: dotnet-gitversion /output json"
    try:
        values: Any = read_json(text.removeprefix("\ufeff"))
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise BadInput("is not GitVersion's JSON output", where=f"{place}:{line}", fix=fix) from None
    written = values.get("SemVer") if isinstance(values, dict) else None
    if not isinstance(written, str):
        raise BadInput("GitVersion's output has no SemVer", where=place, fix=fix)
    try:
        version = Version.parse(written)
    except NotAVersion as error:
        raise BadInput(f"its SemVer {written!r} {error}", where=place, fix=fix) from None
    numbers = {"Major": version.major, "Minor": version.minor, "Patch": version.patch}
    for name, number in numbers.items():
        if str(values.get(name, number)) != str(number):
            raise BadInput(f"its {name} is not that of its SemVer {written}", where=place, fix=fix)
    sha = values.get("Sha")
    if sha is not None and not (isinstance(sha, str) and _FULL_ID.fullmatch(sha)):
        raise BadInput("its Sha is no commit id", where=place, fix=fix)
    return Decided(version=version, basis=Basis.GITVERSION, commit=sha)


def changed_services(where: Where, since: str) -> Changed:
    """The services whose paths differ between ``since`` and the commit that ``where`` names.

    A branch or tag is compared from where the history left it, as a pull request is; a commit id
    itself. All services count when ``since`` is all zeros or gone (a new branch, a forced push), when
    there is no common history, and when the project file changed. Raises BadInput when ``since`` is
    an unknown name, or not in a shallow clone.
    """
    tree = open_sources(where)
    names = tuple(sorted(tree.sources.services))
    if not names:
        raise BadInput(
            "services names no service",
            where=f"{tree.prefix}{PROJECT_FILE}",
            fix="add services: with the source.paths of each",
        )
    is_exact = set(since) <= {"0"} or _FULL_ID.fullmatch(since) is not None
    start = since if is_exact else _parting(tree, since)
    paths = changed_paths(tree.repository, start, tree.commit, submodules=True) if start is not None else None
    if paths is None:
        every = f"{since} is not in this repository" if is_exact else f"{since} is another history"
        return Changed(services=names, reasons={}, every=every)
    file = f"{tree.prefix}{PROJECT_FILE}"
    if file in paths:
        return Changed(services=names, reasons={}, every=f"{file} changed")
    reasons = {name: touched(paths, tree.paths(tree.sources.services[name])) for name in names}
    found = {name: path for name, path in reasons.items() if path is not None}
    return Changed(services=tuple(found), reasons=found)


def _parting(tree: SourceTree, since: str) -> str | None:
    """Where the history left a branch or tag."""
    commit = resolve_commit(tree.repository, since)
    base = merge_base(tree.repository, commit, tree.commit)
    if base is None and is_shallow(tree.repository):
        raise BadInput(
            f"this shallow clone does not hold where the history left {since}",
            where=str(tree.repository.folder),
            fix=_ALL,
        )
    return base


def _computed(tree: SourceTree, source: Source, tags: Sequence[VersionTag], pr: int | None) -> NextVersion:
    base = last_release(tags)
    if base is None:
        if is_shallow(tree.repository):
            raise BadInput(
                f"this shallow clone holds no tag of {source.service}, so its version is not known",
                where=str(tree.repository.folder),
                fix=_ALL,
            )
        count = count_commits(tree.repository, tree.commit)
        return next_version(source, commit=tree.commit, tags=tags, entries=(), count=count, pr=pr)
    since = commits_between(tree.repository, base.commit, tree.commit)
    if since.is_cut:
        raise BadInput(
            f"this shallow clone lacks commits since {base.name}, so some would not be counted",
            where=str(tree.repository.folder),
            fix=_ALL,
        )
    return next_version(
        replace(source, paths=tree.paths(source)),
        commit=tree.commit,
        tags=tags,
        entries=since.entries,
        count=len(since.entries),
        pr=pr,
    )


def _decided(tree: SourceTree, source: Source, tags: Sequence[VersionTag], decided: Decided) -> NextVersion:
    if decided.commit is not None and decided.commit != tree.commit:
        raise BadInput(
            f"GitVersion's output is of the commit {decided.commit[:8]}, and this is {tree.commit[:8]}",
            where="--from-gitversion",
            fix="run GitVersion again on this commit",
        )
    why = "given with --version" if decided.basis is Basis.GIVEN else "taken from GitVersion"
    return given_version(source, decided.version, commit=tree.commit, tags=tags, basis=decided.basis, why=why)


def _read_tags(
    tree: SourceTree, source: Source, remote: Mapping[str, str] | None, *, is_decided: bool
) -> _Tags:
    """The service's tags; where the clone may lack some, the remote is asked, unless it was already.

    A version that was decided on has to be free, which the remote's tags tell; to find the next one
    they have to be here, with the history that they name.
    """
    everything = read_tags(tree.repository, rev=tree.commit)
    versions = _versions(everything, source)
    others = [other.tag for other in tree.sources.services.values() if other is not source]
    prefix = source.tag.partition("{version}")[0]
    known = {tag.name for tag in versions}
    odd = [
        tag.name
        for tag in everything
        if prefix
        and tag.name.startswith(prefix)
        and tag.name not in known
        and not any(version_in_tag(tag.name, template) for template in others)
    ]
    remarks = [f"the tag {name} names no version: ignored" for name in odd[:_SHOWN]]
    if len(odd) > _SHOWN:
        remarks.append(f"{len(odd) - _SHOWN} more tags name no version: ignored")
    absent, warnings = _ask_remote(tree, source, prefix, versions, remote)
    if absent and not is_decided:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise BadInput(
            f"this clone lacks tags of {source.service} that its remote has: {absent[-1].name}{more}",
            where=str(tree.repository.folder),
            fix=_ALL if is_shallow(tree.repository) else _TAGS,
        )
    if not versions and not absent:
        alike = [tag.name for tag in everything if _LOOKS_LIKE_A_VERSION.fullmatch(tag.name)]
        remarks += [
            f"there are tags such as {name}: services.{source.service}.tag says what its own look like"
            for name in alike[-1:]
        ]
    return _Tags(versions=(*versions, *absent), remarks=tuple(remarks), warnings=warnings)


def _versions(tags: Sequence[Tag], source: Source) -> tuple[VersionTag, ...]:
    found = ((tag, version_in_tag(tag.name, source.tag)) for tag in tags)
    return tuple(
        VersionTag(name=tag.name, commit=tag.commit, version=version, is_reachable=tag.is_reachable)
        for tag, version in found
        if version is not None
    )


def _ask_remote(
    tree: SourceTree,
    source: Source,
    prefix: str,
    versions: Sequence[VersionTag],
    tags: Mapping[str, str] | None,
) -> tuple[tuple[VersionTag, ...], tuple[str, ...]]:
    """The service's tags that the remote has and this clone has not, lowest first, and warnings.

    Of no interest when a release is known, unless the clone was made without tags.
    """
    remote = remote_of(tree.repository)
    if remote is None or (last_release(versions) and not takes_no_tags(tree.repository, remote)):
        return (), ()
    try:
        tags = remote_tags(tree.repository, remote, prefix=prefix) if tags is None else tags
    except (GitError, BadInput) as error:
        told = f"{remote} could not be asked whether it has tags of {source.service}: {error.problem}"
        return (), (told,)
    known = {tag.name for tag in versions}
    absent = [
        VersionTag(name=name, commit=commit, version=version, is_reachable=False)
        for name, commit in tags.items()
        if name not in known and (version := version_in_tag(name, source.tag))
    ]
    return tuple(sorted(absent, key=lambda tag: (tag.version, tag.name))), ()


def _pushed(
    tree: SourceTree,
    source: Source,
    pr: int,
    versions: Sequence[VersionTag],
    remote: Mapping[str, str] | None,
) -> tuple[tuple[VersionTag, ...], tuple[str, ...]]:
    """Tags that earlier pushes of a pull request got and only the remote has, and warnings.

    Their commits may be gone from every branch, but their versions are taken.
    """
    name = remote_of(tree.repository)
    if remote is None and name is not None:
        try:
            remote = remote_tags(tree.repository, name, prefix=source.tag.partition("{version}")[0])
        except (GitError, BadInput) as error:
            return (), (f"{name} could not be asked which versions the pull request has: {error.problem}",)
    known = {tag.name for tag in versions}
    found = (
        VersionTag(name=name, commit=commit, version=version, is_reachable=False)
        for name, commit in (remote or {}).items()
        if name not in known and (version := version_in_tag(name, source.tag)) is not None
    )
    return tuple(tag for tag in found if is_of_pull(tag.version, pr)), ()


def _first_words(found: NextVersion, source: Source, tags: Sequence[VersionTag]) -> tuple[str, ...]:
    """What has to be said of a version that follows none."""
    if found.base is not None:
        return ()
    pattern = source.tag.replace("{version}", "*")
    elsewhere = sorted((tag.version, tag.name) for tag in tags if not tag.is_reachable)
    if elsewhere:
        return (
            f"this history has no release of {source.service}; the tag {elsewhere[-1][1]} is on another one",
        )
    if found.basis is Basis.FIRST:
        return (f"no tag {pattern} yet: {found.version} is the first version of {source.service}",)
    return ()


def _uncommitted(tree: SourceTree, source: Source) -> tuple[str, ...]:
    """A remark when the work tree holds changes of the service that the commit does not."""
    if not tree.whole.is_dirty:
        return ()
    paths = changed_paths(tree.repository, tree.commit) or set()
    path = touched(paths, tree.paths(source))
    return (f"{path} is not as in the commit; only what is committed counts",) if path else ()
