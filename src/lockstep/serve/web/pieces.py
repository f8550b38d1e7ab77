"""What differs between a page and the same page a moment later, as pieces that a browser puts in place.

A piece is what stands on a line of its own and has an id; of a row of a table it is one cell. Whatever is
not changed stays what it was in the browser: its focus, its selection, how far it was scrolled. No text of
anybody's begins a line with a tag, because every text is escaped.
"""

import re
from collections.abc import Iterator

__all__ = ["pieces"]

_PIECE = re.compile(r'(<([a-z0-9]+) id="([a-z0-9_-]+)"[^>]*>)(.*)</\2>')
_CELL = re.compile(r"(?=<t[dh][ >])")


def pieces(before: str, after: str) -> str | None:
    """What is sent to somebody who has the page as it was; None where it has to be all of it."""
    old, new = before.split("\n"), after.split("\n")
    if len(old) != len(new):
        return None
    found: list[str] = []
    for was, now in zip(old, new, strict=True):
        if was == now:
            continue
        first, second = _PIECE.fullmatch(was), _PIECE.fullmatch(now)
        if first is None or second is None or first[1] != second[1]:
            return None
        found += _partials(f"#{second[3]}", first[4], second[4])
    sent = "\n".join(found)
    return sent if len(sent) < len(after) else None


def _partials(place: str, was: str, now: str) -> Iterator[str]:
    """What is in one element, or those of its cells that differ."""
    old, new = _CELL.split(was), _CELL.split(now)
    if len(old) != len(new) or old[0] != new[0]:
        yield f'<hx-partial hx-target="{place}" hx-swap="innerMorph">{now}</hx-partial>'
        return
    for number, (first, second) in enumerate(zip(old, new, strict=True)):
        if first != second:
            target = f"{place} > :nth-child({number})"
            yield f'<hx-partial hx-target="{target}" hx-swap="outerMorph">{second}</hx-partial>'
