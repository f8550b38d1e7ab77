"""Short ways to write rows of the tables of keys."""

from lockstep.config import rules
from lockstep.config.shapes import Key, Shape

__all__ = ["flag", "group", "text", "texts"]


def text(
    name: str,
    about: str,
    *,
    rule: rules.Rule | None = None,
    enum: tuple[str, ...] = (),
    pattern: str = "",
    says: str = "",
    example: str = "",
    required: bool = False,
    lines: bool = False,
) -> Key:
    """A row for a string."""
    return Key(
        name=name,
        shape=Shape.STRING,
        about=about,
        rule=rule,
        enum=enum,
        pattern=pattern,
        says=says,
        example=example,
        required=required,
        lines=lines,
    )


def flag(name: str, about: str) -> Key:
    """A row for a boolean."""
    return Key(name=name, shape=Shape.BOOLEAN, about=about)


def texts(name: str, about: str, item: Key) -> Key:
    """A row for a list."""
    return Key(name=name, shape=Shape.LIST, about=about, item=item)


def group(name: str, about: str, *members: Key) -> Key:
    """A row for a map of known keys."""
    return Key(name=name, shape=Shape.MAP, about=about, members=members)
