"""Paths of foreign trees: a tree may hold any name, and what is written must stay below its folder."""

from collections.abc import Iterable

from lockstep.errors import BadInput
from lockstep.regexes import regex

__all__ = ["check_paths"]

_AWAY = regex(r"(?i)(?:^|/)(?:\.{0,2}|\.git)(?:/|$)")


def check_paths(paths: Iterable[str], *, commit: str) -> None:
    """Raise BadInput for a path that leads out of its folder or into ``.git``. Git itself makes none."""
    for path in paths:
        if _AWAY.search(path):
            raise BadInput(
                f"commit {commit[:12]} holds {path!r}, which is no path below its root",
                fix="find out who pushed it: git fsck in a clone names the tree; then deploy another commit",
            )
