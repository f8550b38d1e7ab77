"""The one table of Lambda's runtimes: until when each can be created, changed, and what it can do.

Sources: the Lambda developer guide, "Lambda runtimes" (the tables of supported and of deprecated
runtimes) and "Lambda SnapStart", as of October 2026; the names are those of the enum ``Runtime`` in the
service model. AWS has moved the two later dates again and again, always to a later day.
"""

import datetime
from collections.abc import Mapping
from enum import StrEnum

from lockstep.regexes import regex
from lockstep.values import dataclass

__all__ = ["AS_OF", "RUNTIMES", "Phase", "Runtime", "edition", "is_newer", "phase_of", "successor"]

AS_OF = "October 2026"


class Phase(StrEnum):
    """What AWS still does with a runtime on some day."""

    SUPPORTED = "supported"
    DEPRECATED = "deprecated"  # no fixes any more; functions are created and changed as before
    NO_CREATE = "no new functions"  # CreateFunction refuses it
    RETIRED = "retired"  # updates refuse it too


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """One runtime. A date is the first day on which it holds; None where AWS has named none."""

    name: str
    deprecated: datetime.date | None = None
    no_create: datetime.date | None = None
    no_update: datetime.date | None = None
    has_snap_start: bool = False

    @property
    def is_managed(self) -> bool:
        """Whether Lambda Managed Instances run it, or a newer one that AWS has not listed yet.

        Source: Lambda developer guide, "Lambda Managed Instances", supported runtimes.
        """
        least = _MANAGED.get(self.family)
        found = _numbers(self.name)
        if least is None or found is None:
            return self.name in ("provided.al2023", "custom")
        return found[1] >= least

    @property
    def family(self) -> str:
        """What its versions have in common: ``python``, ``nodejs``, ``provided``, ..."""
        return _FAMILY.split(self.name, maxsplit=1)[0]


_FAMILY = regex(r"(?=[0-9.])")
_NUMBERED = regex(r"([a-z]+)([0-9]+)(?:\.([0-9]+))?(\.x)?")
_MANAGED: Mapping[str, tuple[int, ...]] = {"nodejs": (22,), "python": (3, 13), "java": (21,), "dotnet": (8,)}
_AHEAD = 4  # how far above the newest that we know a version may be to be one that came later


def _day(text: str) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None


def _row(
    name: str, deprecated: str = "", no_create: str = "", no_update: str = "", snap: str = ""
) -> Runtime:
    return Runtime(
        name=name,
        deprecated=_day(deprecated),
        no_create=_day(no_create),
        no_update=_day(no_update),
        has_snap_start=bool(snap),
    )


