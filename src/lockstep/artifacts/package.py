"""Making zips that are the same, byte for byte, wherever and whenever they are made.

Names are sorted, every time is 1980-01-01, modes are 0644 or 0755, there are no extra fields and no
entries for folders. Files are stored, not deflated: what deflate makes of the same input depends on
the zlib that Python was built with, and a digest that changes with the machine deploys for nothing.
"""

import contextlib
import hashlib
import io
import os
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

from lockstep.artifacts.checks import MAX_UNPACKED
from lockstep.errors import ArtifactError, BadInput

__all__ = ["LEFT_OUT", "files_below", "make_zip", "make_zip_from", "make_zip_of"]

LEFT_OUT = frozenset({"__pycache__", ".git"})
"""Names that no package holds: made by running, not by building."""


def make_zip(folder: Path, into: Path) -> tuple[str, int]:
    """Pack a folder and return the zip's SHA-256 in hex and its size in bytes.

    Executable files get mode 0755, others 0644. ``__pycache__`` and ``.git`` are left out. A link to
    a file inside the folder is packed as that file; other links are refused. ``into`` is replaced
    only by a whole zip. Raises BadInput for a folder that is missing, empty or over 250 MB.
    """
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}", fix="name the folder that holds the built function")
    files = {name: path for name, path in files_below(folder).items() if path != into.resolve()}
    if not files:
        raise BadInput(f"{folder} holds no file to pack", fix="build the function first")
    return make_zip_from(files, into)


def make_zip_from(files: Mapping[str, Path], into: Path) -> tuple[str, int]:
    """Pack files under the given names, as ``make_zip`` does, and return SHA-256 in hex and size in bytes."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{into.name}-", dir=into.parent)
    except OSError as error:
        raise ArtifactError(f"{into} cannot be written: {error.strerror}", fix="name another place") from None
    try:
        with os.fdopen(descriptor, "w+b") as target:
            total = 0
            with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
                for entry in sorted(files):
                    data = files[entry].read_bytes()
                    total += len(data)
                    if total > MAX_UNPACKED:
                        raise BadInput(
                            f"the package for {into} holds over 250 MB, Lambda's limit",
                            fix="leave files out, or use an image",
                        )
                    mode = 0o755 if files[entry].stat().st_mode & 0o111 else 0o644
                    archive.writestr(_entry(entry, mode), data)
            result = _measure(target)
        Path(name).chmod(0o644)
        Path(name).replace(into)
    finally:
        Path(name).unlink(missing_ok=True)
    return result


def make_zip_of(files: Mapping[str, bytes], into: Path) -> tuple[str, int]:
    """Pack contents by name, all with mode 0644; return SHA-256 in hex and size in bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(_entry(name, 0o644), files[name])
    into.write_bytes(buffer.getvalue())
    return _measure(buffer)


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BadInput(f"the file name {name!r} is not UTF-8", fix="rename the file") from None
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3  # Unix, on every system
    entry.external_attr = (stat.S_IFREG | mode) << 16
    entry.compress_type = zipfile.ZIP_STORED
    return entry


def _measure(file: IO[bytes]) -> tuple[str, int]:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest(), size


def files_below(
    folder: Path, *, top: Path | None = None, is_left_out: Callable[[str], bool] = lambda name: False
) -> dict[str, Path]:
    """The files of a folder by their names in it.

    A link to a file below ``top`` (the folder itself, when absent) counts as that file. Raises BadInput
    for another link and for what is neither a file nor a folder, unless its name is left out.
    """
    root = folder.resolve()
    top = root if top is None else top.resolve()
    return {path.relative_to(root).as_posix(): path for path in _walk(root, root, top, is_left_out)}


def _walk(folder: Path, root: Path, top: Path, is_left_out: Callable[[str], bool]) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in LEFT_OUT or is_left_out(path.relative_to(root).as_posix()):
            continue
        if path.is_symlink():
            with contextlib.suppress(OSError, RuntimeError):
                real = path.resolve(strict=True)
                if real.is_file() and real.is_relative_to(top):
                    yield path
                    continue
            raise BadInput(
                f"{path} is a link that leads to a folder, to nothing or out of {top}",
                fix="put the files themselves there",
            )
        if path.is_dir():
            yield from _walk(path, root, top, is_left_out)
        elif path.is_file():
            yield path
        else:
            raise BadInput(f"{path} is neither a file nor a folder", fix="take it out")
