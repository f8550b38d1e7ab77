"""Status as tables: services by environments, or one line for each target."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from lockstep.model import Health, StatusRow, SyncStatus
from lockstep.model.layer import DEPLOYMENT
from lockstep.render.ages import age_words
from lockstep.render.cells import columns_of, hanging, printable, printable_lines
from lockstep.render.cluster import cluster_words
from lockstep.render.masks import Masks
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.rollout import progress_lines
from lockstep.render.values import change_lines

__all__ = ["age_words", "cell_words", "status_colour", "status_lines", "status_summary", "wide_lines"]

_GAP = "  "
_ALIAS = 3  # the column of the wide listing
_NAME = 12  # characters of an alias that find room in a cell
_MARKS = {SyncStatus.SYNCED: "●", SyncStatus.OUT_OF_SYNC: "▲", SyncStatus.UNKNOWN: "?"}


def status_lines(
    rows: Sequence[StatusRow],
    notes: Sequence[str] = (),
    *,
    palette: Palette = PLAIN,
    columns: int = 80,
) -> list[str]:
    """A matrix of services and environments, then what differs and the summary.

    Environments that do not fit beside each other come in further tables.
    """
    lines: list[str] = []
    for environments in _groups(rows, columns):
        lines += [*_matrix(rows, environments, palette), ""]
    lines += _differences(rows, palette, columns)
    return [*lines, *_ending(rows, notes, palette, columns)]


def wide_lines(
    rows: Sequence[StatusRow],
    notes: Sequence[str] = (),
    *,
    now: datetime,
    palette: Palette = PLAIN,
    columns: int = 80,
) -> list[str]:
    """One line for each target, with its last change in Git, its age and author. Not wrapped."""
    head = ("TARGET", "DECLARED", "LIVE", "ALIAS", "SYNC", "HEALTH", "CHANGED", "BY", "COMMIT")
    table: list[tuple[str, ...]] = [head]
    for row in rows:
        sync = f"{_MARKS[row.status]} {row.status}" if row.is_ours else row.deployment_type
        health = str(row.health) if row.is_ours else "-"
        health += f" ({age_words(row.well, now)} ago)" if row.well else ""
        changed = age_words(row.changed, now)
        texts = (row.target, row.declared, row.live, row.alias, sync, health, changed, row.author)
        table.append((*(printable(text or "-") for text in texts), (row.commit or "-")[:8]))
    paints = ["", *(status_colour(row, palette) for row in rows)]
    if all(row.alias is None for row in rows):  # nobody has one
        table = [(*texts[:_ALIAS], *texts[_ALIAS + 1 :]) for texts in table]
    lines = _table(table, [[paint] * len(table[0]) for paint in paints], palette)
    return [*lines, "", *_differences(rows, palette, columns), *_ending(rows, notes, palette, columns)]


def status_summary(rows: Iterable[StatusRow]) -> str:
    """``Status: 7 synced, 1 out of sync, 0 unknown; 1 degraded; 3 not deployed by Lockstep.``"""
    deployed = [row for row in rows if row.is_ours]
    layers = sum(row.deployment_type == DEPLOYMENT for row in rows)
    others = sum(1 for row in rows if not row.is_ours) - layers
    parts = [
        f"{sum(row.status is status for row in deployed)} {name}"
        for status, name in (
            (SyncStatus.SYNCED, "synced"),
            (SyncStatus.OUT_OF_SYNC, "out of sync"),
            (SyncStatus.UNKNOWN, "unknown"),
        )
    ]
    words = ", ".join(parts)
    for health in (Health.PROGRESSING, Health.DEGRADED, Health.SUSPENDED, Health.MISSING):
        count = sum(row.health is health for row in deployed)
        if count:
            words += f"; {count} {health.lower()}"
    if layers:
        words += f"; {layers} {'layer' if layers == 1 else 'layers'}"
    if others:
        words += f"; {others} not deployed by Lockstep"
    return f"Status: {words}."


def cell_words(row: StatusRow) -> str:
    """``0.1.6 ● Synced/Healthy``, ``0.1.5 -> 0.1.6 ▲ OutOfSync/Healthy``, ``1.4.2 (helm)``.

    ``0.1.6 live:43 ● Synced/Healthy`` with an alias; of one with a long name the number alone, ``:43``.
    ``? -> 0.1.6`` where other code runs than any version's that is known.
    """
    if not row.is_ours:
        return printable(f"{row.declared or '-'} ({row.deployment_type})")
    declared, live = row.declared or "-", row.live
    if live is None and any(change.path == "code" and change.old for change in row.changes):
        live = "?"  # something runs, and no version is known to be it
    version = f"{live} -> {declared}" if live and live != declared else declared
    if row.alias:
        name, _, number = row.alias.rpartition(":")
        version += f" {name if len(name) <= _NAME else ''}:{number}"
    return printable(f"{version} {_MARKS[row.status]} {row.status}/{row.health}")


def status_colour(row: StatusRow, palette: Palette) -> str:
    """The colour of a target: how well it is."""
    match row:
        case StatusRow(health=Health.DEGRADED | Health.MISSING) if row.is_ours:
            return palette.delete
        case StatusRow(status=SyncStatus.SYNCED):
            return palette.good
        case StatusRow(status=SyncStatus.OUT_OF_SYNC):
            return palette.update
        case _:
            return palette.dim


def _groups(rows: Sequence[StatusRow], columns: int) -> list[list[str]]:
    """Environments in the rows' order, cut into groups that fit the terminal's width."""
    widths: dict[str, int] = {}
    for row in rows:
        cell = max(columns_of(cell_words(row)), columns_of(printable(row.environment)))
        widths[row.environment] = max(widths.get(row.environment, 0), cell)
    first = max([len("SERVICE"), *(columns_of(printable(row.service)) for row in rows)], default=0)
    groups: list[list[str]] = []
    used = columns + 1
    for environment, width in widths.items():
        used += len(_GAP) + width
        if used > columns:
            groups.append([])
            used = first + len(_GAP) + width
        groups[-1].append(environment)
    return groups


def _matrix(rows: Sequence[StatusRow], environments: Sequence[str], palette: Palette) -> list[str]:
    cells = {(row.service, row.environment): row for row in rows if row.environment in environments}
    table = [("SERVICE", *(printable(name) for name in environments))]
    paints = [[palette.bold] * len(table[0])]
    for service in dict.fromkeys(row.service for row in rows):
        found = [cells.get((service, name)) for name in environments]
        if any(found):
            table.append((printable(service), *(cell_words(row) if row else "-" for row in found)))
            paints.append(["", *(status_colour(row, palette) if row else palette.dim for row in found)])
    return _table(table, paints, palette)


def _table(table: Sequence[Sequence[str]], paints: Sequence[Sequence[str]], palette: Palette) -> list[str]:
    widths = [max(columns_of(text) for text in column) for column in zip(*table, strict=True)]
    widths[-1] = 0
    return [
        _GAP.join(
            palette.paint(paint, text) + " " * max(width - columns_of(text), 0)
            for text, paint, width in zip(texts, colours, widths, strict=True)
        ).rstrip()
        for texts, colours in zip(table, paints, strict=True)
    ]


def _differences(rows: Sequence[StatusRow], palette: Palette, columns: int) -> list[str]:
    masks = Masks()
    lines: list[str] = []
    for row in rows:
        said = list(cluster_words(row))
        if not row.changes and not row.problem and row.cause is None and row.progress is None and not said:
            continue
        cause = f": {row.cause}" if row.cause is not None else ""
        lines.append(palette.paint(status_colour(row, palette), f"{printable(row.target)}{cause}"))
        for text in printable_lines(row.problem or ""):
            lines += hanging("    ", text.strip(), columns)
        for change in row.changes:
            lines += change_lines(change, masks, columns=columns, indent="    ")
        for text in said:
            lines += hanging("    ", printable(text), columns, rest="        ")
        for text in progress_lines(row.progress) if row.progress is not None else ():
            lines += hanging("    ", text, columns, rest="        ")
        lines.append("")
    return lines


def _ending(rows: Sequence[StatusRow], notes: Sequence[str], palette: Palette, columns: int) -> list[str]:
    lines: list[str] = []
    for note in notes:
        for text in printable_lines(note):
            lines += hanging("note: ", text, columns)
    return [
        *lines,
        *(palette.paint(palette.bold, text) for text in hanging("", status_summary(rows), columns)),
    ]
