"""Zips that tools made, unpacked to be packed anew: theirs hold the time of the build."""

import shutil
import stat
import zipfile
from pathlib import Path

from lockstep.artifacts.checks import check_zip
from lockstep.artifacts.package import files_below
from lockstep.errors import ArtifactError

__all__ = ["unpack"]


def unpack(archive: Path, into: Path, *, origin: str) -> dict[str, Path]:
    """The files of a zip by their names, written below a new folder.

    Files that may be run stay so. Raises ArtifactError, naming ``origin``, for a zip that Lambda could
    not use and for links in it.
    """
    check_zip(archive, origin=origin)
    into.mkdir()
    with zipfile.ZipFile(archive) as source:
        for entry in source.infolist():
            if entry.is_dir():
                continue
            mode = entry.external_attr >> 16 if entry.create_system == 3 else 0
            if stat.S_ISLNK(mode):
                raise ArtifactError(
                    f"{entry.filename} is a link", where=origin, fix="pack the file itself (zip without -y)"
                )
            path = into / entry.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            with source.open(entry) as content, path.open("wb") as file:
                shutil.copyfileobj(content, file)
            path.chmod(0o755 if mode & 0o111 else 0o644)
    return files_below(into)
