"""When a freeze holds promotions up, and until when."""

import datetime
from collections.abc import Callable, Iterable, Iterator

from lockstep.model import Freeze
from lockstep.values import dataclass

__all__ = ["Frozen", "frozen"]

_LONGEST = 60  # freezes that follow one another without a gap


@dataclass(frozen=True, kw_only=True, slots=True)
class Frozen:
    """The freeze that holds things up now. It ends when no other one follows it without a gap."""

    freeze: Freeze
    since: datetime.datetime  # aware, in the freeze's time zone
    until: datetime.datetime


def frozen(
    freezes: Iterable[Freeze], now: datetime.datetime, zone: Callable[[str], datetime.tzinfo]
) -> Frozen | None:
    """The freeze that is in force at an aware time; None when there is none.

    Times are by the clock on the wall: on the day of a change of clocks a window may be an hour
    shorter or longer.
    """
    known = [(one, zone(one.timezone)) for one in freezes]
    found = _at(known, now)
    if found is None:
        return None
    until = found.until
    for _ in range(_LONGEST):
        following = _at(known, until)
        if following is None:
            break
        until = following.until
    return Frozen(freeze=found.freeze, since=found.since, until=until.astimezone(found.since.tzinfo))


def _at(known: list[tuple[Freeze, datetime.tzinfo]], now: datetime.datetime) -> Frozen | None:
    """Of the windows that hold ``now`` the one that ends last."""
    best: Frozen | None = None
    for freeze, tz in known:
        for start, end in _windows(freeze, now.astimezone(tz).date()):
            since, until = start.replace(tzinfo=tz), end.replace(tzinfo=tz)
            if since <= now < until and (best is None or until > best.until):
                best = Frozen(freeze=freeze, since=since, until=until)
    return best


def _windows(freeze: Freeze, today: datetime.date) -> Iterator[tuple[datetime.datetime, datetime.datetime]]:
    """Windows that may hold a time of this day, by the clock on the wall."""
    if not freeze.days:
        end = _moment(freeze.end)
        yield _moment(freeze.start), end + datetime.timedelta(days=1) if len(freeze.end) == 10 else end
        return
    for date in (today - datetime.timedelta(days=1), today):
        if date.weekday() in freeze.days:
            begins = _clock(date, freeze.start)
            ends = _clock(date, freeze.end)
            yield begins, ends if ends > begins else ends + datetime.timedelta(days=1)


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def _clock(date: datetime.date, text: str) -> datetime.datetime:
    hours, minutes = text.split(":")
    midnight = datetime.datetime.combine(date, datetime.time())
    return midnight + datetime.timedelta(hours=int(hours), minutes=int(minutes))
