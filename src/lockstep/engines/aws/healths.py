"""Functions that were found healthy, each with when, and the revision and time of change that it had.

Listings tell no states but both of these, so ``status`` asks again only for functions of which one moved.
AWS also changes states by itself, when a key is disabled for example, and does not say that either follows:
what is remembered is told as that, with its age, is believed for a day, and no promotion goes by it.

Only what was well is remembered, in the user's cache.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lockstep.engines.aws import packed
from lockstep.model import Function, Health

__all__ = ["DAY", "Healths", "is_ill"]

DAY = timedelta(days=1)
"""Health that was read before then is read again."""

_WHAT = "healthy"
_Row = tuple[str, str, str]  # revision, time of change, when it was read (ISO 8601)


class Healths:
    """The functions of one environment, by name: account and Region are among what it is ``about``."""

    def __init__(self, about: Mapping[str, str], folder: Path | None) -> None:
        self._about = about
        self._file = packed.file_in(folder, _WHAT, about)
        found = packed.unpack(packed.read(self._file), about, _WHAT) if self._file else None
        self._rows = _checked(found[1]) if found else {}
        self._is_saved = True

    def knows(self, name: str) -> bool:
        """Whether a function of the name was healthy less than a day ago, whatever became of it."""
        return name in self._rows and _is_fresh(self._rows[name])

    def recall(self, listed: Function) -> str | None:
        """When a function was healthy that by its revision and time of change is as it was then."""
        row = self._rows.get(listed.name)
        is_same = row is not None and row[:2] == (listed.revision, listed.modified) and _is_fresh(row)
        return row[2] if row is not None and is_same else None

    def keep(self, function: Function) -> None:
        """Remember what was just read, if it is well and can be known again."""
        self._is_saved = False
        self._rows.pop(function.name, None)  # the newest stand last
        if function.health is Health.HEALTHY and function.revision and function.modified:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._rows[function.name] = (function.revision, function.modified, now)

    def save(self) -> None:
        """Keep it in the user's cache."""
        if self._file is not None and not self._is_saved:
            packed.write(self._file, packed.pack(self._about, _WHAT, self._rows))
            self._is_saved = True


def is_ill(listed: Function, read: Function | None) -> bool:
    """Whether what was taken for healthy as it is listed is not, or nobody knows; not if it changed since."""
    if read is not None and (read.revision, read.modified) != (listed.revision, listed.modified):
        return False
    return read is None or read.health is not Health.HEALTHY


def _is_fresh(row: _Row) -> bool:
    return timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(row[2]) < DAY


def _checked(rows: Mapping[str, object]) -> dict[str, _Row]:
    """The rows as what they should be; none of them where one is not."""
    found: dict[str, _Row] = {}
    try:
        for name, row in rows.items():
            revision, modified, when = (packed.text(one) for one in row)  # type: ignore[attr-defined]
            if datetime.fromisoformat(when).tzinfo is None:
                return {}
            found[name] = (revision, modified, when)
    except (ValueError, TypeError):
        return {}
    return found
