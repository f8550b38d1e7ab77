"""``{service} {env} {version} {pr}`` in strings, and nothing cleverer."""

import re
from collections.abc import Mapping

__all__ = ["TemplateError", "fill", "has_template"]

_PART = re.compile(r"\{\{|\}\}|\{([A-Za-z0-9_]*)\}|[{}]")
_ABSENT = {
    "pr": (
        "{pr} stands for a pull request's number and this is no preview",
        "use {env}, or move it to a preview's file",
    ),
    "version": ("{version} is used but no version is declared", "add lambda.version"),
    "sha256": ("{sha256} is known only where packages are staged", "use it in packages.key only"),
}


class TemplateError(Exception):
    """A template that cannot be filled in: ``problem`` and ``fix``."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


def has_template(text: str) -> bool:
    """Whether a text has to go through ``fill``."""
    return "{" in text or "}" in text


def fill(text: str, values: Mapping[str, str]) -> str:
    """Fill in the names; ``{{`` and ``}}`` stand for braces. TemplateError for anything else in braces."""

    def replace(match: re.Match[str]) -> str:
        found = match[0]
        if found in ("{{", "}}"):
            return found[0]
        name = match[1]
        if name in values:
            return values[name]
        if name in _ABSENT:
            raise TemplateError(*_ABSENT[name])
        known = " ".join(f"{{{known}}}" for known in values)
        doubled = "".join(character * 2 if character in "{}" else character for character in found)
        what = f"{found} is not known" if name else f"a single {found[0]} in a string"
        raise TemplateError(
            f"{what}; known are {known}",
            f"write {doubled} for the text itself",
        )

    return _PART.sub(replace, text)
