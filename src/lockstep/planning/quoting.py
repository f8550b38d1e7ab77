"""What a commit message only quotes: code, collapsed and commented text, other people's words.

Bodies of pull requests end up in messages, and with them templates, logs and release notes of
dependencies. Source of the shapes: CommonMark 0.31 (fences, HTML blocks, block quotes).
"""

import re
from collections.abc import Iterable, Iterator

__all__ = ["uncommented", "unquoted"]

_FENCE = re.compile(r" {0,3}(?:[*+-] +)?(?P<mark>`{3,}(?=[^`]*$)|~{3,})")
_QUOTE = re.compile(r" {0,3}>")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
_OPENS = re.compile(r"\s*(?:[*+-] +)?<(details|blockquote|pre)\b", re.IGNORECASE)
_TAGS = re.compile(r"<(/?)(?:details|blockquote|pre)\b", re.IGNORECASE)


def uncommented(text: str) -> str:
    """The text without the comments that are closed."""
    # Before the last end of a comment each one is closed, so none is looked for to the end of the text.
    head, end, tail = text.rpartition("-->")
    return re.sub(r"<!--.*?-->", "", head + end, flags=re.DOTALL) + tail


def unquoted(lines: Iterable[str]) -> Iterator[str]:
    """The lines, with an empty one for each that only quotes; what is not closed reaches to the end."""
    fence = ""
    depth = 0  # of HTML elements that hold quoted text
    is_comment = False
    for line in lines:
        if fence:
            if re.fullmatch(rf"\s*{re.escape(fence[0])}{{{len(fence)},}}\s*", line):
                fence = ""
            yield ""
            continue
        if is_comment:
            is_comment = "-->" not in line
            yield ""
            continue
        if found := _FENCE.match(line):
            fence = found["mark"]
            yield ""
            continue
        bare = _CODE_SPAN.sub("", line)
        without = uncommented(bare)
        is_comment = "<!--" in without
        if depth or _OPENS.match(without):
            depth += sum(-1 if tag[1] else 1 for tag in _TAGS.finditer(without))
            depth = max(depth, 0)
            yield ""
        elif _QUOTE.match(line):
            yield ""
        elif without != bare or is_comment:
            yield uncommented(line).partition("<!--")[0].rstrip()
        else:
            yield line
