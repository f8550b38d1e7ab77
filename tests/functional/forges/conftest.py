"""The forges that the same tests run on: a folder, a Git server over HTTP, GitHub's stand-in."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lockstep.forge.base import Forge
from lockstep.forge.local import LocalForge
from tests.functional.forges.ground import Ground
from tests.support.git_http import git_server
from tests.unit.git.conftest import Work, _own_configuration

__all__ = ["_own_configuration"]


@dataclass(frozen=True, kw_only=True)
class LocalGround:
    """A local forge: a bare repository, by its folder or over HTTP."""

    work: Work
    place: str
    cache: Path

    def open(self) -> Forge:
        """A client with the cache that this machine's clients share."""
        return LocalForge(self.place, self.cache)

    def comments(self, number: int) -> list[str]:
        """The bodies of comments."""
        return [note.body for note in LocalForge(self.place, self.cache).comments(number)]


@pytest.fixture(params=["folder", "http"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """A forge whose main has one commit."""
    work = clone_of_new(tmp_path)
    if request.param == "folder":
        place = str(tmp_path / "served" / "gitops.git")
        yield LocalGround(work=work, place=place, cache=tmp_path / "cache")
        return
    with git_server(tmp_path / "served") as server:
        yield LocalGround(work=work, place=server.url("gitops.git"), cache=tmp_path / "cache")


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
