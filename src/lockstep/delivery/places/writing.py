"""Writing a file of the working tree whole or not at all."""

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

__all__ = ["write_whole"]


def write_whole(path: Path, text: str) -> None:
    """Write a file, with the folders that it lies in; a run that is killed leaves what was there. OSError."""
    folder, name = os.path.split(path)  # and no Path below: a rendering writes ten thousand files
    partial = os.path.join(folder, f".{name}.{os.getpid()}.tmp")  # noqa: PTH118
    try:
        with _opened(partial, path) as file:
            file.write(text.encode())
        os.replace(partial, path)  # noqa: PTH105
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(partial)  # noqa: PTH108
        raise


def _opened(partial: str, path: Path) -> BinaryIO:
    try:
        return open(partial, "wb")  # noqa: PTH123 - closed by its only caller
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(partial, "wb")  # noqa: PTH123
