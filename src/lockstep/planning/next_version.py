"""The next version of a service, from its tags and the commits since the last release."""

import re
from collections.abc import Iterable, Sequence

from lockstep.model import Source
from lockstep.model.commit import LogEntry
from lockstep.model.next_version import Basis, NextVersion, VersionTag
from lockstep.model.version import Level, Version
from lockstep.planning.bumps import decide_bump

__all__ = [
    "FIRST",
    "given_version",
    "is_of_pull",
    "last_release",
    "next_version",
    "objection",
    "pull_of",
    "version_in_tag",
]

FIRST = Version.parse("0.1.0")
"""What a service without a release gets: below 1.0.0, where breaking changes are expected."""

_OF_PULL_REQUEST = re.compile(r"pr[0-9]{1,18}")


def version_in_tag(name: str, template: str) -> Version | None:
    """The version that a tag names by a service's template; None for another service's or a malformed tag.

    The whole tag has to fit: ``my-api-v1.0.0`` and ``api-v2-v1.0.0`` are no tags of ``api-v{version}``.
    """
    before, _, after = template.partition("{version}")
    if not name.startswith(before) or not name.endswith(after) or len(name) <= len(before) + len(after):
        return None
    return Version.find(name[len(before) : len(name) - len(after)])


def last_release(tags: Iterable[VersionTag]) -> VersionTag | None:
    """The reachable release of the highest precedence. Pre-releases are none."""
    releases = (tag for tag in tags if tag.is_reachable and tag.version.is_release)
    return max(releases, key=lambda tag: (tag.version, tag.name), default=None)


def next_version(
    source: Source,
    *,
    commit: str,
    tags: Sequence[VersionTag],
    entries: Sequence[LogEntry],
    count: int,
    pr: int | None = None,
) -> NextVersion:
    """The version that a commit of a service gets.

    ``entries`` are the commits since the last release, newest first, and ``count`` is their number.
    Where none touches the service's paths that is the release itself, also for a pull request.
    Otherwise it is the release moved by what the commits ask for, but not below a pre-release that was
    tagged on the way. A pull request gets ``0.1.6-pr123.4``: a pre-release of it with the number of
    commits since the last release, so that a later push is higher; where history was written anew and
    that number is not above all that other commits got, with the next one.
    """
    base = last_release(tags)
    bump = decide_bump(entries, source.paths, base.version) if base else None
    if base and bump and bump.level is Level.NONE:
        return NextVersion(
            service=source.service,
            version=base.version,
            tag=base.name,
            commit=commit,
            basis=Basis.RELEASED,
            why=bump.why if entries else f"{commit[:8]} is what {base.name} names",
            base=base,
            bump=bump,
            count=count,
        )
    if base and bump:
        version, basis, why = base.version.bump(bump.level), Basis.COMMITS, bump.why
    else:
        version, basis, why = FIRST, Basis.FIRST, "no release yet: the first version"
    announced = _announced(tags)
    if announced and announced.version > version:
        version, why = announced.version.core, f"announced by the pre-release {announced.name}"
    if pr is not None:
        number = _number(tags, version, pr, commit=commit, count=count)
        version = version.as_prerelease(f"pr{pr}", number)
    return NextVersion(
        service=source.service,
        version=version,
        tag=source.tag_of(str(version)),
        commit=commit,
        basis=basis,
        why=why,
        base=base,
        bump=bump,
        count=count,
    )


def given_version(
    source: Source, version: Version, *, commit: str, tags: Sequence[VersionTag], basis: Basis, why: str
) -> NextVersion:
    """A version that somebody else decided on."""
    return NextVersion(
        service=source.service,
        version=version,
        tag=source.tag_of(str(version)),
        commit=commit,
        basis=basis,
        why=why,
        base=last_release(tags),
    )


def objection(found: NextVersion, tags: Iterable[VersionTag]) -> tuple[str, str] | None:
    """Why a commit cannot get this version, and what to do; None when it can."""
    if found.basis is Basis.RELEASED:
        return None
    precedence = found.version.precedence
    same = [tag for tag in tags if tag.version.precedence == precedence]
    other = next((tag for tag in same if tag.commit != found.commit), None)
    if other is not None:
        where = "an earlier commit" if other.is_reachable else "a commit that this history does not have"
        return (
            f"the version {found.version} is taken: the tag {other.name} is on {other.commit[:8]}, {where}",
            "merge the branch that has it, or name a version that is free with --version"
            if found.basis in (Basis.COMMITS, Basis.FIRST)
            else "name a version that is free; one version is one commit's",
        )
    if same or found.base is None or precedence > found.base.version.precedence:
        return None
    return (
        f"the version {found.version} is not above the last release {found.base.version} "
        f"(tag {found.base.name})",
        f"name a version above {found.base.version}",
    )


def is_of_pull(version: Version, pr: int) -> bool:
    """Whether a version is a pre-release that a pull request got."""
    return pull_of(version) == pr


def pull_of(version: Version) -> int | None:
    """The number of the pull request that a version was made for."""
    match version.prerelease:
        case (str(name), int()) if _OF_PULL_REQUEST.fullmatch(name):
            number = name.removeprefix("pr")
            return int(number) if str(int(number)) == number else None
        case _:
            return None


def _number(tags: Iterable[VersionTag], core: Version, pr: int, *, commit: str, count: int) -> int:
    """The number of a pull request's pre-release: the one that the commit has, else one that is free."""
    own, others = [0], [0]
    for tag in tags:
        if tag.version.core == core and is_of_pull(tag.version, pr):
            (own if tag.commit == commit else others).append(int(tag.version.prerelease[1]))
    return max(own) or max(count, max(others) + 1)


def _announced(tags: Iterable[VersionTag]) -> VersionTag | None:
    """The highest pre-release that somebody tagged; those of pull requests announce nothing."""
    tagged = (
        tag
        for tag in tags
        if tag.is_reachable
        and tag.version.prerelease
        and not _OF_PULL_REQUEST.fullmatch(str(tag.version.prerelease[0]))
    )
    return max(tagged, key=lambda tag: (tag.version, tag.name), default=None)
