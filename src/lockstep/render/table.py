"""Tables for the terminal: columns in line, cut where the terminal is too narrow."""

from collections.abc import Sequence

from lockstep.render.cells import columns_of, fit

__all__ = ["table_lines"]

_LEAST = 8  # columns that a cell keeps


def table_lines(rows: Sequence[Sequence[str]], *, columns: int = 80, cut: Sequence[int] = ()) -> list[str]:
    """Lines of a table whose first row is its head. Cells have to be printable.

    Where the whole is wider than ``columns``, cells of the columns in ``cut`` lose their ends, those of
    the first one before the others; the rest stay whole.
    """
    widths = [max(columns_of(row[at]) for row in rows) for at in range(len(rows[0]))]
    for at in cut:
        excess = sum(widths) + 2 * (len(widths) - 1) - columns
        if excess > 0:
            widths[at] = max(widths[at] - excess, min(widths[at], _LEAST))
    return [
        "  ".join(fit(_cut(cell, width), width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cut(cell: str, width: int) -> str:
    if columns_of(cell) <= width:
        return cell
    while cell and columns_of(cell) > width - 1:
        cell = cell[:-1]
    return f"{cell}…"