# The newest of a family last. name, deprecated, no CreateFunction, no updates, SnapStart.
RUNTIMES: Mapping[str, Runtime] = {
    row.name: row
    for row in (
        _row("nodejs", "2016-08-30", "2016-09-30", "2016-10-31"),
        _row("nodejs4.3", "2020-03-05", "2020-02-03", "2020-03-05"),
        _row("nodejs4.3-edge", "2020-03-05", "2019-03-31", "2019-04-30"),
        _row("nodejs6.10", "2019-08-12", "2019-07-12", "2019-08-12"),
        _row("nodejs8.10", "2020-03-06", "2020-02-04", "2020-03-06"),
        _row("nodejs10.x", "2021-07-30", "2021-07-30", "2022-02-14"),
        _row("nodejs12.x", "2023-03-31", "2023-03-31", "2023-04-30"),
        _row("nodejs14.x", "2023-12-04", "2024-01-09", "2027-08-31"),
        _row("nodejs16.x", "2024-06-12", "2027-07-29", "2027-08-31"),
        _row("nodejs18.x", "2025-09-01", "2027-07-29", "2027-08-31"),
        _row("nodejs20.x", "2026-04-30", "2027-07-29", "2027-08-31"),
        _row("nodejs22.x", "2027-04-30", "2027-06-01", "2027-07-01"),
        _row("nodejs24.x", "2028-04-30", "2028-06-01", "2028-07-01"),
        _row("nodejs26.x"),
        _row("python2.7", "2021-07-15", "2021-07-15", "2022-05-30"),
        _row("python3.6", "2022-07-18", "2022-07-18", "2022-08-29"),
        _row("python3.7", "2023-12-04", "2024-01-09", "2027-08-31"),
        _row("python3.8", "2024-10-14", "2027-07-29", "2027-08-31"),
        _row("python3.9", "2025-12-15", "2027-07-29", "2027-08-31"),
        _row("python3.10", "2026-10-31", "2027-07-29", "2027-08-31"),
        _row("python3.11", "2027-06-30", "2027-07-29", "2027-08-31"),
        _row("python3.12", "2028-10-31", "2028-11-30", "2029-01-10", "snap"),
        _row("python3.13", "2029-06-30", "2029-07-31", "2029-08-31", "snap"),
        _row("python3.14", "2029-06-30", "2029-07-31", "2029-08-31", "snap"),
        _row("python3.15", snap="snap"),
        _row("java8", "2024-01-08", "2024-02-08", "2027-08-31"),
        _row("java8.al2", "2027-06-30", "2027-07-29", "2027-08-31"),
        _row("java8.al2023", "2029-06-30"),
        _row("java11", "2027-06-30", "2027-07-29", "2027-08-31", "snap"),
        _row("java11.al2023", "2029-06-30", snap="snap"),
        _row("java17", "2027-06-30", "2027-07-29", "2027-08-31", "snap"),
        _row("java17.al2023", "2029-06-30", snap="snap"),
        _row("java21", "2029-06-30", "2029-07-31", "2029-08-31", "snap"),
        _row("java25", "2029-06-30", "2029-07-31", "2029-08-31", "snap"),
        _row("dotnetcore1.0", "2019-06-27", "2019-06-30", "2019-07-30"),
        _row("dotnetcore2.0", "2019-05-30", "2019-04-30", "2019-05-30"),
        _row("dotnetcore2.1", "2022-01-05", "2022-01-05", "2022-04-13"),
        _row("dotnetcore3.1", "2023-04-03", "2023-04-03", "2023-05-03"),
        _row("dotnet6", "2024-12-20", "2027-07-29", "2027-08-31"),
        _row("dotnet8", "2026-11-10", "2027-07-29", "2027-08-31", "snap"),
        _row("dotnet10", "2028-11-14", "2028-12-14", "2029-01-15", "snap"),
        _row("ruby2.5", "2021-07-30", "2021-07-30", "2022-03-31"),
        _row("ruby2.7", "2023-12-07", "2024-01-09", "2027-08-31"),
        _row("ruby3.2", "2026-03-31", "2027-07-29", "2027-08-31"),
        _row("ruby3.3", "2027-03-31", "2027-07-29", "2027-08-31"),
        _row("ruby3.4", "2028-03-31", "2028-04-30", "2028-05-31"),
        _row("ruby4.0", "2029-03-31", "2029-04-30", "2029-05-31"),
        _row("go1.x", "2024-01-08", "2024-02-08", "2027-08-31"),
        _row("provided", "2024-01-08", "2024-02-08", "2027-08-31"),
        _row("provided.al2", "2026-07-31", "2027-07-29", "2027-08-31"),
        _row("provided.al2023", "2029-06-30", "2029-07-31", "2029-08-31"),
        _row("custom", snap="snap"),  # a publisher's, who says until when; what it can do is AWS's to say
    )
}

_DATES = sorted(
    {day for row in RUNTIMES.values() for day in (row.deprecated, row.no_create, row.no_update) if day}
)
_FOLLOWED_BY = {"go": "provided", "dotnetcore": "dotnet"}


def phase_of(runtime: Runtime, today: datetime.date) -> Phase:
    """What AWS does with a runtime on a day."""
    for day, phase in (
        (runtime.no_update, Phase.RETIRED),
        (runtime.no_create, Phase.NO_CREATE),
        (runtime.deprecated, Phase.DEPRECATED),
    ):
        if day is not None and today >= day:
            return phase
    return Phase.SUPPORTED


def edition(today: datetime.date) -> str:
    """Changes on the days on which any runtime changes its phase, and on no other."""
    return str(max((day for day in _DATES if day <= today), default=""))


def successor(runtime: Runtime) -> str | None:
    """The newest runtime of the family whose end AWS has named, so that it is no preview; None for itself."""
    family = _FOLLOWED_BY.get(runtime.family, runtime.family)
    newest = [row.name for row in RUNTIMES.values() if row.family == family and row.no_update][-1]
    return None if newest == runtime.name else newest


def is_newer(name: str) -> bool:
    """An unknown name may be a runtime that AWS has had since: a little above the newest of its family."""
    asked = _numbers(name)
    if asked is None:
        return False
    family, numbers, end = asked
    known = [one for one in map(_numbers, RUNTIMES) if one is not None and one[0] == family and one[2] == end]
    if not known:
        return False
    newest = max(one[1] for one in known)
    if len(numbers) != len(newest) or numbers <= newest:
        return False
    if numbers[:-1] == newest[:-1]:
        return numbers[-1] - newest[-1] <= _AHEAD
    return numbers[0] == newest[0] + 1 and numbers[1] <= _AHEAD


def _numbers(name: str) -> tuple[str, tuple[int, ...], str] | None:
    """Family, version and ending of a runtime's name."""
    found = _NUMBERED.fullmatch(name)
    if found is None:
        return None
    family, major, minor, end = found.groups()
    return family, (int(major), *([int(minor)] if minor else [])), end or ""
