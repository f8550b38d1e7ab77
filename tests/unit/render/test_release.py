"""Releases as text, Markdown and JSON."""

import json

from lockstep.model.commit import LogEntry
from lockstep.model.next_version import Asked
from lockstep.model.released import PackageFile, Released
from lockstep.model.version import Level, Version
from lockstep.render.release import (
    News,
    release_document,
    release_lines,
    release_markdown,
    release_notes,
)


def _asked(message: str, level: Level = Level.PATCH, *, number: int = 1) -> Asked:
    return Asked(commit=LogEntry(sha=f"{number:040x}", message=message), level=level, why="")


def _released(**changes: object) -> Released:
    given = {
        "service": "api",
        "version": Version.parse("0.1.6-pr7.2"),
        "tag": "api-v0.1.6-pr7.2",
        "commit": "c" * 40,
        "is_new": True,
        "url": "https://example.org/r\x1b[31m",
        "package": PackageFile(name="api.zip", sha256="a" * 64, size=5),
    }
    return Released(**{**given, **changes})  # type: ignore[arg-type]


def test_notes_are_grouped_and_hold_no_markup_of_others() -> None:
    """Kinds in a fixed order; subjects stand inside code, whatever they hold."""
    changes = [
        _asked("docs: words", Level.NONE),
        _asked("fix: `x` | <img> @ada\n\nbody"),
        _asked("feat(a b): new", Level.MINOR, number=2),
        _asked("perf: quick"),
        _asked("feat: gone again", Level.NONE),
        _asked("refactor: all\n\nBREAKING CHANGE: no more", Level.MAJOR),
        _asked('Revert "old"'),
    ]
    text = release_notes(
        News(commit="c" * 40, since="v1", changes=changes, links={f"{2:040x}": "https://x/2"})
    )
    assert text.split("\n\n") == [
        "Changes since `v1`.",
        "### Breaking changes",
        "- `all` (00000000)",
        "### Features",
        "- `a b: new` ([00000000](https://x/2))",
        "### Fixes",
        "- `` `x` \\| <img> @ada `` (00000000)",
        "### Performance",
        "- `quick` (00000000)",
        "### Taken back",
        '- `Revert "old"` (00000000)',
        "### Other changes",
        "- `words` (00000000)\n",
    ]


def test_notes_of_a_first_an_empty_and_a_large_release() -> None:
    """Each says what it is; a thousand changes are counted, not listed."""
    assert release_notes(News(commit="c" * 40)) == "The first release.\n"
    assert release_notes(News(commit="c" * 40, since="v1")) == "No changes since `v1`.\n"
    many = [_asked(f"fix: number {number}") for number in range(1000)]
    text = release_notes(News(commit="c" * 40, since="v1", changes=many, is_cut=True))
    assert "Some commits are not listed" in text
    assert "- and 800 more" in text
    assert len(text) < 125_000


def test_lines_say_what_became_of_it() -> None:
    """Released, released before, or only looked at; nothing acts on the terminal."""
    assert release_lines(_released()) == [
        "api 0.1.6-pr7.2: released.",
        "  tag     api-v0.1.6-pr7.2 on cccccccccccc",
        "  package api.zip",
        f"  sha256  {'a' * 64}",
        "  at      https://example.org/r\\x1b[31m",
    ]
    assert release_lines(_released(is_new=False, package=None, url=None)) == [
        "api 0.1.6-pr7.2: is released already.",
        "  tag     api-v0.1.6-pr7.2 on cccccccccccc",
    ]
    assert "would be released; nothing was written." in release_lines(_released(), is_dry=True)[0]


def test_documents_hold_failures_too() -> None:
    """JSON for programs, Markdown for a job's summary."""
    document = json.loads(release_document([_released()], {"web": "no\n  fix: so"}))
    assert document["releases"][0]["prerelease"] is True
    assert document["failures"] == [{"service": "web", "error": "no\n  fix: so"}]
    text = release_markdown([_released(url="javascript:x")], {"web": "no ``` x"})
    assert "javascript" not in text
    assert "- `web` failed:\n\n````\nno ``` x\n````" in text
