"""A release: what is new in it, the facts of its package, and what became of it."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import field

from lockstep._version import __version__
from lockstep.model import Built
from lockstep.model.next_version import Asked
from lockstep.model.released import Released
from lockstep.model.version import Level
from lockstep.planning.conventional import Message, read_message
from lockstep.render.blocks import bounded, fence, flat, span
from lockstep.render.cells import hanging, printable
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.wire import dump
from lockstep.values import dataclass

__all__ = [
    "News",
    "facts_document",
    "release_document",
    "release_lines",
    "release_markdown",
    "release_notes",
]

_LONGEST = 100_000  # characters; GitHub takes 125,000 as the text of a release
_MOST = 200  # changes of a kind that are listed

_BREAKING = "Breaking changes"
_OTHER = "Other changes"
_HEADINGS = {"feat": "Features", "fix": "Fixes", "perf": "Performance", "revert": "Taken back"}


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What the notes of a release are made from."""

    commit: str
    since: str | None = None  # tag of the release before it
    changes: Sequence[Asked] = ()  # commits that concern the service, newest first
    links: Mapping[str, str] = field(default_factory=dict)  # commit -> URL
    is_cut: bool = False  # some commits are not in this clone
    built: Built | None = None
    run: str | None = None  # URL of the workflow run
    image: str | None = None  # with its digest, of a service that is one


def release_notes(news: News) -> str:
    """Markdown: the changes by kind, then the package. Words of commits stand inside code."""
    groups: dict[str, list[str]] = {_BREAKING: [], **{title: [] for title in _HEADINGS.values()}, _OTHER: []}
    for asked in news.changes:
        message = read_message(asked.commit.message, is_merge=asked.commit.is_merge)
        if (title := _heading(asked, message)) is not None:
            groups[title].append(_change(asked, message, news.links))
    sections = [
        f"### {title}\n\n" + "\n".join([*lines[:_MOST], *_more(lines)])
        for title, lines in groups.items()
        if lines
    ]
    first = f"Changes since {span(news.since)}." if news.since else "The first release."
    if news.since and not sections:
        first = f"No changes since {span(news.since)}."
    if news.is_cut:
        first += " Some commits are not listed: the clone that it was released from does not have them."
    return bounded([first, *_package(news)], sections, _LONGEST)


def _heading(asked: Asked, message: Message) -> str | None:
    """The kind of a change; None for what was taken back again, and for what took it back."""
    best = max(
        message.parts,
        key=lambda part: (part.is_breaking, part.type in _HEADINGS, -message.parts.index(part)),
        default=None,
    )
    kind = "revert" if message.is_revert else best.type if best is not None else ""
    if asked.level is Level.NONE and (kind in _HEADINGS or (best is not None and best.is_breaking)):
        return None
    if asked.level is Level.MAJOR:
        return _BREAKING
    return _HEADINGS.get(kind, _OTHER)


def _change(asked: Asked, message: Message, links: Mapping[str, str]) -> str:
    words = asked.commit.subject
    if message.parts and words.endswith(message.parts[0].description):
        part = message.parts[0]
        words = f"{part.scope}: {part.description}" if part.scope else part.description
    sha = asked.commit.sha
    commit = f"[{sha[:8]}]({links[sha]})" if sha in links else sha[:8]
    return f"- {span(words)} ({commit})"


def _more(lines: Sequence[str]) -> list[str]:
    return [f"- and {len(lines) - _MOST} more"] if len(lines) > _MOST else []


def _package(news: News) -> list[str]:
    built = news.built
    if built is None:
        return [f"| | |\n|---|---|\n| image | {span(news.image)} |"] if news.image else []
    made = [f"by {built.builder}"]
    if built.runtime:
        made.append(f"for {built.runtime} on {built.architecture}")
    made += [f"with {name} {version}" for name, version in built.tools.items()]
    rows = [
        ("package", span(built.path.name)),
        ("SHA-256", span(built.sha256)),
        ("size", f"{built.size:,} bytes, {built.unpacked:,} unpacked"),
        ("commit", span(news.commit)),
        ("built", span(" ".join(made)) + (f" in [this run]({news.run})" if news.run else "")),
    ]
    return ["| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows)]


def facts_document(
    built: Built, *, tag: str, package: str, committed: datetime.datetime, run: str | None
) -> str:
    """``lockstep.build/1``: what a package is and how it was made; nothing of the machine that made it."""
    return dump(
        {
            "format": "lockstep.build/1",
            "service": built.service,
            "version": built.version,
            "tag": tag,
            "commit": built.commit,
            "committed": committed.isoformat(timespec="seconds"),
            "package": package,
            "sha256": built.sha256,
            "size": built.size,
            "unpacked": built.unpacked,
            "files": built.files,
            "builder": built.builder,
            "runtime": built.runtime,
            "architecture": built.architecture,
            "tools": {**built.tools, "lockstep": __version__},
            "dependencies": list(built.dependencies),
            "run": run,
        }
    )


def release_lines(
    released: Released, *, is_dry: bool = False, palette: Palette = PLAIN, columns: int = 80
) -> list[str]:
    """What became of one service, in two to four lines."""
    title = palette.paint(palette.bold, printable(f"{released.service} {released.version}"))
    lines = [f"{title}: {_sentence(released, is_dry)}"]
    rows = [("tag", f"{released.tag} on {released.commit[:12]}")]
    package = released.package
    if package is not None:
        rows.append(("package", package.name))
        if package.sha256 is not None:
            rows.append(("sha256", package.sha256))
    if released.image is not None:
        rows.append(("image", released.image))
    if released.url is not None:
        rows.append(("at", released.url))
    for name, text in rows:
        lines += hanging(f"  {name:<8}", printable(text), columns)
    return lines


def _sentence(released: Released, is_dry: bool) -> str:
    if not released.is_new:
        return "is released already."
    return "would be released; nothing was written." if is_dry else "released."


def release_markdown(
    releases: Sequence[Released], failures: Mapping[str, str], *, is_dry: bool = False
) -> str:
    """The same of several services, for a job's summary."""
    lines = ["### Lockstep: releases"]
    for one in releases:
        link = f" ([{one.tag}]({one.url}))" if one.url and one.url.startswith("http") else ""
        lines.append(f"- {span(f'{one.service} {one.version}')} {_sentence(one, is_dry)}{link}")
    lines += [f"- {span(service)} failed:\n\n{fence('', flat([text]))}" for service, text in failures.items()]
    return "\n".join(lines) + "\n"


def release_document(releases: Sequence[Released], failures: Mapping[str, str]) -> str:
    """``lockstep.release/1``: each release, and the services that could not be released."""
    return dump(
        {
            "format": "lockstep.release/1",
            "releases": [
                {
                    "service": one.service,
                    "version": str(one.version),
                    "prerelease": not one.version.is_release,
                    "tag": one.tag,
                    "commit": one.commit,
                    "asset": one.package.name if one.package else None,
                    "sha256": one.package.sha256 if one.package else None,
                    "size": one.package.size if one.package else None,
                    "image": one.image,
                    "url": one.url,
                    "isNew": one.is_new,
                }
                for one in releases
            ],
            "failures": [{"service": service, "error": text} for service, text in failures.items()],
        }
    )
