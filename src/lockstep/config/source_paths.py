"""What builds of packages and of images share in ``lockstep.yaml``: paths, the folder, a builder's keys."""

import posixpath
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from lockstep.planning.paths import folders_of

__all__ = ["Report", "check_inside", "check_taken", "source_folder"]

Report: TypeAlias = Callable[[tuple[str | int, ...], str, str], None]
"""Takes the path of a key, what is wrong with its value and how to mend it."""


def source_folder(
    paths: tuple[str, ...], path: tuple[str | int, ...], wrong: Report, *, is_packed: bool
) -> str:
    """The folder that is built where ``build.path`` does not say: that of ``source.paths``, if it is one.

    Never the whole repository unless somebody wrote so, where the folder ``is_packed`` as it is; it holds
    what no package and no image should.
    """
    folders = folders_of(tuple(posixpath.normpath(text) for text in paths if text))
    if len(folders) > 1:
        wrong(
            path,
            f"source.paths names several folders, and build.path not which is built: {', '.join(folders)}",
            f"add path: {folders[0]}",
        )
    elif not folders and is_packed:
        wrong(
            path,
            "nothing says which folder is packed",
            "add path: and the folder of the service's source; path: . takes the whole repository",
        )
    return folders[0] if folders else "."


def check_inside(text: str, path: tuple[str | int, ...], wrong: Report) -> None:
    """Note a path that leaves the repository."""
    if not text or posixpath.normpath(text).startswith(("/", "..")) or "\\" in text:
        wrong(path, f"the path {text!r} leaves the repository", "write a path below the repository's root")


def check_taken(
    builder: str,
    given: Mapping[str, Any],
    allowed: Collection[str],
    path: tuple[str | int, ...],
    wrong: Report,
) -> None:
    """Note each key that a builder does not take."""
    for name, value in given.items():
        if value is not None and name not in allowed:
            wrong(
                (*path, name),
                f"the builder {builder} takes no {name}",
                f"remove it; it takes: {', '.join(sorted(allowed))}",
            )
