"""The history of a declaration as versions over time, and the last good one of them."""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lockstep.model.commit import LogEntry
from lockstep.model.era import Era, Said
from lockstep.model.record import Done, Record
from lockstep.planning.gates import duration, is_backwards
from lockstep.values import dataclass

__all__ = ["LastGood", "deployments_of", "eras_of", "in_order", "last_good", "seconds_of"]

_PROVEN = 15 * 60
"""Seconds that a version has to last before it counts as good: one that was replaced sooner was mended."""

_NOW = datetime.timedelta()

_CLOCKS = datetime.timedelta(minutes=5)
"""How far the clocks of who commits and who syncs may be apart."""

_PULL = (
    re.compile(r"\(#(\d{1,9})\)\s*$"),  # squashed by GitHub
    re.compile(r"^Merge pull request #(\d{1,9})\b"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LastGood:
    """The era to go back to, and the versions that were passed over on the way, with why."""

    era: Era | None
    passed: tuple[tuple[str, str], ...] = ()  # version and reason, newest first


def eras_of(changes: Iterable[tuple[LogEntry, Said, bool]]) -> tuple[Era, ...]:
    """Eras, newest first, from the changes of a declaration, newest first.

    Each change is its commit, what the file said from then on, and whether a shallow history ends
    there. Changes that keep the version belong to the era that they fall into.

    What is declared stands on what it replaced, as on a stack. A version that stands there already is
    a return to it, and a lower one a step below those that are higher: both take back what was on top.
    A hold takes back the version that it names.
    """
    eras: list[Era] = []
    stack: list[int] = []

    def take_back(numbers: Sequence[int], how: str, entry: LogEntry) -> None:
        for number in numbers:
            eras[number] = replace(eras[number], undone=f"{how} by {entry.author} ({entry.sha[:8]})")
            stack.remove(number)

    before: Said | None = None
    left_image: str | None = None  # of the version before, which somebody left standing
    for entry, said, is_oldest_known in reversed(list(changes)):
        left = before.sha256 if before is not None else None
        if before is not None and before.version != said.version and before.image == said.image:
            left_image = said.image
        elif said.image != left_image:
            left_image = None
        before = said
        if said.image == left_image:
            said = replace(said, image=None)
        if said.held is not None and said.held != said.version:
            take_back([one for one in stack if eras[one].version == said.held], "taken back", entry)
        if eras and _is_same(eras[-1].said, said):
            if eras[-1].said.image is None:
                eras[-1] = replace(eras[-1], said=replace(eras[-1].said, image=said.image))
            continue
        if eras:
            eras[-1] = replace(eras[-1], until=entry.date)
        if said.version is not None:
            there = [_is_same(eras[one].said, said) for one in stack]
            if True in there:
                place = there.index(True)
                take_back(stack[place + 1 :], f"reverted to {said.version}", entry)
                stack.pop()
            higher = [one for one in stack if is_backwards(eras[one].version, said.version)]
            take_back(higher, f"downgraded to {said.version}", entry)
            stack.append(len(eras))
        if said.sha256 == left and not said.is_named:
            said = replace(said, sha256=None)  # the pin of the version before, which was left standing
        eras.append(
            Era(
                version=said.version,
                said=said,
                sha=entry.sha,
                author=entry.author,
                subject=entry.subject,
                since=entry.date,
                pull=_pull(entry),
                is_oldest_known=is_oldest_known,
            )
        )
    return tuple(reversed(eras))


def last_good(eras: Sequence[Era]) -> LastGood:
    """The newest era before the declared version that was not taken back and lasted; newest first.

    Where none lasted for minutes, as in a project that has just begun, the newest that was not taken
    back has to do. A version that was taken back and declared again later is judged by that later time.
    """
    now = eras[0].said if eras else Said(version=None)
    passed: dict[str, str] = {}
    brief: LastGood | None = None
    for era in eras[1:]:
        version = era.version
        if version is None or _is_same(era.said, now):
            continue
        if version == now.version:
            version = f"{version}@sha256:{(era.said.image or '')[:12]}"
        if version in passed:
            continue
        if era.undone is not None:
            passed[version] = era.undone
            continue
        lasted = sum(seconds_of(one) for one in eras if _is_same(one.said, era.said) and one.undone is None)
        if lasted >= _PROVEN or era.is_oldest_known:
            return LastGood(era=era, passed=tuple(passed.items()))
        brief = brief or LastGood(era=era, passed=tuple(passed.items()))
        passed[version] = f"another version replaced it after {duration(lasted)}"
    return brief or LastGood(era=None, passed=tuple(passed.items()))


def _is_same(one: Said, other: Said) -> bool:
    """Whether two say one version, and no two images of it, as of a name like main that is moved."""
    return one.version == other.version and (None in (one.image, other.image) or one.image == other.image)


def deployments_of(eras: Iterable[Era], records: Iterable[Record]) -> Mapping[str, Record]:
    """What is written down of eras by their commits, ``records`` oldest first: when each was first deployed.

    Where it never was, the last attempt that failed. An era without a record is left out, which proves
    nothing.
    """
    chosen = list(eras)
    found: dict[str, Record] = {}
    for one in records:
        sha = _era_of(one, chosen)
        if sha is None or one.done is Done.REMOVED:
            continue
        if sha not in found or found[sha].done is Done.FAILED:
            found[sha] = one
    return found


def _era_of(record: Record, eras: Iterable[Era]) -> str | None:
    """The commit of the era that a record tells of: its version's, and of several the nearest in time.

    Times are whole seconds, and those of who commits and who syncs come from two clocks.
    """
    same = [era for era in eras if era.version == record.version]
    if any(era.sha == record.commit for era in same):
        return record.commit
    at = _time(record.at)
    near = {
        era.sha: away
        for era in same
        if (away := max(_time(era.since) - at, at - _time(era.until or record.at), _NOW)) <= _CLOCKS
    }
    return min(near, key=near.__getitem__, default=None)


def in_order(records: Iterable[Record]) -> tuple[Record, ...]:
    """Records of several sources, oldest first."""
    return tuple(sorted(records, key=lambda one: _time(one.at)))


def seconds_of(era: Era, now: datetime.datetime | None = None) -> int:
    """How long an era lasted, up to ``now`` when it has not ended; never less than nothing."""
    end = _time(era.until) if era.until else now
    return max(int((end - _time(era.since)).total_seconds()), 0) if end is not None else 0


def _time(text: str) -> datetime.datetime:
    """An ISO 8601 time; without an offset it is UTC."""
    found = datetime.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _pull(entry: LogEntry) -> int | None:
    for pattern in _PULL:
        if found := pattern.search(entry.subject):
            return int(found[1])
    return None
