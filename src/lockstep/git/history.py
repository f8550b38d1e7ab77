"""What changed, when and by whom: changed paths between two states and the last commit of a path."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from lockstep.errors import BadInput
from lockstep.git.command import LOCAL_SECONDS, Repository, check_revision, explain_failure
from lockstep.git.mirror import fetch_history, open_mirror
from lockstep.git.repository import common_folder, find_repository, is_shallow, resolve_commit
from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["Commit", "changed_paths", "last_changes", "shallow_boundary"]

_FULL_ID = regex(r"[0-9a-f]{40}([0-9a-f]{24})?")
_HEADER = regex(r"\x01([0-9a-f]{40,64})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """One commit, as ``status`` shows it."""

    sha: str
    author: str
    date: str  # when it was committed, ISO 8601
    subject: str


def changed_paths(
    repository: Path | Repository, since: str, until: str | None = None, *, submodules: bool = False
) -> set[str] | None:
    """Return the paths that differ between two revisions; None means that all have to be looked at.

    ``until`` None compares with the files on disk, new ones that are not ignored included. All
    paths count when ``since`` is all zeros (a push event's ``before`` of a new branch) or a commit
    that a forced push made unreachable. With ``submodules`` the path of one that names another commit
    is among them. Raises BadInput for a name that is unknown and when a
    shallow clone does not hold ``since``.
    """
    place = repository if isinstance(repository, Repository) else find_repository(repository)
    check_revision(since)
    if set(since) == {"0"}:
        return None
    try:
        first = _commit_of(place, since)
    except BadInput:
        if _FULL_ID.fullmatch(since) and (place.url or not is_shallow(place)):
            return None
        raise
    doing = f"comparing with {since}"
    options = (
        "--name-only",
        "-z",
        "--no-renames",
        "--no-relative",
        "--no-ext-diff",
        f"--ignore-submodules={'dirty' if submodules else 'all'}",
    )
    if until is not None:
        last = _commit_of(place, until)
        return _paths(place.run("diff", *options, first, last, "--", doing=doing))
    changed = _paths(place.run("diff", *options, first, "--", doing=doing))
    return changed | _paths(place.run("ls-files", "--others", "--exclude-standard", "-z", doing=doing))


def last_changes(
    repository: Path | Repository,
    rev: str,
    paths_by_key: Mapping[str, Iterable[str]],
    *,
    max_commits: int = 20_000,
) -> Mapping[str, Commit]:
    """Return for each key the newest commit that touched one of its paths, in one pass of ``git log``.

    The pass ends as soon as every key has its commit, at the latest after ``max_commits`` commits.
    Keys are left out when none of their paths is in ``rev``, or when the change lies before what a
    shallow clone holds: its oldest commits seem to add every file and say nothing.
    """
    place = repository if isinstance(repository, Repository) else find_repository(repository)
    commit = resolve_commit(place, rev)
    if place.url:
        fetch_history(place, commit)
    listing = place.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, doing="listing files")
    tracked = _paths(listing)
    keys_of: dict[str, list[str]] = {}
    missing: set[str] = set()
    for key, paths in paths_by_key.items():
        wanted = list(paths)
        if not tracked.isdisjoint(wanted):
            missing.add(key)
            for path in wanted:
                keys_of.setdefault(path, []).append(key)
    if not missing:
        return {}
    return _walk(place, commit, keys_of, missing, max_commits)


def _walk(
    place: Repository, commit: str, keys_of: Mapping[str, list[str]], missing: set[str], max_commits: int
) -> Mapping[str, Commit]:
    found: dict[str, Commit] = {}
    boundary = shallow_boundary(place)
    common = os.path.commonpath([os.path.dirname(path) or "." for path in keys_of]) if keys_of else ""  # noqa: PTH120
    process = place.start(
        *("log", "-z", "--name-only", "-c", "--no-renames", "--no-ext-diff", "--no-color", "--root"),
        *(f"--max-count={max_commits}", "--format=%x01%H%x00%aN%x00%cI%x00%s", commit),
        *(("--", common) if common not in ("", ".") else ("--",)),
    )
    try:
        for made, paths in _entries(process.stdout):
            if made.sha in boundary:
                continue
            for path in paths:
                for key in keys_of.get(path, ()):
                    if key in missing:
                        missing.remove(key)
                        found[key] = made
            if not missing:
                return found
        _, errors = process.communicate(timeout=LOCAL_SECONDS)
        if process.returncode:
            raise explain_failure(errors.decode("utf-8", "replace"), doing="reading the history")
        return found
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def _entries(stream: IO[bytes] | None) -> Iterator[tuple[Commit, list[str]]]:
    """Parse ``git log -z``: four fields, then the paths, the first behind a line feed."""
    fields: list[str] = []
    for token in _stream_tokens(stream):
        if _HEADER.fullmatch(token):
            if fields:
                yield _entry(fields)
            fields = [token]
        else:
            fields.append(token)
    if fields:
        yield _entry(fields)


def _entry(fields: list[str]) -> tuple[Commit, list[str]]:
    sha, author, date, subject, *paths = fields
    commit = Commit(sha=sha[1:], author=author, date=date, subject=subject)
    return commit, [path.removeprefix("\n") for path in paths if path]


def _stream_tokens(stream: IO[bytes] | None) -> Iterator[str]:
    rest = b""
    while stream is not None and (chunk := stream.read(65536)):
        *tokens, rest = (rest + chunk).split(b"\0")
        for token in tokens:
            yield token.decode("utf-8", "surrogateescape")
    if rest:
        yield rest.decode("utf-8", "surrogateescape")


def _commit_of(place: Repository, revision: str) -> str:
    if place.url:
        return open_mirror(place.url, revision, place.folder.parent.parent, access=place.access)[1]
    return resolve_commit(place, revision)


def shallow_boundary(place: Repository) -> frozenset[str]:
    """Return the commits whose parents this clone does not have."""
    try:
        return frozenset((common_folder(place) / "shallow").read_text("ascii").split())
    except FileNotFoundError:
        return frozenset()


def _paths(output: bytes) -> set[str]:
    return set(output.decode("utf-8", "surrogateescape").split("\0")[:-1])
