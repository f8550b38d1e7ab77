"""Expressions that say when something runs: rate, cron and, for the Scheduler, at.

Sources: EventBridge user guide, "Schedule types" of the Scheduler and "Setting a schedule pattern for
scheduled rules" (six fields, one of the two days is ?, a rate of 1 is singular).
"""

import datetime
import re

from lockstep.regexes import regex

__all__ = ["FORMS", "problem_of", "zone_problem"]

FORMS = "write rate(5 minutes), or cron(0 8 * * ? *): six fields, of which one of the two days is ?"
"""What whoever writes none of them is told; most know the five fields of Unix."""

_RATE = regex(r"rate\((\d+) (minute|minutes|hour|hours|day|days)\)")
_CRON = regex(r"cron\(([^()]*)\)")
_AT = regex(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS: tuple[tuple[str, int, int, list[str], str], ...] = (
    ("minutes", 0, 59, [], r""),
    ("hours", 0, 23, [], r""),
    ("day of month", 1, 31, [], r"\?|L|LW|\d{1,2}W"),
    ("month", 1, 12, _MONTHS, r""),
    ("day of week", 1, 7, _DAYS, r"\?|L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5])"),
    ("year", 1970, 2199, [], r""),
)


def problem_of(expression: str, *, once: bool = False) -> str | None:
    """What is wrong with an expression; None when nothing is. ``once`` allows a moment."""
    if found := _RATE.fullmatch(expression):
        return _rate(int(found[1]), found[2], once)
    if found := _CRON.fullmatch(expression):
        return _cron(found[1].split())
    if once and (found := _AT.fullmatch(expression)):
        try:
            datetime.datetime.fromisoformat(found[1])
        except ValueError as error:
            return str(error)
        return None
    return "it is none of " + ", ".join(("rate(5 minutes)", "cron(0 8 ? * MON-FRI *)", *_once(once)))


def _once(once: bool) -> tuple[str, ...]:
    return ("at(2026-12-24T18:00:00)",) if once else ()


def zone_problem(name: str) -> str | None:
    """What is wrong with the name of a time zone; None when nothing is, or where no zones are known."""
    from zoneinfo import available_timezones

    known = available_timezones()
    if name in known or not known:
        return None
    from difflib import get_close_matches  # only mistakes need it

    near = get_close_matches(name, sorted(known), 1)
    return f"no time zone is called {name}" + (f"; did you mean {near[0]}?" if near else "")


def _rate(number: int, unit: str, once: bool) -> str | None:
    if number == 0:
        return "a rate is 1 and more"
    if once:
        # Source: Scheduler API reference: any of the six units with any positive integer.
        return None
    if (number == 1) == unit.endswith("s"):
        right = unit.rstrip("s") + ("" if number == 1 else "s")
        return f"AWS wants rate({number} {right})"
    return None


def _cron(fields: list[str]) -> str | None:
    if len(fields) != len(_FIELDS):
        return (
            f"cron has six fields (minutes hours day-of-month month day-of-week year), and this {len(fields)}"
        )
    for text, (name, low, high, words, special) in zip(fields, _FIELDS, strict=True):
        for part in text.split(","):
            if not (special and re.fullmatch(special, part)) and not _is_part(part, low, high, words):
                return f"{part!r} is no {name}"
    if (fields[2] == "?") == (fields[4] == "?"):
        return "one of day of month and day of week has to be ?, and the other not"
    return None


def _is_part(part: str, low: int, high: int, words: list[str]) -> bool:
    """``*``, ``a``, ``a-b``, and each with ``/step``."""
    span, slash, step = part.partition("/")
    if slash and not (step.isdigit() and int(step) > 0):
        return False
    if span == "*":
        return True
    first, dash, last = span.partition("-")
    return _is_value(first, low, high, words) and (not dash or _is_value(last, low, high, words))


def _is_value(text: str, low: int, high: int, words: list[str]) -> bool:
    return text.upper() in words or (text.isdigit() and low <= int(text) <= high)
