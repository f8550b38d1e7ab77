"""Status of many services on one screen: counts by environment, and only what is not well."""

from collections.abc import Sequence

from lockstep.model import Health, StatusRow, SyncStatus
from lockstep.render.cells import columns_of, hanging, printable, printable_lines
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.status import cell_words, status_colour, status_summary

__all__ = ["is_well", "overview_lines"]

_HEAD = ("ENVIRONMENT", "TARGETS", "SYNCED", "OUT OF SYNC", "UNKNOWN", "NOT HEALTHY")


def is_well(row: StatusRow) -> bool:
    """Nothing has to be done about a target; what another tool deploys is not ours to judge."""
    if not row.is_ours:
        return True
    return row.status is SyncStatus.SYNCED and row.health is Health.HEALTHY and row.problem is None


def overview_lines(
    rows: Sequence[StatusRow],
    notes: Sequence[str] = (),
    *,
    palette: Palette = PLAIN,
    columns: int = 80,
    most: int = 24,
) -> list[str]:
    """A line for each environment (previews together), then what is not well, in ``most`` lines at the most.

    Of what is not well the worst comes first: what is broken, what is not known, what differs.
    """
    lines = [*_counts(rows, palette), ""]
    bad = sorted((row for row in rows if not is_well(row)), key=_order)
    ending = [
        *(
            line
            for note in notes
            for text in printable_lines(note)
            for line in hanging("note: ", text, columns)
        ),
        *(palette.paint(palette.bold, text) for text in hanging("", status_summary(rows), columns)),
    ]
    room = max(most - len(lines) - len(ending) - 2, 3)
    shown = bad if len(bad) <= room else bad[: room - 1]
    width = max((columns_of(printable(row.target)) for row in shown), default=0)
    for row in shown:
        name = printable(row.target)
        why = f", {row.cause}" if row.cause is not None else ""
        text = f"{name}{' ' * (width - columns_of(name))}  {cell_words(row)}{why}"
        lines.append(palette.paint(status_colour(row, palette), text[:columns]))
    if len(shown) < len(bad):
        more = f"and {len(bad) - len(shown)} more that are not well; --all shows everything"
        lines.append(palette.paint(palette.dim, more))
    if not bad:
        lines.append(palette.paint(palette.good, "All are as Git says, and healthy. --all shows each."))
    return [*lines, "", *ending]


def _counts(rows: Sequence[StatusRow], palette: Palette) -> list[str]:
    groups: dict[str, list[StatusRow]] = {}
    previews: set[str] = set()
    for row in rows:
        is_preview = row.environment.startswith("preview/")
        if is_preview:
            previews.add(row.environment)
        groups.setdefault("previews" if is_preview else row.environment, []).append(row)
    table: list[tuple[str, ...]] = [_HEAD]
    for name, group in groups.items():
        own = [row for row in group if row.is_ours]
        label = f"{len(previews)} previews" if name == "previews" else printable(name)
        counts = (
            len(group),
            sum(row.status is SyncStatus.SYNCED for row in own),
            sum(row.status is SyncStatus.OUT_OF_SYNC for row in own),
            sum(row.status is SyncStatus.UNKNOWN for row in own),
            sum(row.health in (Health.DEGRADED, Health.MISSING, Health.UNKNOWN) for row in own),
        )
        table.append((label, *(str(count) for count in counts)))
    widths = [max(columns_of(text) for text in column) for column in zip(*table, strict=True)]
    lines = []
    for number, (first, *others) in enumerate(table):
        cells = "".join(f"  {text:>{width}}" for text, width in zip(others, widths[1:], strict=True))
        line = f"{first}{' ' * (widths[0] - columns_of(first))}{cells}"
        lines.append(palette.paint(palette.bold if number == 0 else "", line))
    return lines


def _order(row: StatusRow) -> tuple[int, str]:
    if row.health in (Health.DEGRADED, Health.MISSING):
        return 0, row.target
    return (1 if row.status is SyncStatus.UNKNOWN else 2), row.target
