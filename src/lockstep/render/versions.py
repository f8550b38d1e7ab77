"""The next version and what led to it; the services that changed."""

import json
from collections.abc import Iterator, Sequence

from lockstep.model.next_version import Asked, NextVersion
from lockstep.model.version import Level
from lockstep.render.cells import columns_of, fit, hanging, printable
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.wire import dump

__all__ = ["changed_document", "changed_lines", "version_document", "version_lines"]

_LABEL = 8


def version_lines(found: NextVersion, *, palette: Palette = PLAIN, columns: int = 80) -> list[str]:
    """The chain that led to a version: base, commits with the level that each asks for, result."""
    lines = [palette.paint(palette.bold, printable(f"{found.service} {found.version}"))]
    base = found.base
    told = f"{base.version}, tag {base.name} on {base.commit[:8]}" if base else "none"
    lines += hanging(fit("base", _LABEL), printable(told), columns)
    lines += hanging(fit("commit", _LABEL), printable(found.commit[:8]), columns)
    if found.bump is not None:
        touching = len(found.bump.commits)
        lines += hanging(
            fit("since", _LABEL), f"{_commits(found.count)}, {touching} of this service", columns
        )
        lines += _asked_lines(found.bump.commits, palette, columns)
    elif found.count:
        lines += hanging(fit("since", _LABEL), f"{_commits(found.count)} in all", columns)
    result = (
        f"{base.version} -> {found.version}" if base and found.version != base.version else str(found.version)
    )
    lines += hanging(fit("result", _LABEL), printable(f"{result}: {found.why}"), columns)
    for remark in found.remarks:
        lines += hanging("note: ", printable(remark), columns)
    return lines


def version_document(found: NextVersion) -> str:
    """``lockstep.version/1``: the version, where it comes from and what each commit asked for."""
    base, bump = found.base, found.bump
    return dump(
        {
            "format": "lockstep.version/1",
            "service": found.service,
            "version": str(found.version),
            "tag": found.tag,
            "commit": found.commit,
            "prerelease": not found.version.is_release,
            "basis": found.basis,
            "base": {"version": str(base.version), "tag": base.name, "commit": base.commit} if base else None,
            "level": str(bump.level) if bump else None,
            "asked": str(bump.asked) if bump else None,
            "count": found.count,
            "why": found.why,
            "commits": [
                {
                    "commit": one.commit.sha,
                    "subject": one.commit.subject,
                    "level": str(one.level),
                    "why": one.why,
                }
                for one in (bump.commits if bump else ())
            ],
            "notes": list(found.remarks),
            "warnings": list(found.warnings),
        }
    )


def changed_lines(services: Sequence[str]) -> list[str]:
    """One name on each line."""
    return [printable(service) for service in services]


def changed_document(services: Sequence[str]) -> str:
    """Names as a JSON list on one line, as a matrix of a CI job takes them."""
    return json.dumps(list(services)) + "\n"


def _asked_lines(commits: Sequence[Asked], palette: Palette, columns: int) -> Iterator[str]:
    width = max((columns_of(printable(one.why)) for one in commits), default=0)
    for one in commits:
        level = palette.paint(_paint(one.level, palette), fit(str(one.level), 5))
        before = f"  {fit(str(one.level), 5)}  {one.commit.sha[:8]}  {fit(printable(one.why), width)}  "
        first, *rest = hanging(before, printable(one.commit.subject), max(columns, columns_of(before) + 20))
        yield f"  {level}{first[7:]}"
        yield from rest


def _paint(level: Level, palette: Palette) -> str:
    match level:
        case Level.MAJOR:
            return palette.delete
        case Level.MINOR:
            return palette.create
        case Level.PATCH:
            return palette.update
        case Level.NONE:
            return palette.dim


def _commits(count: int) -> str:
    return f"{count} commit" if count == 1 else f"{count} commits"
