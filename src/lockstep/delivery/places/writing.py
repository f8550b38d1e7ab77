"""Writing a file of the working tree whole or not at all."""

import contextlib
import os
from pathlib import Path

__all__ = ["write_whole"]

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


def write_whole(path: str | Path, text: str) -> None:
    """Write a file, with the folders that it lies in; a run that is killed leaves what was there. OSError."""
    folder, name = os.path.split(path)  # and no Path below: a rendering writes ten thousand files
    partial = os.path.join(folder, f".{name}.{os.getpid()}.tmp")  # noqa: PTH118
    try:
        _write(partial, folder, text.encode())
        os.replace(partial, path)  # noqa: PTH105
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(partial)  # noqa: PTH108
        raise


def _write(path: str, folder: str, data: bytes) -> None:
    try:
        file = os.open(path, _NEW, 0o666)
    except FileNotFoundError:
        _make(folder)
        file = os.open(path, _NEW, 0o666)
    try:
        while data:
            data = data[os.write(file, data) :]
    finally:
        os.close(file)


def _make(folder: str) -> None:
    try:
        os.mkdir(folder)  # noqa: PTH102
    except FileExistsError:
        pass  # another run made it meanwhile; what else may stand there, opening the file tells
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
