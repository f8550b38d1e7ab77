"""A small repository to build from, away from whatever the machine has configured."""

import os
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from lockstep.artifacts.building import build
from lockstep.model import Build, Builder, Built, Source


@dataclass(frozen=True)
class Shop:
    """A tree with the source of one service, ``app``, in ``src/app``."""

    root: Path

    @property
    def folder(self) -> Path:
        """The function's source."""
        return self.root / "src" / "app"

    def write(self, name: str, content: str | bytes = "x\n") -> Path:
        """Write a file of the source."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def build(
        self,
        builder: str,
        *,
        into: str = "out.zip",
        files: tuple[str, ...] | None = None,
        submodules: tuple[str, ...] = (),
        stop: threading.Event | None = None,
        version: str | None = None,
        commit: str | None = None,
        **fields: object,
    ) -> Built:
        """Build the service."""
        how = {"path": "src/app", "place": "lockstep.yaml:4", **fields}
        source = Source(service="app", build=Build(builder=Builder(builder), **how), place="lockstep.yaml:2")  # type: ignore[arg-type]
        return build(
            source,
            root=self.root,
            into=self.root / into,
            files=files,
            submodules=submodules,
            stop=stop,
            version=version,
            commit=commit,
        )


def contents(built: Built) -> Mapping[str, bytes]:
    """What a package holds."""
    with zipfile.ZipFile(built.path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A tree with an empty source."""
    made = Shop(tmp_path / "a tree")
    made.folder.mkdir(parents=True)
    return made


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, the only place that pip and uv look at."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in [*os.environ]:
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    for name, value in {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_CACHE_DIR": str(tmp_path / "pip"),
        "UV_NO_CONFIG": "1",
        "UV_OFFLINE": "1",
        "UV_FIND_LINKS": str(folder),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
    }.items():
        monkeypatch.setenv(name, value)
    return folder
