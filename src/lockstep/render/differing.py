"""Two sides of a target as terminal lines and as a document."""

from lockstep.model import Change
from lockstep.model.differing import Difference, FileChange, How, ValueChange
from lockstep.render.cells import hanging, printable
from lockstep.render.masks import Masks, concealed_change
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.values import change_lines, size
from lockstep.render.wire import dump, value_to

__all__ = ["difference_document", "difference_lines"]

_SIGNS = {How.ADDED: "+", How.REMOVED: "-", How.CHANGED: "~"}


def difference_lines(found: Difference, *, palette: Palette = PLAIN, columns: int = 80) -> list[str]:
    """Values with their places, then files: lines of texts, digests of the rest; the totals last."""
    masks = Masks()
    old, new = map(printable, found.sides)
    lines = [palette.paint(palette.bold, f"{printable(found.target)}: {old} -> {new}")]
    for value in found.values:
        change = Change(path=value.path, old=value.old, new=value.new)
        lines += change_lines(change, masks, columns=columns, indent="  ")
        places = [place for place in (value.old_place, value.new_place) if place and place != "live"]
        if places:
            lines += [
                palette.paint(palette.dim, line)
                for line in hanging("      at ", printable(" -> ".join(dict.fromkeys(places))), columns)
            ]
    if found.packages != ("", ""):
        lines += ["", *hanging("package ", printable(" -> ".join(found.packages)), columns, "  ")]
    for file in found.files:
        lines += _file_lines(file, palette, columns)
    for note in found.notes:
        lines += ["", *hanging("note: ", printable(note), columns)]
    counts = [sum(file.how is how for file in found.files) for how in How]
    words = ", ".join(f"{count} {how}" for count, how in zip(counts, How, strict=True))
    values = f"{len(found.values)} {'value differs' if len(found.values) == 1 else 'values differ'}"
    ending = (
        "Nothing differs."
        if found.is_empty and not found.notes
        else f"{values}; files: {words}, {found.same} alike."
    )
    return [*lines, "", palette.paint(palette.bold, ending)]


def _file_lines(file: FileChange, palette: Palette, columns: int) -> list[str]:
    colour = {How.ADDED: palette.create, How.REMOVED: palette.delete, How.CHANGED: palette.update}[file.how]
    digests = " -> ".join(f"{digest[:8]}…" for digest in (file.old, file.new) if digest)
    about = f"  {size(file.size)}" if file.lines else f"  {size(file.size)}, {digests}"
    lines = [palette.paint(colour, f"  {_SIGNS[file.how]} {printable(file.path)}{about}")]
    for text in file.lines:
        paint = {"+": palette.create, "-": palette.delete}.get(
            text[:1], palette.dim if text[:1] == "@" else ""
        )
        lines.append("      " + palette.paint(paint, printable(text.expandtabs(4))))
    return lines


def difference_document(found: Difference) -> str:
    """``lockstep.diff/1``: secrets are masked as everywhere."""
    return dump(
        {
            "format": "lockstep.diff/1",
            "target": found.target,
            "from": found.sides[0],
            "to": found.sides[1],
            "values": [_value(value) for value in found.values],
            "packages": list(found.packages),
            "files": [
                {
                    "path": file.path,
                    "how": file.how,
                    "old": file.old or None,
                    "new": file.new or None,
                    "size": file.size,
                    "lines": list(file.lines),
                }
                for file in found.files
            ],
            "alike": found.same,
            "notes": list(found.notes),
        }
    )


def _value(value: ValueChange) -> dict[str, object]:
    change = concealed_change(Change(path=value.path, old=value.old, new=value.new))
    return {
        "path": value.path,
        "old": value_to(change.old),
        "new": value_to(change.new),
        "oldPlace": value.old_place,
        "newPlace": value.new_place,
    }
