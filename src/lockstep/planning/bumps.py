"""From commits to the part of the version that moves.

``feat`` moves the minor number, ``fix``, ``perf`` and ``revert`` the patch, a breaking change
(``!`` or a ``BREAKING CHANGE:`` footer) the major one, below 1.0.0 the minor one: 1.0.0 is a decision,
not a consequence. The highest level wins. Other types and other messages ask for nothing; but when
nothing else is there and the service's paths were touched, the patch moves all the same, because the
package is another one and a version names one package only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush

from lockstep.model.commit import LogEntry
from lockstep.model.next_version import Asked, Bump
from lockstep.model.version import Level, Version
from lockstep.planning.conventional import Message, read_message
from lockstep.planning.paths import matcher

__all__ = ["decide_bump"]

_LEVELS: Mapping[str, Level] = {
    "feat": Level.MINOR,
    "fix": Level.PATCH,
    "perf": Level.PATCH,
    "revert": Level.PATCH,
}


def decide_bump(entries: Sequence[LogEntry], patterns: tuple[str, ...], base: Version) -> Bump:
    """Decide what moves for the commits since ``base``, newest first, that touch a service's paths.

    A merge counts with its own title when the title is a conventional one and what it brought in
    touches the paths. A commit that was taken back within the range asks for nothing, and neither does
    the one that took it back.
    """
    messages = {entry.sha: read_message(entry.message, is_merge=entry.is_merge) for entry in entries}
    history = _History(entries)
    taken_back = _taken_back(entries, messages, history)
    is_selected = matcher(patterns)
    touching = {
        entry.sha
        for entry in entries
        if any(is_selected(path) for path in entry.paths) or (not patterns and not entry.is_merge)
    }
    asked = tuple(
        _asked(entry, messages[entry.sha], taken_back)
        for entry in entries
        if entry.sha in touching
        or (
            entry.is_merge
            and messages[entry.sha].parts
            and any(sha in touching for sha in history.brought(entry))
        )
    )
    return _bump(asked, base)


def _bump(asked: tuple[Asked, ...], base: Version) -> Bump:
    highest = max((one.level for one in asked), default=Level.NONE)
    if not asked:
        return Bump(
            level=Level.NONE, asked=Level.NONE, why=f"nothing since {base} touches the service's paths"
        )
    if highest is Level.NONE:
        why = "no commit asks for a release, but the service's paths were touched, so patch"
        return Bump(level=Level.PATCH, asked=highest, commits=asked, why=why)
    first = next(one for one in reversed(asked) if one.level is highest)
    why = f"{first.why} asks for {highest}"
    if highest is Level.MAJOR and base.major == 0:
        why += "; below 1.0.0 that is minor"
        return Bump(level=Level.MINOR, asked=highest, commits=asked, why=why)
    return Bump(level=highest, asked=highest, commits=asked, why=why)


def _asked(entry: LogEntry, message: Message, taken_back: Mapping[str, str]) -> Asked:
    if entry.sha in taken_back:
        return Asked(commit=entry, level=Level.NONE, why=f"taken back by {taken_back[entry.sha][:8]}")
    undone = [sha for sha, by in taken_back.items() if by == entry.sha]
    if message.is_revert and undone:
        return Asked(commit=entry, level=Level.NONE, why=f"takes back {undone[0][:8]}")
    level, why = _level(message)
    return Asked(commit=entry, level=level, why=why)


def _level(message: Message) -> tuple[Level, str]:
    if message.is_fixup:
        return Level.NONE, "belongs to another commit"
    best = max(message.parts, key=lambda part: _level_of(part.type, part.is_breaking), default=None)
    if message.has_breaking_footer and not (best and best.is_breaking):
        return Level.MAJOR, "BREAKING CHANGE footer"
    if best is None:
        if message.is_revert:
            return Level.PATCH, "revert"
        return Level.NONE, "no conventional commit"
    level = _level_of(best.type, best.is_breaking)
    if message.is_revert and level < Level.PATCH:
        return Level.PATCH, "revert"
    where = "" if best is message.parts[0] else " in the body"
    return level, f"{best}{where}" if level else f"{best} asks for nothing"


def _level_of(kind: str, is_breaking: bool) -> Level:
    return Level.MAJOR if is_breaking else _LEVELS.get(kind, Level.NONE)


def _taken_back(
    entries: Sequence[LogEntry], messages: Mapping[str, Message], history: "_History"
) -> dict[str, str]:
    """Commits that a later one of the range takes back, with that one. Newest first: what takes back a
    revert brings its commit to life again.
    """
    found: dict[str, str] = {}
    for number, entry in enumerate(entries):
        message = messages[entry.sha]
        if entry.sha in found or not (message.reverts or message.reverts_subject):
            continue
        older = entries[number + 1 :]
        for target in _targets(message, older, history):
            for sha in [target.sha, *(history.brought(target) if target.is_merge else ())]:
                found.setdefault(sha, entry.sha)
    return found


def _targets(message: Message, older: Sequence[LogEntry], history: "_History") -> Iterator[LogEntry]:
    for sha in message.reverts:
        yield from history.named(sha)
    if message.reverts_subject is not None:
        yield from [entry for entry in older if entry.subject == message.reverts_subject][:1]


class _History:
    """The range as a graph."""

    def __init__(self, entries: Sequence[LogEntry]) -> None:
        self._entries = {entry.sha: entry for entry in entries}
        self._place = {entry.sha: number for number, entry in enumerate(entries)}

    def named(self, sha: str) -> Iterable[LogEntry]:
        """The commit with this id; a shortened id may name any that begins so."""
        if sha in self._entries:
            return (self._entries[sha],)
        return tuple(entry for full, entry in self._entries.items() if full.startswith(sha))

    def brought(self, merge: LogEntry) -> Iterator[str]:
        """The commits of the range that a merge brought in: those that its first parent did not have.

        Newest first, and only as far back as needed. A commit comes after all that were made on it, so
        what the first parent has is known before a commit's turn comes.
        """
        queue: list[tuple[int, str]] = []
        is_ours: dict[str, bool] = {}

        def push(sha: str, ours: bool) -> None:
            if sha not in self._place:
                return
            if sha not in is_ours:
                heappush(queue, (self._place[sha], sha))
            is_ours[sha] = is_ours.get(sha, False) or ours

        for number, parent in enumerate(merge.parents):
            push(parent, number == 0)
        while not all(is_ours[sha] for _, sha in queue):
            _, sha = heappop(queue)
            if not is_ours[sha]:
                yield sha
            for parent in self._entries[sha].parents:
                push(parent, is_ours[sha])
