"""Colours of the terminal output, as a value: plain text is the palette without colours."""

from lockstep.values import dataclass

__all__ = ["COLOUR", "PLAIN", "Palette"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Palette:
    """SGR codes by meaning. An empty code paints nothing, so no renderer asks whether colour is on."""

    create: str = ""
    update: str = ""
    delete: str = ""
    adopt: str = ""
    blocked: str = ""
    warning: str = ""
    good: str = ""
    dim: str = ""
    bold: str = ""

    def paint(self, code: str, text: str) -> str:
        """The text in a colour of this palette: ``palette.paint(palette.create, "+")``."""
        return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


PLAIN = Palette()
COLOUR = Palette(
    create="32",
    update="33",
    delete="31",
    adopt="36",
    blocked="1;31",
    warning="1;33",
    good="32",
    dim="2",
    bold="1",
)
