"""The one rule of what no output may show, and equal masks for equal values."""

from collections.abc import Mapping

from lockstep.model import Change, Secret, Value, looks_secret

__all__ = ["Masks", "concealed", "concealed_change"]

_GUESSABLE = 16  # characters below which a value may be found by trying


def concealed(path: str, value: Value) -> Value:
    """The value with everything secret in it wrapped in ``Secret``.

    Secret is what already is a Secret, an environment variable that looks secret by its name or
    value, and any other text that has the shape of a credential. ``path`` is a change's or an
    explained value's path; a map's keys count as further parts of it.
    """
    match value:
        case Mapping():
            return {key: concealed(f"{path}.{key}", item) for key, item in value.items()}
        case tuple() | list():
            return tuple(concealed(path, item) for item in value)
        case str() if looks_secret(_variable(path), value):
            return Secret(value)
        case int() | float() if not isinstance(value, bool) and looks_secret(_variable(path)):
            return Secret(str(value))
        case _:
            return value


def _variable(path: str) -> str:
    """The environment variable's name in a path, or "" for another field."""
    path = path.removeprefix("lambda.")
    return path.removeprefix("environment.") if path.startswith("environment.") else ""


def concealed_change(change: Change) -> Change:
    """The change with its secrets wrapped. Where one side is secret by its value, so is the other."""
    old, new = concealed(change.path, change.old), concealed(change.path, change.new)
    if isinstance(old, Secret) and isinstance(new, str):
        new = Secret(new)
    if isinstance(new, Secret) and isinstance(old, str):
        old = Secret(old)
    return Change(path=change.path, old=old, new=new)


class Masks:
    """Labels for the secrets of one output: equal values get equal numbers, in order of appearance.

    A short value gets none: whoever may write a value into the repository would otherwise see at its
    number whether it is the one that another variable has, and try the next.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def label(self, secret: Secret) -> str:
        """``(secret 1)``, ``(secret 1, ssm:/path)``, or ``(secret)`` when the value is short or not known."""
        words = "secret"
        if secret.value is not None and len(secret.value) >= _GUESSABLE:
            words += f" {self._numbers.setdefault(secret.value, len(self._numbers) + 1)}"
        return f"({words}, {secret.reference.words})" if secret.reference else f"({words})"
