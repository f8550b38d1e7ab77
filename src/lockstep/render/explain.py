"""Where a target's values come from, as terminal lines."""

import json
from collections.abc import Sequence
from typing import Any

from lockstep.model import Explained
from lockstep.render.cells import columns_of, fit, hanging, printable
from lockstep.render.masks import Masks
from lockstep.render.palette import PLAIN, Palette
from lockstep.render.values import show

__all__ = ["explain_lines"]


def explain_lines(
    target: str,
    values: Sequence[Explained],
    needs: Any = None,
    *,
    palette: Palette = PLAIN,
    columns: int = 80,
) -> list[str]:
    """Every value with the chain of layers that set it; the last one won and is marked.

    ``needs`` is the least policy of its role, as JSON that can be copied.
    """
    masks = Masks()
    lines = [palette.paint(palette.bold, printable(target))]
    for value in values:
        lines.append("")
        name = f"{printable(value.path)} = "
        lines += hanging(name, show(value.path, value.value, masks), columns, rest="      ")
        if value.unused:
            lines += hanging("    ", printable(value.unused), columns)
        layers = [printable(origin.layer) for origin in value.origins]
        width = max((columns_of(layer) for layer in layers), default=0)
        for number, (layer, origin) in enumerate(zip(layers, value.origins, strict=True), start=1):
            won = number == len(layers)
            shown = "(deleted by null)" if origin.value is None else show(value.path, origin.value, masks)
            mark = palette.paint(palette.good, ">") if won else " "
            place = printable(origin.place)
            line = f"{fit(layer, width)}  {place}  {shown}"
            if columns_of(line) + 4 <= columns:
                lines.append(f"  {mark} {line}")
            else:
                lines.append(f"  {mark} {fit(layer, width)}  {place}")
                lines += hanging(" " * (width + 6), shown, columns)
    if needs is not None:
        lines += ["", "What the role needs for what is declared; what the code calls comes on top:", ""]
        lines += [printable(line) for line in json.dumps(needs, indent=2).splitlines()]
    return lines
