"""Paths that are two on Linux and one on macOS and Windows, whose file systems do not tell case apart."""

from collections.abc import Iterable

__all__ = ["clashes"]


def clashes(paths: Iterable[str], prefix: str) -> list[tuple[str, str]]:
    """Files and folders below a prefix whose names differ in case only, the first of each pair first.

    A folder is told once, not with everything below it.
    """
    first: dict[str, str] = {}
    looked_at: set[str] = set()  # folders that are no clash: most files lie in few of them
    found: dict[tuple[str, str], None] = {}
    for path in sorted(path for path in paths if path.startswith(prefix)):
        folder = path.rpartition("/")[0]
        parts = path[len(prefix) :].split("/")
        for end in range(len(parts) if folder in looked_at else 1, len(parts) + 1):
            here = prefix + "/".join(parts[:end])
            other = first.setdefault(here.casefold(), here)
            if other != here:
                found[other, here] = None
                break
        else:
            looked_at.add(folder)
    return list(found)
