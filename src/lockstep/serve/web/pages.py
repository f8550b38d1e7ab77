"""What the pages show, as values, and the pages made of them. Every text is escaped, wherever it is from."""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lockstep.model import Explained, Health, StatusRow, SyncStatus
from lockstep.model.target import is_preview
from lockstep.render.cells import printable, printable_lines
from lockstep.render.masks import Masks
from lockstep.render.overview import is_well
from lockstep.render.rollout import progress_lines
from lockstep.render.status import cell_words, status_summary
from lockstep.render.values import one_line, show
from lockstep.serve.deciding import Seen, Try, left_alone
from lockstep.serve.file import Followed
from lockstep.serve.web.drawing import drawn
from lockstep.serve.web.visitor import visitor
from lockstep.store.entries import Event
from lockstep.values import dataclass

__all__ = ["PAGE", "Moment", "cell", "found", "holds", "matrix_page", "page_size", "render", "target_page"]

_ODD = re.compile("[^a-z0-9-]")
PAGE = 200  # services of a project on one page, at most
_CELLS = 2000  # of a project on one page, where more than a few services would have more
_FEW = 20  # services, which are shown however many environments there are


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Now, by the clock on the wall and by the one that decides."""

    wall: datetime.datetime
    ticks: float

    def at(self, ticks: float) -> str:
        """The time of the wall at a time of the other clock: ``14:05:10 UTC``."""
        return self._then(ticks).strftime("%H:%M:%S UTC")

    def iso(self, ticks: float) -> str:
        """The same in ISO 8601, to the second, so that it is the same whenever it is asked."""
        return self._then(ticks).replace(microsecond=0).isoformat()

    def _then(self, ticks: float) -> datetime.datetime:
        return self.wall + datetime.timedelta(seconds=round(ticks - self.ticks, 2))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lockstep.serve.web"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["shown"] = lambda text: printable(str(text))
    environment.filters["lines"] = lambda text: printable_lines(str(text))
    environment.filters["moment"] = _utc
    environment.filters["named"] = _named
    environment.globals["visitor"] = visitor
    return environment


def _named(text: str) -> str:
    """A part of an id, which no other text has, and which needs no quotes in a selector."""
    return _ODD.sub(lambda found: f"_{ord(found[0]):x}_", text)


def _utc(text: str) -> str:
    """``2026-01-01 00:00:00 UTC`` of a time in ISO 8601."""
    return f"{datetime.datetime.fromisoformat(text).astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"


_PAGES = _environment()


def render(name: str, **values: object) -> str:
    """A page of its template."""
    return _PAGES.get_template(name).render(values)


def found(rows: Iterable[StatusRow], query: str, *, problems: bool = False) -> list[StatusRow]:
    """Rows whose target holds each of the words, in any case; with ``problems`` only what is not well."""
    named = [row for row in rows if holds(row.target, query)] if query else [*rows]
    return [row for row in named if not is_well(row)] if problems else named


def holds(name: str, query: str) -> bool:
    """Whether a name holds each of the words, in any case."""
    return all(word in name.casefold() for word in query.casefold().split())


def page_size(environments: int) -> int:
    """Services on one page: fewer where each has many cells, so that no page is long to make or lay out."""
    return max(_FEW, min(PAGE, _CELLS // max(environments, 1)))


def matrix_page(
    seen: Sequence[tuple[Followed, Seen]], query: str, page: int, now: Moment, *, problems: bool
) -> str:
    """Services by environments, for each project; ``page`` counts from 1."""
    return _PAGES.get_template("matrix.html").render(
        projects=[_project(project, one, query, page, now, problems) for project, one in seen],
        query=query,
        problems=problems,
        page=page,
    )


def _project(
    project: Followed, seen: Seen, query: str, page: int, now: Moment, problems: bool
) -> Mapping[str, Any]:
    rows = found(seen.rows.values(), query, problems=problems)
    services = sorted({row.service for row in rows})
    environments = sorted({row.environment for row in rows}, key=_column)
    size = page_size(len(environments))
    shown = services[(page - 1) * size : page * size]
    own = {*shown}
    cells = {(row.service, row.environment): row for row in rows if row.service in own}
    return {
        "name": project.name,
        "repository": project.shown,
        "commit": seen.at.commit[:8] if seen.at else None,
        "summary": status_summary(seen.rows.values()),
        "is_looked": seen.looked is not None,
        "looked": now.iso(seen.looked) if seen.looked is not None else None,
        "troubles": [
            (name, printable_lines(one.why), now.iso(one.at))
            for name, one in (("Git", seen.git), ("AWS", seen.aws))
            if one is not None
        ],
        "environments": environments,
        "lines": [
            (service, [cell(cells.get((service, name)), seen) for name in environments]) for service in shown
        ],
        "pages": -(-len(services) // size),
        "services": len(services),
    }


def _column(environment: str) -> tuple[bool, int, str]:
    """Previews stand last, the newest first."""
    number = environment.rpartition("-")[2]
    is_last = is_preview(environment)
    return (is_last, -int(number) if is_last and number.isdecimal() else 0, environment)


def cell(row: StatusRow | None, seen: Seen) -> Mapping[str, Any] | None:
    """What is shown of a target in a table; None where there is none."""
    if row is None:
        return None
    return {
        "target": row.target,
        "words": cell_words(row),
        "tone": _tone(row),
        "is_tried": row.target in seen.targets,
    }


def _tone(row: StatusRow) -> str:
    """How well it is: the name of a class."""
    if not row.is_ours:
        return "other"
    if row.health in (Health.DEGRADED, Health.MISSING):
        return "bad"
    match row.status:
        case SyncStatus.SYNCED:
            return "good"
        case SyncStatus.OUT_OF_SYNC:
            return "off"
        case SyncStatus.UNKNOWN:
            return "unknown"


def target_page(
    project: Followed,
    seen: Seen,
    row: StatusRow,
    now: Moment,
    *,
    verbs: Sequence[str],
    values: Sequence[Explained],
    records: Sequence[Event],
) -> str:
    """One target: what is declared and where, what is live, what differs, what was and may be done."""
    masks = Masks()
    attempt = seen.targets.get(row.target)
    return _PAGES.get_template("target.html").render(
        project=project.name,
        row=row,
        words=cell_words(row),
        tone=_tone(row),
        changes=[one_line(change, masks) for change in row.changes],
        problem=printable_lines(row.problem or ""),
        rollout=progress_lines(row.progress) if row.progress is not None else [],
        charts=[drawn(one) for one in row.progress.charts] if row.progress is not None else [],
        alone=left_alone(seen, project).get(row.target),
        attempt=_attempt(attempt, now) if attempt is not None else None,
        leave=project.leave(row.environment),
        verbs=verbs,
        values=[_explained(one, masks) for one in values],
        has_layers=any(len(one.origins) > 1 for one in values),
        records=records,
    )


def _explained(one: Explained, masks: Masks) -> Mapping[str, Any]:
    """A value, where it comes from, and what it won over, the nearest first."""
    layers = [
        (origin.layer, origin.place, "-" if origin.value is None else show(one.path, origin.value, masks))
        for origin in reversed(one.origins)
    ]
    value = show(one.path, one.value, masks)
    return {"path": one.path, "value": value, "unused": one.unused, "layers": layers}


def _attempt(attempt: Try, now: Moment) -> Mapping[str, Any]:
    return {"count": attempt.count, "at": now.iso(attempt.at), "why": printable_lines(attempt.why)}
