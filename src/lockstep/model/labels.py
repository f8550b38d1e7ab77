"""Labels of pull requests: GitHub knows each by its name, whatever the case of its letters."""

from collections.abc import Iterable

__all__ = ["has_label"]


def has_label(labels: Iterable[str], name: str) -> bool:
    """A label of that name is among them; ``Preview`` is ``preview``, as on GitHub."""
    wanted = name.casefold()
    return any(label.casefold() == wanted for label in labels)
