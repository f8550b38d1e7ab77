"""The history of a declaration as versions over time, and the last good one of them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lockstep.model.commit import LogEntry
from lockstep.model.era import Era, Said

__all__ = ["eras_of", "last_good", "taken_back"]

_PULL = (
    re.compile(r"\(#(\d{1,9})\)\s*$"),  # squashed by GitHub
    re.compile(r"^Merge pull request #(\d{1,9})\b"),
)


def eras_of(changes: Iterable[tuple[LogEntry, Said, bool]]) -> tuple[Era, ...]:
    """Eras, newest first, from the changes of a declaration, newest first.

    Each change is its commit, what the file said from then on, and whether a shallow history ends
    there. Changes that keep the version belong to the era that they fall into.
    """
    eras: list[Era] = []
    for entry, said, is_oldest_known in reversed(list(changes)):
        if eras and eras[-1].version == said.version:
            continue
        if eras:
            eras[-1] = replace(eras[-1], until=entry.date)
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


def taken_back(saids: Iterable[Said]) -> frozenset[str]:
    """Versions that a hold of the declaration, now or before, says were taken back."""
    return frozenset(said.held for said in saids if said.held)


def last_good(eras: Sequence[Era], bad: frozenset[str]) -> Era | None:
    """The newest version before the declared one that is another and was not taken back.

    ``eras`` are newest first. A version that was taken back and is declared again later counts as
    taken back all the same: whoever knows better names it.
    """
    if not eras:
        return None
    current = eras[0].version
    for era in eras[1:]:
        if era.version not in (None, current) and era.version not in bad:
            return era
    return None


def _pull(entry: LogEntry) -> int | None:
    for pattern in _PULL:
        if found := pattern.search(entry.subject):
            return int(found[1])
    return None
