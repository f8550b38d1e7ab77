"""The pages that are tested, and what their text refers to."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.lab import ROOT

__all__ = ["PAGES", "anchors", "inline_code", "links", "page_name", "prose"]

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


def page_name(page: Path) -> str:
    """The page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> Iterator[str]:
    """Every link's destination."""
    for found in _LINK.finditer(prose(page)):
        yield found.group(1)


def inline_code(page: Path) -> Iterator[str]:
    """Every text in single backticks."""
    for found in _CODE.finditer(prose(page)):
        yield found.group(1)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
