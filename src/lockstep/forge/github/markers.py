"""Finding again what was written: a hidden mark in the text of a comment or an issue.

GitHub says of every comment and issue whether the token's own user wrote it (``viewerDidAuthor``), so
nobody needs to know a login, and another person's text with the same mark is never touched.
"""

from urllib.parse import quote

__all__ = ["LONGEST", "mark", "marked"]

LONGEST = 65_536  # characters that GitHub takes as the body of a comment, an issue or a pull request
_CUT = "\n\n…cut here: the text is longer than GitHub allows."


def mark(marker: str) -> str:
    """The HTML comment that stands first in a text."""
    return f"<!-- lockstep:{quote(marker, safe='/:@.').replace('--', '%2D%2D')} -->"


def marked(body: str, marker: str) -> str:
    """The body with its mark, as long as GitHub allows."""
    text = f"{mark(marker)}\n{body}"
    return text if len(text) <= LONGEST else text[: LONGEST - len(_CUT)] + _CUT
