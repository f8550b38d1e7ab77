"""The forges that the same tests run on: a local one, and GitHub's stand-in."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from lockstep.forge.base import Forge
from lockstep.forge.local import LocalForge
from tests.functional.forges.ground import Ground
from tests.unit.git.conftest import Work, _own_configuration

__all__ = ["_own_configuration"]


@dataclass(frozen=True, kw_only=True)
class LocalGround:
    """A local forge on a bare repository."""

    work: Work
    place: str
    cache: Path

    def open(self) -> Forge:
        """A client with the cache that this machine's clients share."""
        return LocalForge(self.place, self.cache)

    def comments(self, number: int) -> list[str]:
        """The bodies of comments."""
        return [note.body for note in LocalForge(self.place, self.cache).comments(number)]


@pytest.fixture(params=["local"])
def ground(tmp_path: Path) -> Ground:
    """A forge whose main has one commit."""
    work = clone_of_new(tmp_path)
    place = str(tmp_path / "served" / "gitops.git")
    return LocalGround(work=work, place=place, cache=tmp_path / "cache")


def clone_of_new(folder: Path) -> Work:
    """A clone of the new bare repository ``served/gitops.git``, whose main has one commit."""
    bare = folder / "served" / "gitops.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    subprocess.run(["git", "-C", str(bare), "config", "http.receivepack", "true"], check=True)
    work = Work(folder / "work")
    subprocess.run(["git", "clone", "-q", str(bare), str(work.folder)], check=True, capture_output=True)
    work.commit("begin", README="A repository\n", version="0\n")
    work.git("push", "-q", "origin", "HEAD:refs/heads/main")
    work.git("fetch", "-q", "origin")
    return work
