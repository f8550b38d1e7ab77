"""``{service} {env} {version} {pr}`` in strings, and nothing cleverer."""

from collections.abc import Mapping
from functools import lru_cache

from lockstep.regexes import regex
from lockstep.suggest import nearest

__all__ = ["TemplateError", "fill", "has_template"]

_PART = regex(r"\{\{|\}\}|\{([A-Za-z0-9_]*)\}|[{}]")
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
    parts = []
    for literal, name in _parts(text):
        parts.append(literal)
        if name is not None:
            if name not in values:
                raise _unknown(name, values)
            if literal.endswith("$"):
                raise TemplateError(f"${{{name}}} has a dollar sign, which would stay", f"write {{{name}}}")
            parts.append(values[name])
    return "".join(parts)


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[tuple[str, str | None], ...]:
    """Literal texts, each with the name that follows it."""
    parts: list[tuple[str, str | None]] = []
    end = 0
    for match in _PART.finditer(text):
        before, end = text[end : match.start()], match.end()
        found = match[0]
        if found in ("{{", "}}"):
            parts.append((before + found[0], None))
        elif match[1]:
            parts.append((before, match[1]))
        else:
            what = "the braces {} are empty" if found == "{}" else f"a single {found} in a string"
            raise TemplateError(
                f"{what}; names in braces are filled in",
                f"write {_doubled(found)} for the text itself",
            )
    return (*parts, (text[end:], None))


_MEANT = {
    **dict.fromkeys(("svc", "name", "app", "function"), "service"),
    **dict.fromkeys(("environment", "stage"), "env"),
    **dict.fromkeys(("tag", "semver"), "version"),
    **dict.fromkeys(("number", "pull", "pull_request"), "pr"),
}
"""What other tools call our names."""


def _unknown(name: str, values: Mapping[str, str]) -> TemplateError:
    if name in _ABSENT:
        return TemplateError(*_ABSENT[name])
    known = " ".join(f"{{{key}}}" for key in values)
    own = f"write {_doubled(f'{{{name}}}')} for the text itself"
    near = _MEANT.get(name.lower()) or nearest(name, values)
    return TemplateError(
        f"{{{name}}} is not known; known are {known}",
        f"did you mean {{{near}}}? Or {own}" if near in values else own,
    )


def _doubled(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
