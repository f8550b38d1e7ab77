"""Folders of this machine that Terraform runs in, below Lockstep's cache.

    terraform/trees/{digest}/        files of a run as its commit has them
    terraform/data/{digest}/         TF_DATA_DIR: installed modules and providers, by what ``init`` looks at
    terraform/plugins/               TF_PLUGIN_CACHE_DIR, unless the user has one
    terraform/backends/{digest}      which backend a run had last on this machine
    terraform/scratch/               plans and variables while they are needed; nobody else may read it

All but ``backends`` can be removed at any time and is made again.
"""

import contextlib
import fcntl
import hashlib
import os
import posixpath
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lockstep.engines.terraform.files import LOCK_FILE, Files

__all__ = ["Workdir", "scratch_folder"]

_KEPT_DAYS = 14


class Workdir:
    """Where one run's Terraform works."""

    def __init__(self, cache: Path, files: Files, identity: str) -> None:
        """``identity`` is what else ``init`` depends on: program, backend arguments."""
        base = cache / "terraform"
        self._files = files
        self.tree = base / "trees" / files.digest
        self.folder = self.tree / files.folder
        key = hashlib.sha256(f"{identity}\n{files.folder}\n{files.wiring}".encode()).hexdigest()[:24]
        self.data = base / "data" / key
        self.plugins = base / "plugins"
        self._is_ready = self.data / "lockstep.ready"
        self._lock_file = self.data / "lockstep.lock.hcl"

    @property
    def variables(self) -> dict[str, str]:
        """Variables of the process that make Terraform use these folders."""
        own = {"TF_DATA_DIR": str(self.data)}
        if not self._files.has_lock:  # there is nothing to break, and without it the cache is not used
            own["TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"] = "1"
        if not os.environ.get("TF_PLUGIN_CACHE_DIR"):
            own["TF_PLUGIN_CACHE_DIR"] = str(self.plugins)
        return own

    @property
    def is_ready(self) -> bool:
        """Whether ``init`` has been run for this."""
        return self._is_ready.is_file()

    def write(self) -> None:
        """Make sure that the files are there, whole."""
        self.plugins.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.tree.is_dir():
            self._write_tree()
        with contextlib.suppress(OSError):
            os.utime(self.tree)
            os.utime(self.data)
        lock_file = self.folder / LOCK_FILE
        if not lock_file.exists() and self._lock_file.is_file():
            lock_file.write_bytes(self._lock_file.read_bytes())

    def mark_ready(self) -> None:
        """Note that ``init`` was run; keep what it chose for the next files that are wired alike."""
        lock_file = self.folder / LOCK_FILE
        if lock_file.is_file():
            self._lock_file.write_bytes(lock_file.read_bytes())
        self._is_ready.touch()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs of Lockstep on this machine from ``init``: the plugin cache is for one writer."""
        with (self.plugins / "lockstep.busy").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _write_tree(self) -> None:
        self.tree.parent.mkdir(parents=True, exist_ok=True)
        _remove_old(self.tree.parent)
        _remove_old(self.data.parent)
        partial = Path(tempfile.mkdtemp(dir=self.tree.parent, prefix=".new-"))
        try:
            for path, content in self._files.contents.items():
                file = partial / posixpath.normpath(path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            with contextlib.suppress(OSError):  # another run was quicker
                partial.rename(self.tree)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def scratch_folder(cache: Path) -> Iterator[Path]:
    """A folder for secrets that is gone after the block, and after a crash with the next run."""
    base = cache / "terraform" / "scratch"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    base.chmod(0o700)
    host = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())
    for left in base.iterdir():
        # Numbers of processes mean something on one machine only; containers may share the cache.
        pid, _, where = left.name.rpartition("-")[0].partition("-")
        if where == host and pid.isdigit() and not _is_running(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    _remove_old(base)
    folder = Path(tempfile.mkdtemp(dir=base, prefix=f"{os.getpid()}-{host}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _remove_old(folder: Path) -> None:
    oldest = time.time() - _KEPT_DAYS * 86_400
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if entry.stat().st_mtime < oldest:
                shutil.rmtree(entry, ignore_errors=True)
